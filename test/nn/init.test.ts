import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { ArgumentError, Conv2d, DTypeError, Generator, Linear, ShapeError, StateError, type Tensor, empty, init, manualSeed, ones, rand, tensor } from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

const digest = (t: Tensor): string => {
  const cells = t.data();
  return createHash('sha1').update(new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength)).digest('hex').slice(0, 16);
};

interface Recorded {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'float64';
  /** A digest of the bytes, or the first values where double-precision functions or another order of sums take part. */
  readonly values: string | readonly number[];
  /** A uniform number drawn after it. */
  readonly next: number;
}

const recorded = (JSON.parse(readFileSync(new URL('../fixtures/random.json', import.meta.url), 'utf8')) as { readonly init: readonly Recorded[] }).init;

const fills: Readonly<Record<string, (t: Tensor) => Tensor>> = {
  uniform_: (t) => init.uniform_(t, -0.1, 0.3),
  normal_: (t) => init.normal_(t, 1, 0.02),
  xavierUniform_: (t) => init.xavierUniform_(t, init.calculateGain('tanh')),
  xavierNormal_: (t) => init.xavierNormal_(t),
  kaimingUniform_: (t) => init.kaimingUniform_(t, { a: Math.sqrt(5) }),
  'kaimingUniform_ fanOut': (t) => init.kaimingUniform_(t, { mode: 'fanOut', nonlinearity: 'relu' }),
  kaimingNormal_: (t) => init.kaimingNormal_(t),
  'kaimingNormal_ tanh': (t) => init.kaimingNormal_(t, { nonlinearity: 'tanh' }),
  truncNormal_: (t) => init.truncNormal_(t, 0.5, 0.2, 0.1, 0.8),
  orthogonal_: (t) => init.orthogonal_(t, 2),
  sparse_: (t) => init.sparse_(t, 0.3),
};

test('numbers are recorded for every initialiser that draws', () => {
  equal([...new Set(recorded.map(({ name }) => name))], Object.keys(fills));
  const plain = ['constant_', 'ones_', 'zeros_', 'eye_', 'dirac_', 'calculateGain'];
  equal(Object.keys(init).filter((name) => !plain.includes(name) && !Object.hasOwn(fills, name)), []);
});

for (const [name, fill] of Object.entries(fills)) {
  test(`${name}: PyTorch's numbers for PyTorch's seeds`, () => {
    for (const { shape, dtype, values, next } of recorded.filter((r) => r.name === name)) {
      manualSeed(5);
      const t = empty(shape, { dtype });
      ok(fill(t) === t);
      const where = `${dtype}[${shape.join(', ')}]`;
      if (typeof values === 'string') is(digest(t), values, where);
      else allClose(t.data().slice(0, 20), values, dtype === 'float32' ? { rtol: 2e-5, atol: 1e-6 } : { rtol: 1e-11, atol: 1e-12 });
      is(rand([1], { dtype: 'float64' }).item(), next, `${where}: another number of draws`);
    }
  });
}

test('Linear and Conv2d begin with PyTorch\'s weights', () => {
  manualSeed(5);
  const linear = new Linear(5, 3);
  equal([digest(linear.weight), linear.bias && digest(linear.bias)], ['eb4b22a120faa6e2', '8e5339e53a952611']);
  manualSeed(5);
  const conv = new Conv2d(2, 4, 3);
  equal([digest(conv.weight), conv.bias && digest(conv.bias)], ['ac43a1ced101fa6e', '21687621167c716d']);
});

test('a generator of its own leaves the default one alone', () => {
  manualSeed(1);
  const expected = empty([3]).uniform_().data();
  manualSeed(1);
  const t = init.kaimingNormal_(empty([4, 5]), { generator: new Generator(2) });
  allClose(t, init.kaimingNormal_(empty([4, 5]), { generator: new Generator(2) }), { rtol: 0, atol: 0 });
  equal(empty([3]).uniform_().data(), expected);
});

test('an orthogonal matrix has orthonormal columns or rows', () => {
  for (const shape of [[4, 7], [7, 4], [3, 2, 5]]) {
    const q = init.orthogonal_(empty(shape, { dtype: 'float64' })).reshape([shape[0], -1]);
    const small = q.shape[0] < q.shape[1] ? q.matmul(q.t()) : q.t().matmul(q);
    allClose(small, init.eye_(empty([...small.shape], { dtype: 'float64' })), { rtol: 0, atol: 1e-12 });
  }
});

test('plain fills', () => {
  equal(init.constant_(empty([2]), 3.5).array(), [3.5, 3.5]);
  equal(init.ones_(empty([2])).array(), [1, 1]);
  equal(init.zeros_(ones([2])).array(), [0, 0]);
  equal(init.eye_(ones([2, 3])).array(), [[1, 0, 0], [0, 1, 0]]);
  equal(init.dirac_(ones([4, 2, 3]), 2).array(), [[[0, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 1, 0]], [[0, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 1, 0]]]);
});

test('numbers stand by position or by name', () => {
  const drawn = (fill: (t: Tensor) => Tensor): unknown => {
    manualSeed(5);
    return fill(empty([4, 3])).array();
  };
  equal(drawn((t) => init.uniform_(t, { a: -1, b: 2 })), drawn((t) => init.uniform_(t, -1, 2)));
  equal(drawn((t) => init.normal_(t, 1, { std: 2 })), drawn((t) => init.normal_(t, 1, 2)));
  equal(drawn((t) => init.xavierUniform_(t, { gain: 2 })), drawn((t) => init.xavierUniform_(t, 2)));
  equal(drawn((t) => init.xavierNormal_(t, { gain: 2 })), drawn((t) => init.xavierNormal_(t, 2)));
  equal(drawn((t) => init.kaimingUniform_(t, 2, { mode: 'fan_out' })), drawn((t) => init.kaimingUniform_(t, { a: 2, mode: 'fanOut' })));
  equal(drawn((t) => init.truncNormal_(t, { std: 0.5, a: -1 })), drawn((t) => init.truncNormal_(t, 0, 0.5, -1)));
  equal(drawn((t) => init.orthogonal_(t, { gain: 3 })), drawn((t) => init.orthogonal_(t, 3)));
  equal(drawn((t) => init.sparse_(t, { sparsity: 0.5 })), drawn((t) => init.sparse_(t, 0.5)));
  throwsError(() => init.uniform_(empty([2]), { low: 1 } as never), ArgumentError, /uniform_: unknown option, got 'low'/);
});

test('gains', () => {
  is(init.calculateGain('linear'), 1);
  is(init.calculateGain('convTranspose2d'), 1);
  is(init.calculateGain('tanh'), 5 / 3);
  is(init.calculateGain('relu'), Math.SQRT2);
  is(init.calculateGain('selu'), 0.75);
  is(init.calculateGain('leaky_relu', 0.2), init.calculateGain('leakyRelu', 0.2));
  is(init.calculateGain('conv_transpose2d'), 1);
  allClose(init.calculateGain('leakyRelu'), 1.4141428569978354, { rtol: 1e-15 });
  allClose(init.calculateGain('leakyRelu', Math.sqrt(5)), Math.sqrt(1 / 3), { rtol: 1e-15 });
});

test('leaves that require grad are filled, and stay leaves', () => {
  const w = empty([3, 2], { requiresGrad: true });
  init.xavierUniform_(w);
  init.truncNormal_(w);
  init.eye_(w);
  ok(w.isLeaf && w.requiresGrad);
  throwsError(() => w.uniform_(), StateError, /written in place/);
});

test('bad arguments are refused before anything is written', () => {
  const t = ones([2, 2]);
  throwsError(() => init.kaimingUniform_(ones([3])), ShapeError, /kaimingUniform_: fans are not defined, got float32\[3\]/);
  throwsError(() => init.kaimingNormal_(t, { mode: 'fanin' as never }), ArgumentError, /unknown mode, got 'fanin'/);
  throwsError(() => init.kaimingNormal_(t, { nonlinearity: 'gelu' as never }), ArgumentError, /unknown nonlinearity, got 'gelu'/);
  throwsError(() => init.kaimingNormal_(t, { slope: 1 } as never), ArgumentError, /unknown option, got 'slope'/);
  throwsError(() => init.xavierNormal_(t, -1), ArgumentError, /invalid gain, got -1/);
  throwsError(() => init.truncNormal_(t, 0, 1, 2, 1), ArgumentError, /not a range, got 2 to 1/);
  throwsError(() => init.truncNormal_(tensor([1], { dtype: 'int64' })), DTypeError, /truncNormal_: not a float tensor/);
  throwsError(() => init.eye_(ones([2])), ShapeError, /eye_: not a matrix/);
  throwsError(() => init.dirac_(ones([3, 2, 1]), 2), ShapeError, /groups do not divide/);
  throwsError(() => init.sparse_(t, 1.5), ArgumentError, /invalid sparsity, got 1.5/);
  throwsError(() => init.orthogonal_(ones([2])), ShapeError, /orthogonal_: not a matrix/);
  throwsError(() => init.uniform_([1] as never), ArgumentError, /uniform_: not a tensor/);
  equal(t.array(), [[1, 1], [1, 1]]);
});

test.run();

import { createHash } from 'node:crypto';
import { test } from 'uvu';
import { ArgumentError, Conv2d, DTypeError, Generator, Linear, ShapeError, StateError, type Tensor, empty, init, manualSeed, ones, tensor } from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

const digest = (t: Tensor): string => {
  const cells = t.data();
  return createHash('sha1').update(new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength)).digest('hex').slice(0, 16);
};

// First 16 digits of the SHA-1 of what PyTorch 1.13 gives for seed 5, for shapes (20, 7) and (6, 2, 3, 3).
const recorded: readonly (readonly [name: string, fill: (t: Tensor) => Tensor, matrix: string, kernel: string])[] = [
  ['kaimingUniform_ with a', (t) => init.kaimingUniform_(t, { a: Math.sqrt(5) }), 'e6c3934020a26900', 'b3fc727ac5b6e50b'],
  ['kaimingUniform_ with mode', (t) => init.kaimingUniform_(t, { mode: 'fanOut', nonlinearity: 'relu' }), 'e39007fbf2649c73', 'd3b80d467a69246d'],
  ['kaimingNormal_', (t) => init.kaimingNormal_(t), '18f6055b3d979b7c', 'd4494bdb2498fb20'],
  ['kaimingNormal_ with nonlinearity', (t) => init.kaimingNormal_(t, { nonlinearity: 'tanh' }), 'b32dedaf765fb967', '967f42a72e2e560b'],
  ['xavierUniform_', (t) => init.xavierUniform_(t, init.calculateGain('tanh')), '3a2f1afb88465b4d', '741dc7fb9ac2c42c'],
  ['xavierNormal_', (t) => init.xavierNormal_(t), '9f500f608c004c0f', '0fa5a80cc996c66b'],
  ['uniform_', (t) => init.uniform_(t, -0.1, 0.3), 'e0648470a5134b73', '6b29570f66fb1f9e'],
  ['normal_', (t) => init.normal_(t, 1, 0.02), 'ff068e596aa3dc2b', '343cbef07888f3f1'],
];

for (const [name, fill, matrix, kernel] of recorded) {
  test(`${name}: PyTorch's numbers to the last bit`, () => {
    for (const [shape, expected] of [[[20, 7], matrix], [[6, 2, 3, 3], kernel]] as const) {
      manualSeed(5);
      const t = empty(shape);
      ok(fill(t) === t);
      is(digest(t), expected);
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

test('truncNormal_, orthogonal_ and sparse_', () => {
  manualSeed(5);
  allClose(init.truncNormal_(empty([2, 3]), 0.5, 0.2, 0.1, 0.8).data(), [0.6535262, 0.2817368, 0.7063875, 0.6472737, 0.7164701, 0.2737253], { rtol: 1e-6 });
  manualSeed(5);
  allClose(init.orthogonal_(empty([2, 3]), 2).data(), [-1.0188763, -1.2638534, -1.168146, -0.0259297, -1.3460815, 1.4789835], { rtol: 1e-5 });
  manualSeed(5);
  allClose(init.orthogonal_(empty([3, 2]), 2).data(), [-1.2702715, -0.960627, -1.4563718, 0.2223703, -0.5151617, 1.7400426], { rtol: 1e-5 });
  manualSeed(5);
  is(digest(init.sparse_(empty([20, 7]), 0.3)), 'c93f9339a7deae2a');
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

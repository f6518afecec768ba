import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import {
  ArgumentError, type DType, DTypeError, F, Generator, ShapeError, StateError, type Tensor, arange, bernoulli, binomial, deepCopy, defaultGenerator, dropout, empty, manualSeed, multinomial, normal, ones, poisson, rand,
  randLike, randint, randintLike, randn, randnLike, randperm, slice, tensor, zeros,
} from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

interface Case {
  readonly name: string;
  readonly seed: number;
  readonly n: number;
  readonly dtype: 'float32' | 'float64' | 'whole';
  /** A digest of the bytes, or the first values where PyTorch goes through libm in double precision. */
  readonly values: string | readonly number[];
  /** A uniform number drawn after it. */
  readonly next: number;
}

interface Recorded {
  readonly cases: readonly Case[];
  readonly sequence: readonly (readonly number[])[];
  readonly layouts: Readonly<Record<'turned' | 'part', readonly number[]>>;
  readonly likes: readonly { readonly name: string; readonly layout: string; readonly values: readonly number[] }[];
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/random.json', import.meta.url), 'utf8')) as Recorded;

const draws: Readonly<Record<string, (n: number, dtype: DType) => Tensor>> = {
  rand: (n, dtype) => rand([n], { dtype }),
  randn: (n, dtype) => randn([n], { dtype }),
  uniform: (n, dtype) => empty([n], { dtype }).uniform_(-0.37, 1.91),
  normal: (n, dtype) => empty([n], { dtype }).normal_(0.5, 2.3),
  exponential: (n, dtype) => empty([n], { dtype }).exponential_(2.5),
  bernoulli: (n, dtype) => empty([n], { dtype }).bernoulli_(0.3),
  bernoulliEach: (n, dtype) => bernoulli(rand([n], { dtype })),
  random: (n, dtype) => empty([n], { dtype }).random_(),
  dropout: (n, dtype) => dropout(ones([n], { dtype }), 0.3),
  cauchy: (n, dtype) => empty([n], { dtype }).cauchy_(0.5, 2.5),
  geometric: (n, dtype) => empty([n], { dtype }).geometric_(0.2),
  logNormal: (n, dtype) => empty([n], { dtype }).logNormal_(0.25, 0.75),
  normalEach: (n, dtype) => normal(arange(n, { dtype }), arange(n, { dtype }).div(4)),
  poissonFew: (n, dtype) => poisson(arange(n, { dtype }).remainder(40).div(4)),
  poissonMany: (n, dtype) => poisson(arange(n, { dtype }).mul(1.75).add(10)),
  binomialFew: (n, dtype) => binomial(arange(n, { dtype }).remainder(9), arange(n, { dtype }).remainder(21).div(20)),
  binomialMany: (n, dtype) => binomial(arange(n, { dtype }).mul(3).add(20), arange(n, { dtype }).remainder(19).div(20).add(0.0625)),
  dropoutInPlace: (n, dtype) => dropout(arange(n, { dtype }), 0.3, { inplace: true }),
  dropout1d: (n, dtype) => F.dropout1d(ones([n, 2, 3], { dtype }), 0.6),
  dropout2d: (n, dtype) => F.dropout2d(ones([n, 2, 2, 1], { dtype }), 0.6),
  dropout3d: (n, dtype) => F.dropout3d(ones([n, 2, 1, 2, 1], { dtype }), 0.6),
  alphaDropout: (n, dtype) => F.alphaDropout(arange(n, { dtype }), 0.3, { training: true }),
  featureAlphaDropout: (n, dtype) => F.featureAlphaDropout(arange(2 * n, { dtype }).reshape([n, 1, 2]), 0.3, { training: true }),
  rrelu: (n, dtype) => F.rrelu(arange(n, { dtype }).remainder(7).sub(4), { training: true }),
  fractionalMaxPool2d: (n, dtype) => F.fractionalMaxPool2d(arange(n * 63, { dtype }).reshape([n, 7, 9]), 2, { outputSize: [3, 4] }),
  fractionalMaxPool3d: (n, dtype) => F.fractionalMaxPool3d(arange(n * 120, { dtype }).reshape([n, 5, 4, 6]), [2, 1, 2], { outputRatio: [0.5, 0.6, 0.6] }),
  gumbelSoftmax: (n, dtype) => F.gumbelSoftmax(arange(n, { dtype }).remainder(5).div(4), { tau: 0.5, dim: 0 }),
  gumbelSoftmaxHard: (n, dtype) => F.gumbelSoftmax(arange(2 * n, { dtype }).reshape([n, 2]).remainder(5).div(4), { hard: true }),
  multinomialRows: (n, dtype) => multinomial(rand([3, n], { dtype }).add(0.1), Math.max(1, Math.floor(n / 2))),
  multinomialRowsAgain: (n, dtype) => multinomial(rand([3, n], { dtype }), 5, { replacement: true }),
  randintWide: (n) => randint(0, 2 ** 40, [n], { dtype: 'float64' }),
  randintLike: (n) => randintLike(empty([n], { dtype: 'int32' }), -5, 100),
  geometricInt: (n) => empty([n], { dtype: 'int32' }).geometric_(0.1),
  bernoulliByte: (n) => empty([n], { dtype: 'uint8' }).bernoulli_(0.4),
  randint: (n) => randint(-5, 100, [n]),
  randperm: (n) => randperm(n),
  randomBool: (n) => empty([n], { dtype: 'bool' }).random_(),
  randomByte: (n) => empty([n], { dtype: 'uint8' }).random_(),
  randomInt: (n) => empty([n], { dtype: 'int32' }).random_(),
  randomBounds: (n) => empty([n], { dtype: 'int32' }).random_(-3, 12),
  randomWide: (n) => empty([n], { dtype: 'float64' }).random_(0, 2 ** 40),
  multinomial: (n) => multinomial(rand([n]).add(0.1), Math.max(1, Math.floor(n / 2))),
  multinomialAgain: (n) => rand([n]).multinomial(n + 3, { replacement: true }),
};

const digest = (t: Tensor): string => {
  const cells = t.data();
  return createHash('sha1').update(new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength)).digest('hex').slice(0, 16);
};

for (const name of Object.keys(draws)) {
  test(`${name}: PyTorch's numbers for PyTorch's seeds`, () => {
    const cases = recorded.cases.filter((c) => c.name === name);
    ok(cases.length > 0, 'nothing recorded');
    for (const { seed, n, dtype, values, next } of cases) {
      const where = `seed ${seed}, ${n} numbers, ${dtype}`;
      manualSeed(seed);
      const drawn = draws[name](n, dtype === 'whole' ? 'float32' : dtype);
      if (typeof values === 'string') is(digest(drawn), values, where);
      else allClose(drawn.data().slice(0, 20), values, dtype === 'float32' ? { rtol: 1e-6, atol: 1e-7 } : { rtol: 1e-12, atol: 1e-14 });
      is(rand([1], { dtype: 'float64' }).item(), next, `${where}: another number of draws`);
    }
  });
}

test('nothing recorded goes untested', () => {
  equal([...new Set(recorded.cases.map(({ name }) => name))].filter((name) => !Object.hasOwn(draws, name)), []);
});

test('a sequence of mixed calls, with kept normal values', () => {
  manualSeed(11);
  const [mean, std] = [tensor([1, 2]), tensor([0.5, 3])];
  const parts = [
    randn([3]), rand([2]), randn([2]), randn([1], { dtype: 'float64' }).float(), randperm(7).float(), randn([20]), randn([1]), empty([5]).bernoulli_(0.5), randn([17]),
    empty([3]).normal_(1, 2), randint(10, [4]).float(), randn([1]), normal(mean, std), normal(2, tensor([0.5, 3, 1])), normal(mean, 0.3), normal(1, 2, [2, 8]), rand([1]),
  ];
  parts.forEach((part, i) => allClose(part.data(), recorded.sequence[i], { rtol: 0, atol: i === 14 || i === 13 || i === 12 ? 3e-7 : 0 }));
});

test('tensors that are not row-major are filled in the order of memory', () => {
  manualSeed(1);
  const turned = empty([4, 6]).t();
  turned.normal_();
  const part = zeros([5, 6]);
  const windowed = part.narrow(0, 1, 3).unflatten(1, [3, 2]).select(2, 0);
  windowed.uniform_();
  allClose(turned.data(), recorded.layouts.turned, { rtol: 1e-6, atol: 1e-7 });
  allClose(part.data(), recorded.layouts.part, { rtol: 0, atol: 0 });
  const p = rand([2, 3]);
  manualSeed(2);
  const across = empty([3, 2]).t().bernoulli_(p);
  manualSeed(2);
  allClose(across, bernoulli(p.t().contiguous()).t(), { rtol: 0, atol: 0 });
});

test('what is drawn like a tensor that is not row-major is drawn in the order of its memory', () => {
  const x = arange(24).float().reshape([2, 3, 4]).div(24).add(0.01);
  const layouts: Readonly<Record<string, Tensor>> = {
    permuted: x.permute([2, 0, 1]),
    'every other': x.permute([2, 0, 1]).index('...', slice(null, null, 2)),
    expanded: x.narrow(0, 0, 1).transpose(1, 2).expand([5, 4, 3]),
    'row-major': x.permute([2, 0, 1]).permute([1, 2, 0]),
  };
  const fns: Readonly<Record<string, (y: Tensor) => Tensor>> = {
    randLike, randnLike, randintLike: (y) => randintLike(y, 0, 9), bernoulli, multinomial: (y) => multinomial(y.select(1, 0), 2), dropout: (y) => dropout(y, 0.5),
  };
  is(recorded.likes.length, Object.keys(layouts).length * Object.keys(fns).length);
  for (const { name, layout, values } of recorded.likes) {
    manualSeed(1);
    allClose(fns[name](layouts[layout]).data(), values, { rtol: 1e-6, atol: 0 });
  }
});

test('manualSeed returns the default generator and starts anew', () => {
  ok(manualSeed(3) === defaultGenerator);
  const first = randn([3]).data();
  manualSeed(3);
  equal(randn([3]).data(), first);
  is(defaultGenerator.initialSeed(), 3);
});

test('a generator is a stream of its own, with PyTorch’s default seed', () => {
  is(new Generator().initialSeed(), 67280421310721);
  manualSeed(5);
  const generator = new Generator(5);
  equal(rand([4], { generator }).data(), rand([4]).data());
  equal(new Generator(5).manualSeed(7).random(), new Generator(7).random());
  is(new Generator(0).random(), 2357136044);
  is(new Generator(0).random64(), (2357136044n << 32n) | 2546248239n);
});

test('seed draws another seed each time', () => {
  const generator = new Generator(1);
  const [a, b] = [generator.seed(), generator.seed()];
  ok(a !== b && Number.isSafeInteger(a) && a >= 0);
  is(generator.initialSeed(), b);
});

test('a state goes through JSON and brings back every number, kept normal values too', () => {
  const generator = new Generator(9);
  randn([3], { generator });
  const state = JSON.parse(JSON.stringify(generator.getState())) as ReturnType<Generator['getState']>;
  ok(state.nextNormal !== null);
  const expected = [...randn([4], { generator }).data(), ...rand([700], { generator }).data()];
  const other = new Generator(1).setState(state);
  equal([...randn([4], { generator: other }).data(), ...rand([700], { generator: other }).data()], expected);
  is(other.initialSeed(), 9);
});

test('clone and deepCopy go on from the same state, on their own', () => {
  const generator = new Generator(2);
  randn([1], { generator });
  const copies = [generator.clone(), deepCopy(generator)];
  const expected = randn([20], { generator }).data();
  for (const copy of copies) equal(randn([20], { generator: copy }).data(), expected);
});

test('states that are none are refused and change nothing', () => {
  const generator = new Generator(4);
  const before = generator.getState();
  const bad: unknown[] = [null, {}, { ...before, engine: [1, 2] }, { ...before, engine: before.engine.with(0, 624) }, { ...before, nextNormal: 'x' }, { ...before, seed: 0.5 }];
  for (const state of bad) throwsError(() => generator.setState(state as never), ArgumentError, /^setState: .*, got .*; expected/);
  equal(generator.getState(), before);
});

test('seeds are whole numbers of at most 53 bits', () => {
  for (const seed of [0.5, NaN, 2 ** 53, '1', undefined]) throwsError(() => manualSeed(seed as number), ArgumentError, /manualSeed: not a seed/);
  throwsError(() => new Generator(Infinity), ArgumentError, /Generator: not a seed/);
});

test('shapes, dtypes and requiresGrad', () => {
  equal([...rand([2, 0, 3]).shape], [2, 0, 3]);
  equal([...randn([]).shape], []);
  is(randint(3, [2]).dtype, 'int64');
  is(randint(3, [2], { dtype: 'uint8' }).dtype, 'uint8');
  is(randperm(4, { dtype: 'int32' }).dtype, 'int32');
  is(randn([2], { requiresGrad: true }).requiresGrad, true);
  is(randLike(tensor([1, 2], { dtype: 'float64' })).dtype, 'float64');
  equal([...randnLike(tensor([[1], [2]])).shape], [2, 1]);
  is(normal(tensor([1], { dtype: 'float64' }), 2).dtype, 'float64');
  equal([...multinomial(rand([3, 5]), 2).shape], [3, 2]);
  equal([...randperm(0).shape], [0]);
});

test('whole numbers stay within their bounds and reach them', () => {
  manualSeed(0);
  const x = randint(-2, 3, [200]).data();
  equal([Math.min(...x), Math.max(...x)], [-2, 2]);
  equal([...randperm(50).data()].sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i));
});

test('bad arguments are refused before anything is drawn', () => {
  manualSeed(6);
  const before = JSON.stringify(defaultGenerator.getState());
  throwsError(() => rand([2, -1]), ShapeError, /rand: not a shape/);
  throwsError(() => rand([2], { dtype: 'int64' }), DTypeError, /rand: not a float dtype, got int64/);
  throwsError(() => randn([2], { seed: 1 } as never), ArgumentError, /randn: unknown option, got 'seed'/);
  throwsError(() => rand([2], { generator: 5 as never }), ArgumentError, /rand: not a generator, got 5/);
  throwsError(() => randint(3, 3, [2]), ArgumentError, /randint: not a range of whole numbers, got 3 to 3/);
  throwsError(() => randint(0.5, [2]), ArgumentError, /randint: not a range/);
  throwsError(() => randint(0, 300, [2], { dtype: 'uint8' }), DTypeError, /randint: value does not fit uint8, got 299/);
  throwsError(() => randint(0, 2 ** 40, [2]), DTypeError, /does not fit int64/);
  throwsError(() => randint(3, [2], { requiresGrad: true }), DTypeError, /only floats carry gradients/);
  throwsError(() => randperm(-1), ArgumentError, /randperm: not a count, got -1/);
  throwsError(() => normal(0, -1, [2]), ArgumentError, /normal: invalid std, got -1/);
  throwsError(() => normal(tensor([0]), tensor([-1])), ArgumentError, /normal: a std is negative or NaN/);
  throwsError(() => bernoulli(tensor([0.5, 1.5])), ArgumentError, /bernoulli: not a probability, got 1.5/);
  throwsError(() => bernoulli(tensor([0, 1], { dtype: 'int64' })), DTypeError, /bernoulli: not a float dtype/);
  throwsError(() => multinomial(tensor([1, -1]), 1), ArgumentError, /multinomial: not a weight, got -1/);
  throwsError(() => multinomial(tensor([1, NaN]), 1), ArgumentError, /multinomial: not a weight, got NaN/);
  throwsError(() => multinomial(tensor([0, 0]), 1), ArgumentError, /multinomial: too few weights above 0, got 0 of 2/);
  throwsError(() => multinomial(tensor([1, 0]), 2), ArgumentError, /too few weights above 0, got 1 of 2; expected at least 2/);
  throwsError(() => multinomial(tensor([1, 1]), 3), ShapeError, /multinomial: invalid numSamples, got 3/);
  throwsError(() => empty([2]).uniform_(1, 0), ArgumentError, /uniform_: not a range, got 1 to 0/);
  throwsError(() => empty([2]).normal_(0, NaN), ArgumentError, /normal_: invalid std, got NaN/);
  throwsError(() => empty([2]).bernoulli_(2), ArgumentError, /bernoulli_: invalid p, got 2/);
  throwsError(() => empty([2]).exponential_(0), ArgumentError, /exponential_: invalid rate, got 0/);
  throwsError(() => empty([2], { dtype: 'int64' }).uniform_(), DTypeError, /uniform_: not a float tensor/);
  throwsError(() => empty([2], { dtype: 'int64' }).random_(), DTypeError, /random_: 63 random bits do not fit/);
  throwsError(() => empty([2], { dtype: 'uint8' }).random_(0, 257), DTypeError, /random_: value does not fit uint8/);
  throwsError(() => empty([1]).expand([3]).uniform_(), StateError, /uniform_: several elements share one cell/);
  is(JSON.stringify(defaultGenerator.getState()), before);
});

test('writing in place is seen by autograd', () => {
  throwsError(() => ones([2], { requiresGrad: true }).normal_(), StateError, /normal_: a leaf that requires grad was written in place/);
  const x = ones([3], { requiresGrad: true });
  const y = x.mul(2);
  const version = y.storage.version;
  y.uniform_();
  ok(y.storage.version > version);
  y.sum().backward();
  allClose(x.grad?.data() ?? [], [0, 0, 0]);
});

test.run();

import { test } from 'uvu';
import type { DType } from '../../../../core/dtype.ts';
import { addressOf } from '../../../../core/cpu/engine.ts';
import { fastPointwise } from '../../../../core/cpu/fast/pointwise.ts';
import { pointwiseKernel } from '../../../../core/cpu/pointwise.ts';
import { type PointwiseSpec, flatKernel, planeKernel } from '../../../../core/cpu/wasm/pointwise.ts';
import { isVectorizable } from '../../../../core/cpu/wasm/pointwise-graph.ts';
import { type Expr, arg, e } from '../../../../core/expr.ts';
import type { Operand } from '../../../../core/tape.ts';
import { lgammaOf } from '../../../../core/ops/special.ts';
import { type Tensor, empty, setNumThreads, tensor } from '../../../../index.ts';
import { allClose, equal, is, ok } from '../../../assert.ts';

const [x, y, z, w] = [arg(0), arg(1), arg(2), arg(3)];

const odd = [0, -0, 1, -1, NaN, Infinity, -Infinity, 0.5, -0.5, 1.5, 2.5, -2.5, 1e-45, -1e-45, 3e38, -3e38, 16777217, 2147483648, -2147483648, 0.1];
let seed = 1;
const random = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) | 0) / 2 ** 31;
/** Odd values and others between -3 and 3. */
const some = (i: number): number => (i % 3 === 1 ? odd[Math.floor((i / 3) % odd.length)] : Math.fround(random() * 3));
const tame = (): number => Math.fround(random() * 3);

function make(shape: readonly number[], dtype: DType = 'float32', value: (i: number) => number = tame): Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  const whole = dtype === 'float32' || dtype === 'float64' ? value : (i: number) => Math.abs(Math.trunc(value(i) * 3) % 200 || 0);
  return tensor(Array.from({ length: n }, (_, i) => (dtype === 'bool' ? Number(value(i) > 0) : whole(i))), { dtype }).reshape(shape);
}

const guard = 77;

/** A result with a guarded element before and after it. */
function guarded(shape: readonly number[], dtype: DType): { readonly out: Tensor; readonly intact: () => boolean } {
  const n = shape.reduce((a, b) => a * b, 1);
  const whole = empty([n + 2], { dtype });
  whole.fill_(dtype === 'bool' ? 1 : guard);
  const ends = (): number[] => [Number(whole.at(0).item()), Number(whole.at(n + 1).item())];
  const before = ends();
  return { out: whole.narrow(0, 1, n).reshape(shape), intact: () => ends().every((v, i) => v === before[i]) };
}

/** Runs an expression fast and by the reference, and returns both results. */
function both(expr: Expr, shape: readonly number[], inputs: readonly Operand[], dtype: DType = 'float32', number = 0): { readonly fast: Tensor; readonly slow: Tensor } {
  const { out, intact } = guarded(shape, dtype);
  const slow = empty(shape, { dtype });
  const kernel = fastPointwise<undefined>(() => '', () => expr, () => number);
  ok(kernel([out], inputs, undefined), `not done: ${JSON.stringify(expr)} for [${shape.join(', ')}]`);
  ok(intact(), `written beyond the end of [${shape.join(', ')}]`);
  pointwiseKernel<undefined>(() => '', () => expr, () => number)([slow], inputs, undefined);
  return { fast: out, slow };
}

function same(expr: Expr, shape: readonly number[], inputs: readonly Operand[], dtype: DType = 'float32', number = 0): void {
  const { fast, slow } = both(expr, shape, inputs, dtype, number);
  equal([...fast.data()], [...slow.data()], `${JSON.stringify(expr)} for [${shape.join(', ')}]`);
}

const lengths = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 63, 64, 70];

test('exact functions agree with the reference to the bit, for every length and odd values', () => {
  const exact = [
    e.add(x, y), e.sub(x, y), e.mul(x, y), e.div(x, y), e.min(x, y), e.max(x, y), e.neg(x), e.abs(x), e.sign(x), e.floor(x), e.ceil(x), e.trunc(x), e.round(x), e.sqrt(x),
    e.eq(x, y), e.ne(x, y), e.lt(x, y), e.le(x, y), e.gt(x, y), e.ge(x, y), e.and(x, y), e.or(x, y), e.xor(x, y), e.not(x), e.isNaN(x), e.select(x, y, 2), e.select(e.le(x, 0), 0, x),
    e.select(e.gt(x, y), x, 0), e.sub(e.gt(x, 0), e.lt(x, 0)), e.select(e.or(e.le(x, -1), e.ge(x, 1)), 0, y), e.mul(e.gt(x, 0), y), e.eq(e.sub(x, x), 0), e.select(e.not(e.and(x, y)), x, y),
  ];
  for (const expr of exact) {
    for (const n of lengths) {
      const [a, b] = [make([n], 'float32', some), make([n], 'float32', (i) => some(i + 1))];
      same(expr, [n], [a, b]);
      // Products and quotients may be 0 as floats where they are not as doubles.
      if (expr.fn !== 'mul' && expr.fn !== 'div') same(expr, [n], [a, b], 'bool');
    }
  }
});

test('numbers, the kernel number and tensors of one element are spread', () => {
  for (const n of lengths) {
    const a = make([n]);
    same(e.mul(x, y), [n], [a, 0.5]);
    same(e.sub(x, y), [n], [2, a]);
    same(e.add(x, y), [n], [a, make([1])]);
    same(e.add(x, y), [n], [make([]), a]);
    same(e.add(x, w), [n], [a], 'float32', 0.25);
    same(e.add(x, e.mul(w, e.mul(y, z))), [n], [a, 1, make([n], 'float32', () => 0.5)], 'float32', 2);
    same(e.select(x, y, z), [n], [make([n], 'bool'), a, 3]);
    same(arg(1), [n], [a, 3]);
  }
});

test('operands are broadcast and read in any order', () => {
  const shapes: [readonly number[], readonly Tensor[]][] = [
    [[5, 7], [make([5, 7]), make([7])]],
    [[5, 7], [make([5, 7]), make([5, 1])]],
    [[5, 7], [make([5, 1]), make([1, 7])]],
    [[64, 3], [make([64, 3]), make([64, 1])]],
    [[3, 64], [make([3, 64]), make([64])]],
    [[2, 3, 20], [make([2, 3, 20]), make([3, 1])]],
    [[2, 3, 4, 5], [make([2, 1, 4, 1]), make([3, 1, 5])]],
    [[6, 9], [make([9, 6]).t(), make([6, 9])]],
    [[6, 9], [make([9, 6]).t(), make([9, 6]).t()]],
    [[20, 200], [make([200, 20]).t(), make([200])]],
    [[4, 6], [make([4, 12]).asStrided([4, 6], [12, 2]), make([6])]],
    [[4, 3, 5], [make([5, 3, 4]).permute([2, 1, 0]), make([3, 1])]],
    [[1, 1], [make([1, 1]), make([1])]],
    [[1, 6], [make([6]), make([1, 1])]],
    [[3, 0], [make([3, 1]), make([0])]],
  ];
  for (const [shape, [a, b]] of shapes) {
    same(e.sub(x, y), shape, [a, b]);
    same(e.sub(x, y), shape, [b, a]);
    same(e.lt(x, y), shape, [a, b], 'bool');
    same(e.add(e.mul(x, y), z), shape, [a, b, make(shape, 'float32', () => 0)]);
    same(e.mul(x, 2), shape, [a.expand(shape)]);
  }
});

test('results lie where the output lies', () => {
  const kernel = fastPointwise<undefined>(() => '', () => e.add(x, y));
  const base = make([6, 8]);
  const expected = base.clone();
  const b = make([4, 6]);
  for (let i = 0; i < 6; i++) for (let j = 0; j < 4; j++) expected.index(i, j + 2).fill_(Math.fround(Number(base.index(i, j + 2).item()) + Number(b.index(j, i).item())));
  const view = base.narrow(1, 2, 4).t();
  ok(kernel([view], [view, b], undefined));
  equal(base.array(), expected.array());
  const column = base.narrow(1, 0, 1);
  ok(!kernel([column], [column, 1], undefined), 'a column is left to the reference');
});

test('integers, bytes and truths are operands of floats', () => {
  for (const n of [1, 3, 4, 9, 16, 33]) {
    for (const dtype of ['int32', 'int64', 'uint8', 'bool'] as const) {
      same(e.mul(x, y), [n], [make([n]), make([n], dtype)]);
      same(e.select(y, x, 0), [n], [make([n]), make([n], dtype)]);
      same(e.mul(x, y), [5, n], [make([5, n]), make([n], dtype)]);
      same(e.mul(x, y), [n, 5], [make([n, 5]), make([n, 1], dtype)]);
      same(e.mul(x, y), [n, 5], [make([n, 5]), make([5, n], dtype).t()]);
    }
    same(e.and(x, y), [n], [make([n], 'bool'), make([n], 'bool')], 'bool');
    same(e.eq(x, y), [n], [make([n], 'uint8'), make([n], 'uint8')], 'bool');
  }
  const equals = fastPointwise<undefined>(() => '', () => e.eq(x, y));
  ok(!equals([empty([1], { dtype: 'bool' })], [tensor([16777217], { dtype: 'int32' }), tensor([16777216])], undefined));
  const add = fastPointwise<undefined>(() => '', () => e.add(x, y));
  ok(!add([empty([1], { dtype: 'int32' })], [make([1], 'int32'), make([1], 'int32')], undefined));
  ok(!add([empty([1])], [make([1]), make([1], 'float64')], undefined));
});

test('copies convert between all dtypes but float64', () => {
  const dtypes = ['float32', 'int32', 'int64', 'uint8', 'bool'] as const;
  for (const from of dtypes) {
    for (const to of dtypes) {
      if (to === 'uint8' && (from === 'int32' || from === 'int64')) continue;
      for (const n of [1, 3, 4, 18, 67]) {
        const size = (i: number): number => Math.abs(tame()) * (i % 5);
        same(x, [n], [make([n], from, size)], to);
        same(x, [4, n], [make([n], from, size)], to);
        same(x, [n, 5], [make([5, n], from, size).t()], to);
      }
    }
  }
  const copy = fastPointwise<undefined>(() => '', () => x);
  for (const value of [3e9, -3e9, Infinity, -Infinity]) ok(!copy([empty([3], { dtype: 'int32' })], [tensor([1, 2, value])], undefined), `${value}`);
  for (const value of [256, -1]) ok(!copy([empty([5], { dtype: 'uint8' })], [tensor([1, 2, 3, 4, value])], undefined), `${value}`);
  ok(!copy([empty([2], { dtype: 'int32' })], [16777217], undefined));
  same(x, [5], [tensor([NaN, -0.9, 2.9, -2.9, 2147483520])], 'int32');
  same(x, [5], [tensor([NaN, -0.9, 255.9, 0.1, 17])], 'uint8');
});

test('long expressions stay close to the reference', () => {
  const logistic = e.div(1, e.add(1, e.exp(e.neg(x))));
  const softplus = e.add(e.max(x, 0), e.log1p(e.exp(e.neg(e.abs(x)))));
  const step = e.sub(y, x);
  const long = [
    logistic, softplus, e.mul(x, e.tanh(softplus)), e.mul(e.mul(0.5, x), e.erfc(e.mul(x, -Math.SQRT1_2))), e.select(e.gt(x, 0), x, e.mul(0.7, e.expm1(x))), e.mul(logistic, e.sub(1, logistic)),
    e.select(e.lt(e.abs(w), 0.5), e.add(x, e.mul(w, step)), e.sub(y, e.mul(step, e.sub(1, w)))), e.sin(e.mul(x, y)), e.pow(e.abs(x), y), e.exp2(e.min(x, y)), e.erf(x),
  ];
  for (const expr of long) {
    for (const n of [1, 3, 8, 9, 70]) {
      const { fast, slow } = both(expr, [n], [make([n]), make([n])], 'float32', 0.3);
      allClose(fast, slow, { rtol: 3e-6, atol: 1e-6 });
    }
    const { fast, slow } = both(expr, [5, 9], [make([5, 1]), make([9])], 'float32', 0.3);
    allClose(fast, slow, { rtol: 3e-6, atol: 1e-6 });
  }
});

test('powers with simple exponents are products and roots', () => {
  const values = make([40], 'float32', some);
  for (const exponent of [1, 2, 3, 4, -1, -2, 0.5, -0.5, 0, 2.5, 5]) {
    const { fast, slow } = both(e.pow(x, y), [40], [values, exponent]);
    allClose(fast, slow, { rtol: 2e-7, atol: 0 });
  }
});

test('expressions without a SIMD version are left to the reference', () => {
  for (const expr of [lgammaOf(x), e.add(1, e.atan2(x, y)), e.bitAnd(x, 3), e.mod(x, y)]) {
    ok(!isVectorizable(expr));
    ok(!fastPointwise<undefined>(() => '', () => expr)([empty([4])], [make([4]), make([4])], undefined));
  }
});

test('attributes choose the expression, and a number does not', () => {
  let made = 0;
  const kernel = fastPointwise<number>(
    (a) => (a === 1 ? '' : 'scaled'),
    (a) => {
      made++;
      return a === 1 ? e.add(x, y) : e.add(x, e.mul(y, w));
    },
    (a) => a,
  );
  const out = empty([3]);
  const inputs = [tensor([1, 2, 3]), tensor([10, 20, 30])];
  for (const [alpha, expected] of [[1, [11, 22, 33]], [2, [21, 42, 63]], [3, [31, 62, 93]], [1, [11, 22, 33]]] as const) {
    ok(kernel([out], inputs, alpha));
    equal(out.array(), [...expected]);
  }
  is(made, 2);
});

test('an attribute that keeps changing is left to the reference in the end', () => {
  const kernel = fastPointwise<number>(String, (a) => e.mul(x, a));
  const done = Array.from({ length: 70 }, (_, i) => kernel([empty([2])], [make([2])], i + 2));
  equal([done[0], done[63], done[64], done[69]], [true, true, false, false]);
  ok(kernel([empty([2])], [make([2])], 5));
});

test('a run in parts gives the same bits', () => {
  const spec: PointwiseSpec = { expr: e.mul(e.tanh(x), e.add(y, w)), target: 'float32', operands: [{ from: 'float32', by: 'vector' }, { from: 'float32', by: 'vector' }] };
  const n = 1003;
  const [a, b, whole, parts] = [make([n]), make([n]), empty([n]), empty([n])];
  const kernel = flatKernel(spec);
  kernel.run(n, addressOf(whole), addressOf(a), addressOf(b), 0.3);
  for (let first = 0; first < n; first += 336) kernel.run(Math.min(336, n - first), ...[parts, a, b].map((t) => addressOf(t) + 4 * first), 0.3);
  equal([...parts.data()], [...whole.data()]);
  const rows = planeKernel(spec);
  const byRows = empty([n]);
  rows.run(17, 59, addressOf(byRows), 236, addressOf(a), 236, 4, addressOf(b), 236, 4, 0.3);
  equal([...byRows.data()], [...whole.data()]);
});

test('long runs on two threads give the same bits', () => {
  const n = 150_001;
  const operands = (shape: readonly number[]): Tensor[] => [make(shape), make(shape, 'bool'), make([1])];
  const cases: [Expr, readonly number[], readonly Operand[], DType][] = [
    [e.add(e.tanh(x), e.mul(y, z)), [n], operands([n]), 'float32'],
    [e.gt(x, y), [n], [make([n]), 0.25], 'bool'],
    [e.mul(x, y), [501, 300], [make([501, 300]), make([501, 1])], 'float32'],
    [e.add(e.mul(x, y), z), [300, 501], [make([501, 300]).t(), make([501]), make([300, 1])], 'float32'],
  ];
  for (const [expr, shape, inputs, dtype] of cases) {
    const kernel = fastPointwise<undefined>(() => '', () => expr);
    const [one, two] = [empty(shape, { dtype }), empty(shape, { dtype })];
    ok(kernel([one], inputs, undefined));
    setNumThreads(2);
    ok(kernel([two], inputs, undefined));
    setNumThreads(1);
    ok(one.eq(two).logicalOr(one.isnan()).all().item() === 1, JSON.stringify(expr));
  }
});

test.run();

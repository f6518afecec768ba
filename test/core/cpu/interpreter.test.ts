import { test } from 'uvu';
import { compile, setCodeAllowed, statements } from '../../../core/cpu/codegen.ts';
import { Choices } from '../../../core/cpu/fast/pointwiseChoice.ts';
import { interpreter } from '../../../core/cpu/interpreter.ts';
import { pointwiseKernel } from '../../../core/cpu/pointwise.ts';
import { reduceKernel } from '../../../core/cpu/reduce.ts';
import { updateKernel } from '../../../core/cpu/update.ts';
import { type Expr, type Fold, arg, e } from '../../../core/expr.ts';
import { type Tensor, manualSeed, randint, randn, tensor, zeros } from '../../../index.ts';
import { equal, is, throwsError } from '../../assert.ts';

const values = [-Infinity, -3.5, -2, -1, -0.5, -0, 0, 0.5, 1, 2, 2.5, 7, Infinity, NaN];
type Compute = (x: number, y: number, z: number) => number;

/** Runs with generated code, then with interpreted expressions. */
function both<T>(run: () => T): readonly [generated: T, interpreted: T] {
  const generated = run();
  const before = setCodeAllowed(false);
  try {
    return [generated, run()];
  } finally {
    setCodeAllowed(before);
  }
}

const bits = (x: Tensor): string => Array.from(x.data(), (v) => (Object.is(v, -0) ? '-0' : String(v))).join();

function generated(x: Expr, rounded?: (text: string) => string): Compute {
  const { body, result } = statements(x, (i) => 'xyz'[i], rounded);
  return compile<Compute>(['x', 'y', 'z'], `const f=Math.fround;${body}return ${result};`, () => () => NaN);
}

for (const [name, make] of Object.entries(e) as [string, (...args: Expr[]) => Expr][]) {
  test(`${name} is what the generated code gives`, () => {
    const x = make(arg(0), arg(1), arg(2));
    const [code, compute] = [generated(x), interpreter([x])];
    for (const a of values) for (const b of values) for (const c of [0, 1, NaN]) is(Object.is(compute([a, b, c])[0], code(a, b, c)), true, `${name}(${a}, ${b}, ${c})`);
  });
}

test('intermediate values are rounded, shared parts are computed once, several results come out', () => {
  const square = e.mul(arg(0), arg(0));
  const body = [e.add(square, e.div(arg(1), 3)), e.sub(square, 0.1)];
  const compute = interpreter(body, Math.fround);
  for (const a of [0.1, 1 / 3, -7.7]) equal([...compute([a, 2])], body.map((x) => generated(x, (text) => `f(${text})`)(a, 2, 0)));
  let calls = 0;
  interpreter([e.add(square, square)], (x) => (calls++, x))([3]);
  is(calls, 2);
});

test('pointwise kernels: flat, strided, broadcast, numbers, every kind of result', () => {
  manualSeed(1);
  const [x, y] = [randn([3, 4], { dtype: 'float64' }), randn([4], { dtype: 'float64' })];
  const formula = e.select(e.gt(arg(0), 0), e.add(e.mul(arg(0), arg(1)), arg(3)), e.exp(arg(1)));
  for (const dtype of ['float32', 'float64', 'int32', 'int64', 'uint8', 'bool'] as const) {
    for (const inputs of [[x, x.mul(2)], [x, y], [x.t().contiguous().t(), 0.5], [x.t().t(), tensor(2)]]) {
      const [code, plain] = both(() => {
        const out = zeros([3, 4], { dtype });
        pointwiseKernel(() => '', () => formula, () => 0.25)([out], inputs, undefined);
        return bits(out);
      });
      is(plain, code, dtype);
    }
  }
});

test('int64 results beyond the range are refused', () => {
  const big = tensor([2 ** 30], { dtype: 'int64' });
  both(() => throwsError(() => pointwiseKernel(() => '', () => e.mul(arg(0), 4))([zeros([1], { dtype: 'int64' })], [big], undefined), Error, /int64/));
});

test('folds', () => {
  manualSeed(2);
  const x = randint(-9, 9, [3, 4, 5]).to('float64');
  const mean: Fold = { start: 0, step: (total, v) => e.add(total, v), finish: (total, count) => e.div(total, count) };
  const any: Fold = { start: 0, step: (total, v) => e.or(total, v) };
  for (const [fold, dtype] of [[mean, 'float64'], [any, 'bool']] as const) {
    for (const dims of [[0], [1], [0, 2], [0, 1, 2]]) {
      const [code, plain] = both(() => {
        const out = zeros(x.shape.filter((_, d) => !dims.includes(d)), { dtype });
        reduceKernel(fold)([out], [x], { dims });
        return bits(out);
      });
      is(plain, code, `${dtype} over ${dims.join()}`);
    }
  }
});

test('update rules, contiguous and strided', () => {
  const body = [e.sub(arg(0), e.mul(arg(2), e.add(arg(1), e.mul(arg(0), 0.1)))), null];
  for (const dtype of ['float32', 'float64'] as const) {
    for (const across of [false, true]) {
      const [code, plain] = both(() => {
        manualSeed(3);
        const [p, g] = [randn([3, 4], { dtype }), randn(across ? [4, 3] : [3, 4], { dtype })];
        updateKernel(body, 1)([[p], [across ? g.t() : g]], [0.3]);
        return bits(p);
      });
      is(plain, code, dtype);
    }
  }
});

test('decisions that depend on numbers', () => {
  const body = [e.select(e.gt(arg(1), 0), e.select(e.eq(e.mul(arg(1), arg(2)), 0.1), arg(0), 1), 2)];
  for (const rounded of [false, true]) {
    for (const numbers of [[0, 0], [0.1, 1], [1, 0.1], [-1, 5], [NaN, 1]]) {
      const [code, plain] = both(() => new Choices(body, 1, rounded).decide?.(numbers));
      is(plain, code, String(numbers));
    }
  }
});

test.run();

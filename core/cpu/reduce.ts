import type { DType, TypedArray } from '../dtype.ts';
import { type Expr, type Fold, arg } from '../expr.ts';
import type { Kernel } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { compile, statements, store, stored } from './codegen.ts';
import { interpreter } from './interpreter.ts';
import { coalesce, walkOuter } from './layout.ts';

type Inner = (n: number, x: TypedArray, at: number, step: number, total: number) => number;
type Finish = (out: TypedArray, at: number, total: number, count: number) => void;

interface Loops {
  readonly inner: Inner;
  readonly finish: Finish;
}

function makeLoops(fold: Fold, dtype: DType): Loops {
  const stepOf = fold.step(arg(0), arg(1));
  const endOf = fold.finish === undefined ? arg(0) : fold.finish(arg(0), arg(1));
  const step = statements(stepOf, (i) => (i === 0 ? 'total' : 'v'));
  const end = statements(endOf, (i) => (i === 0 ? 'total' : 'count'));
  return {
    inner: compile<Inner>(['n', 'x', 'at', 'step', 'total'], `for(let i=0;i<n;i++){const v=x[at];${step.body}total=${step.result};at+=step;}return total;`, () => interpretedInner(stepOf)),
    finish: compile<Finish>(['out', 'at', 'total', 'count'], `${end.body}out[at]=${stored(dtype, end.result)};`, () => interpretedFinish(endOf, dtype)),
  };
}

/** The inner loop where code cannot be generated. */
function interpretedInner(step: Expr): Inner {
  const compute = interpreter([step]);
  const args = [0, 0];
  return (n, x, at, distance, total) => {
    args[0] = total;
    for (let i = 0; i < n; i++) {
      args[1] = x[at + i * distance];
      args[0] = compute(args)[0];
    }
    return args[0];
  };
}

function interpretedFinish(end: Expr, dtype: DType): Finish {
  const compute = interpreter([end]);
  return (out, at, total, count) => {
    out[at] = store(dtype, compute([total, count])[0]);
  };
}

/** The reference CPU kernel of a fold over `dims`: doubles for the total, one pass in row-major order. */
export function reduceKernel(fold: Fold): Kernel<{ readonly dims: readonly number[] }> {
  const compiled = new Map<string, Loops>();
  return ([out], [input], { dims }) => {
    const x = input as Tensor;
    const key = `${out.dtype},${x.dtype}`;
    let loops = compiled.get(key);
    if (loops === undefined) compiled.set(key, (loops = makeLoops(fold, out.dtype)));
    const { inner, finish } = loops;
    const pick = (keep: boolean): [number[], number[]] => {
      const at = x.shape.map((_, d) => d).filter((d) => dims.includes(d) !== keep);
      return [at.map((d) => x.shape[d]), at.map((d) => x.strides[d])];
    };
    const [outerShape, outerStrides] = pick(true);
    const [innerShape, innerStrides] = pick(false);
    const outer = coalesce(outerShape, [outerStrides]);
    const walk = coalesce(innerShape, [innerStrides]);
    const last = walk.sizes.length - 1;
    const n = last < 0 ? 1 : walk.sizes[last];
    const stride = last < 0 ? 0 : walk.strides[0][last];
    const count = innerShape.reduce((a, b) => a * b, 1);
    const cells = x.storage.cells;
    let at = out.offset;
    walkOuter(outer, 0, [x.offset], ([start]) => {
      let total = fold.start;
      walkOuter(walk, Math.min(1, walk.sizes.length), [start], ([o]) => {
        total = inner(n, cells, o, stride, total);
      });
      finish(out.storage.cells, at++, total, count);
    });
  };
}

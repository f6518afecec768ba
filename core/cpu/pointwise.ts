import type { DType, TypedArray } from '../dtype.ts';
import { type Expr, arg } from '../expr.ts';
import type { Kernel } from '../op.ts';
import { broadcastStrides, sameShape } from '../shape.ts';
import type { Operand } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { compile, statements, store, stored } from './codegen.ts';
import { interpreter } from './interpreter.ts';
import { coalesce, walkOuter } from './layout.ts';

type Cells = TypedArray | number;

/** `out[i] = f(x[i], y[i], z[i], w)` for operands that lie side by side. */
type FlatLoop = (n: number, out: TypedArray, at: number, x: Cells, xAt: number, y: Cells, yAt: number, z: Cells, zAt: number, w: number) => void;
/** The same with a step per operand. */
type StridedLoop = (
  n: number, out: TypedArray, at: number, step: number, x: Cells, xAt: number, xStep: number, y: Cells, yAt: number, yStep: number, z: Cells, zAt: number, zStep: number, w: number,
) => void;

interface Loops {
  readonly flat: FlatLoop;
  readonly strided: StridedLoop;
}

const names = ['x', 'y', 'z'];

/** Compiles both loops of an expression; operands that are numbers are read as they are. */
function makeLoops(expr: Expr, dtype: DType, operands: readonly Operand[]): Loops {
  const isNumber = operands.map((x) => typeof x === 'number');
  const { body, result } = statements(expr, (i) => (i === names.length ? 'w' : isNumber[i] ? names[i] : `${names[i]}v`));
  const used = names.filter((_, i) => i < operands.length && !isNumber[i]);
  const value = stored(dtype, result);
  const flatLoads = used.map((v) => `const ${v}v=${v}[${v}At+i];`).join('');
  const loads = used.map((v) => `const ${v}v=${v}[${v}At];`).join('');
  const steps = used.map((v) => `${v}At+=${v}Step;`).join('');
  return {
    flat: compile<FlatLoop>(['n', 'out', 'at', ...names.flatMap((v) => [v, `${v}At`]), 'w'], `for(let i=0;i<n;i++){${flatLoads}${body}out[at+i]=${value};}`, () => {
      const loop = interpretedLoop(expr, dtype);
      return (n, out, at, x, xAt, y, yAt, z, zAt, w) => loop(n, out, at, 1, x, xAt, 1, y, yAt, 1, z, zAt, 1, w);
    }),
    strided: compile<StridedLoop>(
      ['n', 'out', 'at', 'step', ...names.flatMap((v) => [v, `${v}At`, `${v}Step`]), 'w'],
      `for(let i=0;i<n;i++){${loads}${body}out[at]=${value};at+=step;${steps}}`,
      () => interpretedLoop(expr, dtype),
    ),
  };
}

/** The strided loop where code cannot be generated. */
function interpretedLoop(expr: Expr, dtype: DType): StridedLoop {
  const compute = interpreter([expr]);
  const args = [0, 0, 0, 0];
  const read = (x: Cells, at: number): number => (typeof x === 'number' ? x : x[at]);
  return (n, out, at, step, x, xAt, xStep, y, yAt, yStep, z, zAt, zStep, w) => {
    args[3] = w;
    for (let i = 0; i < n; i++) {
      args[0] = read(x, xAt + i * xStep);
      args[1] = read(y, yAt + i * yStep);
      args[2] = read(z, zAt + i * zStep);
      out[at + i * step] = store(dtype, compute(args)[0]);
    }
  };
}

/** A tensor of one element, spread over a larger result, is read once. */
function scalarOf(x: Operand, out: Tensor): Operand {
  return typeof x !== 'number' && x.shape.length === 0 && out.shape.length > 0 ? x.storage.cells[x.offset] : x;
}

/**
 * The reference CPU kernel of a pointwise expression: broadcasting, any strides, any mix of dtypes, at most three operands.
 * `keyOf` tells attributes apart that give different expressions; `exprOf` is asked once for each. `numberOf` gives the number that the
 * expression reads as argument 3.
 */
export function pointwiseKernel<A>(keyOf: (attrs: A) => string, exprOf: (attrs: A) => Expr, numberOf?: (attrs: A) => number): Kernel<A> {
  const compiled = new Map<string, Loops>();
  return ([out], inputs, attrs) => {
    const operands = inputs.map((x) => scalarOf(x, out));
    let signature = `${keyOf(attrs)}:${out.dtype}`;
    for (const x of operands) signature += typeof x === 'number' ? ',n' : `,${x.dtype}`;
    let loops = compiled.get(signature);
    if (loops === undefined) compiled.set(signature, (loops = makeLoops(exprOf(attrs), out.dtype, operands)));
    const flat = out.isContiguous() && operands.every((x) => typeof x === 'number' || (sameShape(x.shape, out.shape) && x.isContiguous()));
    const w = numberOf === undefined ? 0 : numberOf(attrs);
    if (flat) runFlat(loops.flat, out, operands, w);
    else runStrided(loops.strided, out, operands, w);
  };
}

const cellsOf = (x: Operand | undefined): Cells => (typeof x === 'object' ? x.storage.cells : (x ?? 0));
const startOf = (x: Operand | undefined): number => (typeof x === 'object' ? x.offset : 0);

function runFlat(loop: FlatLoop, out: Tensor, [x, y, z]: readonly Operand[], w: number): void {
  loop(out.numel(), out.storage.cells, out.offset, cellsOf(x), startOf(x), cellsOf(y), startOf(y), cellsOf(z), startOf(z), w);
}

function runStrided(loop: StridedLoop, out: Tensor, inputs: readonly Operand[], w: number): void {
  const tensors = [out, ...inputs.filter((x): x is Tensor => typeof x !== 'number')];
  const walk = coalesce(out.shape, tensors.map((t) => broadcastStrides(t.shape, t.strides, out.shape)));
  const inner = walk.sizes.length - 1;
  const n = inner < 0 ? 1 : walk.sizes[inner];
  const stepOf = (k: number): number => (inner < 0 || k < 0 ? 0 : walk.strides[k][inner]);
  // Which walked tensor an operand is; -1 for numbers and missing operands.
  let count = 0;
  const [a, b, c] = [0, 1, 2].map((i) => (typeof inputs[i] === 'object' ? ++count : -1));
  const [x, y, z] = [0, 1, 2].map((i) => cellsOf(inputs[i]));
  const [step, xStep, yStep, zStep] = [0, a, b, c].map(stepOf);
  const cells = out.storage.cells;
  walkOuter(walk, Math.min(1, walk.sizes.length), tensors.map((t) => t.offset), (o) => {
    loop(n, cells, o[0], step, x, a < 0 ? 0 : o[a], xStep, y, b < 0 ? 0 : o[b], yStep, z, c < 0 ? 0 : o[c], zStep, w);
  });
}

/** The copy that also converts: `out[i] = x[i]`. */
export const copyKernel: Kernel<unknown> = pointwiseKernel(
  () => '',
  () => arg(0),
);

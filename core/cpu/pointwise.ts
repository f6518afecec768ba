import type { DType, TypedArray } from '../dtype.ts';
import { type Expr, arg } from '../expr.ts';
import type { Kernel } from '../op.ts';
import { broadcastStrides } from '../shape.ts';
import type { Operand } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { compile, statements, stored } from './codegen.ts';
import { coalesce, walkOuter } from './layout.ts';

type Loop = (n: number, out: TypedArray, at: number, step: number, x: TypedArray | number, xAt: number, xStep: number, y: TypedArray | number, yAt: number, yStep: number, z: TypedArray | number, zAt: number, zStep: number) => void;

const names = ['x', 'y', 'z'];

/** One loop `out[i] = f(x[i], y[i], z[i])` with a step per operand; operands that are numbers are read as they are. */
function makeLoop(expr: Expr, dtype: DType, operands: readonly Operand[]): Loop {
  const isNumber = operands.map((x) => typeof x === 'number');
  const { body, result } = statements(expr, (i) => (isNumber[i] ? names[i] : `${names[i]}v`));
  const used = operands.map((_, i) => i).filter((i) => !isNumber[i]);
  const loads = used.map((i) => `const ${names[i]}v=${names[i]}[${names[i]}At];`).join('');
  const steps = used.map((i) => `${names[i]}At+=${names[i]}Step;`).join('');
  const parameters = ['n', 'out', 'at', 'step', ...names.flatMap((v) => [v, `${v}At`, `${v}Step`])];
  return compile<Loop>(parameters, `for(let i=0;i<n;i++){${loads}${body}out[at]=${stored(dtype, result)};at+=step;${steps}}`);
}

/** The reference CPU kernel of a pointwise expression: broadcasting, any strides, any mix of dtypes, at most three operands. */
export function pointwiseKernel<A>(build: (attrs: A) => { readonly key: string; readonly expr: Expr }): Kernel<A> {
  const loops = new Map<string, Loop>();
  return ([out], inputs, attrs) => {
    const { key, expr } = build(attrs);
    let signature = `${key}:${out.dtype}`;
    for (const x of inputs) signature += typeof x === 'number' ? ',n' : `,${x.dtype}`;
    let loop = loops.get(signature);
    if (loop === undefined) loops.set(signature, (loop = makeLoop(expr, out.dtype, inputs)));
    runLoop(loop, out, inputs);
  };
}

function runLoop(loop: Loop, out: Tensor, inputs: readonly Operand[]): void {
  const tensors = [out, ...inputs.filter((x): x is Tensor => typeof x !== 'number')];
  const walk = coalesce(out.shape, tensors.map((t) => broadcastStrides(t.shape, t.strides, out.shape)));
  const inner = walk.sizes.length - 1;
  const n = inner < 0 ? 1 : walk.sizes[inner];
  const slots = [0, 1, 2].map((i) => {
    const x = inputs[i];
    if (x === undefined || typeof x === 'number') return { data: x ?? 0, operand: -1, step: 0 };
    const operand = tensors.indexOf(x, 1);
    return { data: x.storage.cells, operand, step: inner < 0 ? 0 : walk.strides[operand][inner] };
  });
  const [a, b, c] = slots;
  const cells = out.storage.cells;
  const step = inner < 0 ? 0 : walk.strides[0][inner];
  const at = (offsets: readonly number[], operand: number): number => (operand < 0 ? 0 : offsets[operand]);
  walkOuter(walk, Math.min(1, walk.sizes.length), tensors.map((t) => t.offset), (o) => {
    loop(n, cells, o[0], step, a.data, at(o, a.operand), a.step, b.data, at(o, b.operand), b.step, c.data, at(o, c.operand), c.step);
  });
}

/** The copy that also converts: `out[i] = x[i]`. */
export const copyKernel: Kernel<unknown> = pointwiseKernel(() => ({ key: 'copy', expr: arg(0) }));

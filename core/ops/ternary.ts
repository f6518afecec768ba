import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { isFloat } from '../dtype.ts';
import { e } from '../expr.ts';
import { type Operand, type Primitive, apply, applyInPlace } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { type InPlace, type Samples, checkOperand, checkTensor, inPlaceMethod, pointwise } from './define.ts';

const family = 'pointwise';

/** Options of `addcmul` and `addcdiv`. */
export interface ValueOptions {
  /** Factor of the product or quotient; default 1. */
  readonly value?: number;
}

function valueOf(name: string, options: ValueOptions | undefined): number {
  checkOptions(name, options, ['value']);
  const value = options?.value ?? 1;
  if (typeof value !== 'number') throw new ArgumentError(`${name}: value is not a number, got ${show(value)}; expected a number`);
  return value;
}

type AddC = InPlace<(x: Tensor, a: Tensor, b: Tensor, options?: ValueOptions) => Tensor>;

function addC(name: string, op: Primitive<number>, samples: Samples): AddC {
  const inputs = (who: string, x: Tensor, a: Tensor, b: Tensor): [Tensor, Tensor, Tensor] => {
    checkTensor(who, x);
    checkTensor(who, a, 'tensor1');
    checkTensor(who, b, 'tensor2');
    return [x, a, b];
  };
  return inPlaceMethod(
    { name, family, samples },
    (x: Tensor, a: Tensor, b: Tensor, options?: ValueOptions): Tensor => apply(op, inputs(name, x, a, b), valueOf(name, options)),
    (x: Tensor, a: Tensor, b: Tensor, options?: ValueOptions): Tensor => applyInPlace(op, inputs(`${name}_`, x, a, b), valueOf(`${name}_`, options)),
  );
}

/** `x + value·a·b`, broadcast. @see https://pytorch.org/docs/stable/generated/torch.addcmul.html */
export const addcmul: AddC = addC(
  'addcmul',
  pointwise<number>({
    name: 'addcmul',
    key: String,
    expr: (value, x, a, b) => e.add(x, e.mul(e.mul(a, b), value)),
    saves: 'inputs',
    backward: [(g) => g, (g, n) => g.mul(n.input(2)).mul(n.attrs as number), (g, n) => g.mul(n.input(1)).mul(n.attrs as number)],
  }),
  (s) => [[s.float([2, 3]), s.float([3]), s.float([2, 1]), { value: 0.5 }], [s.float([2]), s.float([2]), s.float([])]],
);

/** `x + value·a / b`, broadcast. @see https://pytorch.org/docs/stable/generated/torch.addcdiv.html */
export const addcdiv: AddC = addC(
  'addcdiv',
  pointwise<number>({
    name: 'addcdiv',
    key: String,
    accepts: (t) => {
      if (!isFloat(t)) throw new DTypeError(`addcdiv: integers have no quotient, got ${t}; expected a float tensor`);
    },
    expr: (value, x, a, b) => e.add(x, e.mul(e.div(a, b), value)),
    saves: 'inputs',
    backward: [
      (g) => g,
      (g, n) => g.div(n.input(2)).mul(n.attrs as number),
      (g, n) => g.mul(n.input(1)).div(n.input(2).square()).mul(-(n.attrs as number)),
    ],
  }),
  (s) => [[s.float([2, 3]), s.float([3]), s.float([2, 1], 0.5, 2), { value: 0.5 }], [s.float([2]), s.float([2]), s.float([], 1, 2)]],
);

const lerpOp = pointwise({
  name: 'lerp',
  accepts: (t) => {
    if (!isFloat(t)) throw new DTypeError(`lerp: not a float tensor, got ${t}; expected float32 or float64`);
  },
  // Two branches, so that weight 0 gives exactly the start, weight 1 exactly the end, and equal ends themselves.
  expr: (_, x, end, w) => e.select(e.lt(e.abs(w), 0.5), e.add(x, e.mul(w, e.sub(end, x))), e.sub(end, e.mul(e.sub(end, x), e.sub(1, w)))),
  saves: 'inputs',
  backward: [(g, n) => g.mul(oneMinus(n.operand(2))), (g, n) => g.mul(n.operand(2)), (g, n) => g.mul(n.input(1).sub(n.input(0)))],
});

const oneMinus = (w: Operand): Operand => (typeof w === 'number' ? 1 - w : w.rsub(1));

function lerpInputs(name: string, x: Tensor, end: Tensor, weight: Operand): [Tensor, Tensor, Operand] {
  checkTensor(name, x);
  checkTensor(name, end, 'end');
  if (x.dtype !== end.dtype) throw new DTypeError(`${name}: ends differ in dtype, got ${show(x)} and ${show(end)}; expected one dtype`);
  const w = checkOperand(name, weight, 'weight');
  if (typeof w !== 'number' && w.dtype !== x.dtype) throw new ShapeError(`${name}: the weight differs in dtype, got ${show(w)}; expected ${x.dtype}`);
  return [x, end, w];
}

/** `x + weight·(end - x)`, broadcast; exact at weight 0, at weight 1, and where both ends are equal. @see https://pytorch.org/docs/stable/generated/torch.lerp.html */
export const lerp: InPlace<(x: Tensor, end: Tensor, weight: Operand) => Tensor> = inPlaceMethod(
  { name: 'lerp', family, samples: (s) => [[s.float([2, 3]), s.float([2, 3]), 0.3], [s.float([2, 3]), s.float([3]), 0.8], [s.float([2, 3]), s.float([2, 3]), s.float([3], 0, 1)]] },
  (x: Tensor, end: Tensor, weight: Operand): Tensor => apply(lerpOp, lerpInputs('lerp', x, end, weight), undefined),
  (x: Tensor, end: Tensor, weight: Operand): Tensor => applyInPlace(lerpOp, lerpInputs('lerp_', x, end, weight), undefined),
);

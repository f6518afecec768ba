import { getDefaultDtype, resultType } from '../dtype.ts';
import { DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { e } from '../expr.ts';
import { type Operand, apply, applyInPlace } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { type InPlace, type Method, checkOperand, checkTensor, inPlaceMethod, method, pointwise } from './define.ts';

const family = 'selection';

const whereOp = pointwise({
  name: 'where',
  dtype: (_, inputs) => resultType(...inputs.slice(1)),
  expr: (_, c, x, y) => e.select(c, x, y),
  saves: 'inputs',
  backward: [null, (g, n) => maskedFill(g, n.input(0).logicalNot(), 0), (g, n) => maskedFill(g, n.input(0), 0)],
});

function checkMask(name: string, mask: unknown): asserts mask is Tensor {
  checkTensor(name, mask, 'the mask');
  if (mask.dtype !== 'bool' && mask.dtype !== 'uint8') throw new DTypeError(`${name}: the mask is not bool, got ${show(mask)}; expected bool`);
}

/** `x` where the condition holds, else `y`, broadcast. As a method, `x.where(condition, y)`. @see https://pytorch.org/docs/stable/generated/torch.where.html */
export const where: Method<(condition: Tensor, x: Operand, y: Operand) => Tensor> = method(
  { name: 'where', family, samples: (s) => [[s.bool([2, 3]), s.float([2, 3]), s.float([3])], [s.bool([4]), s.float([4]), 0], [s.bool([2, 1]), 1, s.float([3])]] },
  (condition: Tensor, x: Operand, y: Operand): Tensor => {
    // The method form x.where(condition, y) has the mask second.
    const swapped = typeof x !== 'number' && x.dtype === 'bool' && condition.dtype !== 'bool';
    const [mask, yes] = swapped ? [x, condition] : [condition, x];
    checkMask('where', mask);
    return apply(whereOp, [mask, checkOperand('where', yes, 'input'), checkOperand('where', y)], undefined);
  },
);

const maskedFillOp = pointwise({
  name: 'maskedFill',
  dtype: (_, [x]) => (typeof x === 'number' ? getDefaultDtype() : x.dtype),
  expr: (_, x, mask, value) => e.select(mask, value, x),
  saves: 'inputs',
  backward: [(g, n) => maskedFill(g, n.input(1), 0), null, (g, n) => g.mul(n.input(1).to(g.dtype))],
});

/** A copy with `value` where `mask` (bool, broadcast) holds. @see https://pytorch.org/docs/stable/generated/torch.Tensor.masked_fill.html */
export const maskedFill: InPlace<(x: Tensor, mask: Tensor, value: Operand) => Tensor> = inPlaceMethod(
  { name: 'maskedFill', family, torch: 'Tensor.masked_fill', samples: (s) => [[s.float([2, 3]), s.bool([3]), -1], [s.float([2, 3]), s.bool([2, 3]), s.float([])]] },
  (x: Tensor, mask: Tensor, value: Operand): Tensor => apply(maskedFillOp, maskedFillArgs('maskedFill', x, mask, value), undefined),
  (x: Tensor, mask: Tensor, value: Operand): Tensor => applyInPlace(maskedFillOp, maskedFillArgs('maskedFill_', x, mask, value), undefined),
);

function maskedFillArgs(name: string, x: Tensor, mask: Tensor, value: Operand): [Tensor, Tensor, Operand] {
  checkTensor(name, x);
  checkMask(name, mask);
  const fill = checkOperand(name, value, 'value');
  if (typeof fill !== 'number' && fill.ndim > 0) throw new ShapeError(`${name}: the value is not a scalar, got ${show(fill)}; expected a number or 0 dimensions`);
  return [x, mask, fill];
}

/** Bounds of `clamp`; either may be left out. */
export interface ClampOptions {
  readonly min?: Operand | null;
  readonly max?: Operand | null;
}

const clampOp = pointwise<'both' | 'min' | 'max'>({
  name: 'clamp',
  key: (which) => which,
  expr: (which, x, a, b) => (which === 'both' ? e.min(e.max(x, a), b) : which === 'min' ? e.max(x, a) : e.min(x, a)),
  saves: 'inputs',
  backward: [
    (g, n) => maskedFill(g, outside(n.input(0), n.operand(1), n.attrs === 'both' ? n.operand(2) : null, n.attrs as string), 0),
    (g, n) => (n.attrs === 'both' ? g.mul(n.input(0).lt(n.operand(1)).logicalAnd(n.input(1).lt(n.operand(2))).to(g.dtype)) : g.mul((n.attrs === 'min' ? n.input(0).lt(n.operand(1)) : n.input(0).gt(n.operand(1))).to(g.dtype))),
    (g, n) => g.mul(n.input(0).gt(n.operand(2)).logicalOr(n.input(2).lt(n.operand(1))).to(g.dtype)),
  ],
});

function outside(x: Tensor, a: Operand, b: Operand | null, which: string): Tensor {
  if (b !== null) return x.lt(a).logicalOr(x.gt(b));
  return which === 'min' ? x.lt(a) : x.gt(a);
}

function clampArgs(name: string, x: Tensor, min: Operand | ClampOptions | null | undefined, max: Operand | null | undefined): [[Tensor, ...Operand[]], 'both' | 'min' | 'max'] {
  checkTensor(name, x);
  let [low, high] = [min, max];
  if (typeof min === 'object' && min !== null && !('storage' in min)) {
    checkOptions(name, min, ['min', 'max']);
    [low, high] = [min.min, min.max];
  }
  if ((low === null || low === undefined) && (high === null || high === undefined)) {
    throw new ShapeError(`${name}: no bound, got neither min nor max; expected at least one`);
  }
  if (low === null || low === undefined) return [[x, checkOperand(name, high, 'max')], 'max'];
  if (high === null || high === undefined) return [[x, checkOperand(name, low, 'min')], 'min'];
  return [[x, checkOperand(name, low, 'min'), checkOperand(name, high, 'max')], 'both'];
}

/** Limits values to `min` … `max`; either bound may be missing, and they may be tensors. @see https://pytorch.org/docs/stable/generated/torch.clamp.html */
export const clamp: InPlace<(x: Tensor, min?: Operand | ClampOptions | null, max?: Operand | null) => Tensor> = inPlaceMethod(
  { name: 'clamp', family, samples: (s) => [[s.float([2, 3]), -0.5, 0.5], [s.float([2, 3]), { min: 0 }], [s.float([2, 3]), null, 1], [s.float([2, 3]), s.float([3], -1, 0), s.float([3], 0.1, 1)]] },
  (x: Tensor, min?: Operand | ClampOptions | null, max?: Operand | null): Tensor => {
    const [inputs, which] = clampArgs('clamp', x, min, max);
    return apply(clampOp, inputs, which);
  },
  (x: Tensor, min?: Operand | ClampOptions | null, max?: Operand | null): Tensor => {
    const [inputs, which] = clampArgs('clamp_', x, min, max);
    return applyInPlace(clampOp, inputs, which);
  },
);

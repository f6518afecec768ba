import { getDefaultDtype, resultType } from '../dtype.ts';
import { DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { e } from '../expr.ts';
import { type Operand, apply, applyInPlace } from '../op.ts';
import { Tensor } from '../tensor.ts';
import type { NamedPair } from './byName.ts';
import { type InPlace, type Method, checkBeside, checkOperand, checkTensor, inPlaceMethod, method, pointwise } from './define.ts';
import { nonzero } from './nonzero.ts';

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

/** The forms of `where`. */
interface Where {
  (condition: Tensor, x: Operand | boolean, y: Operand | boolean): Tensor;
  (condition: Tensor): Tensor[];
}

/**
 * `x` where the condition holds, else `y`, broadcast; either may be a number. As a method, `x.where(condition, y)`. With the condition alone, the positions where
 * it holds, one int64 tensor per dimension, as `nonzero` gives them with `asTuple`.
 *
 * @throws DTypeError for a condition that is not bool
 * @see https://pytorch.org/docs/stable/generated/torch.where.html
 */
export const where: Method<Where> = method(
  {
    name: 'where',
    family,
    self: selfWhere,
    samples: (s) => [
      [s.bool([2, 3]), s.float([2, 3]), s.float([3])],
      [s.bool([4]), s.float([4]), 0],
      [s.bool([2, 1]), 1, s.float([3])],
      [s.bool([2, 3]), 2, 0.5],
      [s.bool([2, 1]), s.int([3]), s.int([2, 3])],
      [s.bool([2, 3])],
    ],
  },
  ((condition: Tensor, x?: Operand | boolean, y?: Operand | boolean): Tensor | Tensor[] => {
    if (x === undefined && y === undefined) return nonzero(condition, { asTuple: true });
    return chosen(condition, x, y);
  }) as Where,
);

/** `where` with all its arguments. */
export function chosen(condition: Tensor, x: Operand | boolean | undefined, y: Operand | boolean | undefined): Tensor {
  checkMask('where', condition);
  const result = apply(whereOp, [condition, checkOperand('where', x, 'input'), checkOperand('where', y)], undefined);
  // Booleans are checked numbers by now, and would count as integers.
  return typeof x === 'boolean' || typeof y === 'boolean' ? result.to(resultType(x ?? false, y ?? false)) : result;
}

/** The method: `self.where(condition, y)` has the condition second. */
export function selfWhere(self: Tensor, x?: Operand, y?: Operand): Tensor | Tensor[] {
  if (x === undefined && y === undefined) return where(self);
  return x instanceof Tensor && (x.dtype === 'bool' || !isMask(self)) ? chosen(x, self, y) : chosen(self, x, y);
}

const isMask = ({ dtype }: Tensor): boolean => dtype === 'bool' || dtype === 'uint8';

const maskedFillOp = pointwise({
  name: 'maskedFill',
  dtype: (_, [x]) => (typeof x === 'number' ? getDefaultDtype() : x.dtype),
  expr: (_, x, mask, value) => e.select(mask, value, x),
  saves: 'inputs',
  backward: [(g, n) => maskedFill(g, n.input(1), 0), null, (g, n) => g.mul(n.input(1).to(g.dtype))],
});

/** A copy with `value` where `mask` (bool, broadcast) holds. @see https://pytorch.org/docs/stable/generated/torch.Tensor.masked_fill.html */
export const maskedFill: InPlace<NamedPair<'mask', Tensor, 'value', Operand, object, Tensor>> = inPlaceMethod(
  { name: 'maskedFill', parameters: ['mask', 'value'], family, torch: 'Tensor.masked_fill', samples: (s) => [[s.float([2, 3]), s.bool([3]), -1], [s.float([2, 3]), s.bool([2, 3]), s.float([])]] },
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
  // NaN is inside nothing.
  if (b !== null) return x.ge(a).logicalAnd(x.le(b)).logicalNot();
  return (which === 'min' ? x.ge(a) : x.le(a)).logicalNot();
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
  if (low === null || low === undefined) return [[x, checkBeside(name, high, x, 'max')], 'max'];
  if (high === null || high === undefined) return [[x, checkBeside(name, low, x, 'min')], 'min'];
  const operands: [Tensor, Operand, Operand] = [x, checkBeside(name, low, x, 'min'), checkBeside(name, high, x, 'max')];
  if (resultType(...operands) === 'bool') throw new DTypeError(`${name}: bools have no order, got ${show(x)} and bounds of bool; expected numbers`);
  return [operands, 'both'];
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

type Bound<K extends string> = InPlace<(x: Tensor, bound: Operand | { readonly [key in K]: Operand }) => Tensor>;

/** `clamp` with one of its bounds. */
function oneSided(name: string, side: 'min' | 'max'): Bound<'min'> & Bound<'max'> {
  const inputs = (who: string, x: Tensor, bound: Operand | { readonly min?: Operand; readonly max?: Operand }): [Tensor, Operand] => {
    checkTensor(who, x);
    if (typeof bound !== 'object' || bound === null || 'storage' in bound) return [x, checkBeside(who, bound, x, side)];
    checkOptions(who, bound, [side]);
    return [x, checkBeside(who, bound[side], x, side)];
  };
  return inPlaceMethod(
    { name, family, samples: (s) => [[s.float([2, 3]), 0.1], [s.float([2, 3]), s.float([3])], [s.float([2]), { [side]: 0.3 }], [s.int([3], -3, 4), 1], [s.int([3], -3, 4), 1.5], [s.float([]), s.float([])], [s.float([0]), 1]] },
    (x: Tensor, bound: Operand | { readonly min?: Operand; readonly max?: Operand }): Tensor => apply(clampOp, inputs(name, x, bound), side),
    (x: Tensor, bound: Operand | { readonly min?: Operand; readonly max?: Operand }): Tensor => applyInPlace(clampOp, inputs(`${name}_`, x, bound), side),
  );
}

/** The larger of `x` and a bound, a number or a tensor. @see https://pytorch.org/docs/stable/generated/torch.clamp.html */
export const clampMin: Bound<'min'> = oneSided('clampMin', 'min');
/** The smaller of `x` and a bound, a number or a tensor. @see https://pytorch.org/docs/stable/generated/torch.clamp.html */
export const clampMax: Bound<'max'> = oneSided('clampMax', 'max');

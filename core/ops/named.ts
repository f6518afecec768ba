import { ArgumentError, StateError, show } from '../errors.ts';
import type { Expr } from '../expr.ts';
import { type GradFn, type Operand, type Primitive, apply, applyInPlace } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import {
  type BinaryDefinition, type Free, type InPlace, type Method, type OpDescription, type Samples, type UnaryDefinition, checkOperand, checkTensor, free, inPlaceMethod, method, pointwise,
} from './define.ts';

// Pointwise operations that are functions only, or take tensors only, in the forms of `unary` and `binary`.

/** A pointwise function of one tensor that is no method. */
export type FreeUnary = Free<(x: Tensor) => Tensor>;
/** A pointwise function of two operands that is no method. */
export type FreeBinary = Free<(x: Operand, y: Operand) => Tensor>;
/** A pointwise method whose second operand is a tensor too. */
export type TensorPair = InPlace<(x: Tensor, y: Tensor) => Tensor>;

const family = 'pointwise';

/** A scalar, a matrix and an empty one. */
export const within = (low: number, high: number): Samples => (s) => [[s.float([2, 3], low, high)], [s.float([], low, high)], [s.float([0, 2])]];

function parts(
  d: Pick<UnaryDefinition, 'name' | 'torch' | 'family' | 'dtype' | 'accepts' | 'saves'>,
  expr: (x: Expr, y: Expr) => Expr,
  backward: readonly (GradFn | null)[] | undefined,
  samples: Samples,
): { readonly op: Primitive<undefined>; readonly description: OpDescription } {
  const op = pointwise({ name: d.name, ...(d.dtype && { dtype: d.dtype }), ...(d.accepts && { accepts: d.accepts }), expr: (_, x, y) => expr(x, y), backward, saves: d.saves });
  return { op, description: { name: d.name, family: d.family ?? family, ...(d.torch !== undefined && { torch: d.torch }), differentiable: backward !== undefined, samples } };
}

/** Defines a pointwise function of one tensor. */
export function freeUnary(d: UnaryDefinition & { readonly samples: Samples }): FreeUnary {
  const { op, description } = parts(d, d.cpu, d.backward && [d.backward], d.samples);
  return free(description, (x: Tensor): Tensor => {
    checkTensor(d.name, x);
    return apply(op, [x], undefined);
  });
}

/** Defines a pointwise function of two operands, at least one of which is a tensor. */
export function freeBinary(d: BinaryDefinition & { readonly samples: Samples }): FreeBinary {
  const { name } = d;
  const { op, description } = parts(d, d.cpu, d.backward, d.samples);
  return free(description, (x: Operand, y: Operand): Tensor => apply(op, [checkOperand(name, x, 'input'), checkOperand(name, y)], undefined));
}

/** Defines a pointwise method of two tensors without an in-place form. */
export function tensorMethod(d: BinaryDefinition): Method<(x: Tensor, y: Tensor) => Tensor> {
  const { name } = d;
  const { op, description } = parts(d, d.cpu, d.backward, d.samples ?? floatPairs);
  return method(description, (x: Tensor, y: Tensor): Tensor => apply(op, pairOf(name, x, y), undefined));
}

function pairOf(name: string, x: Tensor, y: Tensor): [Tensor, Tensor] {
  checkTensor(name, x);
  checkTensor(name, y, 'other');
  return [x, y];
}

/** Pairs of float tensors that show broadcasting. */
export const floatPairs: Samples = (s) => [
  [s.float([2, 3]), s.float([2, 3])],
  [s.float([2, 1, 3]), s.float([4, 1])],
  [s.float([2, 2]), s.float([])],
  [s.float([]), s.float([3])],
  [s.float([0, 3]), s.float([1, 3])],
];

/** Defines a pointwise method of two tensors: function, method and in-place method. */
export function tensorPair(d: BinaryDefinition): TensorPair {
  const { name } = d;
  const { op, description } = parts(d, d.cpu, d.backward, d.samples ?? floatPairs);
  return inPlaceMethod(
    description,
    (x: Tensor, y: Tensor): Tensor => apply(op, pairOf(name, x, y), undefined),
    (x: Tensor, y: Tensor): Tensor => applyInPlace(op, pairOf(`${name}_`, x, y), undefined),
  );
}

/** Stands for a gradient formula that PyTorch does not have either. */
export function noFormula(name: string, operand: string): GradFn {
  return () => {
    throw new StateError(`${name}: no derivative with respect to ${operand}, got an ${operand} that requires grad; expected one that does not`, { hint: `detach() ${operand}` });
  };
}

/** A whole number, or an error. */
export function checkWhole(op: string, name: string, value: unknown, least: number): asserts value is number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least) {
    throw new ArgumentError(`${op}: invalid ${name}, got ${show(value)}; expected an integer ≥ ${least}`);
  }
}

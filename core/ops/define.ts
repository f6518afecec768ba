import { type DType, isFloat, resultType, toFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, StateError, show } from '../errors.ts';
import { toSnakeCase } from '../names.ts';
import { type Expr, arg } from '../expr.ts';
import { byName } from './byName.ts';
import { addFormula } from '../formulas.ts';
import { accelerated } from '../cpu/engine.ts';
import { copyKernel, pointwiseKernel } from '../cpu/pointwise.ts';
import { type GradFn, type Operand, type Primitive, apply, applyInPlace, primitive } from '../op.ts';
import { broadcastShapes, sameShape, type Shape } from '../shape.ts';
import { Tensor } from '../tensor.ts';

/** Makes the tensors that an operation is tried on; the same calls give the same values. */
export interface Sampler {
  /** Floats spread over `low` to `high` (default -2 to 2), no two alike. */
  float(shape: Shape, low?: number, high?: number): Tensor;
  /** Whole numbers from `low` up to and without `high` (default 0 to 5), as int64 or the given dtype. */
  int(shape: Shape, low?: number, high?: number, dtype?: DType): Tensor;
  /** A mixture of true and false. */
  bool(shape: Shape): Tensor;
  /** These very values. */
  values(data: readonly number[], shape?: Shape, dtype?: DType): Tensor;
}

/** Argument lists to try an operation on; the tests run each against PyTorch and through gradcheck. */
export type Samples = (s: Sampler) => readonly (readonly unknown[])[];

/** What the registry knows of a public operation. */
export interface OpInfo {
  /** As exported, in camelCase. */
  readonly opName: string;
  /** Group in the table of operations. */
  readonly family: string;
  /** PyTorch's name, below `torch.`: `add`, `nn.functional.conv2d`, `Tensor.select`; null where PyTorch has none. */
  readonly torch: string | null;
  /** Whether gradients flow through it. */
  readonly differentiable: boolean;
  /** Whether it is also a method of Tensor. */
  readonly isMethod: boolean;
  /** What the method calls, with the tensor first: the operation itself, but for those whose method has its arguments in another order. */
  readonly self: (...args: never[]) => unknown;
  /** The same operation in place, when there is one. */
  readonly inPlace: ((x: Tensor, ...args: never[]) => Tensor) | null;
  /** Names of the arguments after the first that may also be given by name, in order; then 'options' where it has options of its own, and behind that the options that may also stand by place. */
  readonly parameters: readonly string[];
  /** What tests try it on; left out of the built package. */
  readonly samples: Samples;
}

/** A public operation that is a function only. */
export type Free<F> = F & OpInfo & { readonly isMethod: false };
/** A public operation that is a function and a method of its first argument. */
export type Method<F> = F & OpInfo & { readonly isMethod: true };
/** A method that also exists in place, with a trailing underscore. */
export type InPlace<F> = Method<F> & { readonly inPlace: (x: Tensor, ...args: never[]) => Tensor };

/** How a public operation is described. */
export interface OpDescription {
  readonly name: string;
  readonly family: string;
  /** Default: the name in snake_case. */
  readonly torch?: string | null;
  /** Default: true. */
  readonly differentiable?: boolean;
  /** As `parameters` of `OpInfo`; default: none. */
  readonly parameters?: readonly string[];
  /** What the method calls, with the tensor first, where it has its arguments in another order. */
  readonly self?: (...args: never[]) => unknown;
  readonly samples: Samples;
}

/** A description that names the arguments. */
type NamedDescription = OpDescription & { readonly parameters: readonly string[] };

const registry = new Map<string, OpInfo & ((...args: never[]) => unknown)>();

/** Every public operation by name, in order of definition. */
export function allOps(): ReadonlyMap<string, OpInfo & ((...args: never[]) => unknown)> {
  return registry;
}

function define<F extends (...args: never[]) => unknown>(d: OpDescription, given: F, isMethod: boolean, write: OpInfo['inPlace']): F & OpInfo {
  const { parameters = [] } = d;
  const fn = parameters.length === 0 ? given : byName(d.name, parameters, given);
  const inPlace = parameters.length === 0 || write === null ? write : byName(`${d.name}_`, parameters, write);
  if (registry.has(d.name)) throw new StateError(`op: '${d.name}' is defined twice, got a second definition; expected distinct names`);
  Object.defineProperty(fn, 'name', { value: d.name });
  const op = Object.assign(fn, {
    opName: d.name,
    family: d.family,
    torch: d.torch === undefined ? toSnakeCase(d.name) : d.torch,
    differentiable: d.differentiable ?? true,
    isMethod,
    self: d.self ?? fn,
    inPlace,
    parameters,
    samples: d.samples,
  });
  registry.set(d.name, op);
  return op;
}

/** Registers an operation that is a function only (`cat`, `conv2d`). */
export function free<F extends (...args: never[]) => unknown, N extends F = F>(d: NamedDescription, fn: F): Free<N>;
export function free<F extends (...args: never[]) => unknown>(d: OpDescription, fn: F): Free<F>;
export function free<F extends (...args: never[]) => unknown>(d: OpDescription, fn: F): Free<F> {
  return define(d, fn, false, null) as Free<F>;
}

/** Registers an operation that is a function and a method (`x.sum()`). */
export function method<F extends (...args: never[]) => unknown, N extends F = F>(d: NamedDescription, fn: F): Method<N>;
export function method<F extends (...args: never[]) => unknown>(d: OpDescription, fn: F): Method<F>;
export function method<F extends (...args: never[]) => unknown>(d: OpDescription, fn: F): Method<F> {
  return define(d, fn, true, null) as Method<F>;
}

/** Registers an operation that is a function, a method and an in-place method (`x.clamp_(0, 1)`). */
export function inPlaceMethod<F extends (...args: never[]) => unknown, N extends F = F>(
  d: NamedDescription,
  fn: F,
  inPlace: (x: Tensor, ...args: never[]) => Tensor,
): InPlace<N>;
export function inPlaceMethod<F extends (...args: never[]) => unknown>(d: OpDescription, fn: F, inPlace: (x: Tensor, ...args: never[]) => Tensor): InPlace<F>;
export function inPlaceMethod<F extends (...args: never[]) => unknown>(
  d: OpDescription,
  fn: F,
  inPlace: (x: Tensor, ...args: never[]) => Tensor,
): InPlace<F> {
  return define(d, fn, true, inPlace) as InPlace<F>;
}

/** Refuses anything but a tensor. */
export function checkTensor(op: string, x: unknown, name = 'input'): asserts x is Tensor {
  if (!(x instanceof Tensor)) throw new ArgumentError(`${op}: ${name} is not a tensor, got ${show(x)}; expected a Tensor`);
}

/** A tensor or number as an operand; booleans become 0 or 1. */
export function checkOperand(op: string, x: unknown, name = 'other'): Operand {
  if (typeof x === 'number' || x instanceof Tensor) return x;
  if (typeof x === 'boolean') return x ? 1 : 0;
  throw new ArgumentError(`${op}: ${name} is not a tensor or number, got ${show(x)}; expected a Tensor or a number`);
}

/**
 * An operand beside another one: a boolean stays one beside a tensor of bool, and a number wraps round beside uint8, as PyTorch's do.
 *
 * @throws DTypeError for a number too large for uint8
 */
export function checkBeside(op: string, x: unknown, other: unknown, name = 'other'): Operand {
  if (!(other instanceof Tensor)) return checkOperand(op, x, name);
  if (typeof x === 'boolean' && other.dtype === 'bool') return other.scalarLike(x ? 1 : 0);
  const operand = checkOperand(op, x, name);
  if (other.dtype !== 'uint8' || typeof operand !== 'number' || !Number.isInteger(operand) || (operand >= 0 && operand <= 255)) return operand;
  if (Math.abs(operand) > 255) throw new DTypeError(`${op}: ${name} does not fit uint8, got ${operand}; expected -255 to 255`, { hint: "to('int32') first" });
  return operand + 256;
}

/** The shape all operands broadcast to. */
export function broadcastOperands(op: string, inputs: readonly Operand[]): Shape {
  let shape: Shape = [];
  for (const x of inputs) if (typeof x !== 'number') shape = broadcastShapes(op, shape, x.shape);
  return shape;
}

/** The first operand, when all are tensors of its shape and dtype, or it is a float tensor with dimensions and the others are numbers. */
function sharedSpec(inputs: readonly Operand[]): Tensor | null {
  const [first] = inputs;
  if (typeof first === 'number') return null;
  const { shape, dtype } = first;
  for (let i = 1; i < inputs.length; i++) {
    const x = inputs[i];
    if (typeof x === 'number') {
      if (shape.length === 0 || !isFloat(dtype)) return null;
    } else if (x.dtype !== dtype || !sameShape(x.shape, shape)) return null;
  }
  return first;
}

/** How a pointwise primitive is described; `cpu` builds its expression. */
export interface PointwiseDefinition<A> {
  readonly name: string;
  /** Result dtype from the promoted dtype of the operands; the same by default. */
  readonly dtype?: (promoted: DType, inputs: readonly Operand[]) => DType;
  /** Refuses dtypes; runs before anything is computed. */
  readonly accepts?: (promoted: DType) => void;
  /** The expression; distinct attributes that change it give distinct keys. */
  readonly expr: (attrs: A, ...args: Expr[]) => Expr;
  readonly key?: (attrs: A) => string;
  /** A number that the expression gets as its fourth argument, so that not every value needs a kernel of its own. */
  readonly scalar?: (attrs: A) => number;
  readonly backward?: readonly (GradFn | null)[] | undefined;
  readonly saves?: Primitive<A>['saves'];
}

/** Defines a primitive of up to three broadcast operands from one expression. */
export function pointwise<A = undefined>(d: PointwiseDefinition<A>): Primitive<A> {
  const { name, dtype, accepts, expr, key, scalar, backward, saves } = d;
  const keyOf = (attrs: A): string => (key === undefined ? '' : key(attrs));
  const exprOf = (attrs: A): Expr => expr(attrs, arg(0), arg(1), arg(2), arg(3));
  addFormula(name, { expr: exprOf, scalar: (attrs: A) => scalar?.(attrs) ?? 0 });
  return primitive<A>({
    name,
    backward,
    saves,
    infer: (inputs) => {
      const alike = sharedSpec(inputs);
      const promoted = alike === null ? resultType(...inputs) : alike.dtype;
      accepts?.(promoted);
      const result = dtype === undefined ? promoted : dtype(promoted, inputs);
      if (alike === null) return { shape: broadcastOperands(name, inputs), dtype: result };
      return alike.dtype === result ? alike : { shape: alike.shape, dtype: result };
    },
    cpu: accelerated(({ fastPointwise }) => fastPointwise(keyOf, exprOf, scalar), pointwiseKernel(keyOf, exprOf, scalar)),
    batching: 'broadcast',
    formula: { kind: 'pointwise', key: keyOf, expr: exprOf, scalar },
  });
}

/** A pointwise operation of one tensor. */
export type Unary = InPlace<(x: Tensor) => Tensor>;
/** A pointwise operation of two broadcast operands, one of which may be a number or a boolean. */
export type Binary = InPlace<(x: Operand | boolean, y: Operand | boolean) => Tensor>;

/** What pointwise operations of one and of two operands have in common. */
interface PointwiseOpDefinition {
  readonly name: string;
  /** Default: 'pointwise'. */
  readonly family?: string;
  readonly torch?: string | null;
  readonly dtype?: (promoted: DType, inputs: readonly Operand[]) => DType;
  readonly accepts?: (promoted: DType) => void;
  readonly saves?: Primitive<undefined>['saves'];
  readonly samples?: Samples;
  /** Gradients of the in-place form where that has a history and the result of the other form has none. */
  readonly inPlaceBackward?: readonly (GradFn | null)[];
}

/** How a pointwise operation of one tensor is described; samples are values from -2 to 2 by default. */
export interface UnaryDefinition extends PointwiseOpDefinition {
  readonly cpu: (x: Expr) => Expr;
  /** Gradient from the gradient of the output and the saved input or output. Absent: not differentiable. */
  readonly backward?: GradFn;
}

/** How a pointwise operation of two operands is described. */
export interface BinaryDefinition extends PointwiseOpDefinition {
  readonly cpu: (x: Expr, y: Expr) => Expr;
  readonly backward?: readonly [GradFn | null, GradFn | null];
}

/** The primitive of a pointwise operation and its entry in the registry. */
function pointwiseParts(
  d: PointwiseOpDefinition,
  expr: (x: Expr, y: Expr) => Expr,
  backward: readonly (GradFn | null)[] | undefined,
  samples: Samples,
): { readonly op: Primitive<undefined>; readonly inPlaceOp: Primitive<undefined>; readonly description: OpDescription } {
  const op = pointwise({
    name: d.name,
    ...(d.dtype && { dtype: d.dtype }),
    ...(d.accepts && { accepts: d.accepts }),
    expr: (_, x, y) => expr(x, y),
    backward,
    saves: d.saves,
  });
  const description = {
    name: d.name,
    family: d.family ?? 'pointwise',
    ...(d.torch !== undefined && { torch: d.torch }),
    differentiable: backward !== undefined,
    samples: d.samples ?? samples,
  };
  return { op, inPlaceOp: d.inPlaceBackward === undefined ? op : { ...op, backward: d.inPlaceBackward }, description };
}

/** One tensor, a scalar and an empty one. */
const unarySamples: Samples = (s) => [[s.float([2, 3])], [s.float([])], [s.float([0, 2])]];

/** Defines a pointwise operation of one tensor: primitive, function, method and in-place method. */
export function unary(d: UnaryDefinition): Unary {
  const { op, inPlaceOp, description } = pointwiseParts(d, d.cpu, d.backward && [d.backward], unarySamples);
  const fn = (x: Tensor): Tensor => {
    checkTensor(d.name, x);
    return apply(op, [x], undefined);
  };
  return inPlaceMethod(description, fn, (x: Tensor): Tensor => applyInPlace(inPlaceOp, [x], undefined));
}

/** Operands that show broadcasting, scalars, numbers and empty tensors. */
const binarySamples: Samples = (s) => [
  [s.float([2, 3]), s.float([2, 3], 0.5, 3)],
  [s.float([2, 1, 3]), s.float([4, 1], 0.5, 3)],
  [s.float([2, 2]), s.float([], 1, 2)],
  [s.float([3]), 2],
  [s.float([3], 0.5, 2), 1.5],
  [s.float([0, 3]), s.float([1, 3])],
];

/** Defines a pointwise operation of two operands: primitive, function, method and in-place method. */
export function binary(d: BinaryDefinition): Binary {
  const { name } = d;
  const { op, inPlaceOp, description } = pointwiseParts(d, d.cpu, d.backward, binarySamples);
  // Where floats come out, whole numbers count as floats.
  const beside = d.dtype === toFloat ? (who: string, x: unknown, _: unknown, what?: string): Operand => checkOperand(who, x, what) : checkBeside;
  const fn = (x: Operand | boolean, y: Operand | boolean): Tensor => apply(op, [beside(name, x, y, 'input'), beside(name, y, x)], undefined);
  return inPlaceMethod(description, fn, (x: Tensor, y: Operand | boolean): Tensor => {
    checkTensor(name, x);
    const other = beside(name, y, x);
    return applyInPlace(inPlaceOp, [x, typeof other !== 'number' && d.inPlaceBackward?.[1] === null ? other.detach() : other], undefined);
  });
}

/** The copy that also converts between dtypes. */
export const cast: Primitive<DType> = primitive<DType>({
  name: 'cast',
  infer: ([x], dtype) => ({ shape: typeof x === 'number' ? [] : x.shape, dtype }),
  cpu: accelerated(({ fastPointwise }) => fastPointwise(() => '', () => arg(0)), copyKernel),
  batching: 'broadcast',
  formula: { kind: 'pointwise', key: () => '', expr: () => arg(0) },
  backward: [
    (g, node) => {
      const { dtype } = node.inputs[0];
      return dtype === null || !isFloat(dtype) ? g : apply(cast, [g], dtype);
    },
  ],
});

import { cpu, getDevice } from '../device.ts';
import type { Device, Storage } from '../storage.ts';
import { type DType, type TypedArray, checkDType, checkRange, getDefaultDtype, isFloat, makeArray } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { type Shape, checkShape, numelOf } from '../shape.ts';
import { type NestedArray, Tensor, emptyTensor } from '../tensor.ts';
import type { Named, NamedPair } from './byName.ts';
import { type Free, type Method, checkTensor, free, method } from './define.ts';

/** Options every function that makes a tensor takes. */
export interface TensorOptions {
  /** Element type; default float32, or what the data says. */
  readonly dtype?: DType;
  /** Where it lives; default 'cpu'. */
  readonly device?: string | Device;
  /** Record operations on it; default false. */
  readonly requiresGrad?: boolean;
}

/** The options of `TensorOptions`, by name. */
export const tensorOptions = ['dtype', 'device', 'requiresGrad'] as const;

const family = 'creation';

/** Puts elements into a tensor, under checked options. */
export function fromCells(name: string, dtype: DType, cells: TypedArray, shape: Shape, options: TensorOptions | undefined): Tensor {
  return fromStorage(name, getDevice(options?.device ?? cpu).adopt(dtype, cells), shape, options);
}

function fromStorage(name: string, storage: Storage, shape: Shape, options: TensorOptions | undefined): Tensor {
  const made = new Tensor(storage, shape);
  const { dtype } = storage;
  if (options?.requiresGrad === true) {
    if (!isFloat(dtype)) throw new DTypeError(`${name}: only floats carry gradients, got ${dtype}; expected float32 or float64`);
    made.requiresGrad = true;
  }
  return made;
}

/** Checks the options and gives the dtype they ask for, or the default. */
export function dtypeOf(name: string, options: TensorOptions | undefined, fallback: DType, more: readonly string[] = []): DType {
  checkOptions(name, options, [...tensorOptions, ...more]);
  const dtype = options?.dtype ?? fallback;
  checkDType(name, dtype);
  const needsGrad = options?.requiresGrad ?? false;
  if (typeof needsGrad !== 'boolean') throw new ArgumentError(`${name}: requiresGrad is not a boolean, got ${show(needsGrad)}; expected true or false`);
  return dtype;
}

/** A value as it is stored: integers cut toward zero and range-checked, bool as 0 or 1. */
export function toCell(name: string, value: number, dtype: DType): number {
  if (dtype === 'bool') return value === 0 ? 0 : 1;
  if (isFloat(dtype)) return value;
  if (!Number.isFinite(value)) throw new DTypeError(`${name}: not a finite number, got ${value}; expected a whole number for ${dtype}`);
  const whole = Math.trunc(value);
  checkRange(name, whole, dtype);
  return whole;
}

type Leaf = number | boolean | bigint;

/** What `tensor` accepts: nested arrays, typed arrays, a number, a boolean, or a bigint. */
export type TensorData = NestedArray | bigint | readonly bigint[] | ArrayLike<number> | BigInt64Array | BigUint64Array;

function flattenNested(data: unknown, depth: number, shape: number[], out: Leaf[]): void {
  if (!Array.isArray(data)) {
    if (typeof data !== 'number' && typeof data !== 'boolean' && typeof data !== 'bigint') {
      throw new ArgumentError(`tensor: not a number, got ${show(data)} at depth ${depth}; expected numbers, booleans or nested arrays of them`);
    }
    if (depth !== shape.length) throw ragged(shape, depth);
    out.push(data);
    return;
  }
  if (out.length === 0 && shape.length === depth) shape.push(data.length);
  else if (shape[depth] !== data.length) throw ragged(shape, depth, data.length);
  for (const item of data) flattenNested(item, depth + 1, shape, out);
}

function ragged(shape: readonly number[], depth: number, length?: number): ShapeError {
  const got = length === undefined ? 'a value' : `length ${length}`;
  return new ShapeError(`tensor: nested arrays differ in length, got ${got} at depth ${depth}; expected ${shape[depth] === undefined ? 'a value' : `length ${shape[depth]}`}`);
}

function typedArrayDType(data: object): DType | undefined {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof Int32Array || data instanceof Int16Array || data instanceof Int8Array || data instanceof Uint16Array) return 'int32';
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) return 'uint8';
  if (data instanceof BigInt64Array || data instanceof BigUint64Array || data instanceof Uint32Array) return 'int64';
  return undefined;
}

/**
 * A tensor with the given elements, copied. Numbers give float32, booleans bool, bigints int64, typed arrays their own
 * type; `dtype` overrides.
 *
 * @param data - nested arrays, a typed array, or a single value
 * @throws ShapeError for ragged arrays, DTypeError for values outside an integer dtype, ArgumentError for anything else
 * @see https://pytorch.org/docs/stable/generated/torch.tensor.html
 */
export function tensor(data: TensorData, options?: TensorOptions): Tensor {
  const shape: number[] = [];
  let values: ArrayLike<Leaf>;
  let natural: DType = getDefaultDtype();
  const typed = typeof data === 'object' && data !== null ? typedArrayDType(data) : undefined;
  if (typed !== undefined) {
    values = data as ArrayLike<number>;
    shape.push(values.length);
    natural = typed;
  } else {
    const leaves: Leaf[] = [];
    flattenNested(data, 0, shape, leaves);
    values = leaves;
    if (leaves.length > 0 && leaves.every((v) => typeof v === 'boolean')) natural = 'bool';
    else if (leaves.some((v) => typeof v === 'bigint')) natural = 'int64';
  }
  const dtype = dtypeOf('tensor', options, natural);
  const cells = makeArray(dtype, values.length);
  for (let i = 0; i < values.length; i++) cells[i] = toCell('tensor', Number(values[i]), dtype);
  return fromCells('tensor', dtype, cells, shape, options);
}

/** True for a Tensor. */
export function isTensor(x: unknown): x is Tensor {
  return x instanceof Tensor;
}

function filled(name: string, shape: Shape, value: number, options: TensorOptions | undefined, fallback: DType = getDefaultDtype()): Tensor {
  const dtype = dtypeOf(name, options, fallback);
  checkShape(name, shape);
  const device = getDevice(options?.device ?? cpu);
  if (device.filled !== undefined) return fromStorage(name, device.filled(dtype, numelOf(shape), toCell(name, value, dtype)), [...shape], options);
  const cells = makeArray(dtype, numelOf(shape));
  // A negative number wraps round to uint8, as PyTorch's does.
  const wraps = dtype === 'uint8' && Number.isInteger(value) && value < 0 && value > -256;
  if (!Object.is(value, 0)) cells.fill(toCell(name, wraps ? value + 256 : value, dtype));
  return fromCells(name, dtype, cells, [...shape], options);
}

function plain(name: string, value: unknown): number {
  if (typeof value !== 'number' && typeof value !== 'boolean') throw new ArgumentError(`${name}: value is not a number, got ${show(value)}; expected a number or a boolean`);
  return Number(value);
}

type Create = (shape: Shape, options?: TensorOptions) => Tensor;

/** Zeros. @see https://pytorch.org/docs/stable/generated/torch.zeros.html */
export const zeros: Free<Create> = free({ name: 'zeros', family, differentiable: false, samples: () => [[[2, 3]], [[]], [[0, 2]]] }, (shape: Shape, options?: TensorOptions) =>
  filled('zeros', shape, 0, options),
);
/** Ones. @see https://pytorch.org/docs/stable/generated/torch.ones.html */
export const ones: Free<Create> = free({ name: 'ones', family, differentiable: false, samples: () => [[[2, 3]], [[], { dtype: 'int64' }]] }, (shape: Shape, options?: TensorOptions) =>
  filled('ones', shape, 1, options),
);
/** A tensor whose values are not meant to be read before they are written; they are zeros. @see https://pytorch.org/docs/stable/generated/torch.empty.html */
export const empty: Free<Create> = free({ name: 'empty', family, differentiable: false, samples: () => [] }, (shape: Shape, options?: TensorOptions) => filled('empty', shape, 0, options));
/** `value` everywhere; a boolean gives bool, a number float32 unless `dtype` says otherwise. @see https://pytorch.org/docs/stable/generated/torch.full.html */
export const full: Free<Named<'fillValue', number | boolean, TensorOptions, Tensor, Shape>> = free(
  { name: 'full', parameters: ['fillValue', 'options'], family, differentiable: false, samples: () => [[[2, 3], 1.5], [[2], true]] },
  (shape: Shape, value: number | boolean, options?: TensorOptions) => filled('full', shape, plain('full', value), options, typeof value === 'boolean' ? 'bool' : getDefaultDtype()),
);

type Like = (x: Tensor, options?: TensorOptions) => Tensor;

const like = (name: string, value: number) => (x: Tensor, options?: TensorOptions): Tensor => {
  checkTensor(name, x);
  return filled(name, x.shape, value, { device: x.device, ...options }, x.dtype);
};

/** Zeros of the shape, dtype and device of another tensor. @see https://pytorch.org/docs/stable/generated/torch.zeros_like.html */
export const zerosLike: Free<Like> = free({ name: 'zerosLike', family, differentiable: false, samples: (s) => [[s.float([2, 3])], [s.int([2])]] }, like('zerosLike', 0));
/** Ones of the shape, dtype and device of another tensor. @see https://pytorch.org/docs/stable/generated/torch.ones_like.html */
export const onesLike: Free<Like> = free({ name: 'onesLike', family, differentiable: false, samples: (s) => [[s.float([2, 3])], [s.float([2]), { dtype: 'int64' }]] }, like('onesLike', 1));
/** An unfilled tensor (zeros) of the shape, dtype and device of another. @see https://pytorch.org/docs/stable/generated/torch.empty_like.html */
export const emptyLike: Free<Like> = free({ name: 'emptyLike', family, differentiable: false, samples: () => [] }, like('emptyLike', 0));
/** `value` everywhere, in the shape, dtype and device of another tensor. @see https://pytorch.org/docs/stable/generated/torch.full_like.html */
export const fullLike: Free<Named<'fillValue', number | boolean, TensorOptions, Tensor>> = free(
  { name: 'fullLike', parameters: ['fillValue', 'options'], family, differentiable: false, samples: (s) => [[s.float([2, 3]), 2.5]] },
  (x: Tensor, value: number | boolean, options?: TensorOptions) => {
    checkTensor('fullLike', x);
    return filled('fullLike', x.shape, plain('fullLike', value), { device: x.device, ...options }, x.dtype);
  },
);

/** The bounds of `arange` by name. */
interface RangeOptions extends TensorOptions {
  readonly start?: number;
  readonly end?: number;
  readonly step?: number;
}

/**
 * Numbers from `start` up to and without `end` in steps of `step`; `arange(n)` counts from 0. int64 when all three are whole
 * numbers, else float32.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.arange.html
 */
export const arange: Free<{
  (options: RangeOptions): Tensor;
  (end: number, options?: RangeOptions): Tensor;
  (start: number, end: number, options?: RangeOptions): Tensor;
  (start: number, end: number, step: number, options?: TensorOptions): Tensor;
}> = free({ name: 'arange', family, differentiable: false, samples: () => [[5], [2, 7], [1, 6, 2], [0, 1, 0.25], [3, 0, -1], [1, 2.5, { dtype: 'int64' }], [0.1, 1.1, { dtype: 'uint8' }]] }, (...args: readonly (number | RangeOptions | undefined)[]): Tensor => {
  const last = args[args.length - 1];
  const { start: from, end: to, step: by, ...rest }: RangeOptions = typeof last === 'object' ? last : {};
  const options = typeof last === 'object' ? rest : undefined;
  const numbers = (options === undefined ? args : args.slice(0, -1)).filter((v) => v !== undefined) as readonly number[];
  const [start, end, step] = numbers.length + (to === undefined ? 0 : 1) === 1 ? [from ?? 0, to ?? numbers[0], by ?? 1] : [from ?? numbers[0], to ?? numbers[1], by ?? numbers[2] ?? 1];
  if (numbers.length > 3 || ![start, end, step].every(Number.isFinite)) throw new ArgumentError(`arange: not finite numbers, got ${show(args)}; expected end, or start and end, or start, end and step`);
  const dtype = dtypeOf('arange', options, [start, end, step].every(Number.isInteger) ? 'int64' : getDefaultDtype());
  // Whole numbers start at one and go by one; only int64 counts them between whole ends.
  const whole = (v: number): number => (isFloat(dtype) ? v : Math.trunc(v));
  const [first, stride] = [whole(start), whole(step)];
  const count = dtype === 'int64' ? Math.ceil((Math.trunc(end) - first) / stride) : Math.ceil((end - start) / step);
  if (stride === 0 || (end - start) / step < 0) throw new ArgumentError(`arange: the step leads away from the end, got ${start} to ${end} by ${step}; expected a step toward the end`);
  const cells = makeArray(dtype, count);
  for (let i = 0; i < cells.length; i++) cells[i] = toCell('arange', first + i * stride, dtype);
  return fromCells('arange', dtype, cells, [cells.length], options);
});

/** `steps` numbers evenly spread from `start` to `end`, both included. @see https://pytorch.org/docs/stable/generated/torch.linspace.html */
export const linspace: Free<NamedPair<'end', number, 'steps', number, TensorOptions, Tensor, number>> = free(
  { name: 'linspace', parameters: ['end', 'steps', 'options'], family, differentiable: false, samples: () => [[0, 1, 5], [-3, 3, 4], [2, 5, 1], [4.3, -3, 7, { dtype: 'int64' }]] },
  (first: number, last: number, steps: number, options?: TensorOptions): Tensor => {
    const dtype = dtypeOf('linspace', options, getDefaultDtype());
    for (const v of [first, last]) if (typeof v !== 'number') throw new ArgumentError(`linspace: bound is not a number, got ${show(v)}; expected numbers`);
    if (!Number.isInteger(steps) || steps < 0) throw new ArgumentError(`linspace: steps is not a whole number, got ${show(steps)}; expected an integer ≥ 0`);
    // Among whole numbers the ends are whole.
    const [start, end] = isFloat(dtype) ? [first, last] : [Math.trunc(first), Math.trunc(last)];
    const cells = makeArray(dtype, steps);
    const step = steps > 1 ? (end - start) / (steps - 1) : 0;
    for (let i = 0; i < steps; i++) cells[i] = toCell('linspace', i < steps / 2 ? start + i * step : end - (steps - 1 - i) * step, dtype);
    if (steps === 1) cells[0] = toCell('linspace', start, dtype);
    return fromCells('linspace', dtype, cells, [steps], options);
  },
);

/** Ones on the diagonal of an n×m matrix, zeros elsewhere. @see https://pytorch.org/docs/stable/generated/torch.eye.html */
export const eye: Free<Named<'m', number | TensorOptions, TensorOptions, Tensor, number>> = free(
  { name: 'eye', parameters: ['m', 'options'], family, differentiable: false, samples: () => [[3], [2, 4]] },
  (n: number, m?: number | TensorOptions, options?: TensorOptions): Tensor => {
    const [columns, rest] = typeof m === 'number' ? [m, options] : [n, m ?? options];
    const dtype = dtypeOf('eye', rest, getDefaultDtype());
    checkShape('eye', [n, columns]);
    const cells = makeArray(dtype, n * columns);
    for (let i = 0; i < Math.min(n, columns); i++) cells[i * columns + i] = 1;
    return fromCells('eye', dtype, cells, [n, columns], rest);
  },
);

/** A 0-dimensional tensor like `x` with a value: the scalar of formulas. */
export const scalarLike: Method<(x: Tensor, value: number) => Tensor> = method(
  { name: 'scalarLike', family: 'engine', torch: null, differentiable: false, samples: (s) => [[s.float([2]), 3]] },
  (x: Tensor, value: number): Tensor => {
    const made = emptyTensor([], x.dtype, x.device);
    return made.fill_(value);
  },
);

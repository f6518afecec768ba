import { type DType, isFloat } from '../../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../../errors.ts';
import { type Shape, broadcastShapes, sameShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { checkTensor } from '../define.ts';

/** Arguments behind the tensors, by name; what was not given is undefined. */
export type Given = Readonly<Record<string, unknown>>;

function isOptions(value: unknown): value is Given {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/**
 * Arguments behind the tensors: by position, in the order of `names`, and as keys of an options object in the end, which may also have `keywords`.
 *
 * @throws ArgumentError for too many, for one that is given twice, and for unknown options
 */
export function argumentsOf(name: string, given: readonly unknown[], names: readonly string[], keywords: readonly string[] = []): Given {
  const last = given.findLastIndex((v) => v !== undefined);
  const options = last >= 0 && isOptions(given[last]) ? given[last] : undefined;
  const places = given.slice(0, options === undefined ? last + 1 : last);
  if (places.length > names.length) {
    throw new ArgumentError(`${name}: too many arguments, got ${show(places)}; expected at most ${names.length === 0 ? 'an options object' : names.join(', ')}`);
  }
  checkOptions(name, options, [...names, ...keywords]);
  const found: Record<string, unknown> = { ...options };
  places.forEach((value, i) => {
    if (value === undefined) return;
    if (found[names[i]] !== undefined) throw new ArgumentError(`${name}: ${names[i]} is given twice, got ${show(value)} and ${show(found[names[i]])}; expected it once`);
    found[names[i]] = value;
  });
  return found;
}

/** An argument that is true or false. */
export function flagOf(name: string, given: Given, key: string, fallback: boolean): boolean {
  const value = given[key] ?? fallback;
  if (typeof value !== 'boolean') throw new ArgumentError(`${name}: ${key} is not a boolean, got ${show(value)}; expected true or false`);
  return value;
}

/** An argument that is a whole number. */
export function integerOf(name: string, given: Given, key: string, fallback: number): number {
  const value = given[key] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw new ArgumentError(`${name}: ${key} is not an integer, got ${show(value)}; expected an integer`);
  return value;
}

/** Refuses anything but a float tensor. */
export function checkFloat(name: string, x: unknown, what = 'input'): asserts x is Tensor {
  checkTensor(name, x, what);
  if (!isFloat(x.dtype)) throw new DTypeError(`${name}: ${what} is not a float tensor, got ${show(x)}; expected float32 or float64`, { hint: "convert with .to('float32')" });
}

/** Refuses anything but float matrices. */
export function checkMatrix(name: string, x: unknown, what = 'input'): asserts x is Tensor {
  checkTensor(name, x, what);
  if (x.ndim < 2) throw new ShapeError(`${name}: ${what} is not a matrix, got ${show(x)}; expected at least 2 dimensions`, { values: { shape: x.shape } });
  checkFloat(name, x, what);
}

/** Refuses anything but square float matrices. */
export function checkSquare(name: string, x: unknown, what = 'input'): asserts x is Tensor {
  checkMatrix(name, x, what);
  checkSides(name, x, what);
}

/** Refuses matrices that are not square, of any dtype. */
export function checkSides(name: string, x: Tensor, what = 'input'): void {
  if (x.ndim < 2) throw new ShapeError(`${name}: ${what} is not a matrix, got ${show(x)}; expected at least 2 dimensions`, { values: { shape: x.shape } });
  if (x.shape[x.ndim - 1] !== x.shape[x.ndim - 2]) {
    throw new ShapeError(`${name}: the matrix is not square, got ${show(x)}; expected as many rows as columns`, { values: { shape: x.shape } });
  }
}

/** Refuses tensors of two dtypes. */
export function checkSameDType(name: string, a: Tensor, b: Tensor): void {
  if (a.dtype !== b.dtype) {
    throw new DTypeError(`${name}: dtypes differ, got ${show(a)} and ${show(b)}; expected one dtype`, { hint: `convert one with .to('${a.dtype}')` });
  }
}

/** The leading dimensions: which matrices there are. */
export const batchOf = (x: Tensor): Shape => x.shape.slice(0, -2);

/** Number of rows. */
export const rowsIn = (x: Tensor): number => x.shape[x.ndim - 2];

/** Number of columns. */
export const colsIn = (x: Tensor): number => x.shape[x.ndim - 1];

/** Both with the same leading dimensions. */
export function broadcastBatches(name: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  const batch = broadcastShapes(name, batchOf(a), batchOf(b));
  const spread = (x: Tensor): Tensor => (sameShape(batchOf(x), batch) ? x : x.expand([...batch, rowsIn(x), colsIn(x)]));
  return [spread(a), spread(b)];
}

/** Whether a right-hand side is a vector, or a batch of vectors that has the matrices' leading dimensions. */
export function isVectorSide(a: Tensor, b: Tensor): boolean {
  return b.ndim === 1 || (a.ndim - 1 === b.ndim && sameShape(b.shape, a.shape.slice(0, -1)));
}

/** The distance from 1 to the next number of a float dtype. */
export const epsilonOf = (dtype: DType): number => (dtype === 'float64' ? Number.EPSILON : 2 ** -23);

/** The transpose of every matrix. */
export const turned = (x: Tensor): Tensor => x.transpose(-2, -1);

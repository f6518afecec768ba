import { createRequire } from 'node:module';
import { type DType, type Tensor, tensor } from '../../index.ts';

/** What is used of onnxruntime-node. */
interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: ArrayLike<number | bigint>;
}
export interface Ort {
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: { create(bytes: Uint8Array, options: object): Promise<Session> };
}
export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
}

/** onnxruntime-node, or null where it is not installed or does not load. */
export function findOrt(): Ort | null {
  try {
    return createRequire(import.meta.url)('onnxruntime-node') as Ort;
  } catch {
    return null;
  }
}

const types: Readonly<Record<DType, string>> = { float32: 'float32', float64: 'float64', int32: 'int32', int64: 'int64', uint8: 'uint8', bool: 'bool' };
const dtypes: Readonly<Record<string, DType>> = { float32: 'float32', float64: 'float64', int32: 'int32', int64: 'int64', uint8: 'uint8', bool: 'bool' };

/** A tensor of polyak for onnxruntime. */
export function toOrt(ort: Ort, x: Tensor): OrtTensor {
  const data = x.data();
  return new ort.Tensor(types[x.dtype], x.dtype === 'int64' ? BigInt64Array.from(Array.from(data, BigInt)) : data, x.shape);
}

/** A tensor of onnxruntime for polyak. */
export function fromOrt({ type, dims, data }: OrtTensor): Tensor {
  return tensor(Array.from(data as ArrayLike<number>, Number), { dtype: dtypes[type] }).reshape(dims);
}

/** The largest difference, absolute below 1 and relative above; Infinity where shapes, dtypes or special values differ. */
export function difference(a: Tensor, b: Tensor): number {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return Infinity;
  const [x, y] = [a.data(), b.data()];
  let worst = 0;
  for (let i = 0; i < x.length; i++) {
    if (Object.is(x[i], y[i]) || x[i] === y[i]) continue;
    const d = Math.abs(x[i] - y[i]) / Math.max(1, Math.abs(x[i]));
    worst = Number.isNaN(d) ? Infinity : Math.max(worst, d);
  }
  return worst;
}

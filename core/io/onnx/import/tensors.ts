import { type DType, type TypedArray, isFloat } from '../../../dtype.ts';
import { StateError } from '../../../errors.ts';
import { bfloat16ToFloat32, float16ToFloat32 } from '../../half.ts';
import { tensor } from '../../../ops/creation.ts';
import type { Tensor } from '../../../tensor.ts';
import { type OnnxTensor, elementTypes } from '../model.ts';
import type { NodeReader } from './node.ts';

/** The dtype that holds an element type; half precision becomes float32, integers of other sizes the next larger one. */
const dtypes: Readonly<Record<number, DType>> = {
  [elementTypes.FLOAT]: 'float32', [elementTypes.FLOAT16]: 'float32', [elementTypes.BFLOAT16]: 'float32', [elementTypes.DOUBLE]: 'float64',
  [elementTypes.UINT8]: 'uint8', [elementTypes.INT8]: 'int32', [elementTypes.INT16]: 'int32', [elementTypes.UINT16]: 'int32', [elementTypes.INT32]: 'int32',
  [elementTypes.UINT32]: 'int64', [elementTypes.INT64]: 'int64', [elementTypes.UINT64]: 'int64', [elementTypes.BOOL]: 'bool',
};

/** The dtype of an element type. @throws StateError for what is no number */
export function dtypeOf(op: string, type: number): DType {
  const dtype = dtypes[type];
  if (dtype === undefined) throw new StateError(`${op}: elements of another kind, got type ${type}; expected numbers or truth values`);
  return dtype;
}

/** The dtype that an attribute of a node names. */
export function typeAttribute(n: NodeReader, name: string, fallback: DType): DType {
  return n.has(name) ? dtypeOf(n.node.type, n.int(name, elementTypes.FLOAT)) : fallback;
}

/** The largest numbers of 64 bits stand for "to the end"; they become the largest of 32. */
function narrowed(v: number): number {
  if (v >= -(2 ** 31) && v < 2 ** 31) return v;
  if (Math.abs(v) > 2 ** 62) return v < 0 ? -(2 ** 31) : 2 ** 31 - 1;
  throw new StateError(`importOnnx: an integer does not fit, got ${v}; expected ${-(2 ** 31)} to ${2 ** 31 - 1}`, { hint: 'int64 is kept as 32-bit integers in memory' });
}

/** The elements of a constant. */
function cellsOf({ raw, type }: OnnxTensor): TypedArray {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  const read = <A extends TypedArray>(out: A, width: number, at: (i: number) => number): A => {
    for (let i = 0; i < out.length; i++) out[i] = at(i * width);
    return out;
  };
  const halves = (): Uint16Array => Uint16Array.from({ length: raw.length / 2 }, (_, i) => view.getUint16(2 * i, true));
  if (type === elementTypes.FLOAT) return read(new Float32Array(raw.length / 4), 4, (i) => view.getFloat32(i, true));
  if (type === elementTypes.DOUBLE) return read(new Float64Array(raw.length / 8), 8, (i) => view.getFloat64(i, true));
  if (type === elementTypes.FLOAT16) return float16ToFloat32(halves());
  if (type === elementTypes.BFLOAT16) return bfloat16ToFloat32(halves());
  if (type === elementTypes.UINT8) return raw.slice();
  if (type === elementTypes.BOOL) return raw.map((v) => (v === 0 ? 0 : 1));
  if (type === elementTypes.INT8) return read(new Int32Array(raw.length), 1, (i) => view.getInt8(i));
  if (type === elementTypes.INT16) return read(new Int32Array(raw.length / 2), 2, (i) => view.getInt16(i, true));
  if (type === elementTypes.UINT16) return read(new Int32Array(raw.length / 2), 2, (i) => view.getUint16(i, true));
  if (type === elementTypes.INT32) return read(new Int32Array(raw.length / 4), 4, (i) => view.getInt32(i, true));
  if (type === elementTypes.UINT32) return read(new Int32Array(raw.length / 4), 4, (i) => narrowed(view.getUint32(i, true)));
  return read(new Int32Array(raw.length / 8), 8, (i) => narrowed(Number(type === elementTypes.UINT64 ? view.getBigUint64(i, true) : view.getBigInt64(i, true))));
}

/** A constant as a tensor. */
export function tensorOf(t: OnnxTensor): Tensor {
  const dtype = dtypeOf('importOnnx', t.type);
  return tensor(cellsOf(t), { dtype }).reshape(t.dims);
}

/** Whether a constant is made of floats. */
export function isFloating({ type }: OnnxTensor): boolean {
  return isFloat(dtypeOf('importOnnx', type));
}

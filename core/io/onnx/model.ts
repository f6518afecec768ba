import type { TypedArray } from '../../dtype.ts';

// The messages of ONNX that polyak reads and writes. @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

/** Element types by number, with their names in the specification. */
export const elementTypes = {
  FLOAT: 1, UINT8: 2, INT8: 3, UINT16: 4, INT16: 5, INT32: 6, INT64: 7, STRING: 8, BOOL: 9, FLOAT16: 10, DOUBLE: 11, UINT32: 12, UINT64: 13, BFLOAT16: 16,
} as const;

/** A constant tensor in a file. */
export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: number;
  /** The elements, little-endian, in row-major order. */
  readonly raw: Uint8Array;
}

/** An attribute: a number, a text, a tensor, a graph, or a list. Integers and floats are told apart by `kind`. */
export type OnnxAttribute =
  | { readonly kind: 'float' | 'int'; readonly value: number }
  | { readonly kind: 'floats' | 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensor'; readonly value: OnnxTensor }
  | { readonly kind: 'graph'; readonly value: OnnxGraph }
  | { readonly kind: 'other'; readonly value: null };

/** One operation. */
export interface OnnxNode {
  readonly name: string;
  readonly type: string;
  readonly domain: string;
  /** Names of values; '' for an optional one that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

/** A size: a number, a name, or null where nothing is said. */
export type OnnxDim = number | string | null;

/** An input or output of a graph. */
export interface OnnxValueInfo {
  readonly name: string;
  readonly type: number;
  /** null where nothing is said. */
  readonly shape: readonly OnnxDim[] | null;
}

/** Nodes in order, and what goes in and out. */
export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
}

/** The graphs in the attributes of a node: branches and bodies of loops. They read values of the graphs around them. */
export function graphsOf({ attributes }: OnnxNode): OnnxGraph[] {
  return [...attributes.values()].flatMap((a) => (a.kind === 'graph' ? [a.value] : []));
}

/** A whole file. */
export interface OnnxModel {
  readonly irVersion: number;
  readonly producer: string;
  readonly producerVersion: string;
  /** Version of the default operator set. */
  readonly opset: number;
  /** Operator sets of other domains. */
  readonly domains: ReadonlyMap<string, number>;
  readonly graph: OnnxGraph;
}

const isLittle = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Little-endian bytes of elements; int64 is held in 32 bits and written in 64. */
export function rawOf(data: TypedArray, type: number): Uint8Array {
  if (type === elementTypes.INT64) return rawOf64(data);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (isLittle || data.BYTES_PER_ELEMENT === 1) return bytes.slice();
  const size = data.BYTES_PER_ELEMENT;
  return bytes.map((_, i) => bytes[i - (i % size) + size - 1 - (i % size)]);
}

function rawOf64(data: ArrayLike<number>): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * data.length));
  for (let i = 0; i < data.length; i++) view.setBigInt64(8 * i, BigInt(data[i]), true);
  return new Uint8Array(view.buffer);
}

/** A tensor of 64-bit integers. */
export function int64Tensor(values: readonly number[], dims: readonly number[] = [values.length]): OnnxTensor {
  return { name: '', dims, type: elementTypes.INT64, raw: rawOf64(values) };
}

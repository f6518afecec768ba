import { cpu } from '../device.ts';
import { ArgumentError, StateError, checkOptions, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { type FileCells, type FileDType, type FloatFileDType, canEncode, encodeCells, encodeElements, fileBits, fileDTypeOf, fileDTypes, floatFileDTypes, isCellsOf, isFileDType } from './safetensors-dtypes.ts';
import { MAX_HEADER, MAX_RANK, METADATA, byteLength } from './safetensors-header.ts';

/** Options of `writeSafetensors` and `saveSafetensors`. */
export interface SafetensorsOptions {
  /** Texts by name, kept in the header; default none. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** How float tensors are written; default as they are. Halves are rounded to nearest, ties to even. Raw and lazy tensors keep their type. */
  readonly dtype?: FloatFileDType;
}

/** Elements of a file as they are, of any of its types: 64-bit integers whole, smaller floats as their bits. */
export interface RawTensor {
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  /** `BigInt64Array` for I64, `BigUint64Array` for U64, `Uint16Array` for F16 and BF16, bytes for floats of 8 bits and fewer, pairs for C64. */
  readonly data: FileCells;
}

/** What can be written at once. */
export type Storable = Tensor | RawTensor;

/** A tensor that is made when its turn comes to be written, whole or in parts along its first dimension. */
export interface LazyTensor {
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  /** The tensor, or its parts in order; tensors of a float dtype are written as any of the float types F64 to BF16. */
  read(): Storable | Promise<Storable> | Iterable<Storable> | AsyncIterable<Storable>;
}

/** What can be saved. */
export type Savable = Storable | LazyTensor;

const LONE = /\p{Surrogate}/u;

/** Refuses names and texts that UTF-8 cannot hold: other readers would refuse the file. */
function checkText(op: string, what: string, text: string): void {
  if (LONE.test(text)) throw new ArgumentError(`${op}: ${what} is not Unicode text, got half a character in ${JSON.stringify(text)}; expected whole characters`);
}

function isLazy(x: unknown): x is LazyTensor {
  return typeof x === 'object' && x !== null && !(x instanceof Tensor) && 'read' in x && typeof x.read === 'function';
}

/** Refuses anything but tensors, raw ones included, by name; `lazy` tells whether lazy ones are taken. */
export function checkTensors(op: string, tensors: unknown, lazy: boolean): asserts tensors is Readonly<Record<string, Savable>> {
  if (typeof tensors !== 'object' || tensors === null || Array.isArray(tensors) || tensors instanceof Tensor || tensors instanceof Map) {
    throw new ArgumentError(`${op}: not tensors by name, got ${show(tensors)}; expected { name: tensor, … }`);
  }
  for (const [name, value] of Object.entries(tensors)) {
    if (name === METADATA) throw new ArgumentError(`${op}: the name is reserved, got '${METADATA}'; expected another name`, { values: { name } });
    checkText(op, 'the name of a tensor', name);
    checkSavable(op, `'${name}'`, value, lazy);
  }
}

function checkSavable(op: string, where: string, value: unknown, lazy: boolean): asserts value is Savable {
  if (value instanceof Tensor && value.ndim > MAX_RANK) throw new ArgumentError(`${op}: ${where} has too many dimensions, got ${value.ndim}; expected at most ${MAX_RANK}`);
  if (value instanceof Tensor) return;
  if (isLazy(value) && !lazy) throw new ArgumentError(`${op}: ${where} is lazy, got an object with read(); expected a tensor`, { hint: 'saveSafetensors and streamSafetensors read it' });
  if (typeof value !== 'object' || value === null || !('dtype' in value) || !('shape' in value) || !(isLazy(value) || 'data' in value)) {
    throw new ArgumentError(`${op}: ${where} is not a tensor, got ${show(value)}; expected a Tensor`);
  }
  const { dtype, shape } = value;
  if (typeof dtype !== 'string' || !isFileDType(dtype)) throw new ArgumentError(`${op}: unknown dtype of ${where}, got ${show(dtype)}; expected one of ${fileDTypes.join(', ')}`);
  if (!Array.isArray(shape) || shape.length > MAX_RANK || !shape.every((n) => Number.isSafeInteger(n) && n >= 0) || !Number.isSafeInteger(byteLength(shape as number[], dtype))) {
    throw new ArgumentError(`${op}: ${where} has no shape of ${dtype}, got ${show(shape)}; expected sizes ≥ 0 that fill whole bytes`);
  }
  if (isLazy(value)) return;
  const { data } = value as RawTensor;
  if (!isCellsOf(dtype, data)) throw new ArgumentError(`${op}: ${where} has elements of another kind, got ${show(data)}; expected those of ${dtype}`);
  const expected = byteLength(shape as number[], dtype);
  if (data.byteLength !== expected) throw new ArgumentError(`${op}: ${where} has another number of elements, got ${data.byteLength} bytes; expected ${expected}`);
}

function checkMetadata(op: string, metadata: unknown): void {
  if (metadata === undefined) return;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw new ArgumentError(`${op}: metadata is not an object, got ${show(metadata)}; expected texts by name`);
  }
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw new ArgumentError(`${op}: metadata '${key}' is not a text, got ${show(value)}; expected a string`, { values: { key } });
    checkText(op, 'the name of a text', key);
    checkText(op, `metadata '${key}'`, value);
  }
}

interface Item {
  readonly name: string;
  readonly type: FileDType;
  readonly value: Savable;
  readonly bytes: number;
}

/** The start of a file, and what follows in order. */
interface Plan {
  readonly header: Uint8Array;
  readonly items: readonly Item[];
}

function plan(op: string, tensors: Readonly<Record<string, Savable>>, options: SafetensorsOptions | undefined): Plan {
  checkOptions(op, options, ['metadata', 'dtype']);
  checkMetadata(op, options?.metadata);
  const float = options?.dtype;
  if (float !== undefined && !floatFileDTypes.includes(float)) {
    throw new ArgumentError(`${op}: unknown dtype, got ${show(float)}; expected one of ${floatFileDTypes.join(', ')}`);
  }
  const items = Object.entries(tensors).map(([name, value]): Item => {
    const type = value instanceof Tensor ? fileDTypeOf(value.dtype, float) : value.dtype;
    return { name, type, value, bytes: byteLength(value.shape, type) };
  });
  const order = items.map((_, i) => i).sort((a, b) => fileBits(items[b].type) - fileBits(items[a].type) || a - b);
  const offsets: string[] = [];
  let at = 0;
  for (const i of order) offsets[i] = `[${at},${(at += items[i].bytes)}]`;
  const fields = items.map(({ name, type, value }, i) => `${JSON.stringify(name)}:{"dtype":"${type}","shape":[${value.shape.join(',')}],"data_offsets":${offsets[i]}}`);
  if (options?.metadata !== undefined) fields.unshift(`"${METADATA}":${JSON.stringify(options.metadata)}`);
  const text = new TextEncoder().encode(`{${fields.join(',')}}`);
  const header = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(32);
  if (header.length - 8 > MAX_HEADER) {
    throw new ArgumentError(`${op}: names and metadata are too long, got a header of ${text.length} bytes; expected at most ${MAX_HEADER}`);
  }
  header.set(text, 8);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  return { header, items: order.map((i) => items[i]) };
}

function encode(value: Storable, type: FileDType): Uint8Array {
  return value instanceof Tensor ? encodeElements(value, type) : encodeCells(type, value.data);
}

/** The parts of the bytes of a safetensors file, in order. */
export function encodeSafetensors(op: string, tensors: Readonly<Record<string, Storable>>, options: SafetensorsOptions | undefined): Uint8Array[] {
  checkTensors(op, tensors, false);
  const { header, items } = plan(op, tensors, options);
  return [header, ...items.map(({ value, type }) => encode(value as Storable, type))];
}

/**
 * The same with lazy tensors: those are read when their turn comes, the others now.
 *
 * @throws StateError while it runs, when a lazy tensor gives something else than it said
 */
export function encodeLazily(op: string, tensors: Readonly<Record<string, Savable>>, options: SafetensorsOptions | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  checkTensors(op, tensors, true);
  const { header, items } = plan(op, tensors, options);
  const ready = items.map(({ value, type }) => (isLazy(value) ? null : encode(value, type)));
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    yield header;
    for (const [i, item] of items.entries()) {
      const bytes = ready[i];
      ready[i] = null;
      if (bytes === null) yield* parts(op, item);
      else yield bytes;
    }
  }
  return chunks();
}

async function* parts(op: string, { name, type, value, bytes }: Item): AsyncGenerator<Uint8Array, void, undefined> {
  const read: unknown = await (value as LazyTensor).read();
  const many = typeof read === 'object' && read !== null && (Symbol.asyncIterator in read || (Symbol.iterator in read && !(read instanceof Tensor)));
  let written = 0;
  for await (const part of many ? (read as AsyncIterable<unknown>) : [read]) {
    checkSavable(op, `a part of '${name}'`, part, false);
    const fits = part instanceof Tensor ? canEncode(part.dtype, type) : (part as RawTensor).dtype === type;
    if (!fits) throw new StateError(`${op}: a part of '${name}' has another dtype, got ${show(part)}; expected ${type}`);
    const chunk = encode(part instanceof Tensor && part.device !== cpu ? await part.cpu() : (part as Storable), type);
    written += chunk.length;
    if (written > bytes) break;
    yield chunk;
  }
  if (written !== bytes) throw new StateError(`${op}: '${name}' gave another number of elements, got ${written > bytes ? 'more' : `${written} bytes`}; expected ${bytes} bytes`);
}

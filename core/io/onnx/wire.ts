import { StateError } from '../../errors.ts';

// The encoding of protocol buffers: a message is a list of fields, each a number, a kind and a payload.
// @see https://protobuf.dev/programming-guides/encoding/

const utf8 = new TextEncoder();

/** Varints of 64 bits hold negative numbers in two's complement. */
function varint(value: number | bigint, out: number[]): void {
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  out.push(Number(rest));
}

/** Writes the fields of a message. */
export class MessageWriter {
  private readonly parts: Uint8Array[] = [];
  private size = 0;

  /** An integer; as proto3 has it, zeros are written too, since some readers tell them from nothing. */
  int(field: number, value: number | bigint): this {
    const bytes: number[] = [];
    varint(field << 3, bytes);
    varint(value, bytes);
    return this.push(Uint8Array.from(bytes));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(5);
    bytes[0] = (field << 3) | 5;
    new DataView(bytes.buffer).setFloat32(1, value, true);
    return this.push(bytes);
  }

  bytes(field: number, value: Uint8Array): this {
    const head: number[] = [];
    varint((field << 3) | 2, head);
    varint(value.length, head);
    return this.push(Uint8Array.from(head)).push(value);
  }

  text(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value));
  }

  message(field: number, value: MessageWriter): this {
    const head: number[] = [];
    varint((field << 3) | 2, head);
    varint(value.size, head);
    this.push(Uint8Array.from(head));
    for (const part of value.parts) this.push(part);
    return this;
  }

  /** Integers one after another in one field. */
  packed(field: number, values: readonly (number | bigint)[]): this {
    const bytes: number[] = [];
    for (const value of values) varint(value, bytes);
    return this.bytes(field, Uint8Array.from(bytes));
  }

  floats(field: number, values: readonly number[]): this {
    const view = new DataView(new ArrayBuffer(4 * values.length));
    values.forEach((v, i) => view.setFloat32(4 * i, v, true));
    return this.bytes(field, new Uint8Array(view.buffer));
  }

  /** Length in bytes. */
  get length(): number {
    return this.size;
  }

  finish(): Uint8Array {
    const out = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  private push(part: Uint8Array): this {
    this.parts.push(part);
    this.size += part.length;
    return this;
  }
}

/** A field as it stands in a message: a number of bits for the kinds with a fixed size or a varint, else bytes. */
export interface Field {
  readonly number: number;
  readonly bits: bigint;
  readonly bytes: Uint8Array | null;
  /** Whether the payload is a 32-bit number. */
  readonly fixed32: boolean;
}

function broken(fact: string): StateError {
  return new StateError(`onnx: the file is damaged, got ${fact}; expected a protocol buffer`);
}

function readVarint(bytes: Uint8Array, at: number): { readonly value: bigint; readonly next: number } {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    if (at + i >= bytes.length) throw broken('an end inside a number');
    const byte = bytes[at + i];
    value |= BigInt(byte & 127) << BigInt(7 * i);
    if (byte < 128) return { value: BigInt.asUintN(64, value), next: at + i + 1 };
  }
  throw broken('a number of more than 10 bytes');
}

/** The fields of a message; payloads are views of its bytes. */
export function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  while (at < bytes.length) {
    const key = readVarint(bytes, at);
    const number = Number(key.value >> 3n);
    const kind = Number(key.value & 7n);
    at = key.next;
    if (number < 1 || number > 0x1fffffff) throw broken(`field ${number}`);
    if (kind === 0) {
      const { value, next } = readVarint(bytes, at);
      at = next;
      yield { number, bits: value, bytes: null, fixed32: false };
    } else if (kind === 1 || kind === 5) {
      const size = kind === 1 ? 8 : 4;
      if (at + size > bytes.length) throw broken('an end inside a number');
      const view = new DataView(bytes.buffer, bytes.byteOffset + at, size);
      at += size;
      yield { number, bits: kind === 1 ? view.getBigUint64(0, true) : BigInt(view.getUint32(0, true)), bytes: null, fixed32: kind === 5 };
    } else if (kind === 2) {
      const { value, next } = readVarint(bytes, at);
      if (value > BigInt(bytes.length - next)) throw broken(`a field of ${value} bytes where ${bytes.length - next} are left`);
      at = next + Number(value);
      yield { number, bits: 0n, bytes: bytes.subarray(next, at), fixed32: false };
    } else throw broken(`a field of kind ${kind}`);
  }
}

/** A varint as a signed number. */
export function signed({ bits }: Field): number {
  return Number(BigInt.asIntN(64, bits));
}

/** The float in a field of 32 bits. */
export function floatOf({ bits }: Field): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, Number(BigInt.asUintN(32, bits)));
  return view.getFloat32(0);
}

/** The bytes of a field that has some. */
export function bytesOf(field: Field): Uint8Array {
  if (field.bytes === null) throw broken(`a number in field ${field.number}`);
  return field.bytes;
}

const strict = new TextDecoder('utf-8', { fatal: true });

/** The text of a field. */
export function textOf(field: Field): string {
  try {
    return strict.decode(bytesOf(field));
  } catch {
    throw broken('a text that is no UTF-8');
  }
}

/** Integers of a repeated field, packed or one of them. */
export function integersOf(field: Field): number[] {
  if (field.bytes === null) return [signed(field)];
  const values: number[] = [];
  for (let at = 0; at < field.bytes.length; ) {
    const { value, next } = readVarint(field.bytes, at);
    values.push(Number(BigInt.asIntN(64, value)));
    at = next;
  }
  return values;
}

/** Floats of a repeated field, packed or one of them. */
export function floatsOf(field: Field): number[] {
  if (field.bytes === null) return [floatOf(field)];
  const { bytes } = field;
  if (bytes.length % 4 !== 0) throw broken('an end inside a float');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

/** Doubles of a repeated field, packed or one of them. */
export function doublesOf(field: Field): number[] {
  const view = new DataView(new ArrayBuffer(8));
  if (field.bytes === null) {
    view.setBigUint64(0, field.bits);
    return [view.getFloat64(0)];
  }
  const { bytes } = field;
  if (bytes.length % 8 !== 0) throw broken('an end inside a double');
  const all = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 8 }, (_, i) => all.getFloat64(8 * i, true));
}

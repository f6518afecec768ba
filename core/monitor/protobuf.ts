import { joinBytes } from '../io/bytes.ts';

// Wire types: 0 variable-length integer, 1 eight bytes, 2 length and bytes, 5 four bytes.

/**
 * Writes one protocol-buffer message. Fields are written in the order of the calls; those of a number type are left out where they are 0, as version 3 of
 * the format does, unless `always` is set, which fields of a `oneof` need.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class Message {
  private readonly chunks: Uint8Array[] = [];

  /** The bytes of the message. */
  bytes(): Uint8Array {
    return joinBytes(this.chunks);
  }

  /** An integer of up to 53 bits; negative ones take ten bytes. */
  int(field: number, value: number, always = false): this {
    if (value === 0 && !always) return this;
    this.tag(field, 0);
    this.chunks.push(varint(value));
    return this;
  }

  double(field: number, value: number, always = false): this {
    if (Object.is(value, 0) && !always) return this;
    this.tag(field, 1);
    this.chunks.push(doubles([value]));
    return this;
  }

  float(field: number, value: number, always = false): this {
    if (Object.is(value, 0) && !always) return this;
    this.tag(field, 5);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.chunks.push(bytes);
    return this;
  }

  /** Repeated doubles, packed. */
  packed(field: number, values: ArrayLike<number>): this {
    return values.length === 0 ? this : this.blob(field, doubles(values));
  }

  /** Repeated floats, packed. */
  packedFloats(field: number, values: readonly number[]): this {
    const bytes = new Uint8Array(4 * values.length);
    const view = new DataView(bytes.buffer);
    values.forEach((value, i) => view.setFloat32(4 * i, value, true));
    return this.blob(field, bytes);
  }

  text(field: number, value: string): this {
    return value === '' ? this : this.blob(field, new TextEncoder().encode(value));
  }

  /** Bytes, or a text that may be empty. */
  blob(field: number, value: Uint8Array): this {
    this.tag(field, 2);
    this.chunks.push(varint(value.length), value);
    return this;
  }

  message(field: number, value: Message): this {
    return this.blob(field, value.bytes());
  }

  private tag(field: number, wire: number): void {
    this.chunks.push(varint(field * 8 + wire));
  }
}

function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  out.push(Number(rest));
  return Uint8Array.from(out);
}

function doubles(values: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) view.setFloat64(8 * i, values[i], true);
  return bytes;
}

// A reader of event files that shares no code with the writer: frames, checksums bit by bit, and the wire format by field numbers.

/** A message: values by field number; texts and messages as bytes. */
export type Fields = ReadonlyMap<number, readonly (bigint | number | Uint8Array)[]>;

/** CRC-32C, one bit at a time. */
function checksum(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) {
    c ^= byte;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  }
  c = ~c >>> 0;
  return (((c >>> 15) | (c << 17)) + 0xa282ead8) >>> 0;
}

/** The frames of a file, with their checksums verified. */
export function framesOf(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(view.getBigUint64(at, true));
    if (view.getUint32(at + 8, true) !== checksum(file.subarray(at, at + 8))) throw new Error(`the length at ${at} is damaged`);
    if (view.getUint32(at + 12 + length, true) !== checksum(file.subarray(at + 12, at + 12 + length))) throw new Error(`the data at ${at} are damaged`);
    frames.push(file.subarray(at, at + 16 + length));
    at += 16 + length;
  }
  return frames;
}

export const dataOf = (frame: Uint8Array): Uint8Array => frame.subarray(12, -4);

/** Takes a message apart. */
export function fieldsOf(bytes: Uint8Array): Fields {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const fields = new Map<number, (bigint | number | Uint8Array)[]>();
  let at = 0;
  const integer = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(bytes[at++]);
      value |= (byte & 127n) << shift;
      if (byte < 128n) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(integer());
    let value: bigint | number | Uint8Array;
    if ((tag & 7) === 0) value = BigInt.asIntN(64, integer());
    else if ((tag & 7) === 1) value = view.getFloat64((at += 8) - 8, true);
    else if ((tag & 7) === 5) value = view.getFloat32((at += 4) - 4, true);
    else if ((tag & 7) === 2) {
      const length = Number(integer());
      value = bytes.subarray(at, at + length);
      at += length;
    } else throw new Error(`no wire type ${tag & 7}`);
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}

/** The message in a field. */
export const inner = (fields: Fields, field: number): Fields => fieldsOf(fields.get(field)?.[0] as Uint8Array);
export const textOf = (fields: Fields, field: number): string => new TextDecoder().decode(fields.get(field)?.[0] as Uint8Array);
export const doublesOf = (fields: Fields, field: number): number[] => {
  const bytes = Uint8Array.from(fields.get(field)?.[0] as Uint8Array);
  return [...new Float64Array(bytes.buffer)];
};

// Floats of 8 bits, which are read as float32 through tables of their 256 values.

interface Layout {
  readonly exponentBits: number;
  readonly bias: number;
  /** What the largest exponent and the sign of zero stand for: IEEE's infinities and NaN; NaN in the last value only; NaN in the place of minus zero. */
  readonly special: 'ieee' | 'last' | 'zero';
}

/** Names of the types with a sign, an exponent and a fraction. */
export type SmallFloat = 'F8_E5M2' | 'F8_E4M3' | 'F8_E5M2FNUZ' | 'F8_E4M3FNUZ';

const layouts: Readonly<Record<SmallFloat, Layout>> = {
  F8_E5M2: { exponentBits: 5, bias: 15, special: 'ieee' },
  F8_E4M3: { exponentBits: 4, bias: 7, special: 'last' },
  F8_E5M2FNUZ: { exponentBits: 5, bias: 16, special: 'zero' },
  F8_E4M3FNUZ: { exponentBits: 4, bias: 8, special: 'zero' },
};

function valueOf(byte: number, { exponentBits, bias, special }: Layout): number {
  if (special === 'zero' && byte === 0x80) return NaN;
  const fractionBits = 7 - exponentBits;
  const fraction = byte & ((1 << fractionBits) - 1);
  const exponent = (byte & 127) >> fractionBits;
  const sign = byte > 127 ? -1 : 1;
  if (special === 'ieee' && exponent === (1 << exponentBits) - 1) return fraction === 0 ? sign * Infinity : NaN;
  if (special === 'last' && (byte & 127) === 127) return NaN;
  const scale = 2 ** (Math.max(exponent, 1) - bias - fractionBits);
  return sign * ((exponent === 0 ? 0 : 1 << fractionBits) + fraction) * scale;
}

const tables = new Map<string, Float32Array>();

function tableOf(name: string, value: (byte: number) => number): Float32Array {
  let table = tables.get(name);
  if (table === undefined) tables.set(name, (table = Float32Array.from({ length: 256 }, (_, byte) => value(byte))));
  return table;
}

function lookUp(bytes: Uint8Array, table: Float32Array): Float32Array {
  const out = new Float32Array(bytes.length);
  for (let i = 0; i < out.length; i++) out[i] = table[bytes[i]];
  return out;
}

/**
 * Floats of 8 bits as float32; exact.
 *
 * @see https://arxiv.org/abs/2209.05433 (E5M2, E4M3), https://arxiv.org/abs/2206.02915 (the FNUZ forms)
 */
export function float8ToFloat32(bytes: Uint8Array, name: SmallFloat): Float32Array {
  return lookUp(bytes, tableOf(name, (byte) => valueOf(byte, layouts[name])));
}

/** Powers of two, 2^(byte - 127), as float32; 255 is NaN. @see https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf */
export function scaleToFloat32(bytes: Uint8Array): Float32Array {
  return lookUp(bytes, tableOf('F8_E8M0', (byte) => (byte === 255 ? NaN : 2 ** (byte - 127))));
}

// IEEE half precision (1 sign, 5 exponent, 10 fraction bits) and bfloat16 (the upper half of a float32), which are kept as float32 in memory.

const HALF_SUBNORMAL = 2 ** -24;

/** float16 bits as float32; exact. */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  const words = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) {
    const h = bits[i];
    const sign = (h & 0x8000) << 16;
    const exponent = (h >> 10) & 31;
    const fraction = h & 1023;
    if (exponent === 0) out[i] = (sign === 0 ? fraction : -fraction) * HALF_SUBNORMAL;
    else words[i] = sign | (exponent === 31 ? 0x7f800000 : (exponent + 112) << 23) | (fraction << 13);
  }
  return out;
}

/** float32 as float16 bits, rounded to nearest, ties to even; beyond ±65520 it becomes infinite. */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const word = words[i];
    const size = word & 0x7fffffff;
    let half: number;
    if (size > 0x7f800000) half = 0x7e00 | ((size >> 13) & 1023);
    else if (size >= 0x477ff000) half = 0x7c00;
    else if (size < 0x38800000) half = roundEven(Math.abs(values[i]) / HALF_SUBNORMAL);
    else half = ((size + 0xfff + ((size >> 13) & 1)) >> 13) - (112 << 10);
    out[i] = ((word >>> 16) & 0x8000) | half;
  }
  return out;
}

/** bfloat16 bits as float32; exact. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  const words = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
  return out;
}

/** float32 as bfloat16 bits, rounded to nearest, ties to even. */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const word = words[i];
    if ((word & 0x7fffffff) > 0x7f800000) out[i] = (word >>> 16) | 0x40;
    else out[i] = (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}

function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

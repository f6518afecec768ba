/** The types of Wasm values; `v128` is a vector of 16 bytes, here four floats or four integers. */
export type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

/** Code as nested bytes; a function stands for its index, which is known only when the module is put together. */
export type Code = number | CallTarget | readonly Code[];

/** Something that code can call. */
export interface CallTarget {
  readonly parameters: readonly ValueType[];
  readonly result: ValueType | null;
}

/**
 * Code that leaves one value on the stack. It is code and not a result: a value that is used twice is computed twice, so what is needed
 * again goes into a local (`f.v128(x)`).
 */
export class Value<T extends ValueType = ValueType> {
  readonly type: T;
  readonly code: Code;
  constructor(type: T, code: Code) {
    this.type = type;
    this.code = code;
  }
}

export type I32 = Value<'i32'>;
export type F32 = Value<'f32'>;
export type F64 = Value<'f64'>;
export type V128 = Value<'v128'>;
/** A number stands for a constant. */
export type I32Like = I32 | number;
/** A number stands for a constant. */
export type F32Like = F32 | number;
/** A number stands for a constant in all four lanes. */
export type V128Like = V128 | number;

/** An unsigned integer in LEB128: seven bits a byte, lowest first. */
export function unsigned(n: number): number[] {
  const out: number[] = [];
  let rest = n >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    out.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return out;
}

/** A signed 32-bit integer in LEB128. */
export function signed(n: number): number[] {
  const out: number[] = [];
  let rest = n | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    out.push(done ? low : low | 0x80);
    if (done) return out;
  }
}

const bytesOf = (array: Float32Array | Float64Array | Int32Array): number[] => [...new Uint8Array(array.buffer)];
const float32 = (x: number): number[] => bytesOf(Float32Array.of(x));
/** A SIMD instruction: the prefix and its number. */
const simd = (op: number): Code => [0xfd, unsigned(op)];

const int = (x: I32Like): I32 => (typeof x === 'number' ? new Value('i32', [0x41, signed(x)]) : x);
const float = (x: F32Like): F32 => (typeof x === 'number' ? new Value('f32', [0x43, float32(x)]) : x);
const vector = (x: V128Like): V128 => (typeof x === 'number' ? f32x4.const(x) : x);

const int2 = (op: number) => (a: I32Like, b: I32Like): I32 => new Value('i32', [int(a).code, int(b).code, op]);
const float2 = (op: number) => (a: F32Like, b: F32Like): F32 => new Value('f32', [float(a).code, float(b).code, op]);
const float1 = (op: number) => (a: F32Like): F32 => new Value('f32', [float(a).code, op]);
const floatTest = (op: number) => (a: F32Like, b: F32Like): I32 => new Value('i32', [float(a).code, float(b).code, op]);
const double2 = (op: number) => (a: F64, b: F64): F64 => new Value('f64', [a.code, b.code, op]);
const vector2 = (op: number) => (a: V128Like, b: V128Like): V128 => new Value('v128', [vector(a).code, vector(b).code, simd(op)]);
const vector1 = (op: number) => (a: V128Like): V128 => new Value('v128', [vector(a).code, simd(op)]);
const shift = (op: number) => (a: V128, bits: I32Like): V128 => new Value('v128', [a.code, int(bits).code, simd(op)]);
/** Alignment (as a power of two, a hint only) and constant offset of a memory access. */
const at = (align: number, offset: number): Code => [align, unsigned(offset)];

/** 32-bit integers; addresses are integers too. Names are those of the Wasm instructions. */
export const i32 = {
  const: int,
  add: int2(0x6a), sub: int2(0x6b), mul: int2(0x6c), divS: int2(0x6d), divU: int2(0x6e), remU: int2(0x70),
  and: int2(0x71), or: int2(0x72), xor: int2(0x73), shl: int2(0x74), shrS: int2(0x75), shrU: int2(0x76),
  eq: int2(0x46), ne: int2(0x47), ltS: int2(0x48), ltU: int2(0x49), gtS: int2(0x4a), gtU: int2(0x4b), leS: int2(0x4c), leU: int2(0x4d), geS: int2(0x4e), geU: int2(0x4f),
  eqz: (a: I32Like): I32 => new Value('i32', [int(a).code, 0x45]),
  /** Number of zero bits below the lowest 1. */
  ctz: (a: I32Like): I32 => new Value('i32', [int(a).code, 0x68]),
  /** Smaller of two signed integers. Both are computed twice: pass locals. */
  min: (a: I32Like, b: I32Like): I32 => select(int(a), int(b), i32.ltS(a, b)),
  load: (address: I32, offset = 0): I32 => new Value('i32', [address.code, 0x28, at(2, offset)]),
  load8U: (address: I32, offset = 0): I32 => new Value('i32', [address.code, 0x2d, at(0, offset)]),
  /** Truncates towards zero; out of range gives the nearest integer, NaN gives 0. */
  truncSat: (a: F32): I32 => new Value('i32', [a.code, 0xfc, unsigned(0)]),
  reinterpret: (a: F32): I32 => new Value('i32', [a.code, 0xbc]),
};

/** Single floats. */
export const f32 = {
  const: float,
  add: float2(0x92), sub: float2(0x93), mul: float2(0x94), div: float2(0x95),
  /** `min` and `max` pass NaN on. */
  min: float2(0x96), max: float2(0x97), copysign: float2(0x98),
  abs: float1(0x8b), neg: float1(0x8c), ceil: float1(0x8d), floor: float1(0x8e), trunc: float1(0x8f), nearest: float1(0x90), sqrt: float1(0x91),
  eq: floatTest(0x5b), ne: floatTest(0x5c), lt: floatTest(0x5d), gt: floatTest(0x5e), le: floatTest(0x5f), ge: floatTest(0x60),
  load: (address: I32, offset = 0): F32 => new Value('f32', [address.code, 0x2a, at(2, offset)]),
  convertI32: (a: I32Like): F32 => new Value('f32', [int(a).code, 0xb2]),
  demote: (a: F64): F32 => new Value('f32', [a.code, 0xb6]),
  reinterpret: (a: I32): F32 => new Value('f32', [a.code, 0xbe]),
};

/** Doubles: for sums that need them. */
export const f64 = {
  const: (x: number): F64 => new Value('f64', [0x44, bytesOf(Float64Array.of(x))]),
  add: double2(0xa0), sub: double2(0xa1), mul: double2(0xa2), div: double2(0xa3),
  /** Passes NaN on. */
  max: double2(0xa5),
  eq: (a: F64, b: F64): I32 => new Value('i32', [a.code, b.code, 0x61]),
  sqrt: (a: F64): F64 => new Value('f64', [a.code, 0x9f]),
  load: (address: I32, offset = 0): F64 => new Value('f64', [address.code, 0x2b, at(3, offset)]),
  promote: (a: F32): F64 => new Value('f64', [a.code, 0xbb]),
  convertI32: (a: I32Like): F64 => new Value('f64', [int(a).code, 0xb7]),
};

/** Vectors as 128 bits. */
export const v128 = {
  load: (address: I32, offset = 0): V128 => new Value('v128', [address.code, simd(0), at(2, offset)]),
  /** One 32-bit value in all four lanes. */
  load32Splat: (address: I32, offset = 0): V128 => new Value('v128', [address.code, simd(9), at(2, offset)]),
  /** Two 32-bit values in the lower lanes, zeros above. */
  load64Zero: (address: I32, offset = 0): V128 => new Value('v128', [address.code, simd(0x5d), at(2, offset)]),
  /** One 32-bit value in the lowest lane, zeros above. */
  load32Zero: (address: I32, offset = 0): V128 => new Value('v128', [address.code, simd(0x5c), at(2, offset)]),
  and: vector2(0x4e), andNot: vector2(0x4f), or: vector2(0x50), xor: vector2(0x51), not: vector1(0x4d),
  /** Bits of `a` where the mask is 1, of `b` where it is 0. */
  bitselect: (a: V128Like, b: V128Like, mask: V128): V128 => new Value('v128', [vector(a).code, vector(b).code, mask.code, simd(0x52)]),
  anyTrue: (a: V128): I32 => new Value('i32', [a.code, simd(0x53)]),
  /** `a` with one 32-bit lane read from memory. */
  load32Lane: (address: I32, a: V128, lane: number, offset = 0): V128 => new Value('v128', [address.code, a.code, simd(0x56), at(2, offset), lane]),
  /** `a` with one byte read from memory. */
  load8Lane: (address: I32, a: V128, lane: number, offset = 0): V128 => new Value('v128', [address.code, a.code, simd(0x54), at(0, offset), lane]),
  /** Lanes of 32 bits picked from `a` (0 to 3) and `b` (4 to 7). */
  shuffle32: (a: V128, b: V128, lanes: readonly [number, number, number, number]): V128 =>
    new Value('v128', [a.code, b.code, simd(13), lanes.flatMap((l) => [4 * l, 4 * l + 1, 4 * l + 2, 4 * l + 3])]),
};

/** Vectors of four floats. A comparison gives all ones or all zeros per lane. */
export const f32x4 = {
  const: (x: number): V128 => new Value('v128', [simd(12), float32(x), float32(x), float32(x), float32(x)]),
  /** A constant per lane. */
  lanes: (a: number, b: number, c: number, d: number): V128 => new Value('v128', [simd(12), bytesOf(Float32Array.of(a, b, c, d))]),
  splat: (x: F32Like): V128 => new Value('v128', [float(x).code, simd(0x13)]),
  add: vector2(0xe4), sub: vector2(0xe5), mul: vector2(0xe6), div: vector2(0xe7),
  /** `min` and `max` pass NaN on; `pmin(a, b)` is `b < a ? b : a`, `pmax(a, b)` is `a < b ? b : a`: cheaper, and `a` where either is NaN. */
  min: vector2(0xe8), max: vector2(0xe9), pmin: vector2(0xea), pmax: vector2(0xeb),
  abs: vector1(0xe0), neg: vector1(0xe1), sqrt: vector1(0xe3), ceil: vector1(0x67), floor: vector1(0x68), trunc: vector1(0x69), nearest: vector1(0x6a),
  eq: vector2(0x41), ne: vector2(0x42), lt: vector2(0x43), gt: vector2(0x44), le: vector2(0x45), ge: vector2(0x46),
  lane: (a: V128, i: number): F32 => new Value('f32', [a.code, simd(0x1f), i]),
  replaceLane: (a: V128, i: number, x: F32): V128 => new Value('v128', [a.code, x.code, simd(0x20), i]),
  convertI32x4: vector1(0xfa),
  /** The two doubles as floats in the lower lanes, zeros above. */
  demote: vector1(0x5e),
  /** `a·b + c` in one rounding where the machine has it: only for kernels that were asked to. */
  relaxedMadd: (a: V128, b: V128, c: V128): V128 => new Value('v128', [a.code, b.code, c.code, simd(0x105)]),
};

/** Vectors of four integers. */
export const i32x4 = {
  const: (n: number): V128 => {
    const bytes = bytesOf(Int32Array.of(n));
    return new Value('v128', [simd(12), bytes, bytes, bytes, bytes]);
  },
  /** A constant per lane. */
  lanes: (a: number, b: number, c: number, d: number): V128 => new Value('v128', [simd(12), bytesOf(Int32Array.of(a, b, c, d))]),
  splat: (x: I32Like): V128 => new Value('v128', [int(x).code, simd(0x11)]),
  add: vector2(0xae), sub: vector2(0xb1), mul: vector2(0xb5), eq: vector2(0x37), ne: vector2(0x38), ltS: vector2(0x39), gtS: vector2(0x3b), leS: vector2(0x3d), geS: vector2(0x3f),
  minS: vector2(0xb6), maxS: vector2(0xb8), ltU: vector2(0x3a), geU: vector2(0x40),
  shl: shift(0xab), shrS: shift(0xac), shrU: shift(0xad),
  lane: (a: V128, i: number): I32 => new Value('i32', [a.code, simd(0x1b), i]),
  /** The highest bits of the four lanes as the lowest bits of an integer. */
  bitmask: (a: V128): I32 => new Value('i32', [a.code, simd(0xa4)]),
  truncSatF32x4: vector1(0xf8),
  /** The four lower of eight unsigned 16-bit integers. */
  extendLowU16: vector1(0xa9),
  /** Doubles rounded towards zero in the lower lanes, zeros above. */
  truncSatF64x2: vector1(0xfc),
};

/** Vectors of eight 16-bit integers. */
export const i16x8 = {
  /** The eight lower of sixteen unsigned bytes. */
  extendLowU8: vector1(0x89),
  /** 32-bit integers, those of `a` first, limited to the signed range. */
  narrowS: vector2(0x85),
};

/** Vectors of sixteen bytes. */
export const i8x16 = {
  splat: (x: I32Like): V128 => new Value('v128', [int(x).code, simd(0x0f)]),
  /** 16-bit integers, those of `a` first, limited to the signed or the unsigned range. */
  narrowS: vector2(0x65), narrowU: vector2(0x66),
};

/** Vectors of two doubles. */
export const f64x2 = {
  const: (x: number): V128 => {
    const bytes = bytesOf(Float64Array.of(x));
    return new Value('v128', [simd(12), bytes, bytes]);
  },
  add: vector2(0xf0), sub: vector2(0xf1), mul: vector2(0xf2), div: vector2(0xf3), pmin: vector2(0xf6), pmax: vector2(0xf7),
  abs: vector1(0xec), neg: vector1(0xed), sqrt: vector1(0xef), nearest: vector1(0x94), trunc: vector1(0x7a),
  eq: vector2(0x47), ne: vector2(0x48), lt: vector2(0x49), gt: vector2(0x4a), le: vector2(0x4b), ge: vector2(0x4c),
  splat: (x: F64): V128 => new Value('v128', [x.code, simd(0x14)]),
  lane: (a: V128, i: number): F64 => new Value('f64', [a.code, simd(0x21), i]),
  /** The two lower floats. */
  promoteLow: vector1(0x5f),
  /** The two lower integers. */
  convertLowI32x4: vector1(0xfe),
  /** The two lower integers, unsigned. */
  convertLowU32x4: vector1(0xff),
};

/** Vectors of two 64-bit integers. */
export const i64x2 = {
  const: (n: bigint): V128 => {
    const bytes = [...new Uint8Array(BigInt64Array.of(n).buffer)];
    return new Value('v128', [simd(12), bytes, bytes]);
  },
  add: vector2(0xce), sub: vector2(0xd1), mul: vector2(0xd5), shl: shift(0xcb), shrS: shift(0xcc), shrU: shift(0xcd),
};

/** `a` where the condition is not 0, else `b`; both are computed. */
export function select<T extends ValueType>(a: Value<T>, b: Value<T>, condition: I32): Value<T> {
  const typed = a.type === 'v128' ? [0x1c, 1, 0x7b] : 0x1b;
  return new Value(a.type, [a.code, b.code, condition.code, typed]);
}

const storeOps: Readonly<Record<ValueType, Code>> = { i32: 0x36, f32: 0x38, f64: 0x39, v128: simd(11) };

/** Code that stores a value; functions use it through `f.store`. */
export const storeCode = (address: I32, x: Value, offset: number): Code => [address.code, x.code, storeOps[x.type], at(x.type === 'f64' ? 3 : 2, offset)];
/** Code that stores the lowest byte of an integer. */
export const store8Code = (address: I32, x: I32, offset: number): Code => [address.code, x.code, 0x3a, at(0, offset)];
/** Code that stores one 32-bit lane. */
export const storeLaneCode = (address: I32, x: V128, lane: number, offset: number): Code => [address.code, x.code, simd(0x5a), at(2, offset), lane];

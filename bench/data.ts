import type { FloatSpec, IntegerSpec, Workload } from './workloads.ts';

// Numbers that every side makes alike, in any language: 32 bits of MurmurHash3's finalizer over a counter.

/** 24 random bits of place `i` under a seed. */
function bits(seed: number, i: number): number {
  let h = (i + Math.imul(seed, 0x9e3779b1)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 8;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function floatsOf({ shape, low, high, seed }: FloatSpec): Float32Array {
  const out = new Float32Array(sizeOf(shape));
  for (let i = 0; i < out.length; i++) out[i] = low + (high - low) * (bits(seed, i) / 2 ** 24);
  return out;
}

function integersOf({ shape, below, seed }: IntegerSpec): Int32Array {
  const out = new Int32Array(sizeOf(shape));
  for (let i = 0; i < out.length; i++) out[i] = bits(seed, i) % below;
  return out;
}

/** Numbers and their shape. */
export interface Filled<T> {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: T;
}

/** The numbers of a workload. */
export interface Numbers {
  readonly workload: Workload;
  readonly weights: readonly Filled<Float32Array>[];
  readonly floats: readonly Filled<Float32Array>[];
  readonly integers: readonly Filled<Int32Array>[];
}

/** Makes the numbers of a workload. */
export function numbersOf(workload: Workload): Numbers {
  const fill = (spec: FloatSpec): Filled<Float32Array> => ({ name: spec.name, shape: spec.shape, data: floatsOf(spec) });
  return {
    workload,
    weights: workload.weights.map(fill),
    floats: workload.floats.map(fill),
    integers: workload.integers.map((spec) => ({ name: spec.name, shape: spec.shape, data: integersOf(spec) })),
  };
}

/** Elements by which results of one shape are compared: the first, one in the middle, the last. */
export function probe(data: ArrayLike<number>): number[] {
  return [data[0], data[Math.floor(data.length / 2)], data[data.length - 1]];
}

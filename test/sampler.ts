import { type DType, Tensor, type Shape, tensor } from '../index.ts';
import type { Sampler } from '../core/ops/define.ts';

const GOLDEN = 0.6180339887498949;
/** Distance kept from whole and half numbers, where operations have kinks and ties. */
const MARGIN = 1 / 32;

/**
 * A sampler whose floats are float32 or float64, with the same values in both: multiples of 2^-12 along a golden-ratio
 * sequence, so that no two nearby are alike. Each operation gets a sampler of its own.
 */
export function makeSampler(floats: 'float32' | 'float64'): Sampler {
  let drawn = 0;
  const next = (): number => (++drawn * GOLDEN) % 1;
  const shaped = (values: readonly number[], shape: Shape, dtype: DType): Tensor =>
    tensor(Float64Array.from(values), { dtype: dtype === 'float32' || dtype === 'float64' ? floats : dtype }).reshape(shape);
  const many = (shape: Shape, draw: () => number): number[] => Array.from({ length: shape.reduce((n, size) => n * size, 1) }, draw);
  return {
    float(shape, low = -2, high = 2) {
      const used = new Set<number>();
      const draw = (): number => {
        for (let tries = 0; ; tries++) {
          const v = Math.round((low + next() * (high - low)) * 4096) / 4096;
          const kink = Math.abs(v * 2 - Math.round(v * 2)) / 2 < MARGIN;
          if (tries > 100 || (!kink && !used.has(v))) {
            used.add(v);
            return v;
          }
        }
      };
      return shaped(many(shape, draw), shape, floats);
    },
    int: (shape, low = 0, high = 5, dtype = 'int64') => shaped(many(shape, () => low + Math.floor(next() * (high - low))), shape, dtype),
    bool: (shape) => shaped(many(shape, () => Math.floor(next() * 2)), shape, 'bool'),
    values: (data, shape = [data.length], dtype = floats) => shaped(data, shape, dtype),
  };
}

/** The tensors inside arguments, in order: in arrays and option objects too. */
export function tensorsIn(value: unknown, out: Tensor[] = []): Tensor[] {
  if (value instanceof Tensor) out.push(value);
  else if (Array.isArray(value)) for (const item of value) tensorsIn(item, out);
  else if (isPlain(value)) for (const item of Object.values(value)) tensorsIn(item, out);
  return out;
}

/** The same arguments with every tensor replaced. */
export function mapTensors(value: unknown, fn: (x: Tensor) => Tensor): unknown {
  if (value instanceof Tensor) return fn(value);
  if (Array.isArray(value)) return value.map((item) => mapTensors(item, fn));
  if (isPlain(value)) return Object.fromEntries(Object.entries(value).map(([k, item]) => [k, mapTensors(item, fn)]));
  return value;
}

/** True for object literals: the options of a call. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Gradient of output `o`, element `k`, in the recorded gradients; make_ops.py has the same formula. */
export function cotangent(o: number, k: number): number {
  return ((k * 7 + o * 3 + 4) % 11) / 4 - 1.125;
}

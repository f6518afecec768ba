import { type Shape, broadcastStrides } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';

/** Dimensions to walk for several operands at once, outermost first; `strides[k]` belongs to operand k. */
export interface Walk {
  readonly sizes: readonly number[];
  readonly strides: readonly (readonly number[])[];
  readonly offsets: readonly number[];
}

/** How to read operands at every place of a shape: dimensions of size 1 are gone, and neighbours that all operands step through evenly are one. */
export function walkOf(shape: Shape, operands: readonly Tensor[]): Walk {
  return joined(shape, operands.map((x) => broadcastStrides(x.shape, x.strides, shape)), operands.map((x) => x.offset));
}

/** The same from strides. */
export function joined(shape: Shape, strides: readonly (readonly number[])[], offsets: readonly number[]): Walk {
  const sizes: number[] = [];
  const out: number[][] = strides.map(() => []);
  shape.forEach((size, d) => {
    if (size === 1) return;
    const last = sizes.length - 1;
    if (last >= 0 && strides.every((s, k) => out[k][last] === s[d] * size)) {
      sizes[last] *= size;
      strides.forEach((s, k) => (out[k][last] = s[d]));
    } else {
      sizes.push(size);
      strides.forEach((s, k) => out[k].push(s[d]));
    }
  });
  return { sizes, strides: out, offsets };
}

/** Statements that split the place `from`, counted row by row, into coordinates `c0`, `c1`, …; sizes are the parameters `n1`, `n2`, …. */
export function coordinates(rank: number, from = 'this.thread.x', c = 'c', n = 'n'): string {
  if (rank <= 1) return '';
  const lines: string[] = [];
  let rest = from;
  for (let d = rank - 1; d > 0; d--) {
    const next = d === 1 ? `${c}0` : `${c}r${d}`;
    lines.push(`const ${next} = idiv(${rest}, ${n}${d});`, `const ${c}${d} = ${rest} - ${next} * ${n}${d};`);
    rest = next;
  }
  return lines.join(' ');
}

/** Where an operand is read: offset `o` and strides `s0`, `s1`, … with its name in front. With one dimension everything stays an integer. */
export function address(rank: number, operand: string, from = 'this.thread.x', c = 'c'): string {
  if (rank === 0) return `${operand}o`;
  if (rank === 1) return `${operand}o + ${from} * ${operand}s0`;
  return [`${operand}o`, ...Array.from({ length: rank }, (_, d) => `${c}${d} * ${operand}s${d}`)].join(' + ');
}

/** Names of the integer parameters that `coordinates` and `address` use, in the order of `numbersOf`. */
export function namesOf(rank: number, operands: readonly string[], n = 'n'): string[] {
  const sizes = Array.from({ length: Math.max(0, rank - 1) }, (_, d) => `${n}${d + 1}`);
  return [...sizes, ...operands.flatMap((x) => [`${x}o`, ...Array.from({ length: rank }, (_, d) => `${x}s${d}`)])];
}

/** Their values. */
export function numbersOf({ sizes, strides, offsets }: Walk): number[] {
  return [...sizes.slice(1), ...strides.flatMap((s, k) => [offsets[k], ...s])];
}

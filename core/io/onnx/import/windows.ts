import type { NodeReader } from './node.ts';

/** How windows go over the spatial dimensions. */
export interface Windows {
  readonly rank: number;
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly before: readonly number[];
  readonly behind: readonly number[];
}

function list(n: NodeReader, name: string, rank: number, fallback: number, least: number): readonly number[] {
  const given = n.ints(name) ?? new Array<number>(rank).fill(fallback);
  if (given.length !== rank || given.some((v) => v < least || v > 2 ** 24)) throw n.fault(`${name} does not fit, got ${given.join(', ')}`, `${rank} numbers ≥ ${least}`);
  return given;
}

/** Numbers of windows along one dimension, and what they need at the end. */
export const extent = ({ kernel, dilation }: Windows, d: number): number => dilation[d] * (kernel[d] - 1) + 1;

/** The windows of a convolution or pool over the last dimensions of `shape`. */
export function windowsOf(n: NodeReader, shape: readonly number[], kernel: readonly number[]): Windows {
  const rank = shape.length - 2;
  if (rank < 1 || rank > 3) throw n.fault(`${rank} spatial dimensions, got [${shape.join(', ')}]`, '1 to 3');
  const base = { rank, kernel, stride: list(n, 'strides', rank, 1, 1), dilation: list(n, 'dilations', rank, 1, 1), before: [], behind: [] };
  if (kernel.length !== rank || kernel.some((k) => k < 1)) throw n.fault(`kernel_shape does not fit, got ${kernel.join(', ')}`, `${rank} sizes ≥ 1`);
  const auto = n.text('auto_pad', 'NOTSET');
  if (auto === 'NOTSET' || auto === 'VALID') {
    const pads = auto === 'VALID' ? new Array<number>(2 * rank).fill(0) : (n.ints('pads') ?? new Array<number>(2 * rank).fill(0));
    if (pads.length !== 2 * rank || pads.some((p) => p < 0 || p > 2 ** 24)) throw n.fault(`pads do not fit, got ${pads.join(', ')}`, `${2 * rank} numbers ≥ 0`);
    return { ...base, before: pads.slice(0, rank), behind: pads.slice(rank) };
  }
  if (auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER') throw n.fault(`no such auto_pad, got '${auto}'`, 'NOTSET, VALID, SAME_UPPER or SAME_LOWER');
  const totals = base.stride.map((s, d) => {
    const size = shape[d + 2];
    return Math.max(0, (Math.ceil(size / s) - 1) * s + extent(base, d) - size);
  });
  const less = totals.map((total) => Math.floor(total / 2));
  const more = totals.map((total) => Math.ceil(total / 2));
  return auto === 'SAME_UPPER' ? { ...base, before: less, behind: more } : { ...base, before: more, behind: less };
}

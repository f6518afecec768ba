import type { PoolAttrs, Windows } from '../../../../cpu/pool.ts';

/** Windows of a fixed size along one dimension. */
export interface Regular {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly behind: number;
  /** Whether averages count the padding. */
  readonly counting: boolean;
}

/** The windows of one dimension in every trace. */
export const windowsOf = (all: readonly PoolAttrs[], d: 0 | 1): Windows[] => all.map((a) => (d === 0 ? a.rows : a.columns));

/** Whether there is one window, which covers everything. */
export const isGlobal = (all: readonly Windows[]): boolean => all.every(({ size, start, end, step, count }) => start.length === 1 && start[0] === 0 && end[0] === size && step === 1 && count[0] === size);

function fits(w: Windows, { kernel, stride, dilation, before, behind, counting }: Regular, average: boolean): boolean {
  const span = dilation * (kernel - 1) + 1;
  if (Math.floor((w.size + before + behind - span) / stride) + 1 !== w.start.length) return false;
  return w.start.every((start, i) => {
    const from = i * stride - before;
    const first = from < 0 ? from + Math.ceil(-from / dilation) * dilation : from;
    const end = Math.min(from + span, w.size);
    if (start !== first || w.end[i] !== end) return false;
    return !average || w.count[i] === (counting ? kernel : end - Math.max(from, 0));
  });
}

/**
 * The kernel, stride and padding that give these windows in every trace; null where there are none, as with adaptive windows.
 *
 * @param average - whether the numbers of elements that count matter
 */
export function regularOf(all: readonly Windows[], average: boolean): Regular | null {
  const [w] = all.toSorted((a, b) => b.start.length - a.start.length);
  const n = w.start.length;
  const dilation = w.step;
  const widest = Math.max(...w.start.map((start, i) => w.end[i] - start));
  const kernels = [...new Set([...w.start.keys()].map((i) => Math.ceil((w.end[i] - w.start[i]) / dilation)).concat(w.count, Math.ceil(widest / dilation)))];
  const strides = n < 2 ? [1] : [...new Set([w.start[n - 1] - w.start[n - 2], w.end[1] - w.end[0], Math.max(...w.start.slice(1).map((start, i) => start - w.start[i]))])].filter((k) => k > 0);
  for (const kernel of kernels) {
    const span = dilation * (kernel - 1) + 1;
    for (const stride of strides) {
      for (let before = 0; before < Math.max(1, span); before++) {
        const needed = Math.max(0, (n - 1) * stride - before + span - w.size);
        for (const behind of new Set([before, needed])) {
          for (const counting of average ? [false, true] : [false]) {
            const found = { kernel, stride, dilation, before, behind, counting };
            if (all.every((other) => fits(other, found, average))) return found;
          }
        }
      }
    }
  }
  return null;
}

import { isFloat, range } from '../dtype.ts';
import type { Kernel } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { scratch } from './tile.ts';

/** The windows along one dimension: window i covers `start[i]`, `start[i] + step`, … before `end[i]`. */
export interface Windows {
  /** Size of the input. */
  readonly size: number;
  readonly start: readonly number[];
  readonly end: readonly number[];
  readonly step: number;
  /** Elements that count in an average: with padding, more than there are. */
  readonly count: readonly number[];
}

/** Windows of a pool over the last one or two dimensions; over one, there is one row. */
export interface PoolAttrs {
  readonly rank: 1 | 2;
  readonly rows: Windows;
  readonly columns: Windows;
  /** Divisor of all averages, or null for the elements that count. */
  readonly divisor: number | null;
}

const totals = scratch();

/** Number of images and sizes of one before and after. */
function planes(images: number, { rows, columns }: PoolAttrs): { readonly images: number; readonly before: number; readonly after: number } {
  const [before, after] = [rows.size * columns.size, rows.start.length * columns.start.length];
  return { images: after === 0 ? 0 : images, before, after };
}

const imagesOf = (x: Tensor, rank: number): number => x.shape.slice(0, x.ndim - rank).reduce((n, size) => n * size, 1);

/** Kernel of the largest element of each window and where in its image it lies; NaN counts as largest, -1 stands for a window without elements. */
export const maxPoolKernel: Kernel<PoolAttrs> = ([out, places], [input], attrs) => {
  const x = input as Tensor;
  const { rows, columns, rank } = attrs;
  const { images, before, after } = planes(imagesOf(x, rank), attrs);
  const { cells } = x.storage;
  const [values, indices] = [out.storage.cells, places.storage.cells];
  const [starts, ends, step, rowStep] = [columns.start, columns.end, columns.step, rows.step];
  const [height, across] = [rows.start.length, starts.length];
  const lowest = isFloat(x.dtype) ? -Infinity : range(x.dtype).min;
  const width = columns.size;
  for (let n = 0, to = 0; n < images; n++, to += after) {
    const base = x.offset + n * before;
    for (let i = 0, p = to; i < height; i++) {
      const top = rows.start[i];
      const bottom = rows.end[i];
      for (let j = 0; j < across; j++, p++) {
        const left = starts[j];
        const right = ends[j];
        let best = lowest;
        let at = top < bottom && left < right ? top * width + left : -1;
        for (let r = top; r < bottom; r += rowStep) {
          for (let c = left; c < right; c += step) {
            const v = cells[base + r * width + c];
            if (v > best || v !== v) {
              best = v;
              at = r * width + c;
            }
          }
        }
        values[p] = best;
        indices[p] = at;
      }
    }
  }
};

/** Kernel of the gradient of a maximum: adds each element at its place. */
export const maxPoolSpreadKernel: Kernel<PoolAttrs> = ([out], inputs, attrs) => {
  const [g, places] = inputs as readonly Tensor[];
  const { images, before, after } = planes(imagesOf(g, attrs.rank), attrs);
  const [values, indices, cells] = [g.storage.cells, places.storage.cells, out.storage.cells];
  const total = totals(before);
  for (let n = 0; n < images; n++) {
    total.fill(0, 0, before);
    for (let p = n * after; p < (n + 1) * after; p++) {
      const at = indices[places.offset + p];
      if (at >= 0) total[at] += values[g.offset + p];
    }
    for (let i = 0; i < before; i++) cells[n * before + i] = total[i];
  }
};

/** Kernel of the elements at known places: the gradient of the above. */
export const maxPoolPickKernel: Kernel<PoolAttrs> = ([out], inputs, attrs) => {
  const [x, places] = inputs as readonly Tensor[];
  const { images, before, after } = planes(imagesOf(x, attrs.rank), attrs);
  const [values, indices, cells] = [x.storage.cells, places.storage.cells, out.storage.cells];
  for (let n = 0; n < images; n++) {
    for (let p = n * after; p < (n + 1) * after; p++) {
      const at = indices[places.offset + p];
      cells[p] = at >= 0 ? values[x.offset + n * before + at] : 0;
    }
  }
};

/** Kernel of the average of each window; 0 for a window without elements. */
export const avgPoolKernel: Kernel<PoolAttrs> = ([out], [input], attrs) => {
  const x = input as Tensor;
  const { rows, columns, divisor, rank } = attrs;
  const { images, before, after } = planes(imagesOf(x, rank), attrs);
  const { cells } = x.storage;
  const means = out.storage.cells;
  const width = columns.size;
  const [starts, ends, counts] = [columns.start, columns.end, columns.count];
  const [height, across] = [rows.start.length, starts.length];
  for (let n = 0, to = 0; n < images; n++, to += after) {
    const base = x.offset + n * before;
    for (let i = 0, p = to; i < height; i++) {
      const top = rows.start[i];
      const bottom = rows.end[i];
      for (let j = 0; j < across; j++, p++) {
        const left = starts[j];
        const right = ends[j];
        if (top >= bottom || left >= right) continue;
        let sum = 0;
        for (let r = top; r < bottom; r++) {
          const row = base + r * width;
          for (let c = left; c < right; c++) sum += cells[row + c];
        }
        means[p] = sum / (divisor ?? rows.count[i] * counts[j]);
      }
    }
  }
};

/** Kernel of the gradient of averages: spreads each element evenly over its window. */
export const avgPoolSpreadKernel: Kernel<PoolAttrs> = ([out], [grads], attrs) => {
  const g = grads as Tensor;
  const { rows, columns, divisor, rank } = attrs;
  const { images, before, after } = planes(imagesOf(g, rank), attrs);
  const { cells } = g.storage;
  const sums = out.storage.cells;
  const width = columns.size;
  const [starts, ends, counts] = [columns.start, columns.end, columns.count];
  const [height, across] = [rows.start.length, starts.length];
  const total = totals(before);
  for (let n = 0; n < images; n++) {
    total.fill(0, 0, before);
    for (let i = 0, p = g.offset + n * after; i < height; i++) {
      const top = rows.start[i];
      const bottom = rows.end[i];
      for (let j = 0; j < across; j++, p++) {
        const share = cells[p] / (divisor ?? rows.count[i] * counts[j]);
        const right = ends[j];
        for (let r = top; r < bottom; r++) {
          for (let c = starts[j]; c < right; c++) total[r * width + c] += share;
        }
      }
    }
    for (let i = 0; i < before; i++) sums[n * before + i] = total[i];
  }
};

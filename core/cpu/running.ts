import type { Kernel } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { walkOuter } from './layout.ts';

interface DimAttrs {
  readonly dim: number;
}

/** Largest or smallest entry so far along one dimension and where it stands: the last of equal ones, and every NaN from the first on. */
export function runningExtremeKernel(largest: boolean): Kernel<DimAttrs> {
  return ([values, indices], [input], { dim }) => {
    const x = input as Tensor;
    const [from, to, places] = [x.storage.cells, values.storage.cells, indices.storage.cells];
    const [n, step, putStep] = [x.shape[dim], x.strides[dim], values.strides[dim]];
    if (n === 0) return;
    const walk = { sizes: x.shape.toSpliced(dim, 1), strides: [x.strides.toSpliced(dim, 1), values.strides.toSpliced(dim, 1)] };
    walkOuter(walk, 0, [x.offset, 0], ([at, put]) => {
      let best = from[at];
      let where = 0;
      for (let i = 0; i < n; i++) {
        const v = from[at + i * step];
        if (v !== v || (best === best && (largest ? v >= best : v <= best))) {
          best = v;
          where = i;
        }
        to[put + i * putStep] = best;
        places[put + i * putStep] = where;
      }
    });
  };
}

/** `log Σ exp` of the entries so far along one dimension, each step shifted by the larger of both. */
export const runningLogSumExpKernel: Kernel<DimAttrs> = ([out], [input], { dim }) => {
  const x = input as Tensor;
  const [from, to] = [x.storage.cells, out.storage.cells];
  const [n, step, putStep] = [x.shape[dim], x.strides[dim], out.strides[dim]];
  const walk = { sizes: x.shape.toSpliced(dim, 1), strides: [x.strides.toSpliced(dim, 1), out.strides.toSpliced(dim, 1)] };
  walkOuter(walk, 0, [x.offset, out.offset], ([at, put]) => {
    let total = -Infinity;
    for (let i = 0; i < n; i++) {
      const v = from[at + i * step];
      const [high, low] = v > total ? [v, total] : [total, v];
      if (v !== v || total !== total) total = NaN;
      else if (high !== low || Number.isFinite(low)) total = high + Math.log1p(Math.exp(low - high));
      else total = high; // both infinities
      to[put + i * putStep] = total;
    }
  });
};

/** The most frequent entry along one dimension, the smallest of equally frequent ones, and the last place where it stands. */
export const modeKernel: Kernel<DimAttrs> = ([values, indices], [input], { dim }) => {
  const x = input as Tensor;
  const { cells } = x.storage;
  const [to, places] = [values.storage.cells, indices.storage.cells];
  const [n, step] = [x.shape[dim], x.strides[dim]];
  const walk = { sizes: x.shape.toSpliced(dim, 1), strides: [x.strides.toSpliced(dim, 1)] };
  const line = new Float64Array(n);
  let put = 0;
  walkOuter(walk, 0, [x.offset], ([at]) => {
    for (let i = 0; i < n; i++) line[i] = cells[at + i * step];
    line.sort();
    let [best, most, run] = [line[0], 0, 0];
    for (let i = 0; i < n; i++) {
      run++;
      if (i + 1 < n && line[i] === line[i + 1]) continue;
      if (run > most) [most, best] = [run, line[i]];
      run = 0;
    }
    let where = n - 1;
    while (where > 0 && cells[at + where * step] !== best && !(best !== best && cells[at + where * step] !== cells[at + where * step])) where--;
    to[put] = best;
    places[put++] = where;
  });
};

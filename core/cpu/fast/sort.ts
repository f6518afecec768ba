import type { Tensor } from '../../tensor.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { allocate, release } from '../memory/heap.ts';
import type { SortAttrs } from '../sort.ts';
import { insertRows, insertScratch, radixRows, radixScratch } from '../wasm/sort.ts';
import { itemOf } from './strided.ts';

/** Rows up to this length are sorted by insertion. */
const SHORT = 40;
/** Most elements that are picked out of a longer row by insertion, and how many times longer it must be. */
const FEW = 128;
const MANY = 8;

// Two dimensions around the sorted one: sizes, and steps in bytes.
const sizes = [1, 1];
const xSteps = [0, 0];
const toSteps = [0, 0];

/** Finds the dimensions around `dim`, neighbours joined; false where there are more than two. */
function layOut(x: Tensor, to: Tensor, dim: number): boolean {
  let at = 2;
  for (let d = x.ndim - 1; d >= 0; d--) {
    const size = x.shape[d];
    if (d === dim || size === 1) continue;
    const [a, b] = [x.strides[d] * 4, to.strides[d] * 4];
    if (at < 2 && a === xSteps[at] * sizes[at] && b === toSteps[at] * sizes[at]) {
      sizes[at] *= size;
      continue;
    }
    if (--at < 0) return false;
    sizes[at] = size;
    xSteps[at] = a;
    toSteps[at] = b;
  }
  while (--at >= 0) {
    sizes[at] = 1;
    xSteps[at] = toSteps[at] = 0;
  }
  return true;
}

/** Sorted values and the places they came from, along one dimension. */
export const fastSort: FastKernel<SortAttrs> = ([values, indices], [input], { dim, descending, keep }) => {
  const x = input as Tensor;
  if (itemOf(x) !== 4 || values.numel() === 0 || !layOut(x, values, dim)) return false;
  const n = x.shape[dim];
  const inserts = n <= SHORT || (keep <= FEW && n >= MANY * keep);
  const kernels = inserts ? insertRows : radixRows;
  const kernel = x.dtype === 'float32' ? kernels.float : kernels.integer;
  const bytes = inserts ? insertScratch(keep) : radixScratch(n);
  const [to, places, from] = [addressOf(values), addressOf(indices), addressOf(x)];
  const scratch = allocate(bytes);
  kernel.run(
    to, places, from, sizes[0], xSteps[0], toSteps[0], sizes[1], xSteps[1], toSteps[1],
    n, x.strides[dim] * 4, values.strides[dim] * 4, keep, descending ? -1 : 0, scratch,
  );
  release(scratch, bytes);
  return true;
};

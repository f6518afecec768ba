import { isContiguous, numelOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { allocate, release } from '../memory/heap.ts';
import { type CpuStorage, cpu } from '../memory/storage.ts';
import { ENTRY, allFinite } from '../wasm/finite.ts';
import { heap } from '../wasm/memory.ts';

const isPlain = ({ storage, shape, strides }: Tensor): boolean => storage.dtype === 'float32' && storage.device === cpu && isContiguous(shape, strides);

/**
 * Whether the elements of float32 tensors without gaps on the CPU are all finite, in one call of a kernel.
 *
 * @param others - called with each tensor that is not of this kind; tells whether it is finite
 */
export function fastAreFinite(tensors: readonly Tensor[], others: (x: Tensor) => boolean): boolean {
  const bytes = tensors.length * ENTRY;
  const table = allocate(bytes);
  let count = 0;
  let fine = true;
  for (let k = 0; k < tensors.length && fine; k++) {
    const x = tensors[k];
    if (!isPlain(x)) {
      fine = others(x);
      continue;
    }
    // Asking for an address may make the memory grow, which replaces its views.
    const address = (x.storage as CpuStorage).locate() + 4 * x.offset;
    const at = (table + ENTRY * count++) >> 2;
    heap.i32[at] = numelOf(x.shape);
    heap.i32[at + 1] = address;
  }
  if (fine) fine = allFinite.run(table, count) === 1;
  release(table, bytes);
  return fine;
}

import type { Expr } from '../../expr.ts';
import { numelOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import { allocate, release } from '../memory/heap.ts';
import type { CpuStorage } from '../memory/storage.ts';
import type { WasmKernel } from '../wasm/kernel.ts';
import { heap } from '../wasm/memory.ts';
import { Choices } from './pointwiseChoice.ts';
import { entryBytes, isExactBody, updateListKernel } from '../wasm/update.ts';

type Targets = readonly (readonly Tensor[])[];
type UpdateKernel = (targets: Targets, scalars: readonly number[], plain?: boolean) => void;

/** Elements from which an update is worth splitting over threads. */
const WORTH_SPLITTING = 65_536;
/** Parts are whole multiples of so many elements. */
const GRAIN = 1024;

/** Number of elements of a float32 tensor without gaps; -1 for others. */
function lengthOf({ storage, shape, strides }: Tensor): number {
  if (storage.dtype !== 'float32') return -1;
  let n = 1;
  let gapless = true;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] !== 1 && strides[d] !== n) gapless = false;
    n *= shape[d];
  }
  return gapless || n === 0 ? n : -1;
}

/** Number of elements of target `k`, or -1 where a column of it is not a float32 tensor without gaps. */
function targetLength(targets: Targets, k: number): number {
  const n = lengthOf(targets[0][k]);
  for (let c = 1; c < targets.length; c++) if (lengthOf(targets[c][k]) < 0) return -1;
  return n;
}

/** Number of targets that the last table left out. */
let leftOut = 0;

/** Writes the number of elements of each target into the table, 0 for those that kernels do not do; returns the sum. */
function writeLengths(table: number, targets: Targets, plain: boolean): number {
  const [first] = targets;
  const { i32 } = heap;
  const step = targets.length + 1;
  let total = 0;
  leftOut = 0;
  for (let k = 0, at = table >> 2; k < first.length; k++, at += step) {
    let n = plain ? numelOf(first[k].shape) : targetLength(targets, k);
    if (n < 0) {
      n = 0;
      leftOut++;
    }
    i32[at] = n;
    total += n;
  }
  return total;
}

/** Writes the addresses of all tensors into the table; those of a target without elements are not looked at. */
function writeAddresses(table: number, targets: Targets, plain: boolean): void {
  const step = targets.length + 1;
  for (let c = 0; c < targets.length; c++) {
    const column = targets[c];
    for (let k = 0, at = (table >> 2) + c + 1; k < column.length; k++, at += step) {
      const { storage, offset } = column[k];
      if (!plain && storage.dtype !== 'float32') continue;
      // Asking for an address may make the memory grow, which replaces its views.
      const address = (storage as CpuStorage).locate() + 4 * offset;
      heap.i32[at] = address;
    }
  }
}

function run(kernel: WasmKernel, targets: Targets, scalars: readonly number[], plain: boolean): void {
  const bytes = 4 * scalars.length + targets[0].length * entryBytes(targets.length);
  const base = allocate(bytes);
  const table = base + 4 * scalars.length;
  const total = writeLengths(table, targets, plain);
  writeAddresses(table, targets, plain);
  const { f32 } = heap;
  for (let i = 0; i < scalars.length; i++) f32[(base >> 2) + i] = scalars[i];
  if (total < WORTH_SPLITTING || threadCount() === 1) kernel.run(base, table, 0, total);
  else {
    const each = Math.ceil(total / threadCount() / GRAIN) * GRAIN;
    const parts: number[][] = [];
    for (let first = 0; first < total; first += each) parts.push([base, table, first, Math.min(each, total - first)]);
    runParts(kernel, parts);
  }
  release(base, bytes);
}

/**
 * The kernel of an update rule: float32 tensors without gaps in one call for the whole list, the others by the reference.
 *
 * @param body - see `UpdateRule.body`
 * @param reference - from `updateKernel`, for the same rule
 */
export function fastUpdate(body: readonly (Expr | null)[], scalars: number, reference: UpdateKernel): UpdateKernel {
  if (!isExactBody(body)) return reference;
  const choices = new Choices(body, body.length, true);
  const kernels = new Map<number, WasmKernel>();
  return (targets, values, plain = false) => {
    const bits = choices.decide === null ? 0 : choices.decide(values);
    let kernel = kernels.get(bits);
    if (kernel === undefined) {
      kernel = updateListKernel(body.map((x) => x && choices.chosen(x, bits)), scalars);
      kernels.set(bits, kernel);
    }
    run(kernel, targets, values, plain);
    if (leftOut > 0) reference(targets.map((column) => column.filter((_, k) => targetLength(targets, k) < 0)), values);
  };
}

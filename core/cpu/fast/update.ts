import type { Expr } from '../../expr.ts';
import type { Tensor } from '../../tensor.ts';
import { isFast } from '../engine.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import { allocate, release } from '../memory/heap.ts';
import type { CpuStorage } from '../memory/storage.ts';
import { type WasmKernel, heap } from '../wasm/kernel.ts';
import { Choices } from './pointwiseChoice.ts';
import { entryBytes, isExactBody, updateListKernel } from '../wasm/update.ts';

type Targets = readonly (readonly Tensor[])[];
type UpdateKernel = (targets: Targets, scalars: readonly number[]) => void;

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

const addressOf = ({ storage, offset }: Tensor): number => (storage as CpuStorage).locate() + 4 * offset;

/** Number of targets that the last table left out. */
let leftOut = 0;

/** Writes the table of the targets that kernels do; returns the number of their elements. */
function writeTable(table: number, targets: Targets): number {
  let at = table >> 2;
  let total = 0;
  leftOut = 0;
  for (let k = 0; k < targets[0].length; k++) {
    const n = targetLength(targets, k);
    if (n < 0) leftOut++;
    if (n <= 0) continue;
    heap.i32[at++] = n;
    for (let c = 0; c < targets.length; c++) {
      // Asking for an address may make the memory grow, which replaces its views.
      const address = addressOf(targets[c][k]);
      heap.i32[at++] = address;
    }
    total += n;
  }
  return total;
}

function run(kernel: WasmKernel, targets: Targets, scalars: readonly number[]): void {
  const bytes = 4 * scalars.length + targets[0].length * entryBytes(targets.length);
  const base = allocate(bytes);
  const table = base + 4 * scalars.length;
  const total = writeTable(table, targets);
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
  const choices = new Choices(body, body.length, (text) => `f(${text})`);
  const kernels = new Map<number, WasmKernel>();
  return (targets, values) => {
    if (!isFast()) {
      reference(targets, values);
      return;
    }
    const bits = choices.decide === null ? 0 : choices.decide(values);
    let kernel = kernels.get(bits);
    if (kernel === undefined) {
      kernel = updateListKernel(body.map((x) => x && choices.chosen(x, bits)), scalars);
      kernels.set(bits, kernel);
    }
    run(kernel, targets, values);
    if (leftOut > 0) reference(targets.map((column) => column.filter((_, k) => targetLength(targets, k) < 0)), values);
  };
}

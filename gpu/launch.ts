import { DeviceError, show } from '../core/errors.ts';
import { numelOf, stridesOf } from '../core/shape.ts';
import type { Operand } from '../core/tape.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Backend, Block } from './backend.ts';
import { address, coordinates, joined, namesOf, numbersOf } from './layout.ts';
import { type Source, sourceOf } from './source.ts';
import { GpuStorage } from './storage.ts';

/** Whole numbers below this are exact in locals of kernels. */
const EXACT = 2 ** 24;

/** The storage of a tensor on this device. */
export function storageOf(x: Tensor): GpuStorage {
  if (x.storage instanceof GpuStorage) return x.storage;
  throw new DeviceError(`gpu: a tensor is on another device, got ${show(x)} on ${x.device.name}; expected 'gpu'`, { hint: "to('gpu') first" });
}

/** The elements of a tensor's storage. */
export function blockOf(x: Operand): Block {
  return storageOf(x as Tensor).block;
}

/** What a kernel is called with. */
export interface Call {
  readonly arrays: readonly Block[];
  readonly integers?: readonly number[];
  readonly floats?: readonly number[];
}

/** Runs a kernel that makes every element of `out`, which may be a view that is written in place. */
export function launch(source: Source, out: Tensor, call: Call): void {
  const n = numelOf(out.shape);
  if (n > 0) fill(out, runOn(storageOf(out).backend, source, n, call));
}

/** Runs a kernel for a block that no tensor has. */
export function runOn(backend: Backend, source: Source, length: number, { arrays, integers = [], floats = [] }: Call): Block {
  const most = arrays.reduce((n, block) => Math.max(n, block.length), length);
  if (most > EXACT && !isExact(backend, source)) {
    throw new DeviceError(`gpu: too many elements for kernel '${source.name}', got ${most}; expected at most 2^24 in results and operands`, { hint: 'split the tensor' });
  }
  return backend.run(source, arrays, integers, floats, length);
}

/** What the names of kernels begin with that address with integers only, and so are exact beyond 2^24 elements. */
const FLAT = 'flat ';

/** What the name of a kernel begins with that walks over so many dimensions and does nothing else with indices. */
export const prefix = (rank: number): string => (rank <= 1 ? FLAT : '');

const isExact = (backend: Backend, source: Source): boolean => source.name.startsWith(FLAT) || (source.shader !== undefined && backend.name === 'webgpu');

/** Gives a tensor its elements; the rest of its storage stays as it is. */
export function fill(out: Tensor, elements: Block): void {
  const storage = storageOf(out);
  if (out.offset === 0 && elements.length === storage.length && out.isContiguous()) {
    storage.replace(elements);
    return;
  }
  const before = storage.block;
  storage.replace(placed(storage.backend, before, elements, out));
  storage.backend.free(elements);
}

/** A copy of a block with other elements in a window of it, whose cells are all different. */
export function placed(backend: Backend, before: Block, elements: Block, window: Pick<Tensor, 'shape' | 'strides' | 'offset'>): Block {
  const order = window.shape.map((_, d) => d).filter((d) => window.shape[d] !== 1).sort((a, b) => window.strides[b] - window.strides[a]);
  const sizes = order.map((d) => window.shape[d]);
  const inner = stridesOf(window.shape);
  const walk = joined(sizes, [order.map((d) => window.strides[d]), order.map((d) => inner[d])], [0, 0]);
  const rank = walk.sizes.length;
  const source = sourceOf(`place ${rank}`, () => placeSource(rank));
  return runOn(backend, source, before.length, { arrays: [before, elements], integers: [window.offset, ...walk.sizes, ...walk.strides.flat()] });
}

/** Each cell asks whether it is in the window: its distance, divided by one stride after the other, leaves nothing. */
function placeSource(rank: number): Omit<Source, 'name'> {
  const dims = Array.from({ length: rank }, (_, d) => d);
  const steps = dims.map((d) => `const q${d} = idiv(rest, s${d}); if (q${d} >= n${d}) { inside = 0; } at = at + q${d} * e${d}; rest = rest - q${d} * s${d};`);
  return {
    arrays: ['before', 'elements'],
    integers: ['o', ...dims.map((d) => `n${d}`), ...dims.map((d) => `s${d}`), ...dims.map((d) => `e${d}`)],
    floats: [],
    body: `let inside = 1; let at = 0; let rest = this.thread.x - o; if (rest < 0) { inside = 0; rest = 0; } ${steps.join(' ')} if (rest > 0) { inside = 0; }`
      + ' if (inside < 0.5) { at = 0; } const x = elements[at]; const y = before[this.thread.x]; return inside > 0.5 ? x : y;',
  };
}

/** A block with one value everywhere. */
export function filled(backend: Backend, length: number, value: number): Block {
  return runOn(backend, sourceOf('flat filled', () => ({ arrays: [], integers: [], floats: ['v'], body: 'return v;' })), length, { arrays: [], floats: [value] });
}

/** A block of zeros. */
export const zeros = (backend: Backend, length: number): Block => filled(backend, length, 0);

/** A block of ones, each with probability `p`, and zeros. The numbers are the same on every backend. */
export function ones(backend: Backend, length: number, p: number, [a, b]: readonly [number, number]): Block {
  const source = sourceOf('bernoulli', () => ({ arrays: [], integers: ['a', 'b'], floats: ['limit'], body: 'return random24(this.thread.x, a, b) < limit ? 1 : 0;' }));
  return runOn(backend, source, length, { arrays: [], integers: [a, b], floats: [p * 2 ** 24] });
}

/** A block with the elements of a tensor row by row: its own where they lie so, else a copy that `done` gives back. */
export function rowMajor(x: Tensor): { readonly block: Block; readonly offset: number; readonly done: () => void } {
  const storage = storageOf(x);
  if (x.isContiguous()) return { block: storage.block, offset: x.offset, done: () => {} };
  const walk = joined(x.shape, [x.strides], [x.offset]);
  const rank = walk.sizes.length;
  const source = sourceOf(`${prefix(rank)}copy ${rank}`, () => ({ arrays: ['a'], integers: namesOf(rank, ['a']), floats: [], body: `${coordinates(rank)} return a[${address(rank, 'a')}];` }));
  const block = runOn(storage.backend, source, numelOf(x.shape), { arrays: [storage.block], integers: numbersOf(walk) });
  return { block, offset: 0, done: () => storage.backend.free(block) };
}

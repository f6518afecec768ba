import type { Kernel } from '../op.ts';
import type { Operand } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import type { CpuStorage } from './memory/storage.ts';
import type * as fastIndex from './fast/index.ts';
import { heap } from './wasm/memory.ts';

/** Where the first element of a CPU tensor lies in the memory of the Wasm kernels, in bytes. */
export function addressOf({ storage, offset }: Tensor): number {
  // The only storage of CPU tensors. Elements of float32, int32 and int64 have 4 bytes, those of uint8 and bool one.
  const bytes = storage.dtype === 'uint8' || storage.dtype === 'bool' ? offset : storage.dtype === 'float64' ? offset * 8 : offset * 4;
  return (storage as CpuStorage).locate() + bytes;
}

/** A kernel that does what it is fast at and returns false, having done nothing, for the rest. */
export type FastKernel<A> = (outputs: readonly Tensor[], inputs: readonly Operand[], attrs: A) => boolean;

/** All Wasm kernels. */
export type FastKernels = typeof fastIndex;

let kernels: FastKernels | null = null;
let fast = false;

/** Has operations run on the Wasm kernels, which are a part of their own: a page can start without them. */
export function useKernels(given: FastKernels): void {
  if (kernels !== null) return;
  kernels = given;
  fast = given.hasSimd();
  heap.inUse = fast;
  if (fast) return;
  console.warn(
    "polyak: this machine has no WebAssembly with SIMD, or the page's Content-Security-Policy lacks 'wasm-unsafe-eval'; the reference kernels run, in JavaScript, several times slower.",
  );
}

/** Whether Wasm kernels run. */
export function isFast(): boolean {
  return fast;
}

/** Switches Wasm kernels, if there are any, on or off and returns what it was: tests compare both. */
export function setFast(on: boolean): boolean {
  const before = fast;
  fast = on && kernels !== null;
  return before;
}

/**
 * A function that gives what `choose` makes of the Wasm kernels, when they run, else null. The kernels are named in the parameter of `choose`, so that a build can give it those
 * alone (.ci/boundKernels.ts).
 */
export function whenFast<T>(choose: (kernels: FastKernels) => T): () => T | null {
  let chosen: T | null = null;
  return () => (fast && kernels !== null ? (chosen ??= choose(kernels)) : null);
}

/**
 * A kernel in Wasm where it applies, in JavaScript elsewhere.
 *
 * @param choose - takes the Wasm kernel from all of them, when it is first needed, as for `whenFast`
 */
export function accelerated<A>(choose: (kernels: FastKernels) => FastKernel<A>, reference: Kernel<A>): Kernel<A> {
  let chosen: FastKernel<A> | null = null;
  return (outputs, inputs, attrs) => {
    if (!fast || kernels === null || !(chosen ??= choose(kernels))(outputs, inputs, attrs)) reference(outputs, inputs, attrs);
  };
}

import type { Kernel } from '../op.ts';
import type { Operand } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import type { CpuStorage } from './memory/storage.ts';
import { hasSimd } from './wasm/support.ts';

/** Where the first element of a CPU tensor lies in the memory of the Wasm kernels, in bytes. */
export function addressOf({ storage, offset }: Tensor): number {
  // The only storage of CPU tensors. Elements of float32, int32 and int64 have 4 bytes, those of uint8 and bool one.
  const bytes = storage.dtype === 'uint8' || storage.dtype === 'bool' ? offset : storage.dtype === 'float64' ? offset * 8 : offset * 4;
  return (storage as CpuStorage).locate() + bytes;
}

/** A kernel that does what it is fast at and returns false, having done nothing, for the rest. */
export type FastKernel<A> = (outputs: readonly Tensor[], inputs: readonly Operand[], attrs: A) => boolean;

let fast = hasSimd();
if (!fast) {
  console.warn(
    "polyak: this machine has no WebAssembly with SIMD, or the page's Content-Security-Policy lacks 'wasm-unsafe-eval'; the reference kernels run, in JavaScript, several times slower.",
  );
}

/** Whether Wasm kernels run. */
export function isFast(): boolean {
  return fast;
}

/** Switches Wasm kernels on or off and returns what it was: tests compare both. */
export function setFast(on: boolean): boolean {
  const before = fast;
  fast = on;
  return before;
}

/** A kernel in Wasm where it applies, in JavaScript elsewhere. */
export function accelerated<A>(wasm: FastKernel<A>, reference: Kernel<A>): Kernel<A> {
  return (outputs, inputs, attrs) => {
    if (!fast || !wasm(outputs, inputs, attrs)) reference(outputs, inputs, attrs);
  };
}

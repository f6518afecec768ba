import { ArgumentError, DeviceError, show } from '../errors.ts';
import { isFast } from './engine.ts';
import { getNumThreads } from './threads/threads.ts';
import { kernelOptions, resetKernels } from './wasm/kernel.ts';
import { hasFusedMultiplyAdd } from './wasm/support.ts';

/** What the CPU's kernels run on. */
export interface CpuInfo {
  /** Wasm with SIMD, or JavaScript where there is none. */
  readonly kernels: 'wasm' | 'javascript';
  /** As `getNumThreads`. */
  readonly threads: number;
  /** As `setFusedMultiplyAdd`. */
  readonly fusedMultiplyAdd: boolean;
}

/** Says what the CPU's kernels run on. */
export function cpuInfo(): CpuInfo {
  return { kernels: isFast() ? 'wasm' : 'javascript', threads: getNumThreads(), fusedMultiplyAdd: kernelOptions().fma };
}

/**
 * Lets kernels multiply and add in one rounding, `fma(a, b, c) = a·b + c`, where the machine can. Products get faster and a little more exact, but
 * results are no longer the same on every machine; off by default.
 *
 * @throws DeviceError where Wasm has no relaxed SIMD
 * @see https://github.com/WebAssembly/relaxed-simd
 */
export function setFusedMultiplyAdd(on: boolean): void {
  if (typeof on !== 'boolean') throw new ArgumentError(`setFusedMultiplyAdd: not a boolean, got ${show(on)}; expected true or false`);
  if (on && !hasFusedMultiplyAdd()) {
    throw new DeviceError('setFusedMultiplyAdd: no relaxed SIMD here, got true; expected a machine that has it', {
      hint: 'Node 22 and later have it, Node 20 with --experimental-wasm-relaxed-simd',
    });
  }
  if (on !== kernelOptions().fma) resetKernels({ fma: on });
}

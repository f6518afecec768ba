import { DeviceError } from '../core/errors.ts';
import type { Source } from './source.ts';

/** The ways to run kernels. */
export type BackendName = 'webgpu' | 'webgl2' | 'headlessgl' | 'webasm';

/** Elements on the device: floats, whatever the dtype. */
export interface Block {
  readonly length: number;
}

/** What is known of the machine behind a backend. */
export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
}

/** Bytes on the device. */
export interface MemoryInfo {
  /** Held by tensors. */
  readonly live: number;
  /** Kept for the next results. */
  readonly pooled: number;
}

/** The error of a device that is gone. */
export function lostDevice(why: string): DeviceError {
  return new DeviceError(`gpu: the device was lost, got '${why}'; expected a live device`, { hint: 'await useGpu() starts another; tensors on the CPU are as they were' });
}

/** Runs kernels and holds blocks. All calls return at once; work and its errors may come later, and show at the next read. */
export interface Backend {
  readonly name: BackendName;
  readonly adapter: AdapterInfo;
  /** True where no graphics processor does the work. */
  readonly software: boolean;
  /** Elements that a block can have. */
  readonly maxLength: number;
  /** Kernels built so far, and the time that took in milliseconds. */
  readonly built: { kernels: number; milliseconds: number };
  /** Why it does not run any more, if it was lost or ended. */
  readonly lost: DeviceError | null;
  memory(): MemoryInfo;
  upload(elements: Float32Array): Block;
  /** A new block of `length` elements, each made by one thread. */
  run(source: Source, arrays: readonly Block[], integers: readonly number[], floats: readonly number[], length: number): Block;
  /** The elements as they are at the call. */
  read(block: Block): Promise<Float32Array>;
  /** Gives a block back; nobody reads it any more. */
  free(block: Block): void;
  /** Ends it: blocks are lost. */
  destroy(): void;
}

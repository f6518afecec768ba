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

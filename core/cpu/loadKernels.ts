import { useKernels } from './engine.ts';

/**
 * Loads the kernels in Wasm for programs that import from `polyak/lean`, where operations run on those in JavaScript at first: a page of tiny nets may
 * do without the download, others await this before they train. In `polyak` the kernels are there from the start and nothing happens.
 *
 * Results differ between the two in the last bits, so that a run is the same again only where they come at the same point.
 *
 * @returns when the kernels are there
 */
export async function loadKernels(): Promise<void> {
  useKernels(await import('./fast/index.ts'));
}

import { ArgumentError } from '../errors.ts';
import { type Dataset, checkDataset, checkItemIndex } from './dataset.ts';

/**
 * Datasets one after the other. Negative indices count from the end.
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.ConcatDataset
 */
export class ConcatDataset<T> implements Dataset<T> {
  readonly datasets: readonly Dataset<T>[];
  /** Lengths of the datasets, summed up from the first on. */
  readonly cumulativeSizes: readonly number[];

  /** @throws ArgumentError without datasets, and for anything else */
  constructor(datasets: readonly Dataset<T>[]) {
    if (!Array.isArray(datasets) || datasets.length === 0) throw new ArgumentError('ConcatDataset: no datasets, got none; expected an array of at least one');
    for (const dataset of datasets) checkDataset('ConcatDataset', dataset);
    this.datasets = [...(datasets as readonly Dataset<T>[])];
    let sum = 0;
    this.cumulativeSizes = this.datasets.map(({ length }) => (sum += length));
  }

  get length(): number {
    return this.cumulativeSizes[this.cumulativeSizes.length - 1];
  }

  get(index: number): T {
    const at = index < 0 ? index + this.length : index;
    checkItemIndex('ConcatDataset', at, this.length);
    const sizes = this.cumulativeSizes;
    let [low, high] = [0, sizes.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sizes[middle] > at) high = middle;
      else low = middle + 1;
    }
    return this.datasets[low].get(at - (low === 0 ? 0 : sizes[low - 1]));
  }
}

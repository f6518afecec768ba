import { ArgumentError, ShapeError } from '../errors.ts';
import { type Dataset, checkDataset, checkItemIndex } from './dataset.ts';

/** Datasets by place or by name. */
export type DatasetTree = readonly Dataset<unknown>[] | Readonly<Record<string, Dataset<unknown>>>;

/** An item of datasets by place or by name. */
export type Stacked<D extends DatasetTree> = { -readonly [K in keyof D]: D[K] extends Dataset<infer T> ? T : never };

/**
 * Datasets side by side: item `i` holds item `i` of each, in an array or under their names.
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.StackDataset
 */
export class StackDataset<const D extends DatasetTree> implements Dataset<Stacked<D>> {
  readonly datasets: D;
  readonly length: number;

  /**
   * @param datasets - an array or an object of datasets, all of the same length
   * @throws ShapeError when lengths differ, ArgumentError for anything else
   */
  constructor(datasets: D) {
    const op = 'StackDataset';
    const list: unknown = datasets;
    const members = typeof list === 'object' && list !== null && !('get' in list && typeof list.get === 'function') ? Object.values(list) : [];
    if (members.length === 0) throw new ArgumentError(`${op}: no datasets, got none; expected an array or an object of at least one`);
    for (const member of members) checkDataset(op, member);
    const lengths = (members as readonly Dataset<unknown>[]).map(({ length }) => length);
    if (lengths.some((n) => n !== lengths[0])) throw new ShapeError(`${op}: lengths differ, got ${lengths.join(', ')}; expected one length`);
    this.datasets = datasets;
    [this.length] = lengths;
  }

  get(index: number): Stacked<D> {
    checkItemIndex('StackDataset', index, this.length);
    const { datasets } = this;
    if (Array.isArray(datasets)) return datasets.map((d: Dataset<unknown>) => d.get(index)) as Stacked<D>;
    return Object.fromEntries(Object.entries(datasets as Readonly<Record<string, Dataset<unknown>>>).map(([name, d]) => [name, d.get(index)])) as Stacked<D>;
  }
}

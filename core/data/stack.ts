import { ArgumentError, ShapeError } from '../errors.ts';
import { type Dataset, checkDataset, checkItemIndex } from './dataset.ts';

/** Datasets by name. */
export type NamedDatasets = Readonly<Record<string, Dataset<unknown>>>;

type ItemOf<D> = D extends Dataset<infer T> ? T : never;

/** An item of datasets side by side: an array of theirs, or, of one object of datasets, an object. */
export type Stacked<D extends readonly unknown[]> = D extends readonly [infer N]
  ? N extends Dataset<infer T>
    ? [T]
    : { -readonly [K in keyof N]: ItemOf<N[K]> }
  : { -readonly [K in keyof D]: ItemOf<D[K]> };

const isDataset = (x: unknown): boolean => typeof x === 'object' && x !== null && 'get' in x && typeof x.get === 'function';

/**
 * Datasets side by side: item `i` holds item `i` of each, in an array, or under their names when they are given as one object.
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.StackDataset
 */
export class StackDataset<const D extends readonly Dataset<unknown>[] | readonly [NamedDatasets]> implements Dataset<Stacked<D>> {
  readonly datasets: D;
  readonly length: number;
  private readonly named: [string, Dataset<unknown>][] | null;

  /**
   * @param datasets - datasets, or one object of datasets, all of the same length
   * @throws ShapeError when lengths differ, ArgumentError for anything else
   */
  constructor(...datasets: D) {
    const op = 'StackDataset';
    const first: unknown = datasets[0];
    const named = datasets.length === 1 && !isDataset(first) && typeof first === 'object' && first !== null && !Array.isArray(first);
    const members: unknown[] = named ? Object.values(first) : [...datasets];
    if (members.length === 0) throw new ArgumentError(`${op}: no datasets, got none; expected at least one`);
    for (const member of members) checkDataset(op, member);
    const lengths = (members as readonly Dataset<unknown>[]).map(({ length }) => length);
    if (lengths.some((n) => n !== lengths[0])) throw new ShapeError(`${op}: lengths differ, got ${lengths.join(', ')}; expected one length`);
    this.datasets = datasets;
    this.named = named ? Object.entries(first as NamedDatasets) : null;
    [this.length] = lengths;
  }

  get(index: number): Stacked<D> {
    checkItemIndex('StackDataset', index, this.length);
    if (this.named !== null) return Object.fromEntries(this.named.map(([name, dataset]) => [name, dataset.get(index)])) as Stacked<D>;
    return (this.datasets as readonly Dataset<unknown>[]).map((dataset) => dataset.get(index)) as Stacked<D>;
  }
}

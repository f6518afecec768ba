import { ArgumentError, ShapeError, show } from '../errors.ts';
import { fromCells } from '../ops/creation.ts';
import { indexSelect } from '../ops/lookup.ts';
import { select } from '../ops/view.ts';
import { Tensor } from '../tensor.ts';
import type { Collated } from './collate.ts';

/**
 * Items by number. An array becomes one with `{ length: a.length, get: (i) => a[i] }`.
 *
 * @see https://pytorch.org/docs/stable/data.html#map-style-datasets
 */
export interface Dataset<T> {
  /** Number of items. */
  readonly length: number;
  /** Item number `index`, from 0. */
  get(index: number): T;
  /** Optional: a whole batch at once, as `defaultCollate` would make it of the items; DataLoader uses it when it has no `collate` of its own. */
  getBatch?(indices: Int32Array): Collated<T>;
}

/** Refuses anything but a dataset. */
export function checkDataset(op: string, dataset: unknown): asserts dataset is Dataset<unknown> {
  const ok = typeof dataset === 'object' && dataset !== null && 'get' in dataset && typeof dataset.get === 'function' && 'length' in dataset;
  if (!ok) {
    const hint = Array.isArray(dataset) ? { hint: '{ length: items.length, get: (i) => items[i] } makes a dataset of an array' } : {};
    throw new ArgumentError(`${op}: not a dataset, got ${show(dataset)}; expected an object with length and get(i)`, hint);
  }
  const { length } = dataset as { length: unknown };
  if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0) {
    throw new ArgumentError(`${op}: the length of the dataset is not a count, got ${show(length)}; expected an integer ≥ 0`);
  }
}

/** The `getBatch` of a dataset, if it has one. */
export function batchGetter<T>(dataset: Dataset<T>): ((indices: Int32Array) => Collated<T>) | null {
  return typeof dataset.getBatch === 'function' ? (indices) => (dataset as Required<Dataset<T>>).getBatch(indices) : null;
}

/** Refuses anything but a whole number from 0 to `length` - 1. */
export function checkItemIndex(op: string, index: unknown, length: number): asserts index is number {
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= length) {
    throw new ArgumentError(`${op}: no such item, got ${show(index)}; expected ${length === 0 ? 'nothing, for there are none' : `0 to ${length - 1}`}`, { values: { index, length } });
  }
}

/**
 * Rows of tensors: item `i` is `[tensors[0][i], tensors[1][i], …]`.
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.TensorDataset
 */
export class TensorDataset<T extends readonly Tensor[] = readonly Tensor[]> implements Dataset<T> {
  readonly tensors: T;

  /**
   * @param tensors - at least one, all with the same first size
   * @throws ShapeError when first sizes differ or a tensor is a scalar
   */
  constructor(...tensors: T) {
    if (tensors.length === 0) throw new ArgumentError('TensorDataset: no tensors, got none; expected at least one');
    tensors.forEach((x: unknown, i) => {
      if (!(x instanceof Tensor)) throw new ArgumentError(`TensorDataset: argument ${i} is not a tensor, got ${show(x)}; expected tensors`);
      if (x.ndim === 0) throw new ShapeError(`TensorDataset: a scalar has no rows, got ${show(x)} as argument ${i}; expected at least one dimension`);
    });
    if (tensors.some((x) => x.shape[0] !== tensors[0].shape[0])) {
      throw new ShapeError(`TensorDataset: first sizes differ, got ${tensors.map(show).join(', ')}; expected as many rows in each`);
    }
    this.tensors = tensors;
  }

  get length(): number {
    return this.tensors[0].shape[0];
  }

  /** Row `index` of every tensor, as views. */
  get(index: number): T {
    checkItemIndex('TensorDataset', index, this.length);
    return this.tensors.map((x) => select(x, 0, index)) as readonly Tensor[] as T;
  }

  /** The rows of every tensor in one go. */
  getBatch(indices: Int32Array): Collated<T> {
    const rows = fromCells('TensorDataset', 'int64', indices, [indices.length], { device: this.tensors[0].device });
    return this.tensors.map((x) => indexSelect(x, 0, rows)) as readonly Tensor[] as Collated<T>;
  }
}

/**
 * Some items of another dataset, in the order of `indices`.
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.Subset
 */
export class Subset<T> implements Dataset<T> {
  readonly dataset: Dataset<T>;
  readonly indices: Int32Array;
  readonly getBatch?: (indices: Int32Array) => Collated<T>;

  /**
   * @param indices - whole numbers from 0 to the length of the dataset - 1, also repeated
   * @throws ArgumentError for an index outside
   */
  constructor(dataset: Dataset<T>, indices: ArrayLike<number> | Tensor) {
    checkDataset('Subset', dataset);
    const list = indices instanceof Tensor ? indices.data() : indices;
    if (typeof list !== 'object' || list === null || typeof list.length !== 'number') {
      throw new ArgumentError(`Subset: not a list of indices, got ${show(indices)}; expected an array or a tensor of whole numbers`);
    }
    this.dataset = dataset;
    this.indices = new Int32Array(list.length);
    for (let i = 0; i < list.length; i++) {
      const index: number = list[i];
      checkItemIndex('Subset', index, dataset.length);
      this.indices[i] = index;
    }
    const fast = batchGetter(dataset);
    if (fast !== null) this.getBatch = (positions) => fast(positions.map((i) => this.indices[i]));
  }

  get length(): number {
    return this.indices.length;
  }

  get(index: number): T {
    checkItemIndex('Subset', index, this.length);
    return this.dataset.get(this.indices[index]);
  }
}

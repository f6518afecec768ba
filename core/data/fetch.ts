import { type Collated, defaultCollate } from './collate.ts';
import { type Dataset, batchGetter } from './dataset.ts';

type Join<T, B> = ((items: readonly Awaited<T>[]) => B) | undefined;

/** A batch of items. */
export function joinItems<T, B>(items: readonly Awaited<T>[], collate: Join<T, B>): B {
  return collate === undefined ? (defaultCollate(items) as B) : collate(items); // B is Collated<…> without `collate`
}

/** A batch of a dataset: in one go where it offers that, and otherwise item by item; a promise where these are promises. */
export function fetchBatch<T, B>(dataset: Dataset<T>, collate: Join<T, B>, indices: Int32Array): B | Promise<B> {
  const whole = collate === undefined ? batchGetter(dataset) : null;
  if (whole !== null) return whole(indices) as Collated<T> & (B | Promise<B>);
  const items = Array.from(indices, (i) => dataset.get(i));
  if (!items.some((item) => item instanceof Promise)) return joinItems(items as readonly Awaited<T>[], collate);
  return Promise.all(items).then((ready) => joinItems(ready, collate));
}

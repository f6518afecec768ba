import type { Tensor } from './tensor.ts';

/** Several results under PyTorch's names, which also come in PyTorch's order: `const [values, indices] = x.sort()`. */
export type Results<T> = Readonly<T> & Iterable<Tensor>;

/** Makes the fields iterable, in the order in which they are written. */
export function results<T extends Readonly<Record<string, Tensor>>>(fields: T): Results<T> {
  const iterator = (): Iterator<Tensor> => Object.values(fields)[Symbol.iterator]();
  return Object.defineProperty({ ...fields }, Symbol.iterator, { value: iterator }) as Results<T>;
}

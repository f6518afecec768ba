import type { Operand } from './tape.ts';
import type { Tensor } from './tensor.ts';

/** The operands of an operation on many examples: those that differ between examples have these in front. */
export interface Batch {
  readonly inputs: readonly Operand[];
  /** Whether an operand has the examples in front. */
  readonly batched: readonly boolean[];
  /** Number of examples. */
  readonly size: number;
}

/**
 * How an operation runs for many examples at once (`vmap`), with the examples as one more dimension in front:
 *
 * - 'broadcast': operands broadcast, so that missing dimensions come behind the examples;
 * - 'random': the first operand is filled with random numbers;
 * - `shift`: the attributes for operands of one more dimension in front, which all of them get;
 * - `run`: the operation by a way of its own, given what applies it; null where there is none.
 */
export type Batching<A> =
  | 'broadcast'
  | 'random'
  | { readonly shift: (attrs: A, inputs: readonly Operand[], size: number) => object | undefined }
  | { readonly run: (batch: Batch, attrs: A, apply: Apply) => readonly Tensor[] | null };

/** Applies the operation of a rule to other operands, with attributes of its own kind. */
export type Apply = (inputs: readonly Operand[], attrs: object | undefined) => readonly Tensor[];

/** Attributes with the dimension they name one further back. */
export function nextDim<A extends { readonly dim: number }>(attrs: A): A {
  return { ...attrs, dim: attrs.dim + 1 };
}

/** Attributes with the dimensions they name one further back. */
export function nextDims<A extends { readonly dims: readonly number[] }>(attrs: A): A {
  return { ...attrs, dims: attrs.dims.map((d) => d + 1) };
}

/** `x` for every example, the examples in front. */
export function forEach(x: Tensor, size: number): Tensor {
  return x.unsqueeze(0).expand([size, ...x.shape]);
}

/** The first two dimensions as one. */
export function foldFront(x: Tensor): Tensor {
  return x.reshape([x.shape[0] * x.shape[1], ...x.shape.slice(2)]);
}

/**
 * The rule of an operation whose first dimension is a batch already: examples join it. `joins` names the operands that have that dimension; where another
 * one differs between examples there is no way but one after the other. `attrs` are those for `size` times the batch.
 */
export function joined<A extends object | undefined>(joins: (input: number) => boolean, attrsFor: (attrs: A, size: number) => A = (attrs) => attrs): Batching<A> {
  return {
    run: ({ inputs, batched, size }, attrs, apply) => {
      if (batched.some((differs, i) => differs && !joins(i))) return null;
      const folded = inputs.map((x, i) => (typeof x === 'number' || !joins(i) ? x : foldFront(batched[i] ? x : forEach(x, size))));
      return apply(folded, attrsFor(attrs, size)).map((y) => y.reshape([size, y.shape[0] / size, ...y.shape.slice(1)]));
    },
  };
}

import type { Shape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';

/** Marks tensors that have no shape yet; they lose it with their class. */
export const shapeless = Symbol('shapeless');

/** A Parameter or Buffer that has no shape yet. */
export interface Shapeless extends Tensor {
  readonly [shapeless]: true;
  materialize(shape: Shape): void;
  adopt(source: Tensor): void;
}

/** True for tensors that have no shape yet. */
export function isUninitialized(x: unknown): x is Shapeless {
  return typeof x === 'object' && x !== null && shapeless in x;
}

import { isPlainObject } from '../io/tree.ts';
import { noGrad } from '../tape.ts';
import { Tensor } from '../tensor.ts';

/** A copy of a state: tensors without history, arrays and plain objects through and through; the rest as it is. */
export function copyState(state: unknown): unknown {
  if (state instanceof Tensor) return noGrad(() => state.detach().clone());
  if (Array.isArray(state)) return state.map(copyState);
  if (!isPlainObject(state)) return state;
  const copy = Object.create(Object.getPrototypeOf(state) as object | null) as Record<string, unknown>;
  for (const [key, value] of Object.entries(state)) Object.defineProperty(copy, key, { value: copyState(value), enumerable: true, writable: true, configurable: true });
  return copy;
}

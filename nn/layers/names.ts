import { ArgumentError, show } from '../../core/errors.ts';

/** Refuses names that cannot be part of a path. */
export function checkName(layer: string, name: unknown): asserts name is string {
  if (typeof name !== 'string' || name === '' || name.includes('.')) {
    throw new ArgumentError(`${layer}: invalid name, got ${show(name)}; expected a string without dots`);
  }
}

/** A position as 0 … length-1, negative ones counted from the end. */
export function position(layer: string, index: number, length: number): number {
  if (!Number.isInteger(index) || index < -length || index >= length) {
    throw new ArgumentError(`${layer}: position outside the list, got ${show(index)}; expected ${-length} to ${length - 1}`, { values: { index, length } });
  }
  return index < 0 ? index + length : index;
}

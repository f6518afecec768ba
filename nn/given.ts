import { ArgumentError, show } from '../core/errors.ts';
import { given } from '../core/given.ts';
import type { Tensor } from '../core/tensor.ts';

/** What may stand behind the first arguments: tensors by position, and options last. */
export type Given<O> = readonly (Tensor | null | undefined | O)[];

/** What may stand behind a tensor: numbers by position, and options last. */
export type Numbers<O> = readonly (number | undefined | O)[];

/** A size of the output by itself, or as an option. */
export type OutputSizeArgument = readonly number[] | { readonly outputSize?: readonly number[] | null } | null | undefined;

/** The wanted size of the output of a `forward`, or null. */
export function readOutputSize(layer: string, argument: OutputSizeArgument): readonly number[] | null {
  const { outputSize = null } = given<{ readonly outputSize?: readonly number[] | null }>(`${layer}.forward`, ['outputSize'], [argument]);
  if (outputSize !== null && !Array.isArray(outputSize)) throw new ArgumentError(`${layer}.forward: outputSize is no list, got ${show(outputSize)}; expected sizes`);
  return outputSize;
}

import { ArgumentError, checkOptions, show } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';

function isOptions(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** What may stand behind the first arguments: tensors by position, and options last. */
export type Given<O> = readonly (Tensor | null | undefined | O)[];

/** What may stand behind a tensor: numbers by position, and options last. */
export type Numbers<O> = readonly (number | undefined | O)[];

/**
 * What a layer is made from: the values `P`, which are called `N`, and then its options `O`. The options may also come earlier, and then hold what is missing by
 * name: `new Conv2d(1, 8, 3, { padding: 1 })`, `new Conv2d(1, 8, { kernelSize: 3, padding: 1 })` and
 * `new Conv2d({ inChannels: 1, outChannels: 8, kernelSize: 3, padding: 1 })` are the same.
 */
export type LayerArguments<P extends readonly unknown[], N extends readonly string[], O extends object = object> =
  | (keyof O extends never ? [...P, options?: undefined] : Partial<O> extends O ? [...P, options?: O | undefined] : [...P, options: O])
  | (P extends readonly [...infer Before, infer Last]
    ? N extends readonly [...infer Names extends readonly string[], infer Name extends string]
      ? LayerArguments<Before, Names, Name extends keyof O ? O : O & { readonly [K in Name]: Last }>
      : never
    : never);

/** Such arguments, all by name. */
export type ByName<A extends readonly unknown[]> = A extends readonly [options?: infer S] ? Exclude<S, undefined> : never;

/**
 * Settings that PyTorch's users give by position as well as by name, put into one object: `(0.2, { inplace: true })` and `({ negativeSlope: 0.2, inplace: true })` are
 * the same.
 *
 * @param names - what the positions are called, in order
 * @param args - what the constructor was given, an object of options last
 * @param more - options that have no position
 * @throws ArgumentError for unknown options, for a setting that is there twice, and for anything behind the options
 */
export function given<A extends readonly unknown[]>(layer: string, names: readonly (keyof ByName<A> & string)[], args: A, more?: readonly (keyof ByName<A> & string)[]): ByName<A>;
export function given<T extends object>(layer: string, names: readonly (keyof NoInfer<T> & string)[], args: readonly unknown[], more?: readonly (keyof NoInfer<T> & string)[]): T;
export function given(layer: string, names: readonly string[], args: readonly unknown[], more: readonly string[] = []): object {
  const settings: Record<string, unknown> = {};
  let options: object = {};
  let closed = false;
  args.forEach((arg, i) => {
    if (arg === undefined) return;
    if (closed || (!isOptions(arg) && i >= names.length)) throw new ArgumentError(`${layer}: options are not an object, got ${show(arg)}; expected options last`);
    if (!isOptions(arg)) settings[names[i]] = arg;
    else [options, closed] = [arg, true];
  });
  checkOptions(layer, options, [...names, ...more]);
  for (const name of Object.keys(settings)) {
    if (name in options) throw new ArgumentError(`${layer}: ${name} was given twice, got ${show(settings[name])} and an option; expected one`);
  }
  return { ...settings, ...options };
}

/** A size of the output by itself, or as an option. */
export type OutputSizeArgument = readonly number[] | { readonly outputSize?: readonly number[] | null } | null | undefined;

/** The wanted size of the output of a `forward`, or null. */
export function readOutputSize(layer: string, argument: OutputSizeArgument): readonly number[] | null {
  const { outputSize = null } = given<{ readonly outputSize?: readonly number[] | null }>(`${layer}.forward`, ['outputSize'], [argument]);
  if (outputSize !== null && !Array.isArray(outputSize)) throw new ArgumentError(`${layer}.forward: outputSize is no list, got ${show(outputSize)}; expected sizes`);
  return outputSize;
}

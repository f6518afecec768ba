import { ArgumentError, checkOptions, show } from './errors.ts';

/** Whether a value is an object literal: the options of a call. */
export function isOptions(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

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

/**
 * Arguments by place, in the order of the names `N`, and the rest of the settings `S` by name in an object behind them: of `{ stepSize, gamma }` it allows `(30, 0.1)`, `(30, { gamma: 0.1 })` and
 * `({ stepSize: 30, gamma: 0.1 })`.
 */
export type PlacedOrNamed<S extends object, N extends readonly string[]> =
  | (keyof S extends never ? [] : Partial<S> extends S ? [options?: S] : [options: S])
  | (N extends readonly [infer K extends keyof S, ...infer Rest extends readonly string[]] ? [S[K], ...PlacedOrNamed<Omit<S, K>, Rest>] : never);

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

import { ArgumentError, checkOptions } from '../errors.ts';
import { isOptions } from '../given.ts';
import type { Tensor } from '../tensor.ts';

/** An argument that can be given by name. */
type Given<K extends string, A> = { readonly [key in K]?: A };

/** Options in an object, or the first of them by place, `L` in PyTorch's order: `x.sum(1, { keepdim: true })` or `x.sum(1, true)`. */
export type Trailing<O, L extends readonly unknown[] = []> = [options?: O | undefined] | (L extends readonly [] ? never : { readonly [K in keyof L]?: L[K] | undefined });

/**
 * A function of `X` and an argument that may also be given by name in the options object, as PyTorch's may by keyword: `x.sum(1)` is
 * `x.sum({ dim: 1 })`.
 */
export interface Named<K extends string, A, O, R, X = Tensor, L extends readonly unknown[] = []> {
  (x: X, argument?: A, ...options: Trailing<O, L>): R;
  (x: X, options: O & Given<K, A>): R;
}

/** The same with two arguments, the first of which has to be given: `x.topk(2, 1)` is `x.topk(2, { dim: 1 })`. */
export interface NamedPair<K extends string, A, N extends string, B, O, R, X = Tensor, L extends readonly unknown[] = []> {
  (x: X, first: A, second?: B, ...options: Trailing<O, L>): R;
  (x: X, first: A, options: O & Given<N, B>): R;
  (x: X, options: O & Given<K, A> & Given<N, B>): R;
}

/** The same with any number of arguments `A`, which are given by place or in an object `O`. */
export interface NamedList<A extends readonly unknown[], O, R, X = Tensor> {
  (x: X, ...args: A): R;
  (x: X, first: A[0], second: A[1], options: O): R;
  (x: X, first: A[0], options: O): R;
  (x: X, options: O): R;
}

/** The names of a function's arguments after the first. */
interface Names {
  /** Those with a place of their own. */
  readonly places: readonly string[];
  /** Which argument the options are, counted with the first one; 0 for none. */
  readonly slot: number;
  /** Options that may also stand by place, from the slot on. */
  readonly late: readonly string[];
}

/** Arguments in their places: those that the trailing options object names, and what is left of it. */
function placed(name: string, { places, slot, late }: Names, args: readonly unknown[], options: Record<string, unknown>): unknown[] {
  const count = args.length - 1;
  const out = args.slice(0, slot === 0 ? count : Math.min(count, slot));
  const rest: Record<string, unknown> = slot === 0 || count <= slot ? {} : byPlace(name, late, args.slice(slot, -1));
  for (const [key, value] of Object.entries(options)) {
    const at = places.indexOf(key) + 1;
    if (at === 0 ? key in rest : at < count && args[at] !== undefined) throw new ArgumentError(`${name}: '${key}' is given twice, got it by place and by name; expected one of them`);
    if (at === 0) rest[key] = value;
    else out[at] = value;
  }
  if (slot === 0) checkOptions(name, rest, places);
  else if (Object.keys(rest).length > 0) out[slot] = rest;
  return out;
}

/** Options that stand by place, as an object. */
function byPlace(name: string, late: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  if (values.length > late.length) throw new ArgumentError(`${name}: too many arguments, got ${values.length} behind the others; expected at most ${late.length === 0 ? 'an object of options' : late.length}`);
  const options: Record<string, unknown> = {};
  values.forEach((value, i) => {
    if (value !== undefined) options[late[i]] = value;
  });
  return options;
}

/**
 * A function that takes its arguments after the first also by name; `parameters` names them in order, then 'options', and then the options that may also stand by place. Calls without any of this go
 * straight through, without an array of arguments.
 */
export function byName<F extends (...args: never[]) => unknown>(name: string, parameters: readonly string[], fn: F): F {
  const call = fn as (...args: never[]) => unknown as (...args: unknown[]) => unknown;
  const slot = parameters.indexOf('options') + 1;
  const names: Names = { places: slot === 0 ? parameters : parameters.slice(0, slot - 1), slot, late: slot === 0 ? [] : parameters.slice(slot) };
  const { places, late } = names;
  const last = slot === 0 || late.length === 0 ? Infinity : slot;
  const resolve = (args: readonly unknown[]): unknown => {
    const end = args[args.length - 1];
    if (isOptions(end)) return args.length - 1 === slot && !places.some((key) => key in end) ? call(...args) : call(...placed(name, names, args, end as Record<string, unknown>));
    return call(...args.slice(0, slot), byPlace(name, late, args.slice(slot)));
  };
  const named: unknown = function (x: unknown, a: unknown, b: unknown, c: unknown): unknown {
    switch (arguments.length) {
      case 0: return call();
      case 1: return call(x);
      case 2: return isOptions(a) || (last <= 1 && a !== undefined) ? resolve([x, a]) : call(x, a);
      case 3: return isOptions(b) || (last <= 2 && (b !== undefined || (last === 1 && a !== undefined))) ? resolve([x, a, b]) : call(x, a, b);
      case 4: return isOptions(c) || (last <= 3 && [x, a, b, c].some((v, i) => i >= last && v !== undefined)) ? resolve([x, a, b, c]) : call(x, a, b, c);
      default: {
        const args: unknown[] = Array.from(arguments);
        return isOptions(args[args.length - 1]) || last < args.length ? resolve(args) : call(...args);
      }
    }
  };
  return named as F;
}

import { ArgumentError, checkOptions } from '../errors.ts';
import type { Tensor } from '../tensor.ts';

/** An argument that can be given by name. */
type Given<K extends string, A> = { readonly [key in K]?: A };

/**
 * A function of `X` and an argument that may also be given by name in the options object, as PyTorch's may by keyword: `x.sum(1)` is
 * `x.sum({ dim: 1 })`.
 */
export interface Named<K extends string, A, O, R, X = Tensor> {
  (x: X, argument?: A, options?: O): R;
  (x: X, options: O & Given<K, A>): R;
}

/** The same with two arguments, the first of which has to be given: `x.topk(2, 1)` is `x.topk(2, { dim: 1 })`. */
export interface NamedPair<K extends string, A, L extends string, B, O, R, X = Tensor> {
  (x: X, first: A, second?: B, options?: O): R;
  (x: X, first: A, options: O & Given<L, B>): R;
  (x: X, options: O & Given<K, A> & Given<L, B>): R;
}

/** The same with any number of arguments `A`, which are given by place or in an object `O`. */
export interface NamedList<A extends readonly unknown[], O, R, X = Tensor> {
  (x: X, ...args: A): R;
  (x: X, first: A[0], second: A[1], options: O): R;
  (x: X, first: A[0], options: O): R;
  (x: X, options: O): R;
}

/** Whether a value is an object literal: the options of a call. */
function isOptions(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Arguments in their places: those that the trailing options object names, and what is left of it. */
function placed(name: string, parameters: readonly string[], args: readonly unknown[], options: Record<string, unknown>): unknown[] {
  const out = args.slice(0, -1);
  const rest: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) {
    const at = key === 'options' ? 0 : parameters.indexOf(key) + 1;
    if (at === 0) rest[key] = value;
    else if (at < args.length - 1) throw new ArgumentError(`${name}: '${key}' is given twice, got it by place and by name; expected one of them`);
    else out[at] = value;
  }
  const slot = parameters.indexOf('options') + 1;
  if (slot === 0) checkOptions(name, rest, parameters);
  else if (slot < args.length - 1) throw new ArgumentError(`${name}: too many arguments, got ${args.length}; expected at most ${slot + 1}`);
  else if (Object.keys(rest).length > 0) out[slot] = rest;
  return out;
}

/**
 * A function that takes its arguments after the first also by name; `parameters` names them in order, 'options' last. Calls whose last argument is no object literal go straight
 * through, without an array of arguments.
 */
export function byName<F extends (...args: never[]) => unknown>(name: string, parameters: readonly string[], fn: F): F {
  const call = fn as (...args: never[]) => unknown as (...args: unknown[]) => unknown;
  const slot = parameters.indexOf('options') + 1;
  const resolve = (args: readonly unknown[], last: Record<string, unknown>): unknown =>
    args.length - 1 === slot && !parameters.some((key) => key in last) ? call(...args) : call(...placed(name, parameters, args, last));
  const named: unknown = function (x: unknown, a: unknown, b: unknown, c: unknown): unknown {
    switch (arguments.length) {
      case 0: return call();
      case 1: return call(x);
      case 2: return isOptions(a) ? resolve([x, a], a) : call(x, a);
      case 3: return isOptions(b) ? resolve([x, a, b], b) : call(x, a, b);
      case 4: return isOptions(c) ? resolve([x, a, b, c], c) : call(x, a, b, c);
      default: {
        const args: unknown[] = Array.from(arguments);
        const last = args[args.length - 1];
        return isOptions(last) ? resolve(args, last) : call(...args);
      }
    }
  };
  return named as F;
}

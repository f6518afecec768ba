import { ArgumentError, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import type { OpInfo } from './define.ts';

/** Puts a method on the prototype of Tensor. */
export function putMethod(name: string, value: (this: Tensor, ...args: never[]) => unknown): void {
  Object.defineProperty(Tensor.prototype, name, { configurable: true, writable: true, value });
}

/** The method of a function that has the tensor as its first argument. */
export function methodOf(fn: (...args: never[]) => unknown): (this: Tensor, ...args: never[]) => unknown {
  const call = fn as (...args: unknown[]) => unknown;
  return function (...args: unknown[]): unknown {
    return call(this, ...args);
  };
}

/** An operation that is a method of tensors too. */
type MethodOp = OpInfo & { readonly isMethod: true } & ((...args: never[]) => unknown);

/** Whether a value is an operation that is a method too. */
export function isMethodOp(value: unknown): value is MethodOp {
  return typeof value === 'function' && 'isMethod' in value && value.isMethod === true;
}

/**
 * Has tensors know operations as methods, `x.add(y)` for `add(x, y)`, in programs that import them from `polyak/lean`, where tensors know none at
 * first, so that a bundler can leave out what is not used. In `polyak` they know all of them.
 *
 *     import { add, useMethods } from 'polyak/lean';
 *     useMethods(add); // and add_, in place
 *
 * @param ops - operations that are methods in `polyak`
 * @throws ArgumentError for anything else
 */
export function useMethods(...ops: readonly MethodOp[]): void {
  const wrong: unknown = ops.find((op) => !isMethodOp(op));
  if (wrong !== undefined) throw new ArgumentError(`useMethods: not an operation that is a method, got ${show(wrong)}; expected operations such as add`);
  for (const op of ops) {
    putMethod(op.opName, methodOf(op.self));
    if (op.inPlace !== null) putMethod(`${op.opName}_`, methodOf(op.inPlace));
  }
}

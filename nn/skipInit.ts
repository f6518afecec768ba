import { ArgumentError, show } from '../core/errors.ts';
import { withoutInit } from './initializing.ts';
import { Module } from './module.ts';

/**
 * A module whose parameters are not initialised, and for which no random numbers are drawn: for weights that are loaded afterwards.
 *
 * @param moduleClass - a class of modules that fills its parameters by `init`, as all layers do
 * @param args - what its constructor takes
 * @throws ArgumentError for anything but a class of modules
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.skip_init.html
 */
export function skipInit<M extends Module, A extends readonly unknown[]>(moduleClass: new (...args: A) => M, ...args: A): M {
  if (typeof moduleClass !== 'function' || !(moduleClass.prototype instanceof Module)) throw new ArgumentError(`skipInit: not a class of modules, got ${show(moduleClass)}; expected one`);
  return withoutInit(() => new moduleClass(...args));
}

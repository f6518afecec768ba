import { ArgumentError, checkOptions, show } from '../../core/errors.ts';
import type { Reduction } from '../../core/ops/reduction.ts';
import { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { Buffer } from '../parameter.ts';

/** What all losses share. */
export abstract class Loss<R extends string = Reduction> extends Module {
  readonly reduction: R;

  constructor(name: string, options: { readonly reduction?: R }, more: readonly string[], extra: readonly string[] = []) {
    super();
    checkOptions(name, options, ['reduction', ...more]);
    const reduction = options.reduction ?? ('mean' as R);
    const allowed = ['mean', 'sum', 'none', ...extra];
    if (!allowed.includes(reduction)) throw new ArgumentError(`${name}: unknown reduction, got ${show(reduction)}; expected one of ${allowed.join(', ')}`);
    this.reduction = reduction;
  }
}

/** A weight as a buffer that shares its memory, or null for none. */
export function weightBuffer(loss: string, name: string, weight: Tensor | null | undefined): Buffer | null {
  if (weight === null || weight === undefined) return null;
  if (!(weight instanceof Tensor)) throw new ArgumentError(`${loss}: ${name} is not a tensor, got ${show(weight)}; expected a Tensor`);
  return new Buffer(weight);
}

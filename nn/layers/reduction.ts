import { ArgumentError, checkOptions, show } from '../../core/errors.ts';
import { Module } from '../module.ts';

/** What becomes of the losses of single elements: their mean, their sum, or nothing. */
export type Reduction = 'mean' | 'sum' | 'none';

/** The option of every loss. */
export interface ReductionOptions {
  /** What becomes of the losses of single elements; default 'mean'. */
  readonly reduction?: Reduction;
}

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

import type { Device } from '../core/storage.ts';
import { ArgumentError, show } from '../core/errors.ts';
import type { PolicyOption } from './policy.ts';

/** What happens with a source that holds a NaN or an infinity: an error, no update, or an average that takes it in. */
export type NonFinitePolicy = 'throw' | 'skip' | 'propagate';

/** Options that every average takes. */
export interface AveragedOptions {
  /** Average at every `interval`-th call; an integer ≥ 1, default 1. */
  readonly interval?: number;
  /** Where the copy and the counter live; default: where the model lives. */
  readonly device?: string | Device;
  /** Average floating buffers too, instead of copying buffers at every call; default false. */
  readonly updateBuffers?: boolean;
  /** Which entries are averaged, copied or left alone, by function or glob; default: as `updateBuffers` says. */
  readonly policy?: PolicyOption;
  /**
   * `'float64'` keeps a float64 shadow of every averaged float32 entry: the rule runs on it, and the copy is rounded from it. In float32 small momenta stall: at
   * 0.0002 nothing changes any more where source and average differ by less than 3e-4 of their size. Costs 16 bytes per number. Default: the entries' own dtype.
   */
  readonly precision?: 'float64';
  /**
   * What happens when the source of an averaged floating entry is not finite: `'throw'` (default) an error, `'skip'` nothing, as if the call had not been made,
   * counted in `skipped`; `'propagate'` it is averaged like any other, and not looked for. Sources on the CPU are looked at, in one pass of memory.
   */
  readonly nonFinite?: NonFinitePolicy;
}

/** The options of `AveragedOptions`, by name. */
export const averagedOptions = ['interval', 'device', 'updateBuffers', 'policy', 'precision', 'nonFinite'] as const;

/**
 * Checks the options of every average but `device` and the entries of `policy`.
 *
 * @throws RangeError for an interval that is no integer ≥ 1; ArgumentError for the others
 */
export function checkAveraged(who: string, { interval = 1, updateBuffers = false, precision, nonFinite = 'throw' }: AveragedOptions): Required<Pick<AveragedOptions, 'interval' | 'updateBuffers' | 'nonFinite'>> {
  if (!Number.isInteger(interval) || interval < 1) throw new RangeError(`${who}: invalid interval, got ${show(interval)}; expected an integer ≥ 1`);
  if (typeof updateBuffers !== 'boolean') throw new ArgumentError(`${who}: invalid updateBuffers, got ${show(updateBuffers)}; expected true or false`);
  if (precision !== undefined && precision !== 'float64') throw new ArgumentError(`${who}: invalid precision, got ${show(precision)}; expected 'float64' or nothing`);
  if (nonFinite !== 'throw' && nonFinite !== 'skip' && nonFinite !== 'propagate') {
    throw new ArgumentError(`${who}: invalid nonFinite, got ${show(nonFinite)}; expected 'throw', 'skip' or 'propagate'`);
  }
  return { interval, updateBuffers, nonFinite };
}

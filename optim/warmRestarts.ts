import { ArgumentError, show } from '../core/errors.ts';
import { type PlacedOrNamed, given } from '../core/given.ts';
import type { Optimizer } from './optimizer.ts';
import { LRScheduler, type SchedulerOptions, type Setting, epochs, finite } from './scheduler.ts';

/** Options of `CosineAnnealingWarmRestarts`. */
export interface WarmRestartsOptions extends SchedulerOptions {
  /** Factor of the length from one restart to the next, a whole number ≥ 1; default 1. */
  readonly tMult?: number;
  /** Smallest rate; default 0. */
  readonly etaMin?: number;
}

interface Settings {
  t0: number;
  tMult: number;
  etaMin: number;
  tI: number;
  tCur: number;
}

const position: Setting<number> = { rule: 'a finite number', test: (v: unknown): v is number => typeof v === 'number' && Number.isFinite(v) };

/**
 * Lets the rates go along half a cosine from where they start to `etaMin` in `t0` epochs, and begin again, each time for `tMult` times as long. Epochs may be
 * fractions: `step(epoch + i / batches)`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.html
 * @see https://arxiv.org/abs/1608.03983
 */
export class CosineAnnealingWarmRestarts extends LRScheduler<Settings> {
  /**
   * @param optimizer - whose rates to set
   * @param args - `t0` (epochs to the first restart, ≥ 1), `tMult`, `etaMin`, `lastEpoch`: by place or by name
   */
  constructor(optimizer: Optimizer, ...args: PlacedOrNamed<WarmRestartsOptions & { readonly t0: number }, ['t0', 'tMult', 'etaMin', 'lastEpoch']>) {
    const { t0, tMult = 1, etaMin = 0, lastEpoch = -1 } = given<WarmRestartsOptions & { readonly t0: number }>('CosineAnnealingWarmRestarts', ['t0', 'tMult', 'etaMin', 'lastEpoch'], args);
    const checks = { t0: { ...epochs, key: 'T_0' }, tMult: { ...epochs, key: 'T_mult' }, etaMin: finite, tI: { ...position, key: 'T_i' }, tCur: { ...position, key: 'T_cur' } };
    super(optimizer, { t0, tMult, etaMin, tI: t0, tCur: lastEpoch }, checks, lastEpoch);
  }

  protected override getLr(): number[] {
    const { etaMin, tCur, tI } = this.settings;
    return this.rates((_, baseLr) => etaMin + ((baseLr - etaMin) * (1 + Math.cos((Math.PI * tCur) / tI))) / 2);
  }

  /**
   * Goes to the next epoch, or to a given one, which may be a fraction.
   *
   * @throws ArgumentError for a negative epoch
   */
  override step(epoch?: number): void {
    const settings = this.settings as Settings;
    if (epoch !== undefined && !(typeof epoch === 'number' && epoch >= 0 && epoch < Infinity)) throw new ArgumentError(`CosineAnnealingWarmRestarts.step: invalid epoch, got ${show(epoch)}; expected a number ≥ 0`);
    const { t0, tMult } = settings;
    const given = epoch ?? (this.lastEpoch < 0 ? 0 : undefined);
    if (given === undefined) {
      settings.tCur++;
      if (settings.tCur >= settings.tI) {
        settings.tCur %= settings.tI;
        settings.tI *= tMult;
      }
    } else if (given < t0) {
      settings.tI = t0;
      settings.tCur = given;
    } else if (tMult === 1) settings.tCur = given % t0;
    else {
      const n = Math.trunc(Math.log((given / t0) * (tMult - 1) + 1) / Math.log(tMult));
      settings.tCur = given - (t0 * (tMult ** n - 1)) / (tMult - 1);
      settings.tI = t0 * tMult ** n;
    }
    super.step(given === undefined ? undefined : Math.floor(given));
  }
}

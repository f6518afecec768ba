import { ArgumentError, StateError, show } from '../core/errors.ts';
import { Optimizer } from './optimizer.ts';
import { toSnakeCase } from '../core/names.ts';

/** Options every scheduler takes. */
export interface SchedulerOptions {
  /** Number of the last epoch that was done, to go on from; default -1, a fresh start. */
  readonly lastEpoch?: number;
}

/** How a setting of a scheduler is checked and saved. */
export interface Setting<T> {
  /** What it must be, for messages. */
  readonly rule: string;
  readonly test: (value: unknown) => value is T;
  /** Its name in state dictionaries; default: the name in snake_case. */
  readonly key?: string;
  /** Its form in state dictionaries; default: as it is. */
  readonly save?: (value: T) => unknown;
  /** Back from there; may return something that `test` refuses. */
  readonly load?: (saved: unknown) => unknown;
  /** PyTorch does not save it: a state without it leaves it as it is. */
  readonly optional?: boolean;
}

/** The settings of a scheduler, by name. */
export type Settings<T> = { readonly [K in keyof T]: Setting<T[K]> };

const number = (rule: string, test: (v: number) => boolean): Setting<number> => ({
  rule,
  test: (v: unknown): v is number => typeof v === 'number' && test(v),
});

/** A finite number. */
export const finite: Setting<number> = number('a finite number', Number.isFinite);
/** A factor, above 0 and at most 1. */
export const factor: Setting<number> = number('a number above 0 and at most 1', (v) => v > 0 && v <= 1);
/** A number from 0 to 1. */
export const fraction: Setting<number> = number('a number from 0 to 1', (v) => v >= 0 && v <= 1);
/** True or false. */
export const flag: Setting<boolean> = { rule: 'true or false', test: (v: unknown): v is boolean => typeof v === 'boolean' };
/** A number for each group. */
export const perGroupRates: Setting<readonly number[]> = {
  rule: 'finite numbers',
  test: (v: unknown): v is readonly number[] => Array.isArray(v) && v.every(Number.isFinite),
  save: (list) => [...list],
  load: (saved) => (Array.isArray(saved) ? saved.slice() : saved),
};
/** A number of epochs. */
export const epochs: Setting<number> = number('an integer ≥ 1', (v) => Number.isSafeInteger(v) && v >= 1);

/** State of a scheduler, under PyTorch's names. */
export interface SchedulerStateDict {
  /** Learning rates the schedule starts from, by group. */
  readonly base_lrs: readonly number[];
  readonly last_epoch: number;
  readonly _step_count: number;
  /** Learning rates set last, by group. */
  readonly _last_lr: readonly number[];
  readonly [setting: string]: unknown;
}

/** What PyTorch's files may have besides. */
const ignored = ['verbose', '_get_lr_called_within_step', '_is_initial', 'anneal_func', '_anneal_func', 'anneal_strategy', 'use_beta1', '_scale_fn_ref', '_scale_fn_custom', '_scale_mode'];

const isRates = (v: unknown, n: number): v is number[] => Array.isArray(v) && v.length === n && v.every((x) => typeof x === 'number' && !Number.isNaN(x));
const isCount = (v: unknown, min: number): v is number => typeof v === 'number' && Number.isSafeInteger(v) && v >= min;

/**
 * Base of the schedulers, which set the learning rates of an optimizer's groups once per `step()`. A subclass gives its settings and the next
 * rates (`getLr`), from the current ones where it can, so that several schedulers multiply.
 *
 *     class Halving extends LRScheduler {
 *       constructor(optimizer: Optimizer, lastEpoch = -1) {
 *         super(optimizer, {}, {}, lastEpoch);
 *       }
 *       protected override getLr(): number[] {
 *         return this.rates((lr) => (this.lastEpoch === 0 ? lr : lr / 2));
 *       }
 *     }
 *
 * @see https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
 */
export abstract class LRScheduler<T extends object = object> {
  readonly optimizer: Optimizer;
  /** What the schedule was made with. */
  readonly settings: Readonly<T>;
  /** Learning rates the schedule starts from, by group. */
  readonly baseLrs: number[] = [];
  /** Number of the current epoch, 0 at the start. */
  lastEpoch: number;
  /** Number of calls of `step`, the constructor's own among them. */
  protected stepCount = 0;
  /** Whether the constructor's own step is running: a schedule that goes on from `lastEpoch` may leave the rates as they are. */
  protected isInitial = false;
  private readonly checks: Settings<T>;
  private lastLr: readonly number[] = [];

  /**
   * Sets the rates of the first epoch. The rates before are kept as `initialLr` of the groups, unless an earlier scheduler did that.
   *
   * @param optimizer - whose rates to set
   * @param settings - what `getLr` reads
   * @param checks - what the settings may be
   * @param lastEpoch - number of the last epoch that was done; -1 for a fresh start
   * @throws ArgumentError for a setting out of range; StateError when `lastEpoch` is given and groups have no `initialLr`; no rate is changed then
   */
  constructor(optimizer: Optimizer, settings: T, checks: Settings<T>, lastEpoch = -1) {
    const name = this.constructor.name;
    if (!(optimizer instanceof Optimizer)) throw new ArgumentError(`${name}: not an optimizer, got ${show(optimizer)}; expected an Optimizer`);
    if (!isCount(lastEpoch, -1)) throw new ArgumentError(`${name}: invalid lastEpoch, got ${show(lastEpoch)}; expected an integer ≥ -1`);
    for (const key in checks) {
      if (!checks[key].test(settings[key])) throw new ArgumentError(`${name}: invalid ${key}, got ${show(settings[key])}; expected ${checks[key].rule}`);
    }
    optimizer.paramGroups.forEach((group, i) => {
      if (lastEpoch !== -1 && group.initialLr === undefined) {
        throw new StateError(`${name}: group ${i} has no initialLr, got lastEpoch ${lastEpoch}; expected groups that a scheduler has had`, {
          hint: 'load the optimizer first, or give groups { params, lr, initialLr }',
        });
      }
    });
    this.optimizer = optimizer;
    this.settings = settings;
    this.checks = checks;
    this.lastEpoch = lastEpoch;
    if (lastEpoch === -1) this.prepare();
    this.restart();
  }

  /** Called before the first step of a fresh start, when everything was checked: for schedulers that set where groups start. */
  protected prepare(): void {}

  /** The rates of epoch `lastEpoch`, one per group. */
  protected abstract getLr(): number[];

  /** One rate per group, from its current rate and the one the schedule starts from. */
  protected rates(rule: (lr: number, baseLr: number, group: number) => number): number[] {
    return this.optimizer.paramGroups.map((group, i) => rule(group.lr, this.baseLrs[i], i));
  }

  /** The rates of epoch `lastEpoch` from those the schedule starts from, for a step to a given epoch; null where only `getLr` knows. */
  protected closedForm(): number[] | null {
    return null;
  }

  /** Called after the rates were set: for schedulers that set momenta too. */
  protected afterStep(): void {}

  /**
   * Goes to the next epoch and sets its rates. Call it after the optimizer's steps of an epoch.
   *
   * @param epoch - go to this epoch instead, as far as the schedule knows its rates without those before
   */
  step(epoch?: number): void {
    if (epoch !== undefined && !isCount(epoch, 0)) throw new ArgumentError(`${this.constructor.name}.step: invalid epoch, got ${show(epoch)}; expected an integer ≥ 0`);
    this.stepCount++;
    try {
      this.moveTo(epoch);
    } catch (error) {
      this.stepCount--;
      throw error;
    }
  }

  /** Sets the rates of an epoch, default the next one. */
  private moveTo(epoch: number | undefined): void {
    const { paramGroups } = this.optimizer;
    const known = this.baseLrs.length;
    // Groups that came after the scheduler join in with the rate they have.
    for (const { initialLr, lr } of paramGroups.slice(known)) this.baseLrs.push(initialLr ?? lr);
    const before = this.lastEpoch;
    this.lastEpoch = epoch ?? before + 1;
    let lrs: number[];
    try {
      lrs = (epoch === undefined ? null : this.closedForm()) ?? this.getLr();
    } catch (error) {
      this.baseLrs.length = known;
      this.lastEpoch = before;
      throw error;
    }
    paramGroups.forEach((group, i) => {
      group.initialLr ??= this.baseLrs[i];
      group.lr = lrs[i];
    });
    this.lastLr = lrs;
    this.afterStep();
  }

  /** Takes back the constructor's step: for a schedule that begins later, behind others. */
  rewind(): void {
    this.lastEpoch--;
  }

  /** Makes the constructor's step anew. */
  restart(): void {
    this.stepCount = 0;
    this.isInitial = true;
    try {
      this.step();
    } finally {
      this.isInitial = false;
    }
  }

  /** Begins now, behind another schedule, with the rates of epoch 0. */
  begin(): void {
    this.moveTo(0);
  }

  /** The rates set last, by group. */
  getLastLr(): number[] {
    return [...this.lastLr];
  }

  /** The state under PyTorch's names. The optimizer's rates are part of the optimizer's state. */
  stateDict(): SchedulerStateDict {
    const saved: Record<string, unknown> = {};
    for (const name in this.checks) {
      const { key, save } = this.checks[name];
      const value = this.settings[name];
      saved[key ?? toSnakeCase(name)] = save === undefined ? value : save(value);
    }
    return { ...saved, base_lrs: [...this.baseLrs], last_epoch: this.lastEpoch, _step_count: this.stepCount, _last_lr: [...this.lastLr] };
  }

  /**
   * Takes over a state, as PyTorch or `stateDict` wrote it; load the optimizer's state too.
   *
   * @throws StateError with the whole difference, before anything is written
   */
  loadStateDict(state: SchedulerStateDict): void {
    const name = this.constructor.name;
    if (typeof state !== 'object' || state === null || Array.isArray(state)) {
      throw new ArgumentError(`${name}.loadStateDict: not a state dictionary, got ${show(state)}; expected { base_lrs, last_epoch, … }`);
    }
    const problems: string[] = [];
    const known = new Set([...ignored, 'base_lrs', 'last_epoch', '_step_count', '_last_lr']);
    const settings: Partial<T> = {};
    for (const field in this.checks) {
      const { key = toSnakeCase(field), rule, test, load, optional } = this.checks[field];
      known.add(key);
      if (optional === true && !Object.hasOwn(state, key)) continue;
      const value: unknown = load === undefined ? state[key] : load(state[key]);
      if (!Object.hasOwn(state, key)) problems.push(`missing: ${key}`);
      else if (test(value)) settings[field] = value;
      else problems.push(`${key}: got ${show(state[key])}, expected ${rule}`);
    }
    for (const key of Object.keys(state)) if (!known.has(key)) problems.push(`unexpected: ${key}`);
    const groups = this.optimizer.paramGroups.length;
    const { base_lrs: base, last_epoch: epoch, _step_count: count, _last_lr: last } = state;
    if (!isRates(base, groups)) problems.push(`base_lrs: got ${show(base)}, expected a number for each of ${groups} groups`);
    if (!isRates(last, groups)) problems.push(`_last_lr: got ${show(last)}, expected a number for each of ${groups} groups`);
    if (!isCount(epoch, -1)) problems.push(`last_epoch: got ${show(epoch)}, expected an integer ≥ -1`);
    if (!isCount(count, 0)) problems.push(`_step_count: got ${show(count)}, expected an integer ≥ 0`);
    if (problems.length > 0) {
      throw new StateError(
        `${name}.loadStateDict: the state does not match, got ${problems.length} difference${problems.length === 1 ? '' : 's'}; expected the state of such a scheduler\n${problems.map((line) => `  ${line}`).join('\n')}`,
        { values: { problems } },
      );
    }
    Object.assign(this.settings, settings);
    this.baseLrs.splice(0, this.baseLrs.length, ...base);
    this.lastEpoch = epoch;
    this.stepCount = count;
    this.lastLr = [...last];
  }
}

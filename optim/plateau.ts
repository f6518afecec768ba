import { ArgumentError, StateError, checkNumber, show } from '../core/errors.ts';
import { type PlacedOrNamed, given } from '../core/given.ts';
import { toSnakeCase } from '../core/names.ts';
import { Tensor } from '../core/tensor.ts';
import { type PerGroup, perGroup } from './check.ts';
import { Optimizer } from './optimizer.ts';

/** Options of `ReduceLROnPlateau`. */
export interface PlateauOptions {
  /** Whether the metric is to fall ('min', default) or to rise. */
  readonly mode?: 'min' | 'max';
  /** What the rates are multiplied by, below 1; default 0.1. */
  readonly factor?: number;
  /** Epochs without improvement that are let pass; default 10. */
  readonly patience?: number;
  /** What counts as an improvement; default 1e-4. */
  readonly threshold?: number;
  /** As part of the best metric ('rel', default) or by itself ('abs'). */
  readonly thresholdMode?: 'rel' | 'abs';
  /** Epochs after a reduction that do not count; default 0. */
  readonly cooldown?: number;
  /** Smallest rate, or one for each group; default 0. */
  readonly minLr?: PerGroup;
  /** A smaller reduction is left out; default 1e-8. */
  readonly eps?: number;
}

const names = ['mode', 'factor', 'patience', 'threshold', 'thresholdMode', 'cooldown', 'minLr', 'eps'] as const;
const saved = ['mode', 'factor', 'patience', 'threshold', 'thresholdMode', 'cooldown', 'eps', 'minLrs', 'best', 'numBadEpochs', 'cooldownCounter', 'lastEpoch'] as const;

const isNumber = (v: unknown): boolean => typeof v === 'number';
const isCount = (v: unknown): boolean => Number.isSafeInteger(v) && Number(v) >= 0;
const areNumbers = (v: unknown): v is number[] => Array.isArray(v) && v.every(Number.isFinite);

/** What the saved values may be. */
const rules: Readonly<Record<(typeof saved)[number], readonly [rule: string, test: (v: unknown) => boolean]>> = {
  mode: ["'min' or 'max'", (v) => v === 'min' || v === 'max'],
  factor: ['a number below 1', (v) => Number(v) < 1 && isNumber(v)],
  patience: ['an integer ≥ 0', isCount],
  threshold: ['a finite number', Number.isFinite],
  thresholdMode: ["'rel' or 'abs'", (v) => v === 'rel' || v === 'abs'],
  cooldown: ['an integer ≥ 0', isCount],
  eps: ['a finite number', Number.isFinite],
  minLrs: ['finite numbers', areNumbers],
  best: ['a number', isNumber],
  numBadEpochs: ['an integer ≥ 0', isCount],
  cooldownCounter: ['an integer ≥ 0', isCount],
  lastEpoch: ['a number', isNumber],
};

/** State of `ReduceLROnPlateau`, under PyTorch's names. */
export type PlateauStateDict = Readonly<Record<string, unknown>>;

/**
 * Multiplies the rates by `factor` when a metric has not improved for `patience` epochs. Call `step(metric)` after each epoch.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html
 */
export class ReduceLROnPlateau {
  readonly optimizer: Optimizer;
  mode: 'min' | 'max';
  factor: number;
  patience: number;
  threshold: number;
  thresholdMode: 'rel' | 'abs';
  cooldown: number;
  eps: number;
  /** Smallest rates, by group. */
  minLrs: number[];
  /** Smallest rate of groups that are added later; null when there is one for each group. */
  defaultMinLr: number | null;
  /** The best metric so far. */
  best: number;
  numBadEpochs = 0;
  cooldownCounter = 0;
  lastEpoch = 0;
  private lastLr: number[];

  /**
   * @param optimizer - whose rates to set
   * @param args - what `PlateauOptions` lists, by place in this order, or by name
   * @throws ArgumentError for options out of range
   */
  constructor(optimizer: Optimizer, ...args: PlacedOrNamed<PlateauOptions, typeof names>) {
    const options = given<PlateauOptions>('ReduceLROnPlateau', names, args);
    if (!(optimizer instanceof Optimizer)) throw new ArgumentError(`ReduceLROnPlateau: not an optimizer, got ${show(optimizer)}; expected an Optimizer`);
    const { mode = 'min', factor = 0.1, patience = 10, threshold = 1e-4, thresholdMode = 'rel', cooldown = 0, minLr = 0, eps = 1e-8 } = options;
    if (mode !== 'min' && mode !== 'max') throw new ArgumentError(`ReduceLROnPlateau: unknown mode, got ${show(mode)}; expected 'min' or 'max'`);
    if (thresholdMode !== 'rel' && thresholdMode !== 'abs') throw new ArgumentError(`ReduceLROnPlateau: unknown thresholdMode, got ${show(thresholdMode)}; expected 'rel' or 'abs'`);
    checkNumber('ReduceLROnPlateau', 'factor', factor, 'a number below 1', (v) => v < 1);
    for (const [key, value] of Object.entries({ patience, cooldown })) checkNumber('ReduceLROnPlateau', key, value, 'an integer ≥ 0', (v) => Number.isSafeInteger(v) && v >= 0);
    for (const [key, value] of Object.entries({ threshold, eps })) checkNumber('ReduceLROnPlateau', key, value, 'a finite number', Number.isFinite);
    const groups = optimizer.paramGroups.length;
    const minLrs = perGroup('ReduceLROnPlateau', 'minLr', minLr, groups);
    this.optimizer = optimizer;
    this.mode = mode;
    this.factor = factor;
    this.patience = patience;
    this.threshold = threshold;
    this.thresholdMode = thresholdMode;
    this.cooldown = cooldown;
    this.eps = eps;
    this.minLrs = [...minLrs];
    this.defaultMinLr = typeof minLr === 'number' ? minLr : null;
    this.best = this.worst;
    this.lastLr = optimizer.paramGroups.map(({ lr }) => lr);
  }

  private get worst(): number {
    return this.mode === 'min' ? Infinity : -Infinity;
  }

  /** Whether epochs after a reduction are being let pass. */
  get inCooldown(): boolean {
    return this.cooldownCounter > 0;
  }

  /** Whether a metric is better than the best so far by more than the threshold. */
  isBetter(metric: number, best = this.best): boolean {
    const { mode, threshold } = this;
    if (this.thresholdMode === 'abs') return mode === 'min' ? metric < best - threshold : metric > best + threshold;
    return mode === 'min' ? metric < best * (1 - threshold) : metric > best * (threshold + 1);
  }

  /**
   * Takes note of an epoch's metric, and reduces the rates if it is time.
   *
   * @param metrics - a number or a tensor of one element
   * @param epoch - number of the epoch; default the next one
   * @throws ArgumentError for something that is no number; StateError when groups were added and `minLr` is a list
   */
  step(metrics: number | Tensor, epoch: number = this.lastEpoch + 1): void {
    const metric = metrics instanceof Tensor && metrics.numel() === 1 ? metrics.item() : metrics;
    if (typeof metric !== 'number') throw new ArgumentError(`ReduceLROnPlateau.step: not a metric, got ${show(metrics)}; expected a number`);
    const { length } = this.optimizer.paramGroups;
    const { defaultMinLr } = this;
    if (length !== this.minLrs.length) {
      if (defaultMinLr === null) throw new StateError(`ReduceLROnPlateau.step: groups were added, got ${length} groups and ${this.minLrs.length} smallest rates; expected one for each`, { hint: 'set minLrs' });
      this.minLrs = this.optimizer.paramGroups.map(() => defaultMinLr);
    }
    this.lastEpoch = epoch;
    if (this.isBetter(metric)) {
      this.best = metric;
      this.numBadEpochs = 0;
    } else this.numBadEpochs++;
    if (this.inCooldown) {
      this.cooldownCounter--;
      this.numBadEpochs = 0;
    }
    if (this.numBadEpochs > this.patience) {
      this.optimizer.paramGroups.forEach((group, i) => {
        const lr = Math.max(group.lr * this.factor, this.minLrs[i]);
        if (group.lr - lr > this.eps) group.lr = lr;
      });
      this.cooldownCounter = this.cooldown;
      this.numBadEpochs = 0;
    }
    this.lastLr = this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** The rates set last, by group. */
  getLastLr(): number[] {
    return [...this.lastLr];
  }

  /** The state under PyTorch's names. */
  stateDict(): PlateauStateDict {
    const fields = Object.fromEntries(saved.map((name) => [toSnakeCase(name), this[name]]));
    return { ...fields, min_lrs: [...this.minLrs], default_min_lr: this.defaultMinLr, mode_worse: this.worst, _last_lr: [...this.lastLr] };
  }

  /**
   * Takes over a state, as PyTorch or `stateDict` wrote it.
   *
   * @throws StateError for a state that lacks something or has it in another form; nothing is changed then
   */
  loadStateDict(state: PlateauStateDict): void {
    const problems: string[] = [];
    const read: Record<string, unknown> = {};
    for (const name of saved) {
      const value = state?.[toSnakeCase(name)];
      const [rule, test] = rules[name];
      if (test(value)) read[name] = areNumbers(value) ? [...value] : value;
      else problems.push(`${toSnakeCase(name)}: got ${show(value)}, expected ${rule}`);
    }
    const { _last_lr: last = this.lastLr, default_min_lr: least = this.defaultMinLr } = state ?? {};
    if (!areNumbers(last) || last.length !== this.optimizer.paramGroups.length) problems.push(`_last_lr: got ${show(last)}, expected a number for each of ${this.optimizer.paramGroups.length} groups`);
    if (least !== null && !isNumber(least)) problems.push(`default_min_lr: got ${show(least)}, expected a number or null`);
    if (problems.length > 0) throw new StateError(`ReduceLROnPlateau.loadStateDict: the state does not match, got ${problems.length} differences; expected the state of such a scheduler\n${problems.map((line) => `  ${line}`).join('\n')}`);
    Object.assign(this, read);
    this.defaultMinLr = least as number | null;
    this.lastLr = [...(last as number[])];
  }
}

import { ArgumentError, StateError, checkNumber, checkOptions, show } from '../core/errors.ts';
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

const names = ['mode', 'factor', 'patience', 'threshold', 'thresholdMode', 'cooldown', 'minLr', 'eps'];
const saved = ['mode', 'factor', 'patience', 'threshold', 'thresholdMode', 'cooldown', 'eps', 'minLrs', 'best', 'numBadEpochs', 'cooldownCounter', 'lastEpoch'] as const;

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
  /** The best metric so far. */
  best: number;
  numBadEpochs = 0;
  cooldownCounter = 0;
  lastEpoch = 0;
  private lastLr: number[];

  /**
   * @param optimizer - whose rates to set
   * @param options - see `PlateauOptions`
   * @throws ArgumentError for options out of range
   */
  constructor(optimizer: Optimizer, options: PlateauOptions = {}) {
    checkOptions('ReduceLROnPlateau', options, names);
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
   * @throws ArgumentError for something that is no number
   */
  step(metrics: number | Tensor, epoch: number = this.lastEpoch + 1): void {
    const metric = metrics instanceof Tensor && metrics.numel() === 1 ? metrics.item() : metrics;
    if (typeof metric !== 'number') throw new ArgumentError(`ReduceLROnPlateau.step: not a metric, got ${show(metrics)}; expected a number`);
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
        const lr = Math.max(group.lr * this.factor, this.minLrs[i] ?? 0);
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
    return { ...fields, min_lrs: [...this.minLrs], mode_worse: this.worst, _last_lr: [...this.lastLr] };
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
      const fits = Array.isArray(this[name]) ? Array.isArray(value) && value.length === this.minLrs.length : typeof value === typeof this[name];
      if (fits) read[name] = Array.isArray(value) ? [...(value as number[])] : value;
      else problems.push(`${toSnakeCase(name)}: got ${show(value)}, expected something like ${show(this[name])}`);
    }
    if (problems.length > 0) throw new StateError(`ReduceLROnPlateau.loadStateDict: the state does not match, got ${problems.length} differences; expected the state of such a scheduler\n${problems.map((line) => `  ${line}`).join('\n')}`);
    Object.assign(this, read);
    const last = state._last_lr;
    if (Array.isArray(last)) this.lastLr = [...(last as number[])];
  }
}

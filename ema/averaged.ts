import type { Device } from '../core/storage.ts';
import { ArgumentError, checkOptions, show } from '../core/errors.ts';
import { zeros } from '../core/ops/creation.ts';
import { setTo } from '../core/ops/write.ts';
import { noGrad, setGradEnabled } from '../core/tape.ts';
import type { Tensor } from '../core/tensor.ts';
import { deepCopy } from '../nn/copy.ts';
import { Module } from '../nn/module.ts';
import { Buffer } from '../nn/parameter.ts';
import { type Pair, matchEntries } from './match.ts';
import { type EntryLists, type Match, Pairing } from './pairing.ts';

/** Options that every average takes. */
export interface AveragedOptions {
  /** Average at every `interval`-th call; an integer ≥ 1, default 1. */
  readonly interval?: number;
  /** Where the copy and the counter live; default: where the model lives. */
  readonly device?: string | Device;
  /** Average floating buffers too, instead of copying buffers at every call; default false. */
  readonly updateBuffers?: boolean;
}

/** The options of `AveragedOptions`, by name. */
export const averagedOptions = ['interval', 'device', 'updateBuffers'] as const;

const PREFIX = 'module.';

/**
 * A module that holds an average of another module's weights. It starts as a deep copy; `updateParameters(model)` takes
 * in the model's current weights by the rule of the subclass, which overrides `avgFunc` and nothing else.
 *
 * The state dictionary has the keys `steps` and `module.*`; a plain model's checkpoint loads too.
 *
 * @see https://mmengine.readthedocs.io/en/latest/api/model.html
 */
export abstract class BaseAveragedModel<M extends Module = Module> extends Module {
  /** Number of calls of `updateParameters` so far: an int64 scalar. */
  steps: Buffer;
  /** The averaged copy. */
  readonly module: M;
  /** Average at every `interval`-th call. */
  readonly interval: number;
  /** Whether buffers are averaged like parameters. */
  readonly updateBuffers: boolean;
  /** True when weights came from a checkpoint without `steps`: they count as one averaged model, not as nothing. */
  private seeded = false;
  private readonly pairing: Pairing = new Pairing();

  /**
   * @param model - the source; it is copied, and nothing is shared with it
   * @param options - see `AveragedOptions`
   * @param own - names of the subclass's own options
   * @throws ArgumentError for an unknown option or something that is no module; RangeError for an interval that is no integer ≥ 1
   */
  constructor(model: M, options: AveragedOptions = {}, own: readonly string[] = []) {
    super();
    const name = this.constructor.name;
    if (!(model instanceof Module)) throw new ArgumentError(`${name}: not a module, got ${show(model)}; expected a Module to average`);
    checkOptions(name, options, [...averagedOptions, ...own]);
    const { interval = 1, updateBuffers = false, device } = options;
    if (!Number.isInteger(interval) || interval < 1) throw new RangeError(`${name}: invalid interval, got ${show(interval)}; expected an integer ≥ 1`);
    if (typeof updateBuffers !== 'boolean') throw new ArgumentError(`${name}: invalid updateBuffers, got ${show(updateBuffers)}; expected true or false`);
    this.interval = interval;
    this.updateBuffers = updateBuffers;
    this.steps = new Buffer(zeros([], { dtype: 'int64' }));
    this.module = deepCopy(model);
    this.module.requiresGrad_(false);
    this.training = model.training;
    if (device !== undefined) this.to(device);
  }

  /**
   * The rule: changes `averaged` in place, from itself and the source. Called once for each tracked floating entry.
   *
   * @param averaged - the entry of the average
   * @param source - the entry of the source, of the same shape
   * @param steps - number of calls of `updateParameters` before this one, ≥ 1
   */
  abstract avgFunc(averaged: Tensor, source: Tensor, steps: number): void;

  /**
   * The rule over lists: what `avgFunc` does, for all tracked floating entries at once. It is made of calls of `avgFunc`; a class may override it beside
   * `avgFunc` with something quicker. Where a subclass of that overrides `avgFunc` alone, its `avgFunc` is called.
   *
   * @param averaged - entries of the average
   * @param sources - the entries of the source, in the same dtypes and on the same devices; the list is good during the call only
   * @param steps - number of calls of `updateParameters` before this one, ≥ 1
   */
  protected avgLists(averaged: readonly Tensor[], sources: readonly Tensor[], steps: number): void {
    for (let k = 0; k < averaged.length; k++) this.avgFunc(averaged[k], sources[k].detach(), steps);
  }

  /** The averaged module's forward. */
  forward(...args: Parameters<M['forward']>): ReturnType<M['forward']> {
    return this.module.forward(...args) as ReturnType<M['forward']>;
  }

  /**
   * Takes in the current weights of a model. The first call copies them; later ones, at every `interval`-th, apply the
   * rule to each tracked floating entry once and copy integer entries. Buffers that are not tracked are copied at every call.
   *
   * @throws StateError when names or shapes differ; nothing is written then
   */
  updateParameters(model: Module): void {
    this.checkSource('updateParameters', model);
    const match = this.pairing.of(this, 'updateParameters', this.module, model, this.updateBuffers);
    const before = setGradEnabled(false);
    try {
      this.takeIn(match, this.steps.item());
    } finally {
      setGradEnabled(before);
    }
  }

  private takeIn({ floats, integers, copied }: Match, s: number): void {
    if (s === 0 && !this.seeded) {
      floats.copy();
      integers.copy();
    } else if (s % this.interval === 0) {
      this.average(floats, s);
      integers.copy();
    }
    copied.copy();
    setTo(this.steps, s + 1);
  }

  /**
   * Copies every buffer of a model into the average.
   *
   * @throws StateError when names or shapes differ; nothing is written then
   */
  syncBuffers(model: Module): void {
    const { buffers } = this.match('syncBuffers', model);
    if (this.updateBuffers) {
      console.warn(`${this.constructor.name}.syncBuffers: the averaged buffers are overwritten by the model's, got updateBuffers: true; expected averaged buffers to stay`);
    }
    noGrad(() => copyAll(buffers));
  }

  /**
   * Copies every parameter and buffer of a model into the average; `steps` stays.
   *
   * @throws StateError when names or shapes differ; nothing is written then
   */
  syncParameters(model: Module): void {
    const { parameters, buffers } = this.match('syncParameters', model);
    noGrad(() => {
      copyAll(parameters);
      copyAll(buffers);
    });
  }

  /**
   * Loads a state dictionary: an average's own (`steps`, `module.*`) or a plain model's, whose keys get the prefix where
   * the average knows them. Without `steps` the counter starts at 0, and the next update averages with what was loaded.
   */
  override loadStateDict(state: Readonly<Record<string, unknown>>, options?: Parameters<Module['loadStateDict']>[1]): ReturnType<Module['loadStateDict']> {
    const seeded = typeof state === 'object' && state !== null && !Object.hasOwn(state, 'steps');
    const whole = seeded ? Object.assign(Object.create(null) as Record<string, unknown>, { steps: zeros([], { dtype: 'int64' }) }, state) : state;
    const result = super.loadStateDict(whole, options);
    this.seeded = seeded;
    return result;
  }

  /** Gives the keys of a plain model's checkpoint the prefix of the averaged copy, where the average has such an entry. */
  protected override prepareStateDict(state: Record<string, unknown>): Record<string, unknown> {
    const own = this.stateDict();
    const out = Object.create(null) as Record<string, unknown>;
    for (const [key, value] of Object.entries(state)) {
      const prefixed = PREFIX + key;
      out[key !== 'steps' && !key.startsWith(PREFIX) && Object.hasOwn(own, prefixed) ? prefixed : key] = value;
    }
    return out;
  }

  /** Loaded weights without a counter stand for the first model of a run, so the rule counts one interval more. */
  private average(floats: EntryLists, s: number): void {
    if (floats.averaged.length === 0) return;
    const steps = this.seeded ? s + this.interval : s;
    floats.open();
    if (hasOwnLists(this)) this.avgLists(floats.averaged, floats.sources, steps);
    else BaseAveragedModel.prototype.avgLists.call(this, floats.averaged, floats.sources, steps);
    floats.close();
  }

  private match(what: string, model: Module): ReturnType<typeof matchEntries> {
    this.checkSource(what, model);
    return matchEntries(`${this.constructor.name}.${what}`, this.module, model);
  }

  private checkSource(what: string, model: Module): void {
    if (!(model instanceof Module)) throw new ArgumentError(`${this.constructor.name}.${what}: not a module, got ${show(model)}; expected the source Module`);
  }
}

/** Whether the class that has the last word on `avgFunc`, or one below it, has a rule over lists. */
function hasOwnLists(average: object): boolean {
  for (let level: object | null = average; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    if (Object.hasOwn(level, 'avgLists')) return true;
    if (Object.hasOwn(level, 'avgFunc')) return false;
  }
  return false;
}

/** The source where and as the average is: on its device, in its dtype. */
function matchPlace(source: Tensor, averaged: Tensor): Tensor {
  const detached = source.detach();
  return detached.device === averaged.device && detached.dtype === averaged.dtype ? detached : detached.to(averaged);
}

function copyAll(pairs: readonly Pair[]): void {
  for (const { averaged, source } of pairs) averaged.copy_(matchPlace(source, averaged));
}

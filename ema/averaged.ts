import type { DType } from '../core/dtype.ts';
import { ArgumentError, StateError, checkOptions, show } from '../core/errors.ts';
import { tensor, zeros } from '../core/ops/creation.ts';
import { areFinite } from '../core/ops/finite.ts';
import { setTo } from '../core/ops/write.ts';
import { noGrad, setGradEnabled } from '../core/tape.ts';
import type { Tensor } from '../core/tensor.ts';
import type { ModuleTarget } from '../nn/convert.ts';
import { deepCopy } from '../nn/copy.ts';
import { Module } from '../nn/module.ts';
import { Buffer } from '../nn/parameter.ts';
import type { StateDict, StateDictOptions } from '../nn/state.ts';
import { type Attachment, type StepHooks, attach, rememberSource } from './attach.ts';
import { writeInto } from './copyTo.ts';
import { type Includes, entriesOf } from './counterparts.ts';
import { convertAround } from './exact.ts';
import { recognise } from './interchange.ts';
import { type Pair, matchEntries } from './match.ts';
import { nonFiniteError } from './nonFinite.ts';
import { type AveragedOptions, type NonFinitePolicy, averagedOptions, checkAveraged } from './options.ts';
import { adaptState } from './ownState.ts';
import { type EntryLists, type Match, Pairing } from './pairing.ts';
import { type EntryPolicy, type PolicyOption, checkPolicy, policiesOf, policyIn, unskipped, withoutSkipped } from './policy.ts';
import { makeShadows, showAll } from './shadow.ts';
import { type Swap, Swapping, anySwapped, refuseSwapped } from './swap.ts';
import type { BufferTree } from './tree.ts';

export { type AveragedOptions, averagedOptions };

/**
 * A module that holds an average of another module's weights. It starts as a deep copy; `updateParameters(model)` takes
 * in the model's current weights by the rule of the subclass, which overrides `avgFunc` and nothing else.
 *
 * The state dictionary has the keys `steps` and `module.*`; a plain model's checkpoint loads too. With `nonFinite: 'skip'` it also has `skipped`, with
 * `precision: 'float64'` also `shadow.*`: a state without them loads all the same, and an average without these options leaves them out.
 *
 * @see https://mmengine.readthedocs.io/en/latest/api/model.html
 */
export abstract class BaseAveragedModel<M extends Module = Module> extends Module {
  /** Number of calls of `updateParameters` so far: an int64 scalar. */
  steps: Buffer;
  /** Number of calls that `nonFinite: 'skip'` has left out, an int64 scalar; saved with that option. */
  skipped: Buffer;
  /** The averaged copy. */
  readonly module: M;
  /** Average at every `interval`-th call. */
  readonly interval: number;
  /** Whether buffers are averaged like parameters. */
  readonly updateBuffers: boolean;
  /** What becomes of which entries, as given; null where nothing was said. */
  readonly policy: PolicyOption | null;
  /** Whether the rule runs on float64 shadows of float32 entries. */
  readonly precision: 'float64' | null;
  /** What happens with a source that is not finite. */
  readonly nonFinite: NonFinitePolicy;
  /** The shadows by name: float64 entries that `module` has rounded. */
  private readonly shadow: BufferTree | undefined;
  /** True when weights came from a checkpoint without `steps`: they count as one averaged model, not as nothing. */
  private seeded = false;
  private readonly pairing: Pairing = new Pairing();
  private readonly swapping: Swapping = new Swapping();

  /**
   * @param model - the source; it is copied, and nothing is shared with it
   * @param options - see `AveragedOptions`
   * @param own - names of the subclass's own options
   * @throws ArgumentError for an unknown option or value, something that is no module, or a policy for no entry; RangeError for an interval that is no integer
   *   ≥ 1; StateError for a tensor under several names with different policies
   */
  constructor(model: M, options: AveragedOptions = {}, own: readonly string[] = []) {
    super();
    const name = this.constructor.name;
    if (!(model instanceof Module)) throw new ArgumentError(`${name}: not a module, got ${show(model)}; expected a Module to average`);
    checkOptions(name, options, [...averagedOptions, ...own]);
    const { interval, updateBuffers, nonFinite } = checkAveraged(name, options);
    const { policy = null, precision = null, device } = options;
    this.interval = interval;
    this.updateBuffers = updateBuffers;
    this.policy = policy;
    this.precision = precision;
    this.nonFinite = nonFinite;
    this.steps = new Buffer(zeros([], { dtype: 'int64' }));
    this.skipped = new Buffer(zeros([], { dtype: 'int64' }), { persistent: nonFinite === 'skip' });
    this.module = deepCopy(model);
    if (policy !== null) checkPolicy(name, policy, this.module);
    if (precision !== null) this.shadow = makeShadows(this.module, this.policies());
    this.module.requiresGrad_(false);
    this.training = model.training;
    rememberSource(this, model);
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
   * @param _names - the entries' names in the model's state dictionary
   */
  protected avgLists(averaged: readonly Tensor[], sources: readonly Tensor[], steps: number, _names: readonly string[]): void {
    for (let k = 0; k < averaged.length; k++) this.avgFunc(averaged[k], sources[k].detach(), steps);
  }

  /** The averaged module's forward. @throws StateError while the average is swapped into a model */
  forward(...args: Parameters<M['forward']>): ReturnType<M['forward']> {
    if (anySwapped()) this.checkFree('forward');
    return this.module.forward(...args) as ReturnType<M['forward']>;
  }

  /**
   * Takes in the current weights of a model. The first call copies them; later ones, at every `interval`-th, apply the
   * rule to each tracked floating entry once and copy integer entries. Buffers that are not tracked are copied at every call.
   *
   * @throws StateError when names or shapes differ, for a source that is not finite (see `nonFinite`), and while the average or the model is swapped; nothing is
   *   written then
   */
  updateParameters(model: Module): void {
    this.checkSource('updateParameters', model);
    if (anySwapped()) this.checkFree('updateParameters', model);
    const match = this.pairUp('updateParameters', model);
    const before = setGradEnabled(false);
    try {
      this.takeIn(match, this.steps.item());
    } finally {
      setGradEnabled(before);
    }
  }

  private takeIn({ floats, integers, copied }: Match, s: number): void {
    const isFirst = s === 0 && !this.seeded;
    if (isFirst || s % this.interval === 0) {
      if (floats.averaged.length > 0 && !this.average(floats, s, isFirst)) {
        setTo(this.skipped, this.skipped.item() + 1);
        return;
      }
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
   * What becomes of an entry.
   *
   * @param name - as in the model's state dictionary
   * @throws ArgumentError for a name that the model does not have
   */
  policyOf(name: string): EntryPolicy {
    return policyIn(`${this.constructor.name}.policyOf`, this.policies(), name);
  }

  /**
   * Changes dtype, device, or both, as `Module.to`. Float64 shadows and counters only change the device.
   *
   * @throws DTypeError for a dtype that is no float; DeviceError for an unknown device; nothing is changed then
   */
  override to(target: ModuleTarget, options?: { readonly dtype?: DType }): this {
    convertAround(this, this.steps, target, options);
    if (this.shadow !== undefined && !anySwapped()) showAll(this.shadow, entriesOf(this.module));
    return this;
  }

  /** Whether there is an average: from the first update on, or when one was loaded. */
  get hasAverage(): boolean {
    return this.seeded || this.steps.item() > 0;
  }

  /** Whether the average began with weights that were loaded without a count of models: they count as one. */
  get startedFromWeights(): boolean {
    return this.seeded;
  }

  /**
   * Puts the average into a model, in the place of its weights, and these into the average, until `restore()`: to evaluate or export a model with averaged
   * weights. Memory is exchanged, nothing is copied, and it takes no longer for large weights. Parameters and Buffers stay the objects they are, with their
   * gradients, in optimizers and under all their names; buffers are exchanged too. Graphs recorded before are refused by `backward()`.
   *
   *     using _ = average.swap(model); // or: const swap = average.swap(model); try { … } finally { swap.restore(); }
   *
   * What is written to the model meanwhile is written to the average, so evaluate in `eval()` mode. The average itself cannot be used meanwhile.
   *
   * @param model - the source, or another model of the same architecture, dtypes and devices
   * @returns what ends it: `restore()`, or `using`
   * @throws StateError before the first update, while the average or the model is swapped, for another architecture or other ties; DTypeError or DeviceError for
   *   other dtypes or devices; ArgumentError for the average's own module. Nothing is changed then
   */
  swap<T extends Module>(model: T): Swap<T> {
    this.checkModel('swap', model);
    return this.swapping.start(`${this.constructor.name}.swap`, this.module, model, this.given());
  }

  /**
   * Writes the average into a model, for good: parameters and buffers, converted to the model's dtypes and devices. Training goes on from there.
   *
   * @param model - the source, or another model of the same architecture
   * @throws StateError before the first update, while the average or the model is swapped, and when names, shapes or ties differ; nothing is written then
   */
  copyTo(model: Module): void {
    this.checkModel('copyTo', model);
    this.checkFree('copyTo', model);
    writeInto(`${this.constructor.name}.copyTo`, this.module, model, this.given());
  }

  /**
   * Calls `updateParameters` after every step of an optimizer, however many batches a step takes in, until `detach()`. A step is refused, before anything is
   * updated, while the average or the model is swapped, and when the model does not fit any more.
   *
   * @param optimizer - an optimizer, or a wrapper with the same hooks: attach to the wrapper, and not to what is in it
   * @param model - the source; default: the model that the average was made of
   * @returns what ends it: `detach()`, or `using`
   * @throws StateError when the average is attached already, for another model than the optimizer's, and for one that does not match; ArgumentError for something
   *   that has no hooks
   */
  attachTo(optimizer: StepHooks, model?: Module): Attachment {
    return attach(`${this.constructor.name}.attachTo`, this, optimizer, model, (source) => {
      if (anySwapped()) this.checkFree('attachTo', source);
      this.pairUp('attachTo', source);
    });
  }

  /**
   * The state, `steps` and `module.*`. Weights that were loaded without a count of models are counted in.
   *
   * @throws StateError while the average is swapped into a model: that has the average's weights
   */
  override stateDict(options?: StateDictOptions): StateDict {
    this.swapping.check(`${this.constructor.name}.stateDict`);
    const state = super.stateDict(options);
    if (this.seeded) state[`${options?.prefix ?? ''}steps`] = tensor(this.steps.item() + this.interval, { dtype: 'int64' });
    return state;
  }

  /**
   * Loads a state dictionary of any of these forms, which it recognises: an average's own, as mmengine has it (`steps`, `module.*`), one of
   * `torch.optim.swa_utils` (`n_averaged`, `module.*`), a plain model's, whose keys get the prefix where the average knows them, diffusers'
   * (`shadow_params`, `optimization_step`), and any of them under `ema_state_dict` or `state_dict_ema`. A count of models becomes `steps` times `interval`.
   * Without a count `steps` starts at 0, and the next update averages with what was loaded.
   *
   * @throws StateError with the whole difference, for counters that are none, and while the average is swapped; nothing is written then
   */
  override loadStateDict(state: Readonly<Record<string, unknown>>, options?: Parameters<Module['loadStateDict']>[1]): ReturnType<Module['loadStateDict']> {
    const who = `${this.constructor.name}.loadStateDict`;
    this.swapping.check(who);
    const { state: whole, uncounted } = recognise({ who, module: this.module, interval: this.interval }, state);
    const result = super.loadStateDict(whole, options);
    this.seeded = uncounted;
    return result;
  }

  /** Gives the keys of a plain model's checkpoint the prefix of the averaged copy, where the average has such an entry. */
  protected override prepareStateDict(state: Record<string, unknown>): Record<string, unknown> {
    this.swapping.check(`${this.constructor.name}.loadStateDict`);
    return adaptState(state, super.stateDict(), ['skipped', ...this.counters]);
  }

  /** Names of own counters of a subclass that not every state has: 0 where it is missing, left out where it is no use. */
  protected get counters(): readonly string[] {
    return [];
  }

  /** Applies the rule, or copies at first; false when the source is not finite and is skipped. */
  private average(floats: EntryLists, s: number, isFirst: boolean): boolean {
    floats.open();
    try {
      if (this.nonFinite !== 'propagate' && !areFinite(floats.taken)) {
        if (this.nonFinite === 'skip') return false;
        throw nonFiniteError(`${this.constructor.name}.updateParameters`, floats.names, floats.taken);
      }
      if (isFirst) floats.copyOpen();
      else this.applyRule(floats, s);
    } finally {
      floats.close();
    }
    return true;
  }

  /** Loaded weights without a counter stand for the first model of a run, so the rule counts one interval more. */
  private applyRule(floats: EntryLists, s: number): void {
    const steps = this.seeded ? s + this.interval : s;
    floats.settle();
    if (hasOwnLists(this)) this.avgLists(floats.averaged, floats.sources, steps, floats.names);
    else BaseAveragedModel.prototype.avgLists.call(this, floats.averaged, floats.sources, steps, floats.names);
    floats.show();
  }

  /** The entries beside those of a source. */
  private pairUp(what: string, model: Module): Match {
    return this.pairing.of(this, what, this.module, model, this.updateBuffers, this.policy, this.shadow);
  }

  private policies(): Map<string, EntryPolicy> {
    return policiesOf(this.constructor.name, this.module, this.policy, this.updateBuffers);
  }

  /** Which entries are the average's to give: all but those that it skips. */
  private given(): Includes | undefined {
    return this.policy === null ? undefined : unskipped(this.policies());
  }

  private match(what: string, model: Module): ReturnType<typeof matchEntries> {
    this.checkSource(what, model);
    this.checkFree(what, model);
    const matched = matchEntries(`${this.constructor.name}.${what}`, this.module, model);
    return this.policy === null ? matched : withoutSkipped(matched, this.given());
  }

  /** Refuses an average, and a model, whose weights are elsewhere at the moment. */
  private checkFree(what: string, model?: Module): void {
    const who = `${this.constructor.name}.${what}`;
    this.swapping.check(who);
    if (model !== undefined) refuseSwapped(who, model);
  }

  /** Refuses to give weights away that are no average yet. */
  private checkModel(what: string, model: Module): void {
    const who = `${this.constructor.name}.${what}`;
    if (!(model instanceof Module)) throw new ArgumentError(`${who}: not a module, got ${show(model)}; expected the model that is trained`);
    if (model === this) throw new ArgumentError(`${who}: the model is the average itself, got ${show(model)}; expected the model that is trained`);
    if (!this.hasAverage) {
      throw new StateError(`${who}: there is no average yet, got 0 updates; expected updateParameters(model) before`, { hint: 'an average starts as a copy of the untrained model' });
    }
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

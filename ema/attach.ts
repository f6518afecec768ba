/// <reference lib="esnext.disposable" preserve="true" />
import { ArgumentError, StateError, show } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { Module } from '../nn/module.ts';

/** What an average can be attached to: optimizers, and wrappers of them such as `Lookahead`. */
export interface StepHooks {
  /** Calls `hook` after every step that succeeded; returns a function that removes it. */
  registerStepPostHook(hook: () => void): () => void;
  /** Calls `hook` before every step; returns a function that removes it. */
  registerStepPreHook?(hook: () => void): () => void;
  /** The tensors that are stepped, by group. */
  readonly paramGroups?: readonly { readonly params: readonly Tensor[] }[];
}

/** The source of each average, for as long as someone else has it. */
const sources = new WeakMap<object, WeakRef<Module>>();

/** Notes the model that an average was made of. */
export function rememberSource(average: object, model: Module): void {
  sources.set(average, new WeakRef(model));
}

/** Averages that follow an optimizer. */
const attached = new WeakMap<object, Attachment>();

/** An average that follows an optimizer, until `detach()`. Made by `average.attachTo(optimizer)`; works with `using` too. */
export class Attachment {
  private readonly average: object;
  private readonly removers: (() => void)[];
  private on = true;

  /** @param removers - remove the hooks */
  constructor(average: object, removers: (() => void)[]) {
    this.average = average;
    this.removers = removers;
  }

  /** Whether steps of the optimizer still update the average. */
  get active(): boolean {
    return this.on;
  }

  /** Ends it: later steps do not update the average. Does nothing when that has been done. */
  detach(): void {
    if (!this.on) return;
    this.on = false;
    attached.delete(this.average);
    for (const remove of this.removers) remove();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.detach();
  }
}

/** What follows an optimizer: an average. */
export interface Follower {
  updateParameters(model: Module): void;
}

/**
 * Updates an average after every step of an optimizer.
 *
 * @param who - for messages
 * @param model - the source; by default the model that the average was made of
 * @param before - called before every step, and once now: refuses a model that does not fit, or not now
 */
export function attach(who: string, average: Follower, optimizer: StepHooks, model: Module | undefined, before: (model: Module) => void): Attachment {
  if (typeof optimizer !== 'object' || optimizer === null || typeof optimizer.registerStepPostHook !== 'function') {
    throw new ArgumentError(`${who}: not an optimizer, got ${show(optimizer)}; expected an object with registerStepPostHook`);
  }
  if (model !== undefined && !(model instanceof Module)) throw new ArgumentError(`${who}: not a module, got ${show(model)}; expected the source Module`);
  const source = model ?? sources.get(average)?.deref();
  if (source === undefined) {
    throw new StateError(`${who}: the source is not known, got an average that was copied, or whose model is gone; expected a model`, { hint: 'attachTo(optimizer, model)' });
  }
  if (attached.has(average)) {
    throw new StateError(`${who}: the average follows an optimizer already, got a second one; expected detach() before`, { hint: 'two attachments would update the average twice' });
  }
  checkParams(who, optimizer, source);
  before(source);
  const removers: (() => void)[] = [];
  if (typeof optimizer.registerStepPreHook === 'function') removers.push(optimizer.registerStepPreHook(() => before(source)));
  removers.push(optimizer.registerStepPostHook(() => average.updateParameters(source)));
  const attachment = new Attachment(average, removers);
  attached.set(average, attachment);
  return attachment;
}

/** Refuses an optimizer of other tensors: the average would look at a model that does not change. */
function checkParams(who: string, { paramGroups }: StepHooks, source: Module): void {
  if (!Array.isArray(paramGroups)) return;
  const own = new Set<unknown>(source.parameters());
  const groups = paramGroups as readonly { readonly params?: readonly unknown[] }[];
  if (own.size === 0 || groups.some(({ params }) => !Array.isArray(params) || params.some((p) => own.has(p)))) return;
  throw new StateError(`${who}: the optimizer has none of the model's parameters, got ${own.size} parameters of another model; expected the model that the optimizer trains`, {
    hint: 'give it as the second argument: attachTo(optimizer, model)',
  });
}

import { ArgumentError, StateError, show } from '../core/errors.ts';
import { type PlacedOrNamed, given } from '../core/given.ts';
import { Optimizer } from './optimizer.ts';
import { ReduceLROnPlateau } from './plateau.ts';
import { LRScheduler, type SchedulerOptions } from './scheduler.ts';

/** What can be part of `ChainedScheduler`: every scheduler that steps without a metric. */
export interface AnyScheduler {
  readonly optimizer: Optimizer;
  step(epoch?: number): void;
  getLastLr(): number[];
  stateDict(): object;
  loadStateDict(state: never): void;
}

/** State of schedulers made of others. */
export interface NestedStateDict {
  readonly _schedulers: readonly object[];
  readonly _last_lr: readonly number[];
  readonly [field: string]: unknown;
}

function checkMembers(name: string, optimizer: unknown, schedulers: unknown): asserts schedulers is readonly AnyScheduler[] {
  if (!Array.isArray(schedulers) || schedulers.length === 0) throw new ArgumentError(`${name}: no schedulers, got ${show(schedulers)}; expected at least one`);
  schedulers.forEach((member: unknown, i) => {
    const own: unknown = typeof member === 'object' && member !== null && 'step' in member && 'optimizer' in member ? member.optimizer : undefined;
    if (!(own instanceof Optimizer)) throw new ArgumentError(`${name}: scheduler ${i} is no scheduler, got ${show(member)}; expected schedulers that step by themselves`);
    if (member instanceof ReduceLROnPlateau) throw new ArgumentError(`${name}: scheduler ${i} needs a metric, got ReduceLROnPlateau; expected schedulers that step by themselves`);
    if (own !== optimizer) throw new ArgumentError(`${name}: scheduler ${i} belongs to another optimizer, got ${own.constructor.name}; expected one optimizer for all`);
  });
}

function loadMembers(name: string, members: readonly AnyScheduler[], states: unknown): void {
  if (!Array.isArray(states) || states.length !== members.length) throw new StateError(`${name}.loadStateDict: the state does not match, got ${show(states)}; expected the states of ${members.length} schedulers`);
  const before = members.map((member) => member.stateDict());
  try {
    members.forEach((member, i) => member.loadStateDict(states[i] as never));
  } catch (error) {
    members.forEach((member, i) => member.loadStateDict(before[i] as never));
    throw error;
  }
}

function checkRates(name: string, optimizer: Optimizer, rates: unknown): void {
  const groups = optimizer.paramGroups.length;
  if (Array.isArray(rates) && rates.length === groups && rates.every((lr) => typeof lr === 'number')) return;
  throw new StateError(`${name}.loadStateDict: the state does not match, got _last_lr ${show(rates)}; expected a number for each of ${groups} groups`);
}

function areMilestones(milestones: unknown, schedulers: number): milestones is readonly number[] {
  if (!Array.isArray(milestones) || milestones.length !== schedulers - 1) return false;
  const list: readonly unknown[] = milestones;
  return list.every((at, i) => Number.isSafeInteger(at) && (i === 0 || Number(at) >= Number(list[i - 1])));
}

/**
 * Several schedulers at once: each step is a step of all, in order, so that their factors multiply.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ChainedScheduler.html
 */
export class ChainedScheduler implements AnyScheduler {
  readonly optimizer: Optimizer;
  readonly schedulers: readonly AnyScheduler[];
  private lastLr: number[];

  /**
   * @param schedulers - at least one, all of one optimizer
   * @param optimizer - default that of the first
   * @throws ArgumentError for no schedulers, or several optimizers
   */
  constructor(schedulers: readonly AnyScheduler[], optimizer?: Optimizer | null) {
    const first = optimizer ?? (Array.isArray(schedulers) ? (schedulers as readonly AnyScheduler[])[0]?.optimizer : undefined);
    checkMembers('ChainedScheduler', first, schedulers);
    this.schedulers = [...schedulers];
    this.optimizer = schedulers[0].optimizer;
    this.lastLr = this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** A step of every scheduler. */
  step(): void {
    for (const scheduler of this.schedulers) scheduler.step();
    this.lastLr = this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** Takes back the first step of all, as the first part of a `SequentialLR`. */
  rewind(): void {
    for (const scheduler of this.schedulers) if (scheduler instanceof LRScheduler || scheduler instanceof ChainedScheduler) scheduler.rewind();
  }

  /** Makes the first step of all anew. */
  restart(): void {
    for (const scheduler of this.schedulers) if (scheduler instanceof LRScheduler || scheduler instanceof ChainedScheduler) scheduler.restart();
    this.lastLr = this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** The rates set last, by group. */
  getLastLr(): number[] {
    return [...this.lastLr];
  }

  /** The states of all, under PyTorch's names. */
  stateDict(): NestedStateDict {
    return { _schedulers: this.schedulers.map((scheduler) => scheduler.stateDict()), _last_lr: [...this.lastLr] };
  }

  /** Takes over a state. @throws StateError for the state of other schedulers; nothing is changed then */
  loadStateDict(state: NestedStateDict): void {
    checkRates('ChainedScheduler', this.optimizer, state?._last_lr);
    loadMembers('ChainedScheduler', this.schedulers, state?._schedulers);
    this.lastLr = [...state._last_lr];
  }
}

/** What `SequentialLR` is made from. */
export interface SequentialLROptions extends SchedulerOptions {
  /** At least one, all made for one optimizer. */
  readonly schedulers: readonly (LRScheduler | ChainedScheduler)[];
  /** The epochs at which the second, third, … begin, not descending. */
  readonly milestones: readonly number[];
}

/**
 * One scheduler after the other: at each milestone the next one begins from the rates the optimizer was made with.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.SequentialLR.html
 */
export class SequentialLR implements AnyScheduler {
  readonly optimizer: Optimizer;
  readonly schedulers: readonly (LRScheduler | ChainedScheduler)[];
  milestones: readonly number[];
  lastEpoch: number;
  private readonly later: readonly LRScheduler[];
  private lastLr: number[];

  /**
   * @param optimizer - whose rates to set
   * @param args - what `SequentialLROptions` lists, by place in this order, or by name
   * @throws ArgumentError for schedulers of another optimizer, or milestones that do not fit
   */
  constructor(optimizer: Optimizer, ...args: PlacedOrNamed<SequentialLROptions, ['schedulers', 'milestones', 'lastEpoch']>) {
    const { schedulers, milestones, lastEpoch = -1 } = given<SequentialLROptions>('SequentialLR', ['schedulers', 'milestones', 'lastEpoch'], args);
    checkMembers('SequentialLR', optimizer, schedulers);
    const late = schedulers.findIndex((scheduler, i) => !(scheduler instanceof LRScheduler || (i === 0 && scheduler instanceof ChainedScheduler)));
    if (late >= 0) throw new ArgumentError(`SequentialLR: scheduler ${late} cannot begin later, got ${schedulers[late].constructor.name}; expected an LRScheduler (the first may be a ChainedScheduler)`);
    if (!areMilestones(milestones, schedulers.length)) {
      throw new ArgumentError(`SequentialLR: milestones do not fit, got ${show(milestones)} for ${schedulers.length} schedulers; expected ${schedulers.length - 1} epochs, ascending`);
    }
    this.optimizer = optimizer;
    this.schedulers = [...schedulers];
    this.milestones = milestones.slice();
    this.lastEpoch = lastEpoch + 1;
    for (const group of optimizer.paramGroups) group.lr = group.initialLr ?? group.lr;
    for (const scheduler of schedulers) scheduler.rewind();
    const [first, ...others] = schedulers;
    first.restart();
    this.later = others as readonly LRScheduler[];
    this.lastLr = schedulers[0].getLastLr();
  }

  /** Goes to the next epoch: a step of the scheduler whose turn it is. */
  step(): void {
    this.lastEpoch++;
    const i = this.milestones.filter((at) => at <= this.lastEpoch).length;
    const scheduler = this.schedulers[i];
    if (i > 0 && this.milestones[i - 1] === this.lastEpoch) this.later[i - 1].begin();
    else scheduler.step();
    this.lastLr = scheduler.getLastLr();
  }

  /** The rates set last, by group. */
  getLastLr(): number[] {
    return [...this.lastLr];
  }

  /** The state under PyTorch's names. */
  stateDict(): NestedStateDict {
    return { _schedulers: this.schedulers.map((scheduler) => scheduler.stateDict()), _milestones: [...this.milestones], last_epoch: this.lastEpoch, _last_lr: [...this.lastLr] };
  }

  /** Takes over a state. @throws StateError for the state of other schedulers; nothing is changed then */
  loadStateDict(state: NestedStateDict): void {
    const { last_epoch: epoch } = state ?? {};
    if (!Number.isSafeInteger(epoch)) throw new StateError(`SequentialLR.loadStateDict: the state does not match, got last_epoch ${show(epoch)}; expected an integer`);
    const milestones = state._milestones ?? this.milestones;
    if (!areMilestones(milestones, this.schedulers.length)) throw new StateError(`SequentialLR.loadStateDict: the state does not match, got _milestones ${show(milestones)}; expected ${this.schedulers.length - 1} epochs`);
    checkRates('SequentialLR', this.optimizer, state._last_lr);
    loadMembers('SequentialLR', this.schedulers, state._schedulers);
    this.milestones = [...milestones];
    this.lastEpoch = epoch as number;
    this.lastLr = [...state._last_lr];
  }
}

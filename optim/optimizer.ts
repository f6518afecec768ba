import { ArgumentError, checkOptions, show } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { enableGrad, noGrad, setGradEnabled } from '../core/tape.ts';
import type { Tensor } from '../core/tensor.ts';
import { checkNonNegative } from './check.ts';
import { type OptimizerOptions, type ParamGroup, type ParamGroupInput, type ParamsInput, checkDistinct, readGroup, readGroups } from './groups.ts';
import { Participants } from './participants.ts';
import { type OptimizerStateDict, type ParamState, type StateFields, readStateDict, writeStateDict } from './state.ts';

/** Called with the optimizer before or after a step. */
export type StepHook = (optimizer: Optimizer) => void;

function addHook(hooks: StepHook[], hook: StepHook, what: string): () => void {
  if (typeof hook !== 'function') throw new ArgumentError(`${what}: not a function, got ${show(hook)}; expected a hook`);
  // An entry of its own, so that a hook registered twice is removed once.
  const entry: StepHook = (optimizer) => hook(optimizer);
  hooks.push(entry);
  return () => {
    const i = hooks.indexOf(entry);
    if (i >= 0) hooks.splice(i, 1);
  };
}

/**
 * Base of the optimizers: groups of parameters with their options, state per parameter, steps, hooks, and PyTorch's state dictionary. A
 * subclass says what its options may be (`checkGroup`), what state a parameter has (`stateFields`), and updates parameters (`update`).
 *
 * @see https://pytorch.org/docs/stable/optim.html
 */
export abstract class Optimizer<O extends OptimizerOptions = OptimizerOptions, S extends ParamState = ParamState> {
  /** Options that groups take where they give none. */
  readonly defaults: Readonly<O>;
  /** The groups; `optimizer.paramGroups[0].lr = 0.1` counts from the next step on. */
  readonly paramGroups: ParamGroup<O>[];
  /** State of each parameter that was updated at least once. */
  readonly state: Map<Tensor, S> = new Map();
  /** Who takes part, by group. */
  private readonly participants: Participants[] = [];
  private readonly preHooks: StepHook[] = [];
  private readonly postHooks: StepHook[] = [];

  /**
   * @param params - an iterable of tensors, or of groups `{ params, lr, … }`
   * @param defaults - every option with its default
   * @throws ArgumentError for no parameters, something that is no tensor, a tensor given twice, an unknown option or one out of range;
   *   StateError for a tensor that is no leaf
   */
  constructor(params: ParamsInput<O>, defaults: O) {
    this.checkGroup(defaults);
    this.defaults = { ...defaults };
    this.paramGroups = readGroups(this.constructor.name, params, defaults, (options) => this.checkGroup(options));
  }

  /** Refuses options out of range. Subclasses call this one first, and check their own. */
  protected checkGroup(options: Readonly<O>): void {
    checkNonNegative(this, 'lr', options.lr);
  }

  /** What the state of a parameter in this group consists of, for loading. */
  protected abstract stateFields(group: Readonly<O>, param: Tensor): StateFields;

  /** The shape of a tensor of a parameter's state; default that of the parameter. */
  stateShape(_name: string, param: Tensor): Shape {
    return param.shape;
  }

  /**
   * Updates parameters of one group, all of which have a gradient that fits them. Called without recording.
   *
   * @param group - the group's options
   * @param params - those of its parameters that have a gradient; the same list as in the step before if they are the same
   * @param grads - their gradients; the list is used again, so it is good during the call only
   */
  protected abstract update(group: Readonly<O>, params: readonly Tensor[], grads: readonly Tensor[]): void;

  /**
   * Updates every parameter that has a gradient. A closure computes the loss anew and calls `backward()`; it is run with recording on, and what it returns is returned.
   *
   * @throws ArgumentError for options out of range; ShapeError, DTypeError or DeviceError for gradients that do not fit; nothing is updated then
   * @see https://pytorch.org/docs/stable/generated/torch.optim.Optimizer.step.html
   */
  step(): undefined;
  step<T>(closure: () => T): T;
  step<T>(closure?: () => T): T | undefined {
    if (closure !== undefined && typeof closure !== 'function') {
      throw new ArgumentError(`${this.constructor.name}.step: closure is not a function, got ${show(closure)}; expected a function that returns the loss`);
    }
    this.call(this.preHooks);
    const loss = this.advance(closure);
    this.call(this.postHooks);
    return loss;
  }

  /** What a step does between the hooks. */
  protected advance<T>(closure?: () => T): T | undefined {
    const loss = closure === undefined ? undefined : enableGrad(closure);
    const before = setGradEnabled(false);
    try {
      this.updateAll();
    } finally {
      setGradEnabled(before);
    }
    return loss;
  }

  private call(hooks: readonly StepHook[]): void {
    if (hooks.length > 0) for (const hook of hooks.slice()) hook(this);
  }

  /** One step of all groups. Everything is checked before anything is written. Called without recording. */
  protected updateAll(): void {
    const { paramGroups, participants, state } = this;
    for (let g = 0; g < paramGroups.length; g++) {
      const group = paramGroups[g];
      this.checkGroup(group);
      (participants[g] ??= new Participants()).collect(this, group.params, state);
    }
    for (let g = 0; g < paramGroups.length; g++) participants[g].moveState(state);
    for (let g = 0; g < paramGroups.length; g++) {
      const { params, grads } = participants[g];
      if (params.length > 0) this.update(paramGroups[g], params, grads);
      participants[g].release();
    }
  }

  /**
   * Forgets the gradients of all parameters, or with `setToNone: false` fills them with zeros.
   *
   * @see https://pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html
   */
  zeroGrad(options?: { readonly setToNone?: boolean }): void {
    checkOptions(`${this.constructor.name}.zeroGrad`, options, ['setToNone']);
    const toNull = options?.setToNone ?? true;
    for (const { params } of this.paramGroups) {
      for (const p of params) {
        const { gradient } = p;
        if (gradient !== null) p.grad = toNull ? null : noGrad(() => gradient.detach().zero_());
      }
    }
  }

  /**
   * Adds a group of parameters.
   *
   * @throws as the constructor does; nothing is added then
   * @see https://pytorch.org/docs/stable/generated/torch.optim.Optimizer.add_param_group.html
   */
  addParamGroup(group: ParamGroupInput<O>): void {
    const where = `group ${this.paramGroups.length}`;
    const made = readGroup<O>(this.constructor.name, where, group, { ...this.defaults }, (options) => this.checkGroup(options));
    checkDistinct(this.constructor.name, [...this.paramGroups, made]);
    this.paramGroups.push(made);
  }

  /** Calls `hook(optimizer)` before every step and its closure. Returns a function that removes it. */
  registerStepPreHook(hook: StepHook): () => void {
    return addHook(this.preHooks, hook, 'registerStepPreHook');
  }

  /** Calls `hook(optimizer)` after every step that succeeded. Returns a function that removes it. */
  registerStepPostHook(hook: StepHook): () => void {
    return addHook(this.postHooks, hook, 'registerStepPostHook');
  }

  /**
   * State and options in PyTorch's form and names. Tensors are the optimizer's own, not copies.
   *
   * @see https://pytorch.org/docs/stable/generated/torch.optim.Optimizer.state_dict.html
   */
  stateDict(): OptimizerStateDict {
    return writeStateDict(this.paramGroups, this.state);
  }

  /**
   * Takes over state and options, as PyTorch or `stateDict` wrote them; tensors are copied, in the dtype and on the device of their parameter.
   *
   * @throws StateError with the whole difference, before anything is written
   * @see https://pytorch.org/docs/stable/generated/torch.optim.Optimizer.load_state_dict.html
   */
  loadStateDict(state: OptimizerStateDict): void {
    const { states, groups } = readStateDict<O, S>(this.constructor.name, state, {
      groups: this.paramGroups,
      defaults: this.defaults,
      check: (options) => this.checkGroup(options),
      fields: (options, param) => this.stateFields(options, param),
      shape: (name, param) => this.stateShape(name, param),
    });
    this.state.clear();
    for (const [p, s] of states) this.state.set(p, s);
    this.paramGroups.forEach((group, i) => {
      delete group.initialLr;
      Object.assign(group, groups[i]);
    });
  }

  /** PyTorch's print form. */
  toString(): string {
    const groups = this.paramGroups.map((group, i) => {
      const lines = Object.entries(group).filter(([key]) => key !== 'params').sort(([a], [b]) => (a < b ? -1 : 1));
      return `Parameter Group ${i}\n${lines.map(([key, value]) => `    ${key}: ${show(value)}\n`).join('')}`;
    });
    return `${this.constructor.name} (\n${groups.join('\n')})`;
  }
}

import { ArgumentError, StateError, show } from '../core/errors.ts';
import { tensor } from '../core/ops/creation.ts';
import { Tensor } from '../core/tensor.ts';
import type { Module } from '../nn/module.ts';
import { type StateDict, emptyState } from '../nn/state.ts';

/**
 * A form in which averages are saved elsewhere: `'mmengine'` (`steps`, `module.*`, also ours), `'swa_utils'` (`n_averaged`, `module.*`, as
 * `torch.optim.swa_utils.AveragedModel`), or `'plain'` (the averaged model's own names, as timm and diffusers publish them).
 */
export type AverageForm = 'mmengine' | 'swa_utils' | 'plain';

const forms: readonly AverageForm[] = ['mmengine', 'swa_utils', 'plain'];
const PREFIX = 'module.';

/** Where training programs keep the average's state within a checkpoint: mmengine's EMAHook, timm. */
const wrappers = ['ema_state_dict', 'state_dict_ema'] as const;
/** Counters and options beside a list of weights: diffusers, torch_ema. */
const counters = ['optimization_step', 'num_updates'] as const;
const listOptions: readonly string[] = ['decay', 'min_decay', 'update_after_step', 'use_ema_warmup', 'inv_gamma', 'power', 'temp_stored_params', 'collected_params'];

/** A state in our form, and whether it said nothing of how many models are in it. */
export interface Recognised {
  readonly state: Readonly<Record<string, unknown>>;
  readonly uncounted: boolean;
}

/** What is known of the average that a state is for. */
export interface Target {
  /** For messages. */
  readonly who: string;
  readonly module: Module;
  readonly interval: number;
}

const count = (n: number): Tensor => tensor(n, { dtype: 'int64' });

/** A counter as a number. */
function readCount(who: string, name: string, value: unknown): number {
  const n = value instanceof Tensor && value.numel() === 1 ? value.item() : value;
  if (typeof n === 'number' && Number.isSafeInteger(n) && n >= 0) return n;
  throw new StateError(`${who}: the counter '${name}' is wrong, got ${value instanceof Tensor && value.numel() === 1 ? show(n) : show(value)}; expected an integer ≥ 0`, { values: { [name]: value } });
}

/**
 * How many models are in an average after so many calls: the first, and one at every `interval`-th call.
 *
 * @param steps - calls of `updateParameters`
 */
export function modelsTaken(steps: number, interval: number): number {
  return Math.ceil(steps / interval);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Tensor) && !(value instanceof Map);
}

/**
 * A state of any known form in ours, `steps` and `module.*`; what is no state at all stays, and is refused later.
 *
 * @throws StateError for a counter that is none, and for a list of weights of another length
 */
export function recognise(target: Target, given: unknown): Recognised {
  if (!isRecord(given)) return { state: given as Readonly<Record<string, unknown>>, uncounted: false };
  const own = target.module.stateDict();
  const mine = (key: string): boolean => Object.hasOwn(own, key);
  for (const wrapper of wrappers) {
    const inner = given[wrapper];
    if (!mine(wrapper) && isRecord(inner)) return recognise(target, inner);
  }
  if (Object.hasOwn(given, 'shadow_params') && !mine('shadow_params')) return fromList(target, given, own);
  if (Object.hasOwn(given, 'steps')) {
    // What is no counter at all is for the comparison with the average's own.
    const { steps } = given;
    if (steps instanceof Tensor && steps.numel() === 1) readCount(target.who, 'steps', steps);
    return { state: given, uncounted: false };
  }
  if (Object.hasOwn(given, 'n_averaged') && (!mine('n_averaged') || Object.hasOwn(given, `${PREFIX}n_averaged`))) {
    const { n_averaged: n, ...rest } = given;
    return { state: { steps: count(readCount(target.who, 'n_averaged', n) * target.interval), ...rest }, uncounted: false };
  }
  return { state: { steps: count(0), ...given }, uncounted: true };
}

/** Weights in the order of `parameters()`, or by name, beside counters: diffusers' and torch_ema's. Buffers are not among them and stay. */
function fromList({ who, module, interval }: Target, given: Readonly<Record<string, unknown>>, own: Readonly<StateDict>): Recognised {
  const state = emptyState<unknown>();
  const counter = counters.find((name) => given[name] !== undefined && given[name] !== null);
  state.steps = count(counter === undefined ? 0 : readCount(who, counter, given[counter]) * interval);
  for (const [key, value] of Object.entries(given)) {
    if (key !== 'shadow_params' && !counters.some((name) => name === key) && !listOptions.includes(key)) state[key] = value;
  }
  for (const [name, value] of Object.entries(own)) state[PREFIX + name] = value;
  const list = given.shadow_params;
  if (isRecord(list) && Object.keys(list).some((key) => !/^\d+$/.test(key))) {
    for (const [name] of module.namedParameters({ removeDuplicate: false })) delete state[PREFIX + name];
    for (const [name, value] of Object.entries(list)) state[PREFIX + name] = value;
    return { state, uncounted: counter === undefined };
  }
  const weights: readonly unknown[] | null = Array.isArray(list) ? list : isRecord(list) ? Object.values(list) : null;
  const parameters = module.parameters();
  if (weights === null || weights.length !== parameters.length) {
    throw new StateError(`${who}: shadow_params does not fit, got ${weights === null ? show(list) : `${weights.length} tensors`}; expected ${parameters.length}, one for each parameter`, {
      hint: 'diffusers lists what the optimizer trains, in the order of parameters()',
    });
  }
  const places = new Map(parameters.map((parameter, i) => [parameter, i]));
  for (const [name, parameter] of module.namedParameters({ removeDuplicate: false })) state[PREFIX + name] = weights[places.get(parameter) ?? -1];
  return { state, uncounted: counter === undefined };
}

/** What can be written in another form: an average. */
export interface Exportable {
  readonly module: Module;
  readonly interval: number;
  stateDict(): StateDict;
}

/**
 * The state of an average in the form of another program, under the names that has on disk. Tensors are the average's own, not copies.
 *
 * A counter of calls becomes one of models taken in, `n_averaged = ⌈steps / interval⌉`; on the way back `steps = n_averaged·interval`, so that the next call
 * averages. With `interval: 1` both are the same number. `'plain'` has no counter: what loads it counts it as one model.
 *
 * @param average - an average
 * @param form - `'mmengine'`, `'swa_utils'` or `'plain'`
 * @throws ArgumentError for another form; StateError while the average is swapped into a model
 * @see https://pytorch.org/docs/stable/optim.html#torch.optim.swa_utils.AveragedModel
 */
export function averageState(average: Exportable, form: AverageForm): StateDict {
  const op = 'averageState';
  if (typeof average !== 'object' || average === null || typeof average.stateDict !== 'function' || typeof average.interval !== 'number') {
    throw new ArgumentError(`${op}: not an average, got ${show(average)}; expected a BaseAveragedModel`);
  }
  if (!forms.includes(form)) throw new ArgumentError(`${op}: unknown form, got ${show(form)}; expected one of ${forms.join(', ')}`);
  const { steps, ...entries } = average.stateDict();
  const state = emptyState();
  if (form === 'mmengine') state.steps = steps;
  if (form === 'swa_utils') state.n_averaged = count(modelsTaken(steps.item(), average.interval));
  for (const [key, value] of Object.entries(entries)) {
    if (key.startsWith(PREFIX)) state[form === 'plain' ? key.slice(PREFIX.length) : key] = value;
  }
  return state;
}

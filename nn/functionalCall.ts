import { ArgumentError, ShapeError, StateError, checkOptions, show } from '../core/errors.ts';
import { stack } from '../core/ops/join.ts';
import { sameShape } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { Module } from './module.ts';
import { type StateDict, emptyState } from './state.ts';
import { type Container, type MemberHolder, join, places } from './traverse.ts';

/** Options of `functionalCall`. */
export interface FunctionalCallOptions {
  /** A tensor given for one name of a tied parameter stands for all of them; default true. */
  readonly tieWeights?: boolean;
  /** Refuse names that are missing; default false. */
  readonly strict?: boolean;
}

/** Where a tensor of a module is kept. */
interface Slot {
  readonly name: string;
  readonly tensor: Tensor;
  set(value: Tensor): void;
}

function slotOf(name: string, owner: MemberHolder | Container, tensor: Tensor): Slot {
  if (owner instanceof Map) {
    const fields = owner as Map<unknown, unknown>;
    for (const [key, value] of fields) if (value === tensor) return { name, tensor, set: (x) => fields.set(key, x) };
  } else {
    for (const key of Object.keys(owner)) if (Reflect.get(owner, key) === tensor) return { name, tensor, set: (x) => Reflect.set(owner, key, x) };
  }
  throw new StateError(`functionalCall: '${name}' is not in a field that can be set, got ${show(owner)}; expected public fields`);
}

function slotsOf(module: Module): Slot[] {
  return places(module, '', true).flatMap(({ path, owner, parameters, buffers }) => [...parameters, ...buffers].map(([key, tensor]) => slotOf(join(path, key), owner, tensor)));
}

/** What is put in place of the module's own tensors. */
function replacements(slots: readonly Slot[], given: Readonly<Record<string, Tensor>>, { tieWeights = true, strict = false }: FunctionalCallOptions): Map<Slot, Tensor> {
  const known = new Map(slots.map((slot) => [slot.name, slot]));
  const byTensor = new Map<Tensor, Tensor>();
  for (const [name, value] of Object.entries(given)) {
    const slot = known.get(name);
    if (slot === undefined) throw new ArgumentError(`functionalCall: no such tensor, got '${name}'; expected names of parameters and buffers, such as '${slots[0]?.name}'`);
    if (!(value instanceof Tensor) || !sameShape(value.shape, slot.tensor.shape)) throw new ShapeError(`functionalCall: '${name}' does not fit, got ${show(value)}; expected ${show(slot.tensor)}`);
    const tied = byTensor.get(slot.tensor);
    if (tieWeights && tied !== undefined && tied !== value) throw new ArgumentError(`functionalCall: '${name}' is tied to another name, got two tensors for it; expected one`);
    byTensor.set(slot.tensor, value);
  }
  const chosen = new Map<Slot, Tensor>();
  for (const slot of slots) {
    const value = Object.hasOwn(given, slot.name) ? given[slot.name] : tieWeights ? byTensor.get(slot.tensor) : undefined;
    if (value !== undefined) chosen.set(slot, value);
    else if (strict) throw new ArgumentError(`functionalCall: '${slot.name}' is missing, got strict: true; expected every parameter and buffer`);
  }
  return chosen;
}

/**
 * Calls `forward` of a module with other tensors in the places of its parameters and buffers, which it has again afterwards. With `grad` this differentiates a
 * module by an object of parameters, with `vmap` it runs many models at once.
 *
 * @param module - any Module
 * @param parametersAndBuffers - tensors by name, as `namedParameters()` names them; what is not named stays
 * @param args - the argument of `forward`, or an array of them
 * @throws ArgumentError for names the module does not have, ShapeError for tensors that do not fit; the module keeps its own then
 * @see https://pytorch.org/docs/stable/generated/torch.func.functional_call.html
 */
export function functionalCall<M extends Module & { forward(...args: never[]): unknown }>(
  module: M,
  parametersAndBuffers: Readonly<Record<string, Tensor>>,
  args: unknown,
  options?: FunctionalCallOptions,
): ReturnType<M['forward']> {
  if (!(module instanceof Module)) throw new ArgumentError(`functionalCall: not a module, got ${show(module)}; expected a Module`);
  checkOptions('functionalCall', options, ['tieWeights', 'strict']);
  const slots = slotsOf(module);
  const chosen = replacements(slots, parametersAndBuffers, options ?? {});
  try {
    for (const [slot, value] of chosen) slot.set(value);
    const list: readonly unknown[] = Array.isArray(args) ? args : [args];
    return module.forward(...(list as never[])) as ReturnType<M['forward']>;
  } finally {
    for (const slot of chosen.keys()) slot.set(slot.tensor);
  }
}

/**
 * Parameters and buffers of models of one kind, stacked: what `vmap` over `functionalCall` takes to run an ensemble at once.
 *
 * @param models - at least one; all with tensors of the same names and shapes
 * @returns parameters and buffers by name, the models in front; the parameters are leaves that require grad as those of the models do
 * @throws ArgumentError for no models, or models that differ in kind or mode
 * @see https://pytorch.org/docs/stable/generated/torch.func.stack_module_state.html
 */
export function stackModuleState(models: readonly Module[]): readonly [parameters: StateDict, buffers: StateDict] {
  if (!Array.isArray(models) || models.length === 0) throw new ArgumentError(`stackModuleState: no models, got ${show(models)}; expected at least one`);
  return stateOf(models);
}

function stateOf(models: readonly Module[]): readonly [StateDict, StateDict] {
  const [first] = models;
  if (models.some((m) => m.constructor !== first.constructor || m.training !== first.training)) {
    throw new ArgumentError('stackModuleState: models differ, got several classes or modes; expected one class, all training or none');
  }
  const stacked = (tensors: readonly (readonly [string, Tensor])[][], leaves: boolean): StateDict => {
    const state = emptyState();
    tensors[0].forEach(([name, x], i) => {
      const all = tensors.map((list) => list[i]?.[1]);
      if (tensors.some((list) => list[i]?.[0] !== name) || all.some((y) => !sameShape(y.shape, x.shape))) throw new ArgumentError(`stackModuleState: models differ at '${name}', got other names or shapes; expected the same`);
      state[name] = stack(all).detach();
      if (leaves) state[name].requiresGrad = all.some((y) => y.requiresGrad);
    });
    return state;
  };
  return [stacked(models.map((m) => [...m.namedParameters()]), true), stacked(models.map((m) => [...m.namedBuffers()]), false)];
}

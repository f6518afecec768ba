import { ArgumentError, show } from '../errors.ts';
import { defaultGenerator } from '../random.ts';
import { noGrad } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { copyState } from './copyState.ts';

const has = <K extends string>(x: unknown, ...names: readonly K[]): x is Record<K, (...args: never[]) => unknown> =>
  typeof x === 'object' && x !== null && names.every((name) => typeof Reflect.get(x, name) === 'function');

/** How to bring one thing back: its state as it is now. */
function stateOf(who: string, name: string, part: unknown): () => void {
  if (has(part, 'stateDict', 'loadStateDict')) {
    const state = copyState(part.stateDict());
    return () => void part.loadStateDict(state as never);
  }
  if (has(part, 'getState', 'setState')) {
    const state = copyState(part.getState());
    return () => void part.setState(state as never);
  }
  throw new ArgumentError(`${who}: '${name}' has no state, got ${show(part)}; expected stateDict and loadStateDict, or getState and setState`);
}

function listOf<T>(part: unknown, method: string, kind: (x: unknown) => x is T): T[] {
  if (!has(part, method)) return [];
  const list = part[method]();
  return Array.isArray(list) ? list.filter(kind) : [];
}

const isTensor = (x: unknown): x is Tensor => x instanceof Tensor;
const hasMode = (x: unknown): x is { training: boolean } => typeof x === 'object' && x !== null && 'training' in x && typeof x.training === 'boolean';

/** The tensors a part works on: those of a module, also buffers that are not saved, and those an optimizer steps. */
function tensorsOf(part: unknown): Tensor[] {
  const groups: unknown = typeof part === 'object' && part !== null && 'paramGroups' in part ? part.paramGroups : [];
  const params = Array.isArray(groups) ? groups.flatMap((group: { readonly params?: unknown }) => (Array.isArray(group.params) ? (group.params as unknown[]) : [])) : [];
  return [...listOf(part, 'parameters', isTensor), ...listOf(part, 'buffers', isTensor), ...params.filter(isTensor)];
}

/**
 * Remembers the state of some parts of a run, and that of the default generator.
 *
 * @param parts - models, optimizers, schedulers, averages, loaders and generators by name, also arrays of them
 * @returns a function that brings everything back, bit for bit: values, gradients, modes, states
 */
export function preserve(who: string, parts: Readonly<Record<string, unknown>>): () => void {
  const all = Object.entries(parts).flatMap(([name, part]) => (Array.isArray(part) ? part.map((item: unknown, i) => [`${name}.${i}`, item] as const) : [[name, part] as const]));
  const states = all.map(([name, part]) => stateOf(who, name, part));
  states.push(stateOf(who, 'defaultGenerator', defaultGenerator));
  const values = new Map<Tensor, { readonly copy: Tensor; readonly grad: Tensor | null }>();
  const modes = new Map<{ training: boolean }, boolean>();
  for (const [, part] of all) {
    for (const x of tensorsOf(part)) values.set(x, { copy: noGrad(() => x.detach().clone()), grad: x.grad });
    for (const module of listOf(part, 'modules', hasMode)) modes.set(module, module.training);
  }
  return () => {
    const failures: unknown[] = [];
    const attempt = (restore: () => void): void => {
      try {
        restore();
      } catch (error) {
        failures.push(error);
      }
    };
    for (const [x, { copy, grad }] of values) {
      attempt(() => noGrad(() => void x.detach().copy_(copy)));
      x.grad = grad;
    }
    for (const restore of states) attempt(restore);
    for (const [module, training] of modes) module.training = training;
    if (failures.length > 0) throw failures[0];
  };
}

/** Forgets the gradients of all tensors of some parts, without a change of the gradients themselves. */
export function forgetGradients(parts: readonly unknown[]): void {
  for (const x of parts.flatMap(tensorsOf)) x.grad = null;
}

import { canCast } from '../core/dtype.ts';
import { ArgumentError, PolyakError, StateError, show } from '../core/errors.ts';
import { tensor } from '../core/ops/creation.ts';
import { type Shape, sameShape } from '../core/shape.ts';
import { noGrad } from '../core/tape.ts';
import { Tensor } from '../core/tensor.ts';
import type { OptimizerOptions, ParamGroup } from './groups.ts';
import { toCamelCase, toSnakeCase } from '../core/names.ts';

/** What an optimizer keeps for a parameter: tensors of its shape, and counts. */
export type ParamState = Record<string, Tensor | number>;

/**
 * Names of a parameter's state: 'count' is a whole number, saved as a scalar tensor, and 'number' any; 'tensor' has the parameter's shape; 'optional' is a
 * 'tensor' that may be absent.
 */
export type StateFields = Readonly<Record<string, 'count' | 'number' | 'tensor' | 'optional'>>;

/** PyTorch's form of an optimizer's state: parameters are numbered through all groups. */
export interface OptimizerStateDict {
  /** State by number of the parameter, under PyTorch's names. */
  readonly state: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Options of each group under PyTorch's names, and the numbers of its parameters. */
  readonly param_groups: readonly (Readonly<Record<string, unknown>> & { readonly params: readonly number[] })[];
}

/** Counts are float32 scalars, as PyTorch has them, as long as float32 holds them exactly. */
function countTensor(count: number): Tensor {
  return tensor(count, { dtype: Math.fround(count) === count ? 'float32' : 'float64' });
}

/** The state dictionary of groups and state. */
export function writeStateDict(groups: readonly ParamGroup[], states: ReadonlyMap<Tensor, ParamState>): OptimizerStateDict {
  let next = 0;
  const state: Record<string, Record<string, unknown>> = {};
  const packed = groups.map(({ params, ...options }) => {
    const numbers = params.map(() => next++);
    params.forEach((p, i) => {
      const own = states.get(p);
      if (own === undefined) return;
      state[numbers[i]] = Object.fromEntries(Object.entries(own).map(([key, v]) => [toSnakeCase(key), typeof v === 'number' ? countTensor(v) : v]));
    });
    return { ...Object.fromEntries(Object.entries(options).map(([key, v]) => [toSnakeCase(key), Array.isArray(v) ? [...v] : v])), params: numbers };
  });
  return { state, param_groups: packed };
}

/** What a state dictionary is compared with. */
export interface StateTarget<O extends OptimizerOptions> {
  readonly groups: readonly ParamGroup<O>[];
  readonly defaults: Readonly<O>;
  readonly check: (options: O) => void;
  readonly fields: (options: O, param: Tensor) => StateFields;
  /** The shape of a tensor of a parameter's state. */
  readonly shape: (name: string, param: Tensor) => Shape;
}

/** What was read, copied and ready to be set. */
export interface LoadedState<O extends OptimizerOptions, S extends ParamState> {
  readonly states: ReadonlyMap<Tensor, S>;
  readonly groups: readonly O[];
}

/** How PyTorch runs its kernels, which says nothing about the numbers, and what schedulers of ours keep themselves. */
const ignored = ['foreach', 'capturable', 'differentiable', 'fused', 'decoupled_weight_decay', 'param_names', 'swa_lr', 'max_lr', 'min_lr', 'base_momentum', 'max_momentum'];

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Tensor) && !(value instanceof Map);
}

/**
 * Compares a state dictionary with an optimizer and copies it.
 *
 * @throws StateError with every difference; ArgumentError when it is no state dictionary
 */
export function readStateDict<O extends OptimizerOptions, S extends ParamState>(name: string, dict: unknown, target: StateTarget<O>): LoadedState<O, S> {
  if (!isRecord(dict) || !isRecord(dict.state) || !Array.isArray(dict.param_groups)) {
    throw new ArgumentError(`${name}.loadStateDict: not a state dictionary, got ${show(dict)}; expected { state, param_groups }`);
  }
  const saved: readonly unknown[] = dict.param_groups;
  const problems = Object.keys(dict).filter((key) => key !== 'state' && key !== 'param_groups').map((key) => `unexpected: ${key}`);
  if (saved.length !== target.groups.length) problems.push(`groups: got ${saved.length}, expected ${target.groups.length}`);
  const places = new Map<string, { readonly param: Tensor; readonly options: O }>();
  const groups: O[] = [];
  target.groups.forEach((group, g) => {
    if (g >= saved.length) return;
    const options = readOptions(`param_groups[${g}]`, saved[g], target, problems);
    groups.push(options);
    const numbers = isRecord(saved[g]) ? saved[g].params : undefined;
    if (!Array.isArray(numbers) || numbers.length !== group.params.length) {
      problems.push(`param_groups[${g}].params: got ${Array.isArray(numbers) ? `${numbers.length} parameters` : show(numbers)}, expected ${group.params.length}`);
      return;
    }
    numbers.forEach((n: unknown, i) => {
      if (places.has(String(n))) problems.push(`param_groups[${g}].params: got ${show(n)} twice, expected each parameter once`);
      places.set(String(n), { param: group.params[i], options });
    });
  });
  const read = new Map<Tensor, Map<string, Tensor | number>>();
  // With groups that differ no number can be told from another, so that state is not compared.
  const comparable = problems.every((line) => !/^groups|\.params: /.test(line));
  for (const [key, value] of comparable ? Object.entries(dict.state) : []) {
    const place = places.get(key);
    if (place === undefined) problems.push(`unexpected: state[${key}], which belongs to no parameter`);
    else if (!isRecord(value)) problems.push(`state[${key}]: got ${show(value)}, expected an object`);
    else read.set(place.param, readParamState(`state[${key}]`, value, { param: place.param, fields: target.fields(place.options, place.param), shape: target.shape }, problems));
  }
  if (problems.length > 0) {
    throw new StateError(
      `${name}.loadStateDict: the state does not match, got ${problems.length} difference${problems.length === 1 ? '' : 's'}; expected the groups and parameters it was saved with\n${problems.map((line) => `  ${line}`).join('\n')}`,
      { values: { problems } },
    );
  }
  const states = new Map<Tensor, S>();
  for (const [param, fields] of read) if (fields.size > 0) states.set(param, Object.fromEntries([...fields].map(([key, v]) => [key, copyFor(param, v)])) as S);
  return { states, groups };
}

/** A flag that older files lack is false, as in PyTorch. */
function readOptions<O extends OptimizerOptions>(where: string, saved: unknown, { defaults, check }: StateTarget<O>, problems: string[]): O {
  const options: Record<string, unknown> = {};
  const before = problems.length;
  const known: Readonly<Record<string, unknown>> = { ...defaults };
  const given = isRecord(saved) ? saved : {};
  if (!isRecord(saved)) problems.push(`${where}: got ${show(saved)}, expected an object`);
  for (const [key, value] of Object.entries(given)) {
    const name = toCamelCase(key);
    if (key === 'params' || (ignored.includes(key) && !Object.hasOwn(known, name))) continue;
    if (!Object.hasOwn(known, name) && name !== 'initialLr') problems.push(`unexpected: ${where}.${key}`);
    else if (!sameKind(value, name === 'initialLr' ? 0 : known[name])) problems.push(`${where}.${key}: got ${show(value)}, expected something like ${show(known[name] ?? 0)}`);
    else options[name] = Array.isArray(value) ? value.slice() : value;
  }
  for (const name of Object.keys(known)) {
    if (Object.hasOwn(given, toSnakeCase(name))) continue;
    if (typeof known[name] === 'boolean') options[name] = false;
    else problems.push(`missing: ${where}.${toSnakeCase(name)}`);
  }
  const read = options as O & { readonly initialLr?: number };
  if (problems.length === before) {
    try {
      check(read);
      if (read.initialLr !== undefined) check({ ...read, lr: read.initialLr });
    } catch (error) {
      if (!(error instanceof PolyakError)) throw error;
      problems.push(`${where}: ${error.message}`);
    }
  }
  return read;
}

/** Whether a value is of a kind with another one. Where either is null, only the optimizer's own check can tell. */
function sameKind(value: unknown, like: unknown): boolean {
  if (value === null || like === null) return true;
  return Array.isArray(like) ? Array.isArray(value) && value.length === like.length : typeof value === typeof like;
}

/** What the state of a parameter is compared with. */
interface ParamTarget {
  readonly param: Tensor;
  readonly fields: StateFields;
  readonly shape: (name: string, param: Tensor) => Shape;
}

function readParamState(where: string, saved: Readonly<Record<string, unknown>>, { param, fields, shape }: ParamTarget, problems: string[]): Map<string, Tensor | number> {
  const out = new Map<string, Tensor | number>();
  for (const key of Object.keys(saved)) if (!Object.hasOwn(fields, toCamelCase(key))) problems.push(`unexpected: ${where}.${key}`);
  for (const [name, kind] of Object.entries(fields)) {
    const key = toSnakeCase(name);
    const value = saved[key];
    if (value === undefined || value === null) {
      if (kind !== 'optional') problems.push(`missing: ${where}.${key}`);
    } else if (kind === 'count') {
      const count = value instanceof Tensor && value.numel() === 1 ? value.item() : value;
      if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) out.set(name, count);
      else problems.push(`${where}.${key}: got ${show(count)}, expected a whole number ≥ 0`);
    } else if (kind === 'number') {
      const number = value instanceof Tensor && value.numel() === 1 ? value.item() : value;
      if (typeof number === 'number' && Number.isFinite(number)) out.set(name, number);
      else problems.push(`${where}.${key}: got ${show(number)}, expected a finite number`);
    } else if (!(value instanceof Tensor) || !sameShape(value.shape, shape(name, param)) || !canCast(value.dtype, param.dtype)) {
      problems.push(`${where}.${key}: got ${show(value)}, expected ${param.dtype}[${shape(name, param).join(', ')}]`);
    } else {
      out.set(name, value);
    }
  }
  return out;
}

function copyFor(param: Tensor, value: Tensor | number): Tensor | number {
  if (typeof value === 'number') return value;
  return noGrad(() => {
    const moved = value.detach().to(param);
    return moved.storage === value.storage ? moved.clone() : moved;
  });
}

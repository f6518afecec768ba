import { type DType, canCast } from '../core/dtype.ts';
import type { Storage } from '../core/storage.ts';
import { ArgumentError, StateError, checkOptions, show } from '../core/errors.ts';
import { sameShape } from '../core/shape.ts';
import { noGrad } from '../core/tape.ts';
import { Tensor } from '../core/tensor.ts';
import { type MemberHolder, join, places } from './traverse.ts';
import { isUninitialized } from './shapeless.ts';

/** Tensors by name: the state of a Module, and what checkpoint files hold. */
export type StateDict = Record<string, Tensor>;

/** Options of `stateDict`. */
export interface StateDictOptions {
  /** Goes before every key, as it is; default `''`. */
  readonly prefix?: string;
  /** Give the Parameters and Buffers themselves instead of detached tensors; default false. */
  readonly keepVars?: boolean;
}

/** Options of `loadStateDict`. */
export interface LoadStateDictOptions {
  /** Whether missing and unexpected keys are errors; default true. */
  readonly strict?: boolean;
  /** Take over the memory (and dtype) of the given tensors instead of copying their values; default false. */
  readonly assign?: boolean;
}

/** What `loadStateDict` found. */
export interface LoadStateDictResult {
  /** Keys of the module that the state lacks. */
  readonly missingKeys: readonly string[];
  /** Keys of the state that the module lacks. */
  readonly unexpectedKeys: readonly string[];
}

/** An object without prototype, so that no key clashes with `toString` and its like. */
export function emptyState<T = Tensor>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

/** Persistent tensors under every name they have: per module its parameters, then its buffers, then its children. */
export function stateEntries(root: MemberHolder): readonly (readonly [string, Tensor])[] {
  const entries: [string, Tensor][] = [];
  for (const { path, parameters, buffers } of places(root, '', true)) {
    for (const [key, tensor] of parameters) entries.push([join(path, key), tensor]);
    for (const [key, tensor] of buffers) if (tensor.persistent) entries.push([join(path, key), tensor]);
  }
  return entries;
}

/** Refuses anything but an object of values by name. */
function checkState(state: unknown): asserts state is Readonly<Record<string, unknown>> {
  if (typeof state !== 'object' || state === null || Array.isArray(state) || state instanceof Tensor || state instanceof Map) {
    throw new ArgumentError(`loadStateDict: not a state dictionary, got ${show(state)}; expected an object of tensors by name`);
  }
}

/** A module's way to adapt a state before names are matched, and where the module is. */
export type Adapter = readonly [path: string, adapt: (state: Record<string, unknown>) => Record<string, unknown>];

/** The state after every adapter has seen its own part, under names relative to its module. */
function adapted(state: Readonly<Record<string, unknown>>, adapters: readonly Adapter[]): Readonly<Record<string, unknown>> {
  let current = state;
  for (const [path, adapt] of adapters) {
    const prefix = path === '' ? '' : `${path}.`;
    const own = emptyState<unknown>();
    const next = emptyState<unknown>();
    for (const [key, value] of Object.entries(current)) {
      if (key.startsWith(prefix)) own[key.slice(prefix.length)] = value;
      else next[key] = value;
    }
    for (const [key, value] of Object.entries(adapt(own))) next[prefix + key] = value;
    current = next;
  }
  return current;
}

/** What keeps a value from being loaded into a tensor, or null. */
function misfit(key: string, target: Tensor, value: unknown, assign: boolean): string | null {
  if (!(value instanceof Tensor)) return `not a tensor: ${key}: got ${show(value)}, expected ${isUninitialized(target) ? 'a tensor' : show(target)}`;
  if (isUninitialized(value)) return isUninitialized(target) ? null : `shape: ${key}: got a tensor without shape, expected ${show(target)}`;
  if (!isUninitialized(target) && !sameShape(value.shape, target.shape)) return `shape: ${key}: got ${show(value)}, expected ${show(target)}`;
  if (!fitsDType(value.dtype, target.dtype, assign)) return `dtype: ${key}: got ${show(value)}, expected ${isUninitialized(target) ? target.dtype : show(target)}`;
  if (isUninitialized(target)) return null;
  if (assign && (target.node !== null || target.base !== null)) return `history: ${key}: got a recorded result or a view, expected a leaf`;
  if (!assign && target.strides.some((s, d) => s === 0 && target.shape[d] > 1)) return `memory: ${key}: several elements share one cell, expected a tensor of its own`;
  return null;
}

function fitsDType(from: DType, to: DType, assign: boolean): boolean {
  return canCast(from, to) && (!assign || canCast(to, from));
}

function count(n: number, what: string): string[] {
  return n === 0 ? [] : [`${n} ${what}`];
}

/**
 * Compares a state with a module's own, then copies it in: everything or nothing.
 *
 * @throws StateError with the whole difference, before anything is written
 */
export function loadState(
  name: string,
  root: MemberHolder,
  given: unknown,
  adapters: readonly Adapter[],
  options: LoadStateDictOptions | undefined,
): LoadStateDictResult {
  checkOptions('loadStateDict', options, ['strict', 'assign']);
  checkState(given);
  const { strict = true, assign = false } = options ?? {};
  const state = adapted(given, adapters);
  const expected = stateEntries(root);
  const known = new Set(expected.map(([key]) => key));
  const unexpectedKeys = Object.keys(state).filter((key) => !known.has(key));
  const missingKeys: string[] = [];
  const misfits: string[] = [];
  const pairs: [Tensor, Tensor][] = [];
  for (const [key, target] of expected) {
    if (!Object.hasOwn(state, key)) {
      missingKeys.push(key);
      continue;
    }
    const value = state[key];
    const problem = misfit(key, target, value, assign);
    if (problem !== null) misfits.push(problem);
    else if (value instanceof Tensor && !isUninitialized(value)) pairs.push([target, value]);
  }
  if (misfits.length > 0 || (strict && missingKeys.length + unexpectedKeys.length > 0)) {
    throw difference(name, strict ? missingKeys : [], strict ? unexpectedKeys : [], misfits);
  }
  noGrad(() => (assign ? assignAll(pairs) : copyAll(pairs)));
  return { missingKeys, unexpectedKeys };
}

function difference(name: string, missingKeys: readonly string[], unexpectedKeys: readonly string[], misfits: readonly string[]): StateError {
  const totals = [
    ...count(missingKeys.length, 'missing'),
    ...count(unexpectedKeys.length, 'unexpected'),
    ...count(misfits.length, misfits.length === 1 ? 'that does not fit' : 'that do not fit'),
  ];
  const lines = [...missingKeys.map((k) => `missing: ${k}`), ...unexpectedKeys.map((k) => `unexpected: ${k}`), ...misfits];
  return new StateError(
    `loadStateDict: the state does not match ${name}, got ${totals.join(', ')}; expected its names, shapes and dtypes\n${lines.map((l) => `  ${l}`).join('\n')}`,
    {
      values: { missingKeys, unexpectedKeys, misfits },
      ...(missingKeys.length + unexpectedKeys.length > 0 && { hint: '{ strict: false } ignores missing and unexpected names' }),
    },
  );
}

/** Values move to the device first, since that can fail; those that lie in memory about to be written are copied aside. */
function copyAll(pairs: readonly (readonly [Tensor, Tensor])[]): void {
  const written = new Set<Storage>(pairs.map(([target]) => target.storage));
  const ready = pairs.map(([target, value]): [Tensor, Tensor] => {
    const moved = value.device === target.device ? value.detach() : value.detach().to(target.device);
    return [target, written.has(moved.storage) && !sameMemory(moved, target) ? moved.clone() : moved];
  });
  for (const [target, value] of ready) {
    if (isUninitialized(target)) target.adopt(value.to(target.dtype).clone());
    else if (!sameMemory(target, value)) target.copy_(value);
  }
}

function sameMemory(a: Tensor, b: Tensor): boolean {
  return a.storage === b.storage && !isUninitialized(a) && !isUninitialized(b) && a.offset === b.offset && a.strides.every((s, d) => s === b.strides[d] || a.shape[d] <= 1);
}

function assignAll(pairs: readonly (readonly [Tensor, Tensor])[]): void {
  const ready = pairs.map(([target, value]): [Tensor, Tensor] => [target, value.detach()]);
  for (const [target, value] of ready) {
    if (isUninitialized(target)) target.adopt(value);
    else target.assign_(value);
  }
}

import { ArgumentError, StateError, checkOptions, show } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { toSnakeCase } from '../core/names.ts';
import { Buffer, Parameter } from './parameter.ts';

/** What has members: a Module. */
export interface MemberHolder {
  /** Members and other fields under their state-dictionary names, in order. */
  memberEntries(): Iterable<readonly [string, unknown]>;
}

/** Under this, a class that lists what lies in its own fields, though in another form, says that it does: with its prototype. */
export const fieldLister = Symbol('fieldLister');

/** Whether the members are what the own fields hold, so that looking at these is enough: not where a subclass lists them in its own way. */
export function listsFields(owner: MemberHolder): boolean {
  return fieldLister in owner && (owner[fieldLister] as MemberHolder).memberEntries === owner.memberEntries;
}

/** Arrays, Maps and plain objects in a field: their members count as those of an anonymous child module. */
export type Container = readonly unknown[] | ReadonlyMap<unknown, unknown> | Readonly<Record<string, unknown>>;

/** One module or container on the way through a tree, with the tensors it holds itself. */
export interface Place {
  /** Where it is: `''` for the root, else names joined by dots. */
  readonly path: string;
  readonly owner: MemberHolder | Container;
  readonly parameters: readonly (readonly [string, Parameter])[];
  readonly buffers: readonly (readonly [string, Buffer])[];
}

/** True for Modules. */
export function isHolder(value: unknown): value is MemberHolder {
  return typeof value === 'object' && value !== null && 'memberEntries' in value && typeof value.memberEntries === 'function';
}

/** True for arrays, Maps and plain objects. */
export function isContainer(value: unknown): value is Container {
  if (typeof value !== 'object' || value === null || value instanceof Tensor) return false;
  if (Array.isArray(value) || value instanceof Map) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** True for what a module lists: Parameters, Buffers and Modules. */
export function isMember(value: unknown): boolean {
  return value instanceof Parameter || value instanceof Buffer || isHolder(value);
}

function valuesOf(container: Container): Iterable<unknown> {
  if (Array.isArray(container) || container instanceof Map) return container.values();
  const values: unknown[] = Object.values(container);
  return values;
}

function entriesOf(owner: MemberHolder | Container): Iterable<readonly [unknown, unknown]> {
  if (isHolder(owner)) return owner.memberEntries();
  if (Array.isArray(owner)) return owner.map((value: unknown, i): [string, unknown] => [String(i), value]);
  if (owner instanceof Map) return owner;
  return Object.entries(owner).map(([name, value]): [string, unknown] => [toSnakeCase(name), value]);
}

/** `layers` and `0` → `layers.0`. */
export function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** One way through a tree. */
class Walk {
  readonly places: Place[] = [];
  private readonly every: boolean;
  private readonly depth: 'all' | 'children';
  /** What was visited; with `every` only what lies between the root and here. */
  private readonly seen = new Set<object>();
  /** Containers that hold data only, however deep. */
  private readonly barren = new Set<object>();

  constructor(every: boolean, depth: 'all' | 'children') {
    this.every = every;
    this.depth = depth;
  }

  visit(owner: MemberHolder | Container, path: string): void {
    if (this.seen.has(owner)) return;
    this.seen.add(owner);
    const parameters: [string, Parameter][] = [];
    const buffers: [string, Buffer][] = [];
    const children: [string, MemberHolder | Container][] = [];
    const keys = new Set<string>();
    for (const [name, value] of entriesOf(owner)) {
      const isInner = isContainer(value);
      if (isInner ? !this.bears(value) : !isMember(value)) continue;
      const key = checkKey(name, path, keys);
      if (value instanceof Parameter) parameters.push([key, value]);
      else if (value instanceof Buffer) buffers.push([key, value]);
      else if (isHolder(value) || isInner) children.push([key, value]);
    }
    this.places.push({ path, owner, parameters, buffers });
    if (this.depth === 'all' || this.places.length === 1 || !isHolder(owner)) {
      for (const [key, child] of children) this.visit(child, join(path, key));
    }
    if (this.every) this.seen.delete(owner);
  }

  /** Whether a container holds a member at any depth. */
  private bears(root: Container): boolean {
    if (this.barren.has(root)) return false;
    const reached = new Set<Container>([root]);
    for (const container of reached) {
      for (const value of valuesOf(container)) {
        if (isContainer(value)) reached.add(value);
        else if (isMember(value)) return true;
      }
    }
    for (const container of reached) this.barren.add(container);
    return false;
  }
}

function checkKey(name: unknown, path: string, keys: Set<string>): string {
  const where = path === '' ? 'the module' : `'${path}'`;
  if (typeof name !== 'string' && typeof name !== 'number') {
    throw new StateError(`Module: a member in a Map has no name, got key ${show(name)} in ${where}; expected string keys`);
  }
  const key = String(name);
  if (key === '' || key.includes('.')) {
    throw new StateError(`Module: a member's name cannot be part of a path, got '${key}' in ${where}; expected a name without dots`);
  }
  if (keys.has(key)) {
    throw new StateError(`Module: two members have one state-dictionary name, got '${key}' twice in ${where}; expected distinct names`, {
      hint: 'camelCase fields are stored in snake_case: aB and a_b are the same',
    });
  }
  keys.add(key);
  return key;
}

/**
 * The root and everything below it that can hold tensors, parents before children.
 *
 * @param root - a Module
 * @param path - the path of the root
 * @param every - false: each module once, under its first name. True: under every name; a reference back to a module that contains it is not
 * followed
 * @throws StateError when two members have the same name, or a name has a dot
 */
export function places(root: MemberHolder, path: string, every: boolean): readonly Place[] {
  const walk = new Walk(every, 'all');
  walk.visit(root, path);
  return walk.places;
}

/** The Modules directly below the root, each once; those in arrays, Maps and plain objects count as direct. */
export function childrenOf(root: MemberHolder): readonly (readonly [string, MemberHolder])[] {
  const walk = new Walk(false, 'children');
  walk.visit(root, '');
  const children: [string, MemberHolder][] = [];
  for (const { path, owner } of walk.places) if (owner !== root && isHolder(owner)) children.push([path, owner]);
  return children;
}

/** Options of `namedParameters` and `namedBuffers`. */
export interface NamedOptions {
  /** Goes before every name, followed by a dot; default none. */
  readonly prefix?: string;
  /** Look into submodules; default true. */
  readonly recurse?: boolean;
  /** List a tensor that has several names once, under the first; default true. */
  readonly removeDuplicate?: boolean;
}

/** Tensors under their full names, from the lists that `pick` takes from each place. */
export function namedTensors<T extends Tensor>(
  op: string,
  root: MemberHolder,
  pick: (place: Place) => readonly (readonly [string, T])[],
  options: NamedOptions | undefined,
): [string, T][] {
  checkOptions(op, options, ['prefix', 'recurse', 'removeDuplicate']);
  const once = options?.removeDuplicate ?? true;
  const all = places(root, options?.prefix ?? '', !once);
  const named: [string, T][] = [];
  const seen = new Set<T>();
  for (const place of (options?.recurse ?? true) ? all : all.slice(0, 1)) {
    for (const [key, tensor] of pick(place)) {
      if (once && seen.has(tensor)) continue;
      seen.add(tensor);
      named.push([join(place.path, key), tensor]);
    }
  }
  return named;
}

/** What is listed under a path; camelCase spellings of its parts are understood. */
export function lookUp<T>(op: string, path: string, named: readonly (readonly [string, T])[]): T {
  const key = typeof path === 'string' ? path.split('.').map(toSnakeCase).join('.') : path;
  const found = named.find(([name]) => name === path) ?? named.find(([name]) => name === key);
  if (found !== undefined) return found[1];
  const names = named.slice(0, 12).map(([name]) => `'${name}'`).join(', ');
  throw new ArgumentError(`${op}: no such path, got ${show(path)}; expected one of ${names}${named.length > 12 ? ', …' : ''}`);
}

/** Sets a field of a module to a member under a given name. */
export function register(op: string, owner: MemberHolder, name: string, value: Tensor | MemberHolder | null): void {
  if (typeof name !== 'string' || name === '' || name.includes('.')) {
    throw new ArgumentError(`${op}: invalid name, got ${show(name)}; expected a string without dots`);
  }
  const present: unknown = Reflect.get(owner, name);
  if (present !== undefined && present !== null && !isMember(present)) {
    throw new ArgumentError(`${op}: the name is taken, got '${name}' which is ${show(present)}; expected a name of its own`);
  }
  Reflect.set(owner, name, value);
}

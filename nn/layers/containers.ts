import { ArgumentError, StateError, show } from '../../core/errors.ts';
import { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { type MemberHolder, fieldLister } from '../traverse.ts';
import { Parameter } from '../parameter.ts';
import { formatModule } from '../repr.ts';
import { checkName, position } from './names.ts';

/** Named values: a Map, an object, or pairs. */
export type Named<T> = ReadonlyMap<string, T> | Readonly<Record<string, T>> | Iterable<readonly [string, T]>;

function pairsOf<T>(values: Named<T>): Iterable<readonly [string, T]> {
  return Symbol.iterator in values ? (values as Iterable<readonly [string, T]>) : Object.entries(values);
}

function noForward(name: string): StateError {
  return new StateError(`${name}: a container computes nothing, got a call of forward; expected calls of its entries`);
}

/** What lists and dictionaries share: entries that are members under their own names. */
abstract class Container extends Module {
  /** The entries as pairs of name and value. */
  protected abstract named(): Iterable<readonly [string, unknown]>;

  override memberEntries(): Iterable<readonly [string, unknown]> {
    const own = [...super.memberEntries()].filter(([key]) => key !== '_entries');
    return [...own, ...this.named()];
  }

  override get [fieldLister](): MemberHolder {
    return Container.prototype;
  }

  forward(..._inputs: never[]): never {
    throw noForward(this.constructor.name);
  }
}

abstract class List<T, In = T> extends Container {
  /** The entries, in order. */
  readonly _entries: T[] = [];

  constructor(values: Iterable<In> = []) {
    super();
    this.extend(values);
  }

  /** Checks a value and gives the entry for it. */
  protected abstract entry(value: In): T;

  protected named(): Iterable<readonly [string, unknown]> {
    return this._entries.map((value, i): [string, T] => [String(i), value]);
  }

  /** Number of entries. */
  get length(): number {
    return this._entries.length;
  }

  /** The entry at a position, negative from the end. @throws ArgumentError outside */
  at(index: number): T {
    return this._entries[position(this.constructor.name, index, this.length)];
  }

  /** Replaces the entry at a position. @throws ArgumentError outside */
  set(index: number, value: In): void {
    this._entries[position(this.constructor.name, index, this.length)] = this.entry(value);
  }

  /** Adds an entry at the end. Returns the list. */
  append(value: In): this {
    this._entries.push(this.entry(value));
    return this;
  }

  /** Adds entries at the end; all or none. Returns the list. */
  extend(values: Iterable<In>): this {
    this._entries.push(...[...values].map((value) => this.entry(value)));
    return this;
  }

  /** Removes the entry at a position (default the last) and gives it; those behind move down. @throws ArgumentError outside */
  pop(index = -1): T {
    return this._entries.splice(position(this.constructor.name, index, this.length), 1)[0];
  }

  [Symbol.iterator](): Iterator<T> {
    return this._entries[Symbol.iterator]();
  }
}

abstract class Dict<T, In = T> extends Container {
  /** The entries by name, in order. */
  readonly _entries: Map<string, T> = new Map();

  constructor(values: Named<In> = []) {
    super();
    this.update(values);
  }

  /** Checks a value and gives the entry for it. */
  protected abstract entry(value: In): T;

  protected named(): Iterable<readonly [string, unknown]> {
    return this._entries;
  }

  /** Number of entries. */
  get size(): number {
    return this._entries.size;
  }

  /** The entry of a name. @throws ArgumentError when there is none */
  get(name: string): T {
    const found = this._entries.get(name);
    if (found === undefined) {
      throw new ArgumentError(`${this.constructor.name}: no such name, got ${show(name)}; expected one of ${[...this._entries.keys()].join(', ')}`);
    }
    return found;
  }

  /** Whether there is an entry of this name. */
  has(name: string): boolean {
    return this._entries.has(name);
  }

  /** Sets an entry; a new name goes to the end. Returns the dictionary. */
  set(name: string, value: In): this {
    checkName(this.constructor.name, name);
    this._entries.set(name, this.entry(value));
    return this;
  }

  /** Sets several entries. Returns the dictionary. */
  update(values: Named<In>): this {
    for (const [name, value] of pairsOf(values)) this.set(name, value);
    return this;
  }

  /** Removes an entry; tells whether there was one. */
  delete(name: string): boolean {
    return this._entries.delete(name);
  }

  /** Removes an entry and gives it. @throws ArgumentError when there is none */
  pop(name: string): T {
    const found = this.get(name);
    this._entries.delete(name);
    return found;
  }

  /** Removes all entries. */
  clear(): void {
    this._entries.clear();
  }

  /** Names, in order. */
  keys(): IterableIterator<string> {
    return this._entries.keys();
  }

  /** Entries, in order. */
  values(): IterableIterator<T> {
    return this._entries.values();
  }

  /** Names and entries, in order. */
  entries(): IterableIterator<[string, T]> {
    return this._entries.entries();
  }

  [Symbol.iterator](): Iterator<[string, T]> {
    return this._entries.entries();
  }
}

function checkModule(name: string, value: unknown): void {
  if (!(value instanceof Module)) throw new ArgumentError(`${name}: not a Module, got ${show(value)}; expected a Module`);
}

function toParameter(name: string, value: Tensor): Parameter {
  if (!(value instanceof Tensor)) throw new ArgumentError(`${name}: not a tensor, got ${show(value)}; expected a Parameter or a tensor`);
  return value instanceof Parameter ? value : new Parameter(value);
}

/** Lines such as `(0): Parameter containing: [float32 of size 2x3]`. */
function print(name: string, named: Iterable<readonly [string, Parameter]>): string {
  const describe = (p: Parameter): string => `Parameter containing: [${p.dtype}${p.ndim === 0 ? '' : ` of size ${p.shape.join('x')}`}]`;
  return formatModule(name, '', [...named].map(([key, p]) => [key, describe(p)]));
}

/**
 * Modules by position: what an array field does, as a Module of its own (`0.weight`, `1.weight`).
 *
 * @throws ArgumentError for anything that is no Module
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ModuleList.html
 */
export class ModuleList<M extends Module = Module> extends List<M> {
  protected entry(value: M): M {
    checkModule('ModuleList', value);
    return value;
  }

  /** Puts a module before a position; those behind move up. @throws ArgumentError outside */
  insert(index: number, module: M): void {
    const at = index === this.length ? index : position('ModuleList', index, this.length);
    this._entries.splice(at, 0, this.entry(module));
  }

  /** Some of the modules as a list of its own, with Array's rules for the bounds. */
  slice(start?: number, end?: number): ModuleList<M> {
    return new ModuleList(this._entries.slice(start, end));
  }
}

/**
 * Modules by name: what a Map field does, as a Module of its own. Names are used as they are.
 *
 * @throws ArgumentError for anything that is no Module, or a name with a dot
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ModuleDict.html
 */
export class ModuleDict<M extends Module = Module> extends Dict<M> {
  protected entry(value: M): M {
    checkModule('ModuleDict', value);
    return value;
  }
}

/**
 * Parameters by position; plain tensors become Parameters.
 *
 * @throws ArgumentError for anything that is no tensor
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ParameterList.html
 */
export class ParameterList extends List<Parameter, Tensor> {
  protected entry(value: Tensor): Parameter {
    return toParameter('ParameterList', value);
  }

  override toString(): string {
    return print(this.constructor.name, this._entries.map((p, i) => [String(i), p]));
  }
}

/**
 * Parameters by name; plain tensors become Parameters. Names are used as they are.
 *
 * @throws ArgumentError for anything that is no tensor, or a name with a dot
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ParameterDict.html
 */
export class ParameterDict extends Dict<Parameter, Tensor> {
  protected entry(value: Tensor): Parameter {
    return toParameter('ParameterDict', value);
  }

  override toString(): string {
    return print(this.constructor.name, this._entries);
  }
}

import { ArgumentError, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { isPlainObject } from './tree.ts';

/** An object whose state can be taken and given back: models, optimizers, schedulers, averages, loaders. */
export interface Stateful {
  stateDict(): unknown;
  loadStateDict(state: never): unknown;
}

/** The same as a generator of random numbers offers it. */
export interface StatefulGenerator {
  getState(): unknown;
  setState(state: never): unknown;
}

/** Parts of a run by name: `Stateful` objects, generators, arrays or objects of these, and plain values. */
export type CheckpointParts = Readonly<Record<string, unknown>>;

/** One part: an object with a state, or a plain value. */
export type Slot = { readonly kind: 'state'; get(): unknown; set(state: unknown): void } | { readonly kind: 'value'; readonly value: unknown };

function isStateful(x: unknown): x is Stateful {
  return typeof x === 'object' && x !== null && 'stateDict' in x && typeof x.stateDict === 'function' && 'loadStateDict' in x && typeof x.loadStateDict === 'function';
}

function isGenerator(x: unknown): x is StatefulGenerator {
  return typeof x === 'object' && x !== null && 'getState' in x && typeof x.getState === 'function' && 'setState' in x && typeof x.setState === 'function';
}

function stateSlot(x: unknown): Slot | null {
  if (isStateful(x)) return { kind: 'state', get: () => x.stateDict(), set: (state) => void x.loadStateDict(state as never) };
  if (isGenerator(x)) return { kind: 'state', get: () => x.getState(), set: (state) => void x.setState(state as never) };
  return null;
}

/**
 * Every part under its name; a part that is an array or object of stateful objects becomes one part each (`averages.0`).
 *
 * @throws ArgumentError when `parts` is no object, two parts get one name, or stateful objects stand among plain values
 */
export function slotsOf(op: string, parts: unknown): Map<string, Slot> {
  if (!isPlainObject(parts)) throw new ArgumentError(`${op}: not parts by name, got ${show(parts)}; expected { model, optimizer, epoch: 3, … }`);
  const slots = new Map<string, Slot>();
  const put = (name: string, slot: Slot): void => {
    if (slots.has(name)) throw new ArgumentError(`${op}: two parts have one name, got '${name}' twice; expected distinct names`, { values: { name } });
    slots.set(name, slot);
  };
  for (const [name, part] of Object.entries(parts)) {
    const whole = stateSlot(part);
    const members = whole === null && (Array.isArray(part) || isPlainObject(part)) ? Object.entries(part) : [];
    const slotsOfMembers = members.map(([key, member]) => [key, stateSlot(member)] as const);
    if (whole !== null) put(name, whole);
    else if (slotsOfMembers.every(([, slot]) => slot === null)) put(name, { kind: 'value', value: checkValue(op, name, part) });
    else {
      for (const [key, slot] of slotsOfMembers) {
        if (slot === null) throw new ArgumentError(`${op}: objects with a state and plain values are mixed, got '${name}.${key}'; expected one kind in '${name}'`);
        put(`${name}.${key}`, slot);
      }
    }
  }
  return slots;
}

function checkValue(op: string, name: string, value: unknown): unknown {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !isPlainObject(value) && !(value instanceof Tensor)) {
    throw new ArgumentError(`${op}: part '${name}' has no state, got ${show(value)}; expected stateDict and loadStateDict, getState and setState, or a plain value`);
  }
  return value;
}

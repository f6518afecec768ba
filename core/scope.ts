import { StateError } from './errors.ts';
import { Storage } from './storage.ts';
import { Tensor } from './tensor.ts';

/**
 * Runs a function and gives back at once the memory of the results that operations made in it. An option for loops over results of a
 * megabyte and more, whose memory is then used again while it is in the cache; nothing needs it to be right.
 *
 * What stays: what the function returns (a tensor, or arrays, maps, sets and objects with tensors), what was kept with `keep`, what gradients
 * of a recorded result still need, parameters, buffers and gradients of leaves, and all that was not made by an operation (`zeros`, `tensor`).
 * A tensor that got out in another way, say into a variable outside, throws a StateError when it is read.
 *
 * @param fn - a synchronous function
 * @returns what `fn` returns
 * @throws StateError when `fn` returns a promise
 */
export function scope<T>(fn: () => T): T {
  const outer = Storage.scoped;
  const made: Storage[] = [];
  Storage.scoped = made;
  let result: T | undefined;
  let staying: ReadonlySet<Storage> = none;
  try {
    result = fn();
    if (result instanceof Promise) {
      throw new StateError('scope: the function is asynchronous, got a promise; expected a synchronous function', { hint: 'await first, and call scope around the tensor code' });
    }
    staying = storagesIn(result);
  } finally {
    Storage.scoped = outer;
    for (const storage of made) {
      if (!staying.has(storage)) storage.leaveScope();
      else if (outer !== null) outer.push(storage);
    }
  }
  return result;
}

/**
 * Lets tensors outlive the `scope` they were made in.
 *
 * @param value - a tensor, or arrays, maps, sets and objects with tensors
 * @returns the value
 */
export function keep<T>(value: T): T {
  for (const storage of storagesIn(value)) storage.pinned = true;
  return value;
}

const none: ReadonlySet<Storage> = new Set();

/** The blocks of all tensors that a value holds. */
function storagesIn(value: unknown): ReadonlySet<Storage> {
  if (typeof value !== 'object' || value === null) return none;
  const found = new Set<Storage>();
  const seen = new Set<object>();
  const todo: unknown[] = [value];
  while (todo.length > 0) {
    const next = todo.pop();
    if (typeof next !== 'object' || next === null || seen.has(next) || ArrayBuffer.isView(next)) continue;
    seen.add(next);
    if (next instanceof Tensor) {
      found.add(next.storage);
      if (next.gradient !== null) todo.push(next.gradient);
    } else if (next instanceof Map) for (const [k, v] of next) todo.push(k, v);
    else if (next instanceof Set) for (const v of next) todo.push(v);
    else for (const v of Object.values(next)) todo.push(v);
  }
  return found;
}

import { ArgumentError, StateError, show } from '../errors.ts';
import { clone, detach } from '../ops/view.ts';
import { noGrad } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { bareRecord } from './bare.ts';
import { METADATA } from './safetensors-header.ts';

/** Tensors and plain values, nested in objects and arrays: what state dictionaries consist of. */
export type StateTree = Tensor | null | undefined | boolean | number | bigint | string | readonly StateTree[] | { readonly [key: string]: StateTree };

/** A tree without its tensors, as JSON: they are named in it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A tree taken apart. */
export interface FlatTree {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly structure: Json;
}

// In the structure an object with one key that starts with a single '$' stands for what JSON lacks:
// { $tensor: name }, { $number: 'NaN' }, { $bigint: '12' }, { $undefined: true }, and { $bare: {…} } for an object without prototype.
// Keys of the tree itself that start with '$' get another one.

const DEPTH = 200;

/** True for `{…}` and for objects without prototype. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/**
 * Takes a tree apart into tensors, named by their path (`optimizer.state.0.expAvg`), and the rest as JSON.
 *
 * @throws ArgumentError for what is neither tensor nor plain value, and for trees that contain themselves
 */
export function flattenTree(op: string, tree: unknown): FlatTree {
  const tensors = bareRecord<Tensor>();
  const encode = (value: unknown, path: readonly string[]): Json => {
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
    if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: Object.is(value, -0) ? '-0' : String(value) };
    if (typeof value === 'bigint') return { $bigint: String(value) };
    if (value === undefined) return { $undefined: true };
    if (path.length > DEPTH) throw new ArgumentError(`${op}: too deeply nested, got more than ${DEPTH} levels at ${place(path)}; expected a tree that ends`);
    if (value instanceof Tensor) {
      const name = freeName(path.join('.'), tensors);
      tensors[name] = value;
      return { $tensor: name };
    }
    if (Array.isArray(value)) return Array.from(value, (item, i) => encode(item, [...path, String(i)]));
    if (!isPlainObject(value)) {
      throw new ArgumentError(`${op}: cannot be saved, got ${show(value)} at ${place(path)}; expected tensors, plain objects, arrays, numbers, texts, booleans or null`);
    }
    const out = bareRecord<Json>();
    for (const [key, item] of Object.entries(value)) out[key.startsWith('$') ? `$${key}` : key] = encode(item, [...path, key]);
    return Object.getPrototypeOf(value) === null ? { $bare: out } : out;
  };
  return { structure: encode(tree, []), tensors };
}

function place(path: readonly string[]): string {
  const shown = path.slice(0, 8).join('.');
  return path.length === 0 ? 'the top' : `'${shown}${path.length > 8 ? '…' : ''}'`;
}

/** Keys with dots can give one path to two tensors; the second gets a number. */
function freeName(path: string, taken: Readonly<Record<string, Tensor>>): string {
  let name = path;
  for (let n = 2; name in taken || name === METADATA; n++) name = `${path}#${n}`;
  return name;
}

/**
 * Puts a tree together again.
 *
 * @throws StateError when the structure names other tensors than there are, or is none
 */
export function unflattenTree(op: string, { tensors, structure }: { readonly tensors: Readonly<Record<string, Tensor>>; readonly structure: unknown }): StateTree {
  const unused = new Set(Object.keys(tensors));
  const bad = (got: unknown, expected: string): StateError => new StateError(`${op}: the structure of the file is wrong, got ${show(got)}; expected ${expected}`);
  const decodeObject = (source: Readonly<Record<string, unknown>>, bare: boolean, depth: number): StateTree => {
    const out = bare ? bareRecord<StateTree>() : {};
    for (const [key, item] of Object.entries(source)) {
      if (key.startsWith('$') && !key.startsWith('$$')) throw bad(key, 'no such mark');
      const value = decode(item, depth);
      Object.defineProperty(out, key.startsWith('$') ? key.slice(1) : key, { value, enumerable: true, writable: true, configurable: true });
    }
    return out;
  };
  const decode = (value: unknown, depth: number): StateTree => {
    if (value === null || typeof value === 'boolean' || typeof value === 'string' || typeof value === 'number') return value;
    if (depth > DEPTH + 1) throw bad(`more than ${DEPTH} levels`, 'fewer');
    if (Array.isArray(value)) return value.map((item) => decode(item, depth + 1));
    if (!isPlainObject(value)) throw bad(value, 'JSON');
    const keys = Object.keys(value);
    if (keys.length !== 1) return decodeObject(value, false, depth + 1);
    const content = value[keys[0]];
    switch (keys[0]) {
      case '$tensor':
        if (typeof content !== 'string' || !unused.delete(content)) throw bad(content, 'the name of a tensor that is used once');
        return tensors[content];
      case '$number':
        if (typeof content !== 'string' || !['NaN', 'Infinity', '-Infinity', '-0'].includes(content)) throw bad(content, 'a number');
        return Number(content);
      case '$bigint':
        if (typeof content !== 'string' || !/^-?\d+$/.test(content)) throw bad(content, 'a whole number');
        return BigInt(content);
      case '$undefined':
        return undefined;
      case '$bare':
        if (!isPlainObject(content)) throw bad(content, 'an object');
        return decodeObject(content, true, depth + 1);
      default:
        return decodeObject(value, false, depth + 1);
    }
  };
  const tree = decode(structure, 0);
  if (unused.size > 0) throw bad([...unused], 'no tensors beside those of the structure');
  return tree;
}

/** A copy of a tree that shares no tensor, array or object with it; anything else is taken as it is. */
export function copyTree(value: unknown): unknown {
  if (value instanceof Tensor) return noGrad(() => clone(detach(value)));
  if (Array.isArray(value)) return value.map(copyTree);
  if (!isPlainObject(value)) return value;
  const out = Object.getPrototypeOf(value) === null ? bareRecord<unknown>() : {};
  for (const [key, item] of Object.entries(value)) {
    Object.defineProperty(out, key, { value: copyTree(item), enumerable: true, writable: true, configurable: true });
  }
  return out;
}

/** What an error reports: the values that were found, as fields, and a hint for the reader. */
export interface ErrorDetails {
  /** A suggestion, printed on its own line. */
  readonly hint?: string;
  /** The values that were found, kept on the error for programs. */
  readonly values?: Readonly<Record<string, unknown>>;
}

/**
 * Base of the errors thrown by polyak. The message reads
 * `<op or class>: <fact>, got <values>; expected <rule>`, with a `hint:` line where one is known.
 */
export class PolyakError extends Error {
  override name = 'PolyakError';
  /** The values that were found. */
  readonly values: Readonly<Record<string, unknown>>;
  /** A suggestion, or an empty string. */
  readonly hint: string;
  constructor(message: string, details: ErrorDetails = {}) {
    super(details.hint === undefined ? message : `${message}\nhint: ${details.hint}`);
    this.values = details.values ?? {};
    this.hint = details.hint ?? '';
  }
}

/** Shapes, sizes, dimensions or indices do not fit. */
export class ShapeError extends PolyakError {
  override name = 'ShapeError';
}

/** Dtypes do not fit, or a value does not fit its dtype. */
export class DTypeError extends PolyakError {
  override name = 'DTypeError';
}

/** Tensors live on different devices, or a device lacks a kernel. */
export class DeviceError extends PolyakError {
  override name = 'DeviceError';
}

/** The call is right but comes at the wrong time: a freed graph, a stale saved value, a foreign file. */
export class StateError extends PolyakError {
  override name = 'StateError';
}

/** There is no room for a tensor; what was asked for and what is in use are in `values`. The next smaller request works. */
export class MemoryError extends PolyakError {
  override name = 'MemoryError';
}

/** An argument has the wrong type, is out of range, or is an option that does not exist. */
export class ArgumentError extends PolyakError {
  override name = 'ArgumentError';
}

/** A matrix does not allow what was asked for: it is singular, not positive definite, or has values that are not finite. */
export class LinAlgError extends PolyakError {
  override name = 'LinAlgError';
}

/** Prints a value for an error message: tensors as `float32[2, 3]`, the rest as short JSON. */
export function show(value: unknown): string {
  if (isTensorLike(value)) return `${value.dtype}[${value.shape.join(', ')}]`;
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return value.name === '' ? 'a function' : `function ${value.name}`;
  if (Array.isArray(value)) {
    const items = value.slice(0, 8).map(show).join(', ');
    return `[${items}${value.length > 8 ? `, … ${value.length} in all` : ''}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const name: unknown = value.constructor?.name;
    if (name !== 'Object' && typeof name === 'string') return `a ${name}`;
    return `{ ${Object.entries(value).slice(0, 8).map(([k, v]) => `${k}: ${show(v)}`).join(', ')} }`;
  }
  return String(value);
}

function isTensorLike(value: unknown): value is { dtype: string; shape: readonly number[] } {
  return typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value && Array.isArray(value.shape);
}

/**
 * Refuses options that do not exist.
 *
 * @param op - who asks, for the message
 * @param options - the options object a user passed, or undefined
 * @param allowed - the names that exist
 * @throws ArgumentError when `options` is not a plain object or holds a name outside `allowed`
 */
export function checkOptions(op: string, options: object | undefined, allowed: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options) || isTensorLike(options)) {
    throw new ArgumentError(`${op}: options are not an object, got ${show(options)}; expected { ${allowed.join(', ')} }`);
  }
  for (const key in options) {
    if (!allowed.includes(key)) {
      const list = allowed.length === 0 ? 'no options' : `one of ${allowed.join(', ')}`;
      const near = nearest(key, allowed);
      throw new ArgumentError(
        `${op}: unknown option, got '${key}'; expected ${list}`,
        near === undefined ? { values: { key } } : { values: { key }, hint: `did you mean '${near}'?` },
      );
    }
  }
}

/** The allowed name that differs only in case and underscores, or by one or two letters. */
export function nearest(key: string, allowed: readonly string[]): string | undefined {
  const plain = (s: string): string => s.replaceAll('_', '').toLowerCase();
  let best: string | undefined;
  let bestDistance = 3;
  for (const name of allowed) {
    const d = editDistance(plain(key), plain(name));
    if (d < bestDistance) [best, bestDistance] = [name, d];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length];
}

/**
 * Refuses a value that is not a number inside a range.
 *
 * @throws ArgumentError, or a RangeError-like message, when `test` is false or `value` is not a number
 */
export function checkNumber(op: string, name: string, value: unknown, rule: string, test: (v: number) => boolean): void {
  if (typeof value !== 'number' || !test(value)) {
    throw new ArgumentError(`${op}: invalid ${name}, got ${show(value)}; expected ${rule}`, { values: { [name]: value } });
  }
}

import { ArgumentError, checkNumber, checkOptions, show } from '../core/errors.ts';

/** Refuses anything but a finite number ≥ 0. */
export function checkNonNegative(op: string, name: string, value: unknown): void {
  checkNumber(op, name, value, 'a finite number ≥ 0', (v) => v >= 0 && Number.isFinite(v));
}

/** Refuses anything but a finite number. */
export function checkFinite(op: string, name: string, value: unknown): void {
  checkNumber(op, name, value, 'a finite number', Number.isFinite);
}

/** Refuses anything but true and false. */
export function checkFlag(op: string, name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new ArgumentError(`${op}: invalid ${name}, got ${show(value)}; expected true or false`, { values: { [name]: value } });
}

/** Refuses anything but two numbers from 0 up to and without 1. */
export function checkBetas(op: string, value: unknown): void {
  if (!Array.isArray(value) || value.length !== 2) {
    throw new ArgumentError(`${op}: invalid betas, got ${show(value)}; expected [beta1, beta2]`, { values: { betas: value } });
  }
  value.forEach((beta: unknown, i) => checkNumber(op, `betas[${i}]`, beta, '0 ≤ beta < 1', (v) => v >= 0 && v < 1));
}

/**
 * Options over their defaults; an option that is undefined keeps its default.
 *
 * @throws ArgumentError for a name outside the defaults
 */
export function withDefaults<O extends object>(op: string, options: Partial<O> | undefined, defaults: O): O {
  checkOptions(op, options, Object.keys(defaults));
  const out = { ...defaults };
  for (const key in defaults) {
    const value = options?.[key];
    if (value !== undefined) out[key] = value;
  }
  return out;
}

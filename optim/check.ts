import { ArgumentError, checkNumber, checkOptions, show } from '../core/errors.ts';
import { given } from '../core/given.ts';

/** Who refuses: a name, or an object whose class has it. Looking it up costs more than most checks. */
type Who = string | object;

const nameOf = (who: Who): string => (typeof who === 'string' ? who : who.constructor.name);

const never = (): boolean => false;

/** Refuses anything but a finite number ≥ 0. */
export function checkNonNegative(who: Who, name: string, value: unknown): void {
  if (!(typeof value === 'number' && value >= 0 && value < Infinity)) checkNumber(nameOf(who), name, value, 'a finite number ≥ 0', never);
}

/** Refuses anything but a finite number. */
export function checkFinite(who: Who, name: string, value: unknown): void {
  if (!Number.isFinite(value)) checkNumber(nameOf(who), name, value, 'a finite number', never);
}

/** Refuses anything but true and false. */
export function checkFlag(who: Who, name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new ArgumentError(`${nameOf(who)}: invalid ${name}, got ${show(value)}; expected true or false`, { values: { [name]: value } });
}

/** Refuses anything but two numbers from 0 up to and without 1. */
export function checkBetas(who: Who, value: unknown): void {
  if (!Array.isArray(value) || value.length !== 2) {
    throw new ArgumentError(`${nameOf(who)}: invalid betas, got ${show(value)}; expected [beta1, beta2]`, { values: { betas: value } });
  }
  for (let i = 0; i < 2; i++) {
    const beta: unknown = value[i];
    if (!(typeof beta === 'number' && beta >= 0 && beta < 1)) checkNumber(nameOf(who), `betas[${i}]`, beta, '0 ≤ beta < 1', never);
  }
}

/** Refuses anything but a number between 0 and 1, both excluded. */
export function checkBeta(who: Who, name: string, value: unknown): void {
  if (!(typeof value === 'number' && value > 0 && value < 1)) checkNumber(nameOf(who), name, value, `0 < ${name} < 1`, never);
}

/** One number for all groups, or one for each. */
export type PerGroup = number | readonly number[];

/** A number for each group. */
export function perGroup(who: Who, name: string, value: PerGroup, groups: number): readonly number[] {
  const list: readonly unknown[] = typeof value === 'number' ? new Array<number>(groups).fill(value) : value;
  if (!Array.isArray(list) || list.length !== groups || !list.every((v) => typeof v === 'number' && Number.isFinite(v))) {
    throw new ArgumentError(`${nameOf(who)}: invalid ${name}, got ${show(value)}; expected a number, or one for each of ${groups} groups`, { values: { [name]: value } });
  }
  return list as readonly number[];
}

/** Refuses anything but a number from 0 to 1. */
export function checkFraction(who: Who, name: string, value: unknown): void {
  if (!(typeof value === 'number' && value >= 0 && value <= 1)) checkNumber(nameOf(who), name, value, `0 ≤ ${name} ≤ 1`, never);
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

/** The settings of an optimizer from what stands behind its parameters: the learning rate by place or by name, and options. */
export function settingsOf<O extends { lr: number }>(op: string, args: readonly unknown[], defaults: O): O {
  const names = Object.keys(defaults) as (keyof Partial<O> & string)[];
  return withDefaults(op, given<Partial<O>>(op, ['lr'], args, names), defaults);
}

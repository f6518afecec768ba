import { ArgumentError, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';

/** A number, or a tensor of one element. */
export type Scalar = number | Tensor;

/** The number. @throws ArgumentError for anything else, also for a tensor of several elements */
export function scalarOf(who: string, name: string, value: unknown): number {
  if (typeof value === 'number') return value;
  if (value instanceof Tensor && value.numel() === 1) return Number(value.item());
  throw new ArgumentError(`${who}: ${name} is not one number, got ${show(value)}; expected a number or a tensor of one element`);
}

/** Refuses a text that is empty or none. */
export function checkText(who: string, name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) throw new ArgumentError(`${who}: ${name} is not a name, got ${show(value)}; expected a text`);
}

import { ArgumentError, checkOptions, show } from '../errors.ts';
import type { Expr } from '../expr.ts';
import { type Primitive, apply, applyInPlace } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { type Free, type Samples, checkTensor, free } from './define.ts';
import { floatsOnly, fused, numbersOnly } from './fused.ts';

/** The group of these operations in the table. */
export const family = 'activation';

/** PyTorch's name of a function in nn.functional. */
export const nn = (name: string): string => `nn.functional.${name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}`;

/** Whether an activation writes over its input. */
export interface InplaceOptions {
  /** Write the result over the input and return that; default false. */
  readonly inplace?: boolean;
}

/** Numbers by name, and `inplace`. */
export type Named<K extends string> = Partial<Readonly<Record<K, number>>> & InplaceOptions;

/** What a call asked for. */
interface Settings {
  /** The numbers, in the order of their names. */
  readonly values: readonly number[];
  readonly inplace: boolean;
}

/**
 * Reads numbers that PyTorch takes by position or by keyword: `(0.2)`, `({ negativeSlope: 0.2 })`, `(-1, { maxVal: 2 })`.
 *
 * @param defaults - the numbers by name, in PyTorch's order
 * @param given - what stood after the tensor: numbers, then at most one object
 * @throws ArgumentError for what is no number, is named twice, or does not exist
 */
export function readSettings(op: string, defaults: Readonly<Record<string, number>>, given: readonly unknown[]): Settings {
  const names = Object.keys(defaults);
  const values = Object.values(defaults);
  let inplace = false;
  given.forEach((item, i) => {
    if (item === undefined) return;
    if (typeof item !== 'object' || item === null) {
      if (i >= names.length) throw new ArgumentError(`${op}: too many numbers, got ${show(item)}; expected at most ${names.length} and options`);
      values[i] = numberOf(op, names[i], item);
      return;
    }
    checkOptions(op, item, [...names, 'inplace']);
    if (given.slice(i + 1).some((later) => later !== undefined)) throw new ArgumentError(`${op}: arguments after the options, got ${show(given[i + 1])}; expected options last`);
    for (const [name, value] of Object.entries(item)) {
      if (value === undefined) continue;
      if (name === 'inplace') {
        if (typeof value !== 'boolean') throw new ArgumentError(`${op}: inplace is not a boolean, got ${show(value)}; expected true or false`);
        inplace = value;
        continue;
      }
      const at = names.indexOf(name);
      if (at < i) throw new ArgumentError(`${op}: ${name} is given twice, got ${show(given[at])} and ${show(value)}; expected it once`);
      values[at] = numberOf(op, name, value);
    }
  });
  return { values, inplace };
}

function numberOf(op: string, name: string, value: unknown): number {
  if (typeof value !== 'number' || Number.isNaN(value)) throw new ArgumentError(`${op}: ${name} is not a number, got ${show(value)}; expected a number`);
  return value;
}

/** Numbers in the order of their names. */
export type Values = readonly number[];

/** An activation with its numbers by name, in PyTorch's order. */
export interface ActivationDefinition<K extends string> {
  readonly name: string;
  readonly defaults: Readonly<Record<K, number>>;
  readonly value: (x: Expr, p: Values) => Expr;
  readonly gradient: (g: Expr, x: Expr, p: Values) => Expr;
  /** How it is applied out of place, for those that do it in a way of their own. */
  readonly applied?: (op: Primitive<Values>) => (x: Tensor, p: Values) => Tensor;
  readonly curvature?: (x: Tensor, p: Values) => Tensor;
  readonly accepts?: 'numbers';
  readonly check?: (p: Values) => void;
  /** More arguments to try. */
  readonly tries?: readonly (readonly (number | Named<K>)[])[];
}

/** An activation without numbers. */
export type Plain = (x: Tensor, options?: InplaceOptions) => Tensor;
/** An activation with one number, by position or by name. */
export type WithOne<K extends string> = (x: Tensor, value?: number | Named<K>, options?: Named<K>) => Tensor;
/** An activation with two numbers, by position or by name. */
export type WithTwo<K extends string> = (x: Tensor, first?: number | Named<K>, second?: number | Named<K>, options?: Named<K>) => Tensor;

function rule<K extends string>({ name, accepts, value, gradient, curvature }: ActivationDefinition<K>): Primitive<Values> {
  return fused<Values>({
    name,
    accepts: accepts === 'numbers' ? numbersOnly(name) : floatsOnly(name),
    key: (p) => p.join(','),
    value,
    from: 'inputs',
    gradient,
    ...(curvature && { curvature }),
  });
}

/** The call of an activation: reads its numbers, and runs it out of place or in place. */
export function caller<K extends string>(d: ActivationDefinition<K>): WithTwo<K> {
  const op = rule(d);
  const run = d.applied?.(op) ?? ((x: Tensor, p: Values) => apply(op, [x], p));
  const usual: Values = Object.values<number>(d.defaults);
  return (x, ...given) => {
    checkTensor(d.name, x);
    if (given.length === 0) return run(x, usual);
    const { values, inplace } = readSettings(d.name, d.defaults, given);
    d.check?.(values);
    return inplace ? applyInPlace(op, [x], values) : run(x, values);
  };
}

/** The samples of an activation. */
export const triesOf = ({ tries = [] }: Pick<ActivationDefinition<string>, 'tries'>): Samples => (s) => [[s.float([2, 4], -4, 4)], [s.float([])], [s.float([0, 2])], ...tries.map((more) => [s.float([2, 4], -3, 3), ...more])];

/** Defines an activation as PyTorch has it: a function in nn.functional. */
export function activation<K extends string>(d: ActivationDefinition<K>): Free<WithTwo<K>> {
  return free({ name: d.name, family, torch: nn(d.name), samples: triesOf(d) }, caller(d));
}

import type { Device } from '../../core/storage.ts';
import { type DType, getDefaultDtype } from '../../core/dtype.ts';
import { ArgumentError, checkNumber, checkOptions, show } from '../../core/errors.ts';
import { empty } from '../../core/ops/creation.ts';
import type { InplaceOptions } from '../../core/ops/parametric.ts';
import { isInitializing } from '../initializing.ts';
import { Module } from '../module.ts';
import { noGrad } from '../../core/tape.ts';
import { Parameter } from '../parameter.ts';
import { type PlacedOrNamed, given } from '../../core/given.ts';

/** Options of every layer with parameters. */
export interface FactoryOptions {
  /** Element type of the parameters; default float32. */
  readonly dtype?: DType;
  /** Where the parameters live; default 'cpu'. */
  readonly device?: string | Device;
}

/** The names in `FactoryOptions`. */
export const factoryOptions = ['dtype', 'device'] as const;

/** An unfilled Parameter of a shape. */
export function newParameter(shape: readonly number[], { dtype = getDefaultDtype(), device = 'cpu' }: FactoryOptions): Parameter {
  return new Parameter(empty(shape, { dtype, device }));
}

/** Sets the scale of a normalisation to 1 and its shift to 0, where it has them. */
export function resetAffine(weight: Parameter | null, bias: Parameter | null = null): void {
  if (!isInitializing()) return;
  noGrad(() => {
    weight?.fill_(1);
    bias?.fill_(0);
  });
}

/** Refuses anything but an integer ≥ `min`. */
export function checkInteger(layer: string, name: string, value: unknown, min = 1): asserts value is number {
  checkNumber(layer, name, value, `an integer ≥ ${min}`, (v) => Number.isInteger(v) && v >= min);
}

/** Refuses anything but true and false. */
export function checkBoolean(layer: string, name: string, value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') throw new ArgumentError(`${layer}: ${name} is not a boolean, got ${show(value)}; expected true or false`);
}

/** Refuses probabilities outside 0 to 1. */
export function checkProbability(layer: string, value: unknown): asserts value is number {
  checkNumber(layer, 'p', value, 'a probability from 0 to 1', (v) => v >= 0 && v <= 1);
}

/** Refuses NaN, infinities and things that are no numbers. */
export function checkFinite(layer: string, name: string, value: unknown): asserts value is number {
  checkNumber(layer, name, value, 'a finite number', Number.isFinite);
}

/** Refuses a small number in a denominator that is not positive. */
export function checkEps(layer: string, value: unknown): asserts value is number {
  checkNumber(layer, 'eps', value, 'a number ≥ 0', (v) => v >= 0 && Number.isFinite(v));
}

/** A size per spatial dimension, from a number or a list. */
export function spatial(layer: string, name: string, value: unknown, rank: number, min: number): number[] {
  const sizes: unknown[] = Array.isArray(value) ? value : new Array<unknown>(rank).fill(value);
  if (sizes.length !== rank || !sizes.every((n) => typeof n === 'number' && Number.isInteger(n) && n >= min)) {
    throw new ArgumentError(`${layer}: invalid ${name}, got ${show(value)}; expected an integer ≥ ${min}, or ${rank} of them`, { values: { [name]: value } });
  }
  return sizes as number[];
}

/** A layer whose constructor takes nothing. */
export abstract class Plain extends Module {
  constructor(...extra: never[]) {
    super();
    const [first] = extra as readonly unknown[];
    if (first !== undefined) checkOptions(new.target.name, typeof first === 'object' && first !== null ? first : [first], []);
  }
}

/** What activations are made from that can write over their input. */
export type InplaceArguments = PlacedOrNamed<InplaceOptions, ['inplace']>;

/** An activation that can write over its input. */
export abstract class Inplace extends Module {
  readonly inplace: boolean;

  constructor(layer: string, ...args: InplaceArguments) {
    super();
    const { inplace = false } = given<InplaceOptions>(layer, ['inplace'], args);
    checkBoolean(layer, 'inplace', inplace);
    this.inplace = inplace;
  }

  /** The print form of the numbers, with `inplace` behind them where it is set. */
  protected describe(...numbers: readonly string[]): string {
    return [...numbers, ...(this.inplace ? ['inplace=True'] : [])].join(', ');
  }

  override extraRepr(): string {
    return this.describe();
  }
}

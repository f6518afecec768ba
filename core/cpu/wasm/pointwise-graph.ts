import type { Expr, Fn } from '../../expr.ts';
import { type V128, f32x4, i32x4, v128 } from './code.ts';
import type { FunctionBuilder } from './function.ts';
import { type Emit, longFunctions, shorter } from './longFunctions.ts';
import { bits, constant, signOf, where } from './math.ts';

/** A value as four floats, as four truths (all ones or all zeros per lane), or as both, as those who use it want it. */
export interface Lanes {
  readonly value: V128 | null;
  readonly mask: V128 | null;
}

/** What may be known of a step before a loop runs: everything, everything within a row, or nothing. */
export type Level = 'fixed' | 'row' | 'element';

const levels: readonly Level[] = ['fixed', 'row', 'element'];

/** One function of the expression, with its arguments before it in the list. */
interface Step {
  readonly fn: Expr['fn'];
  readonly args: readonly number[];
  readonly value: number;
  readonly level: Level;
}

const sign: Emit = (f, x) => {
  const passes = v128.or(f32x4.eq(x, constant(f, 0)), f32x4.ne(x, x));
  return where(passes, x, v128.or(signOf(f, x), constant(f, 1)));
};

/** Functions from floats to floats. */
const valueFunctions: Partial<Readonly<Record<Fn, Emit>>> = {
  neg: (_, x) => f32x4.neg(x), abs: (_, x) => f32x4.abs(x), sign, sqrt: (_, x) => f32x4.sqrt(x),
  floor: (_, x) => f32x4.floor(x), ceil: (_, x) => f32x4.ceil(x), trunc: (_, x) => f32x4.trunc(x), round: (_, x) => f32x4.nearest(x),
  add: (_, x, y) => f32x4.add(x, y), sub: (_, x, y) => f32x4.sub(x, y), mul: (_, x, y) => f32x4.mul(x, y), div: (_, x, y) => f32x4.div(x, y),
  min: (_, x, y) => f32x4.min(x, y), max: (_, x, y) => f32x4.max(x, y),
};

/** Functions from floats to truths. */
const comparisons: Partial<Readonly<Record<Fn, Emit>>> = {
  eq: (_, x, y) => f32x4.eq(x, y), ne: (_, x, y) => f32x4.ne(x, y), lt: (_, x, y) => f32x4.lt(x, y), le: (_, x, y) => f32x4.le(x, y),
  gt: (_, x, y) => f32x4.gt(x, y), ge: (_, x, y) => f32x4.ge(x, y), isNaN: (_, x) => f32x4.ne(x, x),
};

/** Functions from truths to truths. */
const logic: Partial<Readonly<Record<Fn, Emit>>> = {
  and: (_, x, y) => v128.and(x, y), or: (_, x, y) => v128.or(x, y), xor: (_, x, y) => v128.xor(x, y), not: (_, x) => v128.not(x),
};

/** Powers that are products and roots. */
const powers: ReadonlyMap<number, Emit> = new Map<number, Emit>([
  [1, (_, x) => x],
  [2, (_, x) => f32x4.mul(x, x)],
  [3, (_, x) => f32x4.mul(f32x4.mul(x, x), x)],
  [4, (f, x) => {
    const square = f.v128(f32x4.mul(x, x));
    return f32x4.mul(square, square);
  }],
  [-1, (f, x) => f32x4.div(constant(f, 1), x)],
  [-2, (f, x) => {
    const inverse = f.v128(f32x4.div(constant(f, 1), x));
    return f32x4.mul(inverse, inverse);
  }],
  [0.5, (f, x) => root(f, x)],
  [-0.5, (f, x) => f32x4.div(constant(f, 1), root(f, x))],
]);

/** `x ** 0.5`, which other than the root is +0 at -0 and infinite at -Infinity. */
const root = (f: FunctionBuilder, x: V128): V128 => where(f32x4.eq(x, constant(f, -Infinity)), constant(f, Infinity), f32x4.sqrt(f32x4.add(x, constant(f, 0))));

/** Whether a power with this exponent has code of its own. */
export const hasOwnPower = (exponent: number): boolean => powers.has(exponent);

/** Whether every function of the expression has a SIMD version. */
export function isVectorizable({ fn, args }: Expr): boolean {
  const known = fn === 'arg' || fn === 'const' || fn === 'select' || fn in valueFunctions || fn in longFunctions || fn in comparisons || fn in logic;
  return known && args.every(isVectorizable);
}

/** Whether the result is the same to the bit as that of doubles that are rounded to floats after every function. */
export function isExact({ fn, args, value }: Expr): boolean {
  if (fn === 'const') return Object.is(Math.fround(value), value);
  return (fn === 'arg' || fn === 'select' || fn in valueFunctions || fn in comparisons || fn in logic) && args.every(isExact);
}

/** What a kernel wants of the result. */
export type Form = keyof Lanes;

/**
 * An expression as a list of steps, equal parts once. A kernel writes the steps of each level where they belong: what is fixed before the
 * loops, what belongs to a row at its start, the rest for every four elements.
 */
export class Graph {
  private readonly steps: Step[] = [];
  private readonly wanted: { value: boolean; mask: boolean }[] = [];
  /**
   * How many vectors a loop works on at a time: enough to find work while a result is waited for, and few enough to keep most values in registers. Even, so that a compiler can join
   * vectors in pairs.
   */
  readonly abreast: 4 | 6;

  /**
   * @param levelOf - the level of an argument
   */
  constructor(roots: readonly Expr[], form: Form, levelOf: (argument: number) => Level) {
    const ids = new Map<string, number>();
    const seen = new Map<Expr, number>();
    const visit = (x: Expr): number => {
      const known = seen.get(x);
      if (known !== undefined) return known;
      const { fn, args, value } = x;
      const inner = args.map(visit);
      const key = `${fn}:${inner.join(',')}:${Object.is(value, -0) ? '-0' : value}`;
      let id = ids.get(key);
      if (id === undefined) {
        const own = fn === 'arg' ? levelOf(value) : 'fixed';
        const level = inner.reduce((most, i) => (levels.indexOf(this.steps[i].level) > levels.indexOf(most) ? this.steps[i].level : most), own);
        id = this.steps.push({ fn, args: inner, value, level }) - 1;
        ids.set(key, id);
        this.wanted.push({ value: false, mask: false });
      }
      seen.set(x, id);
      return id;
    };
    this.roots = roots.map(visit);
    for (const root of this.roots) this.wanted[root][form] = true;
    for (let id = this.steps.length - 1; id >= 0; id--) {
      const { fn, args } = this.steps[id];
      args.forEach((a, i) => {
        const truth = (fn !== 'arg' && fn !== 'const' && fn in logic) || (fn === 'select' && i === 0);
        this.wanted[a][truth ? 'mask' : 'value'] = true;
      });
    }
    const long = this.steps.filter(({ fn, args }) => fn in longFunctions && !(fn === 'pow' && this.powerOf(args[1]) !== undefined));
    this.abreast = long.length === 1 && shorter.some((fn) => fn === long[0].fn) ? 6 : 4;
  }

  /** Where the results stand among the steps. */
  readonly roots: readonly number[];

  private powerOf(exponent: number): Emit | undefined {
    const { fn, value } = this.steps[exponent];
    return fn === 'const' ? powers.get(value) : undefined;
  }

  /**
   * Writes the steps of one level.
   *
   * @param done - what the steps of earlier levels have given; this level's results are added
   * @param load - reads an argument
   */
  emit(f: FunctionBuilder, level: Level, done: (Lanes | undefined)[], load: (argument: number) => Lanes): void {
    this.steps.forEach((step, id) => {
      if (step.level === level) done[id] = this.both(f, this.compute(f, step, done, load), this.wanted[id]);
    });
  }

  private compute(f: FunctionBuilder, { fn, args, value }: Step, done: readonly (Lanes | undefined)[], load: (argument: number) => Lanes): Lanes {
    if (fn === 'arg') return load(value);
    if (fn === 'const') return { value: constant(f, value), mask: null };
    const valueOf = (i: number): V128 => get(done[args[i]]?.value);
    const maskOf = (i: number): V128 => get(done[args[i]]?.mask);
    if (fn === 'select') return { value: f.v128(this.select(args, maskOf(0), valueOf)), mask: null };
    const compare = comparisons[fn];
    if (compare !== undefined) return { value: null, mask: f.v128(compare(f, ...args.map((_, i) => valueOf(i)))) };
    const truth = logic[fn];
    if (truth !== undefined) return { value: null, mask: f.v128(truth(f, ...args.map((_, i) => maskOf(i)))) };
    const power = fn === 'pow' ? this.powerOf(args[1]) : undefined;
    if (power !== undefined) return { value: f.v128(power(f, valueOf(0))), mask: null };
    const emit = get(valueFunctions[fn] ?? longFunctions[fn]);
    return { value: f.v128(emit(f, ...args.map((_, i) => valueOf(i)))), mask: null };
  }

  private select(args: readonly number[], mask: V128, valueOf: (i: number) => V128): V128 {
    // Zeros need no blending.
    const isZero = (i: number): boolean => this.steps[args[i]].fn === 'const' && Object.is(this.steps[args[i]].value, 0);
    if (isZero(1)) return v128.andNot(valueOf(2), mask);
    if (isZero(2)) return v128.and(valueOf(1), mask);
    return where(mask, valueOf(1), valueOf(2));
  }

  /** Adds the form that is missing. */
  private both(f: FunctionBuilder, { value, mask }: Lanes, wanted: { readonly value: boolean; readonly mask: boolean }): Lanes {
    return {
      value: value ?? (wanted.value && mask !== null ? f.v128(v128.and(mask, constant(f, 1))) : null),
      mask: mask ?? (wanted.mask && value !== null ? f.v128(f32x4.ne(value, constant(f, 0))) : null),
    };
  }
}

/** Integers as floats and as truths; code that is not used is dropped by the compiler. */
export const lanesOfIntegers = (f: FunctionBuilder, x: V128): Lanes => ({ value: f.v128(f32x4.convertI32x4(x)), mask: f.v128(i32x4.ne(x, bits(f, 0))) });

function get<T>(x: T | null | undefined): T {
  if (x === null || x === undefined) throw new Error('pointwise: a value is used that was not made');
  return x;
}

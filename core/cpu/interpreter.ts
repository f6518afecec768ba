import { type Expr, type Fn, type Library, library } from '../expr.ts';
import * as special from './special.ts';

type Apply = (x: number, y: number, z: number) => number;

/** 1 or 0. */
const bit = (b: boolean): number => (b ? 1 : 0);

/** What the functions of the expression language do, on doubles. */
const functions: Readonly<Record<Exclude<Fn, Library>, Apply>> = {
  neg: (x) => -x, abs: Math.abs, sign: Math.sign, floor: Math.floor, ceil: Math.ceil, trunc: Math.trunc, round: special.roundEven,
  sqrt: Math.sqrt, exp: Math.exp, exp2: special.exp2, expm1: Math.expm1, log: Math.log, log2: Math.log2, log10: Math.log10, log1p: Math.log1p,
  sin: Math.sin, cos: Math.cos, tan: Math.tan, asin: Math.asin, acos: Math.acos, atan: Math.atan,
  sinh: Math.sinh, cosh: Math.cosh, tanh: Math.tanh, asinh: Math.asinh, acosh: Math.acosh, atanh: Math.atanh,
  erf: special.erf, erfc: special.erfc, normalCdf: special.normalCdf, geluSlope: special.geluSlope,
  not: (x) => bit(x === 0), isNaN: (x) => bit(x !== x), bitNot: (x) => ~x,
  add: (x, y) => x + y, sub: (x, y) => x - y, mul: (x, y) => x * y, div: (x, y) => x / y, pow: special.pow, mod: special.mod,
  atan2: Math.atan2, hypot: (x, y) => Math.hypot(x, y),
  min: (x, y) => Math.min(x, y), max: (x, y) => Math.max(x, y),
  eq: (x, y) => bit(x === y), ne: (x, y) => bit(x !== y), lt: (x, y) => bit(x < y), le: (x, y) => bit(x <= y), gt: (x, y) => bit(x > y), ge: (x, y) => bit(x >= y),
  and: (x, y) => bit(x !== 0 && y !== 0), or: (x, y) => bit(x !== 0 || y !== 0), xor: (x, y) => bit((x !== 0) !== (y !== 0)),
  bitAnd: (x, y) => x & y, bitOr: (x, y) => x | y, bitXor: (x, y) => x ^ y, shl: (x, y) => x << y, shr: (x, y) => x >> y,
  select: (c, x, y) => (c !== 0 ? x : y),
};

/** What a function does, be it one of the library. */
function applyOf(fn: Fn): Apply {
  const apply = fn in functions ? functions[fn as Exclude<Fn, Library>] : library[fn as Library];
  if (apply === undefined) throw new Error(`the function '${fn}' is not in the library`);
  return apply;
}

/** Computes expressions from their arguments; the results stay good until the next call. */
export type Interpreter = (args: ArrayLike<number>) => readonly number[];

/**
 * Computes expressions without making code of them, with the bits that the code would give: for pages whose Content-Security-Policy forbids
 * that. Shared parts are computed once.
 *
 * @param rounded - applied to every intermediate value
 */
export function interpreter(roots: readonly Expr[], rounded: (x: number) => number = (x) => x): Interpreter {
  const slots: number[] = [];
  const loads: (readonly [slot: number, argument: number])[] = [];
  const steps: (readonly [apply: Apply, slot: number, x: number, y: number, z: number])[] = [];
  const known = new Map<Expr, number>();
  const visit = (x: Expr): number => {
    const seen = known.get(x);
    if (seen !== undefined) return seen;
    const [a = 0, b = 0, c = 0] = x.args.map(visit);
    const slot = slots.push(x.value) - 1;
    known.set(x, slot);
    if (x.fn === 'arg') loads.push([slot, x.value]);
    else if (x.fn !== 'const') steps.push([applyOf(x.fn), slot, a, b, c]);
    return slot;
  };
  const ends = roots.map(visit);
  const results = ends.map(() => 0);
  return (args) => {
    for (const [slot, argument] of loads) slots[slot] = args[argument];
    for (const [apply, slot, x, y, z] of steps) slots[slot] = rounded(apply(slots[x], slots[y], slots[z]));
    for (let i = 0; i < ends.length; i++) results[i] = slots[ends[i]];
    return results;
  };
}

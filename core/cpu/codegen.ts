import type { DType } from '../dtype.ts';
import { checkRange } from '../dtype.ts';
import { type Expr, type Fn, type Library, library } from '../expr.ts';
import { erf, erfc, exp2, geluSlope, mod, normalCdf, pow, roundEven } from './special.ts';

const math = (name: string) => (x: string): string => `Math.${name}(${x})`;
const helper = (name: string) => (...args: string[]): string => `h.${name}(${args.join(',')})`;
const infix = (op: string) => (x: string, y: string): string => `(${x}${op}${y})`;
const test = (op: string) => (x: string, y: string): string => `(${x}${op}${y}?1:0)`;

/** JavaScript for each function of the expression language, on doubles. */
const source: Readonly<Record<Exclude<Fn, Library>, (...args: string[]) => string>> = {
  neg: (x) => `(-${x})`, abs: math('abs'), sign: math('sign'), floor: math('floor'), ceil: math('ceil'), trunc: math('trunc'), round: helper('roundEven'),
  sqrt: math('sqrt'), exp: math('exp'), exp2: helper('exp2'), expm1: math('expm1'), log: math('log'), log2: math('log2'), log10: math('log10'), log1p: math('log1p'),
  sin: math('sin'), cos: math('cos'), tan: math('tan'), asin: math('asin'), acos: math('acos'), atan: math('atan'),
  sinh: math('sinh'), cosh: math('cosh'), tanh: math('tanh'), asinh: math('asinh'), acosh: math('acosh'), atanh: math('atanh'),
  erf: helper('erf'), erfc: helper('erfc'), normalCdf: helper('normalCdf'), geluSlope: helper('geluSlope'),
  not: (x) => `(${x}===0?1:0)`, isNaN: (x) => `(${x}!==${x}?1:0)`, bitNot: (x) => `(~${x})`,
  add: infix('+'), sub: infix('-'), mul: infix('*'), div: infix('/'), pow: helper('pow'), mod: helper('mod'),
  atan2: (x, y) => `Math.atan2(${x},${y})`, hypot: (x, y) => `Math.hypot(${x},${y})`,
  min: (x, y) => `Math.min(${x},${y})`, max: (x, y) => `Math.max(${x},${y})`,
  eq: test('==='), ne: test('!=='), lt: test('<'), le: test('<='), gt: test('>'), ge: test('>='),
  and: (x, y) => `(${x}!==0&&${y}!==0?1:0)`, or: (x, y) => `(${x}!==0||${y}!==0?1:0)`, xor: (x, y) => `((${x}!==0)!==(${y}!==0)?1:0)`,
  bitAnd: infix('&'), bitOr: infix('|'), bitXor: infix('^'), shl: infix('<<'), shr: infix('>>'),
  select: (c, x, y) => `(${c}!==0?${x}:${y})`,
};

/** A call of one of the functions above, or of the library. */
function written(fn: Fn, args: readonly string[]): string {
  return fn in source ? source[fn as Exclude<Fn, Library>](...args) : `l.${fn}(${args.join(',')})`;
}

const number = (v: number): string => (Object.is(v, -0) ? '(-0)' : v < 0 ? `(${v})` : String(v));

/**
 * Statements that compute an expression, shared parts once, and the name or literal that holds the result. Several expressions share their
 * parts when they are given the same `names`; `rounded` wraps each intermediate value.
 */
export function statements(
  root: Expr,
  argument: (i: number) => string,
  rounded: (text: string) => string = (text) => text,
  names: Map<Expr, string> = new Map(),
): { readonly body: string; readonly result: string } {
  const lines: string[] = [];
  const visit = (x: Expr): string => {
    if (x.fn === 'const') return number(x.value);
    if (x.fn === 'arg') return argument(x.value);
    const known = names.get(x);
    if (known !== undefined) return known;
    const text = written(x.fn, x.args.map(visit));
    const name = `t${names.size}`;
    names.set(x, name);
    lines.push(`const ${name}=${rounded(text)};`);
    return name;
  };
  const result = visit(root);
  return { body: lines.join(''), result };
}

/** How a result is stored: bool as 0 or 1, int64 with a range check, the rest as the array converts it. */
export function stored(dtype: DType, result: string): string {
  if (dtype === 'bool') return `(${result}!==0?1:0)`;
  if (dtype === 'int64') return `h.whole(${result})`;
  return result;
}

/** Refuses int64 results beyond the 32 bits kept in memory. */
function whole(x: number): number {
  const v = Math.trunc(x);
  if (v > 2147483647 || v < -2147483648) checkRange('int64', v, 'int64');
  return v;
}

const helpers = { erf, erfc, exp2, geluSlope, mod, normalCdf, pow, roundEven, whole };

/** What `stored` does, as a function. */
export function store(dtype: DType, x: number): number {
  if (dtype === 'bool') return x !== 0 ? 1 : 0;
  return dtype === 'int64' ? whole(x) : x;
}

/** Whether strings can become code: a page's Content-Security-Policy may forbid it. */
let allowed = true;

/**
 * Compiles generated source with the helpers in scope as `h` and the library as `l`.
 *
 * @param interpreted - makes a function that does the same where code cannot be generated
 */
export function compile<F>(parameters: readonly string[], body: string, interpreted: () => F): F {
  if (!allowed) return interpreted();
  try {
    return new Function('h', 'l', `"use strict";return function(${parameters.join(',')}){${body}}`)(helpers, library) as F;
  } catch (error) {
    if (!(error instanceof EvalError)) throw error;
    allowed = false;
    return interpreted();
  }
}

/** Has functions interpreted as where code cannot be generated, or not, and returns what it was: tests compare both. */
export function setCodeAllowed(on: boolean): boolean {
  const before = allowed;
  allowed = on;
  return before;
}

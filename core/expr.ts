/**
 * The language pointwise kernels are written in. An expression is data, so that every device makes its own code from it:
 * the CPU reference makes JavaScript, other back ends make theirs.
 */
export interface Expr {
  /** 'arg', 'const', or the name of a function below. */
  readonly fn: Fn | 'arg' | 'const';
  readonly args: readonly Expr[];
  /** The constant, or the number of the argument. */
  readonly value: number;
}

/** A fold over elements: where it starts, how it takes in one element, what it makes of the total. */
export interface Fold {
  readonly start: number;
  readonly step: (total: Expr, x: Expr) => Expr;
  readonly finish?: (total: Expr, count: Expr) => Expr;
}

/** A number stands for a constant. */
export type ExprLike = Expr | number;

/** Functions of one argument that kernels call by name; see `library1`. */
type Library1 =
  | 'erfcx' | 'logNdtr' | 'ndtri' | 'i0' | 'i0e' | 'i1' | 'i1e' | 'k0' | 'k0e' | 'k1' | 'k1e' | 'j0' | 'j1' | 'y0' | 'y1' | 'sphericalJ0' | 'airyAi'
  | 'erfinv' | 'lgamma' | 'digamma' | 'signBit' | 'exponentOf' | 'mantissaOf';
/** Functions of two arguments that kernels call by name; see `library2`. */
type Library2 =
  | 'zeta' | 'igamma' | 'igammac' | 'copySign' | 'nextSingle' | 'nextDouble' | 'gcd'
  | 'chebyshevT' | 'chebyshevU' | 'chebyshevV' | 'chebyshevW' | 'hermiteH' | 'hermiteHe' | 'laguerreL' | 'legendreP';
/** Names of both. */
export type Library = Library1 | Library2;

/** Functions of one argument. Comparisons and logic give 1 or 0. */
export type Fn1 =
  | 'neg' | 'abs' | 'sign' | 'floor' | 'ceil' | 'trunc' | 'round' | 'sqrt' | 'exp' | 'exp2' | 'expm1' | 'log' | 'log2' | 'log10' | 'log1p'
  | 'sin' | 'cos' | 'tan' | 'asin' | 'acos' | 'atan' | 'sinh' | 'cosh' | 'tanh' | 'asinh' | 'acosh' | 'atanh'
  | 'erf' | 'erfc' | 'normalCdf' | 'geluSlope' | 'not' | 'isNaN' | 'bitNot' | Library1;
/** Functions of two arguments; `min` and `max` pass NaN on. */
export type Fn2 =
  | 'add' | 'sub' | 'mul' | 'div' | 'pow' | 'mod' | 'atan2' | 'min' | 'max' | 'hypot'
  | 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'and' | 'or' | 'xor' | 'bitAnd' | 'bitOr' | 'bitXor' | 'shl' | 'shr' | Library2;
/** All functions; `select(c, a, b)` is `a` where `c` is not 0. */
export type Fn = Fn1 | Fn2 | 'select';

const lift = (x: ExprLike): Expr => (typeof x === 'number' ? { fn: 'const', args: [], value: x } : x);
const call = (fn: Fn, ...args: ExprLike[]): Expr => ({ fn, args: args.map(lift), value: 0 });

const fn1 = (fn: Fn1) => (x: ExprLike): Expr => call(fn, x);
const fn2 = (fn: Fn2) => (x: ExprLike, y: ExprLike): Expr => call(fn, x, y);

type Build = { readonly [K in Exclude<Fn1, Library>]: (x: ExprLike) => Expr } & { readonly [K in Exclude<Fn2, Library>]: (x: ExprLike, y: ExprLike) => Expr } & {
  readonly select: (condition: ExprLike, yes: ExprLike, no: ExprLike) => Expr;
};

/** What the functions of the library do, on doubles. */
export const library: Partial<Record<Library, (x: number, y: number) => number>> = {};

/** A function of one argument that not every program needs: whoever builds with it brings what it does. */
export function library1(name: Library1, apply: (x: number) => number): (x: ExprLike) => Expr {
  library[name] = apply;
  return fn1(name);
}

/** The same with two arguments; those of a degree have it second. */
export function library2(name: Library2, apply: (x: number, y: number) => number): (x: ExprLike, y: ExprLike) => Expr {
  library[name] = apply;
  return fn2(name);
}

/** Builds expressions: `e.div(1, e.add(1, e.exp(e.neg(x))))`. */
export const e: Build = {
  neg: fn1('neg'), abs: fn1('abs'), sign: fn1('sign'), floor: fn1('floor'), ceil: fn1('ceil'), trunc: fn1('trunc'), round: fn1('round'),
  sqrt: fn1('sqrt'), exp: fn1('exp'), exp2: fn1('exp2'), expm1: fn1('expm1'), log: fn1('log'), log2: fn1('log2'), log10: fn1('log10'), log1p: fn1('log1p'),
  sin: fn1('sin'), cos: fn1('cos'), tan: fn1('tan'), asin: fn1('asin'), acos: fn1('acos'), atan: fn1('atan'),
  sinh: fn1('sinh'), cosh: fn1('cosh'), tanh: fn1('tanh'), asinh: fn1('asinh'), acosh: fn1('acosh'), atanh: fn1('atanh'),
  erf: fn1('erf'), erfc: fn1('erfc'), normalCdf: fn1('normalCdf'), geluSlope: fn1('geluSlope'),
  not: fn1('not'), isNaN: fn1('isNaN'), bitNot: fn1('bitNot'),
  add: fn2('add'), sub: fn2('sub'), mul: fn2('mul'), div: fn2('div'), pow: fn2('pow'), mod: fn2('mod'), atan2: fn2('atan2'), hypot: fn2('hypot'),
  min: fn2('min'), max: fn2('max'), eq: fn2('eq'), ne: fn2('ne'), lt: fn2('lt'), le: fn2('le'), gt: fn2('gt'), ge: fn2('ge'),
  and: fn2('and'), or: fn2('or'), xor: fn2('xor'), bitAnd: fn2('bitAnd'), bitOr: fn2('bitOr'), bitXor: fn2('bitXor'), shl: fn2('shl'), shr: fn2('shr'),
  select: (condition, yes, no) => call('select', condition, yes, no),
};

/** Argument number `i` of a kernel. */
export const arg = (i: number): Expr => ({ fn: 'arg', args: [], value: i });

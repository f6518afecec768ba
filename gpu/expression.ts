import { DeviceError } from '../core/errors.ts';
import type { DType } from '../core/dtype.ts';
import type { Expr, Fn } from '../core/expr.ts';

type Print = (...args: string[]) => string;

const call = (name: string): Print => (...args) => `${name}(${args.join(', ')})`;
const infix = (op: string): Print => (x, y) => `(${x} ${op} ${y})`;
const test = (condition: (...args: string[]) => string): Print => (...args) => `(${condition(...args)} ? 1 : 0)`;

/** The language of gpu.js for each function of the expression language that a device of floats can compute. */
const printers: Readonly<Partial<Record<Fn, Print>>> = {
  neg: (x) => `(-${x})`, abs: call('Math.abs'), sign: call('signOf'), floor: call('Math.floor'), ceil: call('Math.ceil'), trunc: call('whole'), round: call('even'),
  sqrt: call('Math.sqrt'), exp: call('expOf'), exp2: (x) => `power(2, ${x})`, expm1: call('expMinusOne'), log: call('ln'), log2: (x) => `(ln(${x}) * 1.44269504)`, log10: (x) => `(ln(${x}) * 0.434294482)`, log1p: call('logOnePlus'),
  sin: call('sinOf'), cos: call('cosOf'), tan: call('tanOf'), asin: call('asinOf'), acos: call('acosOf'), atan: call('atanOf'),
  sinh: call('sinhOf'), cosh: call('coshOf'), tanh: call('tanhOf'), asinh: call('asinhOf'), acosh: call('acoshOf'), atanh: call('atanhOf'),
  erf: call('erfOf'), erfc: call('erfcOf'), normalCdf: call('normalCdfOf'), geluSlope: call('geluSlopeOf'),
  not: test((x) => `${x} === 0`), isNaN: call('isNan'), bitNot: (x) => `(-1 - ${x})`, signBit: call('signBit'), copySign: (x, y) => `(Math.abs(${x}) * (1 - 2 * signBit(${y})))`,
  add: infix('+'), sub: infix('-'), mul: infix('*'), div: infix('/'), pow: call('power'), mod: call('remainderOf'), atan2: call('atanTwo'), hypot: call('hypotOf'),
  min: call('smaller'), max: call('larger'),
  eq: test((x, y) => `${x} === ${y}`), ne: test((x, y) => `${x} !== ${y}`), lt: test((x, y) => `${x} < ${y}`), le: test((x, y) => `${x} <= ${y}`), gt: test((x, y) => `${x} > ${y}`), ge: test((x, y) => `${x} >= ${y}`),
  and: test((x, y) => `${x} !== 0 && ${y} !== 0`), or: test((x, y) => `${x} !== 0 || ${y} !== 0`), xor: test((x, y) => `(${x} !== 0) !== (${y} !== 0)`),
  bitAnd: call('bitAndOf'), bitOr: call('bitOrOf'), bitXor: call('bitXorOf'),
  select: (c, x, y) => `(${c} !== 0 ? ${x} : ${y})`,
};

/** The functions in an expression that have no counterpart here. */
export function missingIn(root: Expr, found = new Set<string>()): Set<string> {
  if (root.fn !== 'arg' && root.fn !== 'const' && printers[root.fn] === undefined) found.add(root.fn);
  for (const x of root.args) missingIn(x, found);
  return found;
}

/** Statements that compute expressions, and what holds their results. */
export interface Statements {
  readonly body: string;
  readonly results: readonly string[];
  /** Constants that have no literal, in the order of the parameters `k0`, `k1`, … that stand for them. */
  readonly constants: readonly number[];
}

/**
 * Prints expressions, shared parts once. Infinities and NaN have no literals that every back end keeps; they are parameters.
 *
 * @param argument - what stands for argument `i`
 * @param local - what names of locals begin with
 * @param constants - those of other expressions in the same kernel, to which new ones are added
 * @throws DeviceError naming `op` for functions that the device lacks
 */
export function print(op: string, roots: readonly Expr[], argument: (i: number) => string, local = 't', constants: number[] = []): Statements {
  const lines: string[] = [];
  const names = new Map<Expr, string>();
  const visit = (x: Expr): string => {
    if (x.fn === 'arg') return argument(x.value);
    if (x.fn === 'const') {
      const v = Math.fround(x.value);
      if (Number.isFinite(v)) return literal(v);
      if (!constants.some((c) => Object.is(c, v))) constants.push(v);
      return `k${constants.findIndex((c) => Object.is(c, v))}`;
    }
    const known = names.get(x);
    if (known !== undefined) return known;
    const printer = printers[x.fn];
    if (printer === undefined) throw new DeviceError(`${op}: the function '${x.fn}' has no form on this device, got device 'gpu'; expected one of cpu`);
    const text = printer(...x.args.map(visit));
    const name = `${local}${names.size}`;
    names.set(x, name);
    lines.push(`const ${name} = ${text};`);
    return name;
  };
  const results = roots.map(visit);
  return { body: lines.join(' '), results, constants };
}

/** A number that gpu.js takes for a float wherever it stands. */
export function literal(v: number): string {
  const text = Object.is(v, -0) ? '0' : String(Math.abs(v));
  return v < 0 || Object.is(v, -0) ? `(-${text})` : text;
}

/** How a result is stored in a dtype: all are floats on the device. */
export function stored(dtype: DType, result: string): string {
  switch (dtype) {
    case 'bool': return `(${result} !== 0 ? 1 : 0)`;
    case 'uint8': return `byteOf(${result})`;
    case 'int32':
    case 'int64': return `entire(${result})`;
    case 'float32':
    case 'float64': return result;
  }
}

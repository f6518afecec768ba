import { type DType, isFloat } from '../../../dtype.ts';
import type { Expr, Fn } from '../../../expr.ts';
import { formulaOf } from '../../../formulas.ts';
import type { StepWriter } from './step.ts';

// Pointwise primitives without a node of their own are written from their formulas.

/** A value of a formula: a name, and whether it is a truth value. */
interface Term {
  readonly name: string;
  readonly bool: boolean;
}

type Write = (f: FormulaWriter, ...args: readonly string[]) => string;

/** Functions of numbers. */
const numeric: Readonly<Partial<Record<Fn, Write>>> = {
  neg: (f, x) => f.node('Neg', x),
  abs: (f, x) => f.node('Abs', x),
  sign: (f, x) => f.node('Sign', x),
  floor: (f, x) => f.rounded('Floor', x),
  ceil: (f, x) => f.rounded('Ceil', x),
  round: (f, x) => f.rounded('Round', x),
  trunc: (f, x) => (f.whole ? x : f.node('Mul', f.node('Sign', x), f.node('Floor', f.node('Abs', x)))),
  sqrt: (f, x) => f.node('Sqrt', x),
  exp: (f, x) => f.node('Exp', x),
  exp2: (f, x) => f.node('Pow', f.num(2), x),
  expm1: (f, x) => f.node('Sub', f.node('Exp', x), f.num(1)),
  log: (f, x) => f.node('Log', x),
  log2: (f, x) => f.node('Mul', f.node('Log', x), f.num(Math.LOG2E)),
  log10: (f, x) => f.node('Mul', f.node('Log', x), f.num(Math.LOG10E)),
  log1p: (f, x) => f.node('Log', f.node('Add', f.num(1), x)),
  sin: (f, x) => f.node('Sin', x),
  cos: (f, x) => f.node('Cos', x),
  tan: (f, x) => f.node('Tan', x),
  asin: (f, x) => f.node('Asin', x),
  acos: (f, x) => f.node('Acos', x),
  atan: (f, x) => f.node('Atan', x),
  sinh: (f, x) => f.node('Sinh', x),
  cosh: (f, x) => f.node('Cosh', x),
  tanh: (f, x) => f.node('Tanh', x),
  asinh: (f, x) => f.node('Asinh', x),
  acosh: (f, x) => f.node('Acosh', x),
  atanh: (f, x) => f.node('Atanh', x),
  erf: (f, x) => f.node('Erf', x),
  erfc: (f, x) => f.node('Sub', f.num(1), f.node('Erf', x)),
  normalCdf: (f, x) => f.node('Mul', f.num(0.5), f.node('Add', f.num(1), f.node('Erf', f.node('Mul', x, f.num(Math.SQRT1_2))))),
  add: (f, x, y) => f.node('Add', x, y),
  sub: (f, x, y) => f.node('Sub', x, y),
  mul: (f, x, y) => f.node('Mul', x, y),
  div: (f, x, y) => f.node('Div', x, y),
  pow: (f, x, y) => f.node('Pow', x, y),
  hypot: (f, x, y) => f.node('Sqrt', f.node('Add', f.node('Mul', x, x), f.node('Mul', y, y))),
  atan2: (f, y, x) => {
    // The angle of (x, y): that of the slope, turned by half a circle where x is negative.
    const half = f.node('Where', f.node('Less', y, f.num(0)), f.num(-Math.PI), f.num(Math.PI));
    const turned = f.node('Where', f.node('Less', x, f.num(0)), half, f.num(0));
    const steep = f.node('Mul', f.node('Sign', y), f.num(Math.PI / 2));
    return f.node('Where', f.node('Equal', x, f.num(0)), steep, f.node('Add', f.node('Atan', f.node('Div', y, x)), turned));
  },
  min: (f, x, y) => f.node('Min', x, y),
  max: (f, x, y) => f.node('Max', x, y),
};

/** Functions that give truth values. */
const logical: Readonly<Partial<Record<Fn, Write>>> = {
  eq: (f, x, y) => f.node('Equal', x, y),
  ne: (f, x, y) => f.node('Not', f.node('Equal', x, y)),
  lt: (f, x, y) => f.node('Less', x, y),
  le: (f, x, y) => f.node('LessOrEqual', x, y),
  gt: (f, x, y) => f.node('Greater', x, y),
  ge: (f, x, y) => f.node('GreaterOrEqual', x, y),
  isNaN: (f, x) => f.node('IsNaN', x),
};

const ofTruth: Readonly<Partial<Record<Fn, string>>> = { and: 'And', or: 'Or', xor: 'Xor', not: 'Not' };

/** Functions that give whole numbers from whole numbers, as integers compute them. */
const exact: readonly (Fn | 'arg' | 'const')[] = ['arg', 'neg', 'abs', 'sign', 'floor', 'ceil', 'round', 'trunc', 'add', 'sub', 'mul', 'min', 'max', 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'and', 'or', 'xor', 'not', 'select'];

/** Whether integers give what the formula says. */
function isExact({ fn, args, value }: Expr): boolean {
  return (exact.includes(fn) || (fn === 'const' && Number.isInteger(value))) && args.every((x) => isExact(x));
}

class FormulaWriter {
  private readonly s: StepWriter;
  private readonly scalar: number;
  private readonly known = new Map<Expr, Term>();
  /** Whether the numbers are integers. */
  readonly whole: boolean;
  private readonly dtype: DType;

  constructor(s: StepWriter, scalar: number, expr: Expr) {
    this.s = s;
    this.scalar = scalar;
    const dtype = s.computing(s.out.dtype === 'bool' || !isFloat(s.out.dtype) ? s.promoted : s.out.dtype);
    // Quotients, infinities and the like of integers are computed with fractions.
    this.dtype = isFloat(dtype) || isExact(expr) ? dtype : 'float64';
    this.whole = !isFloat(this.dtype);
  }

  node(type: string, ...inputs: readonly string[]): string {
    return this.s.node(type, inputs);
  }

  rounded(type: string, x: string): string {
    return this.whole ? x : this.node(type, x);
  }

  num(value: number): string {
    return this.s.b.scalar(value, this.dtype);
  }

  /** The result in the dtype of the output. */
  result(expr: Expr): string {
    const { name, bool } = this.term(expr);
    const { dtype } = this.s.out;
    if (bool) return this.s.cast(name, 'bool', dtype);
    return dtype === 'bool' ? this.truth(expr) : this.s.cast(name, this.dtype, dtype);
  }

  private term(expr: Expr): Term {
    const known = this.known.get(expr);
    if (known !== undefined) return known;
    const made = this.made(expr);
    this.known.set(expr, made);
    return made;
  }

  private made(expr: Expr): Term {
    const { fn, args, value } = expr;
    if (fn === 'const') return { name: this.num(value), bool: false };
    if (fn === 'arg') {
      if (value === 3) return { name: this.num(this.scalar), bool: false };
      return this.s.has(value) && this.s.tensor(value).dtype === 'bool' ? { name: this.s.in(value), bool: true } : { name: this.s.as(value, this.dtype), bool: false };
    }
    if (fn === 'select') {
      const [condition, yes, no] = args;
      return { name: this.node('Where', this.truth(condition), this.number(yes), this.number(no)), bool: false };
    }
    const gate = ofTruth[fn];
    if (gate !== undefined) return { name: this.node(gate, ...args.map((x) => this.truth(x))), bool: true };
    const [compare, write] = [logical[fn], numeric[fn]];
    if (compare !== undefined) return { name: compare(this, ...args.map((x) => this.number(x))), bool: true };
    if (write !== undefined) return { name: write(this, ...args.map((x) => this.number(x))), bool: false };
    throw this.s.refuse(`has a formula with ${fn}, got one that ONNX lacks`, 'another operation');
  }

  private number(expr: Expr): string {
    const { name, bool } = this.term(expr);
    return bool ? this.s.cast(name, 'bool', this.dtype) : name;
  }

  private truth(expr: Expr): string {
    const { name, bool } = this.term(expr);
    return bool ? name : this.node('Not', this.node('Equal', name, this.num(0)));
  }
}

/** Writes a pointwise primitive from its formula; undefined where it has none. */
export function writeFormula(s: StepWriter): string | undefined {
  const formula = formulaOf(s.step.op);
  if (formula === undefined) return undefined;
  const attrs = s.step.attrs as never;
  const expr = formula.expr(attrs);
  return new FormulaWriter(s, formula.scalar(attrs), expr).result(expr);
}

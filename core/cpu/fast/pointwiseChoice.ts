import type { Expr } from '../../expr.ts';
import { compile, statements } from '../codegen.ts';
import { interpreter } from '../interpreter.ts';

/** The most conditions that are decided before a run; there are twice as many kernels with each. */
const MOST = 4;

type Decide = (numbers: readonly number[]) => number;

/**
 * Conditions of an expression's `select`s that depend on numbers alone, so that they are decided before a run instead of for every element: a
 * kernel for each outcome computes only the branch that is taken.
 */
export class Choices {
  /** The decisions as bits, from the numbers. */
  decide: Decide | null;
  private readonly conditions: Expr[] = [];

  /**
   * @param first - arguments from this one on are numbers: the first of `decide`'s, the second, …
   * @param rounded - whether the numbers and intermediate values of a condition are rounded to float32
   */
  constructor(roots: readonly (Expr | null)[], first: number, rounded = false) {
    const visit = (x: Expr): void => {
      if (x.fn === 'select' && this.conditions.length < MOST && !this.conditions.includes(x.args[0]) && dependsOnNumbers(x.args[0], first)) this.conditions.push(x.args[0]);
      x.args.forEach(visit);
    };
    for (const root of roots) if (root !== null) visit(root);
    if (this.conditions.length === 0) {
      this.decide = null;
      return;
    }
    // Code is generated when a decision is needed: a page may forbid it, and import what it never calls.
    this.decide = (numbers) => (this.decide = this.compiled(first, rounded))(numbers);
  }

  private compiled(first: number, rounded: boolean): Decide {
    const round = (text: string): string => (rounded ? `f(${text})` : text);
    const names = new Map<Expr, string>();
    const terms = this.conditions.map((condition, i) => {
      const { body, result } = statements(condition, (a) => round(`v[${a - first}]`), round, names);
      return `${body}bits|=${result}!==0?${1 << i}:0;`;
    });
    return compile<Decide>(['v'], `const f=Math.fround;let bits=0;${terms.join('')}return bits;`, () => this.interpreted(first, rounded ? Math.fround : (x) => x));
  }

  private interpreted(first: number, rounded: (x: number) => number): Decide {
    const compute = interpreter(this.conditions, rounded);
    const args: number[] = Array.from({ length: first }, () => 0);
    return (numbers) => {
      for (let i = 0; i < numbers.length; i++) args[first + i] = rounded(numbers[i]);
      return compute(args).reduce((bits, result, i) => (result !== 0 ? bits | (1 << i) : bits), 0);
    };
  }

  /** The expression with the branches that are taken in the place of decided `select`s. */
  chosen(x: Expr, bits: number): Expr {
    const i = x.fn === 'select' ? this.conditions.indexOf(x.args[0]) : -1;
    if (i >= 0) return this.chosen(x.args[(bits >> i) & 1 ? 1 : 2], bits);
    return { ...x, args: x.args.map((a) => this.chosen(a, bits)) };
  }
}

function dependsOnNumbers({ fn, args, value }: Expr, first: number): boolean {
  return fn === 'arg' ? value >= first : args.every((x) => dependsOnNumbers(x, first));
}

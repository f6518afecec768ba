import type { Expr } from './expr.ts';

/** The formula of a pointwise primitive; its fourth argument is a number. */
export interface Formula {
  readonly expr: (attrs: never) => Expr;
  readonly scalar: (attrs: never) => number;
}

const formulas = new Map<string, Formula>();

/** Notes the formula of a primitive. */
export function addFormula(name: string, formula: Formula): void {
  formulas.set(name, formula);
}

/** The formula of a pointwise primitive, for whoever writes it down in another language. */
export function formulaOf(name: string): Formula | undefined {
  return formulas.get(name);
}

import { type Expr, arg, type Fold } from '../../expr.ts';
import { f32x4, v128 } from '../wasm/code.ts';
import { type Term } from '../wasm/reduce.ts';

/** A fold that is a sum of terms. */
export interface SumPlan {
  readonly term: Term;
  /** What becomes of the total. */
  readonly end: 'total' | 'mean' | 'root';
}

/** A fold that is the largest or the smallest of terms. */
export interface ExtremePlan {
  readonly term: Term;
  readonly largest: boolean;
}

const isArg = (x: Expr, i: number): boolean => x.fn === 'arg' && x.value === i;

/** The term of an element, `arg(1)`, where there is one. */
function termOf(x: Expr): Term | null {
  if (isArg(x, 1)) return (_, v) => v;
  const [a, b] = x.args;
  if (x.fn === 'abs' && isArg(a, 1)) return (_, v) => f32x4.abs(v);
  if (x.fn === 'mul' && isArg(a, 1) && isArg(b, 1)) {
    return (f, v) => {
      const once = f.v128(v);
      return f32x4.mul(once, once);
    };
  }
  if (x.fn === 'ne' && isArg(a, 1) && b.fn === 'const' && b.value === 0) return (f, v) => v128.and(f32x4.ne(v, f32x4.const(0)), f.hoist(f32x4.const(1)));
  return null;
}

/** What a fold that is `fn` of the total and a term of the element takes; null for others. */
function termBehind(fn: Expr['fn'], fold: Fold): Term | null {
  const step = fold.step(arg(0), arg(1));
  return step.fn === fn && isArg(step.args[0], 0) ? termOf(step.args[1]) : null;
}

/** A fold as a sum of terms; null for others. */
export function planSum(fold: Fold): SumPlan | null {
  const term = termBehind('add', fold);
  if (term === null || fold.start !== 0) return null;
  if (fold.finish === undefined) return { term, end: 'total' };
  const end = fold.finish(arg(0), arg(1));
  if (end.fn === 'sqrt' && isArg(end.args[0], 0)) return { term, end: 'root' };
  if (end.fn === 'div' && isArg(end.args[0], 0) && isArg(end.args[1], 1)) return { term, end: 'mean' };
  return null;
}

/** A fold as the largest or smallest of terms; null for others. */
export function planExtreme(fold: Fold): ExtremePlan | null {
  if (fold.finish !== undefined) return null;
  const [largest, smallest] = [termBehind('max', fold), termBehind('min', fold)];
  if (largest !== null) return { term: largest, largest: true };
  return smallest === null ? null : { term: smallest, largest: false };
}

import { type Expr, arg, type Fold } from '../../expr.ts';
import { f32x4, v128 } from '../wasm/code.ts';
import { type Term } from '../wasm/reduce.ts';

/** A fold as the kernels know it: a sum, or the largest or smallest, of terms. */
export interface FoldPlan {
  readonly kind: 'sum' | 'max' | 'min';
  readonly term: Term;
  /** What becomes of the total. */
  readonly end: 'total' | 'mean' | 'root';
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

/** How the kernels can do a fold; null where they cannot. */
export function planFold(fold: Fold): FoldPlan | null {
  const step = fold.step(arg(0), arg(1));
  if (step.args.length !== 2 || !isArg(step.args[0], 0)) return null;
  const term = termOf(step.args[1]);
  if (term === null) return null;
  if (step.fn === 'max' || step.fn === 'min') return fold.finish === undefined ? { kind: step.fn, term, end: 'total' } : null;
  if (step.fn !== 'add' || fold.start !== 0) return null;
  if (fold.finish === undefined) return { kind: 'sum', term, end: 'total' };
  const end = fold.finish(arg(0), arg(1));
  if (end.fn === 'sqrt' && isArg(end.args[0], 0)) return { kind: 'sum', term, end: 'root' };
  if (end.fn === 'div' && isArg(end.args[0], 0) && isArg(end.args[1], 1)) return { kind: 'sum', term, end: 'mean' };
  return null;
}

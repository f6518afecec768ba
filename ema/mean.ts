import { type Expr, e } from '../core/expr.ts';
import { type UpdateRule, applyUpdate, updateRule } from '../core/ops/update.ts';
import type { Tensor } from '../core/tensor.ts';

/** Terms of one pass: more columns would need more registers than there are. */
const TERMS = 8;

/** A pass over lists: some terms of the sum, with columns that are reused. */
interface Pass {
  readonly rule: UpdateRule;
  readonly columns: (readonly Tensor[])[];
}

const passes = new Map<string, Pass>();
const none: readonly Tensor[] = [];
const scalars = [NaN];

/** `mean ← [mean +] Σ (termᵢ - base)`, and in the last pass `base + that / count`. */
function passOf(terms: number, isFirst: boolean, isLast: boolean): Pass {
  const name = `mean${terms}${isFirst ? 'First' : ''}${isLast ? 'Last' : ''}`;
  const known = passes.get(name);
  if (known !== undefined) return known;
  const names = Array.from({ length: terms }, (_, i) => `term${i}`);
  const rule = updateRule({
    name,
    columns: ['mean', 'base', ...names],
    scalars: ['count'],
    body: ([mean, base, ...others], [count]) => {
      let sum: Expr | null = isFirst ? null : mean;
      for (const x of others) {
        const difference = e.sub(x, base);
        sum = sum === null ? difference : e.add(sum, difference);
      }
      const value = sum ?? e.sub(base, base);
      return [isLast ? e.add(base, e.div(value, count)) : value, null, ...names.map(() => null)];
    },
  });
  const pass = { rule, columns: [none, none, ...names.map(() => none)] };
  passes.set(name, pass);
  return pass;
}

/**
 * Writes the plain mean of lists of tensors into a list: `base + Σ (xᵢ - base) / n` with the first list as base, so that the mean of equal numbers is that number,
 * exactly. One pass for up to nine lists, one more for each eight.
 *
 * @param mean - what is overwritten
 * @param lists - one or more lists as long as `mean`, none of which shares memory with it
 */
export function writeMean(mean: readonly Tensor[], lists: readonly (readonly Tensor[])[]): void {
  scalars[0] = lists.length;
  let next = 1;
  do {
    const terms = Math.min(TERMS, lists.length - next);
    const { rule, columns } = passOf(terms, next === 1, next + terms === lists.length);
    columns[0] = mean;
    columns[1] = lists[0];
    for (let i = 0; i < terms; i++) columns[2 + i] = lists[next + i];
    applyUpdate(rule, columns, scalars);
    columns.fill(none);
    next += terms;
  } while (next < lists.length);
}

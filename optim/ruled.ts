import type { DType } from '../core/dtype.ts';
import { type UpdateRule, applyUpdate } from '../core/ops/update.ts';
import { type Tensor, emptyTensor } from '../core/tensor.ts';
import type { OptimizerOptions } from './groups.ts';
import { Optimizer } from './optimizer.ts';
import { Run } from './runs.ts';
import type { StateFields } from './state.ts';

/** State of a parameter under an optimizer whose step is one rule: a count, numbers, and the rule's columns behind parameter and gradient. */
export type RuledState = { step: number } & Record<string, Tensor | number>;

/** Numbers of a parameter's state. */
export type StateNumbers = Readonly<Record<string, number>>;

/**
 * Base of the optimizers whose step is one pointwise formula over parameter, gradient and state. A subclass names the rule, the numbers of a step, and what a state
 * starts from; columns of the rule behind 'param' and 'grad' are tensors of the state under these names.
 */
export abstract class RuledOptimizer<O extends OptimizerOptions> extends Optimizer<O, RuledState> {
  /** The formula for a group with these options. */
  protected abstract rule(group: Readonly<O>): UpdateRule;

  /** The numbers of the rule for step number `step`, from 1, which may also change the numbers of the state. The list is used again. */
  protected abstract scalars(group: Readonly<O>, step: number, dtype: DType, numbers: Record<string, number>): readonly number[];

  /** Numbers that a state has besides `step`, at the start. */
  protected numbersAtStart(_group: Readonly<O>): StateNumbers {
    return {};
  }

  /** What a column starts from; default 0. */
  protected startOf(_column: string, _group: Readonly<O>): number {
    return 0;
  }

  protected override stateFields(group: Readonly<O>): StateFields {
    const columns = this.rule(group).columns.slice(2);
    return Object.fromEntries([['step', 'count'], ...Object.keys(this.numbersAtStart(group)).map((name) => [name, 'number']), ...columns.map((name) => [name, 'tensor'])]) as StateFields;
  }

  protected override update(group: Readonly<O>, params: readonly Tensor[], grads: readonly Tensor[]): void {
    const rule = this.rule(group);
    const names = Object.keys(this.numbersAtStart(group));
    let runs = runsOf.get(params);
    const isNew = runs === undefined || !areUpToDate(runs, rule, names);
    if (runs === undefined || isNew) runs = this.makeRuns(group, rule, names, params);
    for (const run of runs) {
      const { states } = run;
      const numbers = numbersOf(states[0], names);
      run.take(grads);
      applyUpdate(rule, run.columns, this.scalars(group, run.count + 1, run.dtype, numbers));
      run.release();
      run.count++;
      for (const state of states) {
        state.step = run.count;
        for (const name of names) state[name] = numbers[name];
      }
      if (!isNew) continue;
      states.forEach((state, k) => {
        rule.columns.slice(2).forEach((column, c) => {
          state[column] = run.columns[c + 2][k];
        });
        this.state.set(run.columns[0][k], state);
      });
    }
    if (isNew) runsOf.set(params, runs);
  }

  /** Parameters that had no gradient for a while are behind; each number of steps has numbers of its own. */
  private makeRuns(group: Readonly<O>, { columns }: UpdateRule, names: readonly string[], params: readonly Tensor[]): readonly Run<RuledState>[] {
    const first = this.numbersAtStart(group);
    return Run.of(params, (p) => {
      const state: RuledState = this.state.get(p) ?? { step: 0, ...first };
      const tensors = columns.slice(2).map((name) => {
        const known = state[name];
        if (typeof known === 'object') return known;
        const made = emptyTensor(p.shape, p.dtype, p.device);
        const start = this.startOf(name, group);
        return start === 0 ? made : made.fill_(start);
      });
      return { count: state.step, key: names.map((name) => state[name]).join(), state, tensors };
    });
  }
}

/** Runs of the lists of parameters that steps were made with. */
const runsOf = new WeakMap<readonly Tensor[], readonly Run<RuledState>[]>();

function numbersOf(state: RuledState, names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, Number(state[name])]));
}

/** Whether the runs are for this rule, and nobody has set a number. */
function areUpToDate(runs: readonly Run<RuledState>[], { columns }: UpdateRule, names: readonly string[]): boolean {
  return runs.every(
    ({ states, count, columns: own }) => own.length === columns.length && states.every((state) => state.step === count && names.every((name) => state[name] === states[0][name])),
  );
}

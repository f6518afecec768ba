import type { DType } from '../core/dtype.ts';
import { type UpdateRule, applyUpdate } from '../core/ops/update.ts';
import { type Tensor, emptyTensor } from '../core/tensor.ts';
import type { OptimizerOptions } from './groups.ts';
import { Optimizer } from './optimizer.ts';
import { Run } from './runs.ts';
import type { StateFields } from './state.ts';

/** State of a parameter under an optimizer whose step is one rule: a count, numbers, and the rule's columns behind parameter and gradient. */
export type RuledState = { step: number } & Record<string, Tensor | number>;

/** How a list of parameters is updated: the same until one of them, its state or the rule is another. */
interface Plan {
  readonly rule: UpdateRule;
  /** Names of the numbers of a state. */
  readonly names: readonly string[];
  readonly runs: readonly Run<RuledState>[];
  /** The numbers that the states of a run have, in the order of the names, by run. */
  readonly numbers: readonly number[][];
}

/** Plans of the lists of parameters that steps were made with. */
const plans = new WeakMap<readonly Tensor[], Plan>();

/** Whether nobody has set a count or a number since the last step. */
function isUpToDate({ runs, names, numbers }: Plan): boolean {
  for (let r = 0; r < runs.length; r++) {
    const { states, count } = runs[r];
    const own = numbers[r];
    for (let k = 0; k < states.length; k++) {
      const state = states[k];
      if (state.step !== count) return false;
      for (let i = 0; i < names.length; i++) if (state[names[i]] !== own[i]) return false;
    }
  }
  return true;
}

/**
 * Base of the optimizers whose step is one pointwise formula over parameter, gradient and state. A subclass names the rule, the numbers of a step, and what a state
 * starts from; columns of the rule behind 'param' and 'grad' are tensors of the state under these names. After the first step of a list of parameters a step makes
 * no lists and no tensors.
 */
export abstract class RuledOptimizer<O extends OptimizerOptions> extends Optimizer<O, RuledState> {
  /** The formula for a group with these options. */
  protected abstract rule(group: Readonly<O>): UpdateRule;

  /**
   * The numbers of the rule. The list is used again.
   *
   * @param step - number of the step, from 1
   * @param numbers - the numbers of the state, in the order of `numbersAtStart`, which this may change
   */
  protected abstract scalars(group: Readonly<O>, step: number, dtype: DType, numbers: number[]): readonly number[];

  /** Numbers that a state has besides `step`, at the start. */
  protected numbersAtStart(_group: Readonly<O>): Readonly<Record<string, number>> {
    return {};
  }

  /** What a column starts from; default 0. */
  protected startOf(_column: string, _group: Readonly<O>): number {
    return 0;
  }

  /** Columns that a state may have left from other options. */
  protected leftovers(): readonly string[] {
    return [];
  }

  protected override stateFields(group: Readonly<O>): StateFields {
    const fields: Record<string, 'count' | 'number' | 'tensor' | 'optional'> = { step: 'count' };
    for (const name in this.numbersAtStart(group)) fields[name] = 'number';
    for (const name of this.leftovers()) fields[name] = 'optional';
    for (const name of this.rule(group).columns.slice(2)) fields[name] = 'tensor';
    return fields;
  }

  protected override update(group: Readonly<O>, params: readonly Tensor[], grads: readonly Tensor[]): void {
    const rule = this.rule(group);
    let plan = plans.get(params);
    const isNew = plan === undefined || plan.rule !== rule || !isUpToDate(plan);
    if (plan === undefined || isNew) plan = this.makePlan(group, rule, params);
    const { runs, names } = plan;
    for (let r = 0; r < runs.length; r++) {
      const run = runs[r];
      const numbers = plan.numbers[r];
      run.take(grads);
      applyUpdate(rule, run.columns, this.scalars(group, run.count + 1, run.dtype, numbers));
      run.release();
      run.count++;
      const { states } = run;
      for (let k = 0; k < states.length; k++) {
        const state = states[k];
        state.step = run.count;
        for (let i = 0; i < names.length; i++) state[names[i]] = numbers[i];
      }
      if (isNew) this.keep(rule, run);
    }
    if (isNew) plans.set(params, plan);
  }

  /** Parameters that had no gradient for a while are behind; each number of steps has numbers of its own. */
  private makePlan(group: Readonly<O>, rule: UpdateRule, params: readonly Tensor[]): Plan {
    const first = this.numbersAtStart(group);
    const names = Object.keys(first);
    const runs = Run.of(params, (p) => {
      const state: RuledState = this.state.get(p) ?? { step: 0, ...first };
      const tensors = rule.columns.slice(2).map((name) => {
        const known = state[name];
        return typeof known === 'object' ? known : this.makeColumn(name, group, p);
      });
      return { count: state.step, key: names.map((name) => state[name]).join(), state, tensors };
    });
    const numbers = runs.map(({ states: [state] }) => names.map((name) => Number(state[name] ?? first[name])));
    return { rule, names, runs, numbers };
  }

  /** A tensor of the state at the start. */
  protected makeColumn(name: string, group: Readonly<O>, p: Tensor): Tensor {
    const made = emptyTensor(p.shape, p.dtype, p.device);
    const start = this.startOf(name, group);
    return start === 0 ? made : made.fill_(start);
  }

  /** Sets the state of a run whose first step succeeded. */
  private keep({ columns }: UpdateRule, run: Run<RuledState>): void {
    run.states.forEach((state, k) => {
      for (let c = 2; c < columns.length; c++) state[columns[c]] = run.columns[c][k];
      this.state.set(run.columns[0][k], state);
    });
  }
}

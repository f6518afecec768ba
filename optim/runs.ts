import { type DType, getDefaultDtype } from '../core/dtype.ts';
import { type Expr, e } from '../core/expr.ts';
import type { Tensor } from '../core/tensor.ts';

/** Parameters that one call of an update rule serves: of one dtype, and after the same number of updates. */
export class Run<S extends object> {
  /** Number of updates so far. */
  count: number;
  readonly dtype: DType;
  /** What else they have in common. */
  private readonly key: string;
  readonly states: S[] = [];
  /** The columns of the rule: parameters, gradients, and those of the state. */
  readonly columns: Tensor[][];
  /** Which of all parameters these are. */
  private readonly at: number[] = [];

  private constructor(count: number, key: string, dtype: DType, columns: number) {
    this.count = count;
    this.key = key;
    this.dtype = dtype;
    this.columns = Array.from({ length: columns }, () => []);
  }

  /**
   * Sorts parameters into runs.
   *
   * @param describe - the number of updates of a parameter, its state, and the tensors of it that are columns; `key` tells apart what else must not be mixed
   */
  static of<S extends object>(params: readonly Tensor[], describe: (p: Tensor) => { readonly count: number; readonly key?: string; readonly state: S; readonly tensors: readonly Tensor[] }): Run<S>[] {
    const runs: Run<S>[] = [];
    params.forEach((p, i) => {
      const { count, key = '', state, tensors } = describe(p);
      let run = runs.find((r) => r.count === count && r.key === key && r.dtype === p.dtype);
      if (run === undefined) runs.push((run = new Run<S>(count, key, p.dtype, 2 + tensors.length)));
      run.at.push(i);
      run.states.push(state);
      [p, p, ...tensors].forEach((x, c) => run.columns[c].push(x));
    });
    return runs;
  }

  /** Fills the column of gradients from those of all parameters. */
  take(grads: readonly Tensor[]): void {
    const { at } = this;
    const column = this.columns[1];
    for (let k = 0; k < at.length; k++) column[k] = grads[at[k]];
  }

  /** Lets go of the gradients: their memory need not wait for the next step. */
  release(): void {
    const [params, column] = this.columns;
    for (let k = 0; k < column.length; k++) column[k] = params[k];
  }
}

/** Values below are taken for zero in float32: means that decay would come to where numbers lose digits and kernels are many times slower, and stay there. */
const TINY = 1e-30;

/** The number `tiny` of `withoutTiny` for a dtype. */
export const tinyOf = (dtype: DType): number => (dtype === 'float32' ? TINY : 0);

/** `x`, or 0 where its size is below `tiny`. */
export const withoutTiny = (x: Expr, tiny: Expr, size: Expr = e.abs(x)): Expr => e.select(e.lt(size, tiny), 0, x);

/** A number as the default dtype holds it: PyTorch keeps the numbers of a state in scalar tensors. */
export const rounded = (x: number): number => (getDefaultDtype() === 'float32' ? Math.fround(x) : x);

import type { Expr } from '../expr.ts';
import type { Kernel } from '../op.ts';
import { Tensor } from '../tensor.ts';
import { accelerated } from './engine.ts';
import { updateKernel } from './update.ts';

/** What a formula over rows is made of. */
export interface RowFormula {
  /** Into how many columns of one width each operand is cut, from left to right. */
  readonly inputs: readonly number[];
  /** The same for the results. */
  readonly outputs: readonly number[];
  /** One expression for each column of the results; its arguments are the columns of the operands. */
  readonly body: readonly Expr[];
  /** Expressions of `body` that others contain and that the CPU makes for a whole row first, when the others read them; their columns must not lie where operands do. */
  readonly early?: readonly Expr[];
}

/** The columns of matrices, as views. */
function columnsOf(tensors: readonly Tensor[], parts: readonly number[], n: number): Tensor[] {
  return tensors.flatMap((x, i) => Array.from({ length: parts[i] }, (_, k) => new Tensor(x.storage, [x.shape[0], n], x.strides, x.offset + k * n * x.strides[1])));
}

/** The CPU kernel of several functions of the elements of one operand. */
export function togetherKernel(body: readonly Expr[]): Kernel<undefined> {
  const reference = updateKernel([null, ...body], 0);
  return accelerated(({ fastTogether }) => fastTogether(body), (outputs, [x]) => reference([x as Tensor, ...outputs].map((t) => [t]), []));
}

/** The CPU kernel of a formula over the rows of matrices. */
export function rowsOfFormula(formula: RowFormula): Kernel<undefined> {
  const { inputs: cuts, outputs: outCuts, body } = formula;
  const read = cuts.reduce((a, b) => a + b, 0);
  const reference = updateKernel([...Array.from({ length: read }, () => null), ...body], 0);
  return accelerated(({ fastRows }) => fastRows(formula), (outputs, inputs) => {
    const n = outputs[0].shape[1] / outCuts[0];
    const columns = [...columnsOf(inputs as readonly Tensor[], cuts, n), ...columnsOf(outputs, outCuts, n)];
    reference(columns.map((c) => [c]), []);
  });
}

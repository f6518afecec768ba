import { ArgumentError, ShapeError, checkNumber, show } from '../errors.ts';
import { type Primitive, apply } from '../op.ts';
import { noGrad } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { zeros } from './creation.ts';
import { pointwise } from './define.ts';
import { norm } from './norm.ts';
import { unique } from './unique.ts';

/** What `embedding` and `embeddingBag` have in common. */
export interface TableOptions {
  /** This row of the weight gets no gradient; negative counts from the end; default none. */
  readonly paddingIdx?: number | null;
  /** Rows that are looked up and longer than this are scaled down first, in the weight itself; default none. */
  readonly maxNorm?: number | null;
  /** Which norm `maxNorm` means; default 2. */
  readonly normType?: number;
  /** Divide the gradient of each row by how often it was looked up; default false. */
  readonly scaleGradByFreq?: boolean;
  /** There are no sparse gradients: only false. */
  readonly sparse?: boolean;
}

/** The names in `TableOptions`. */
export const tableOptions = ['paddingIdx', 'maxNorm', 'normType', 'scaleGradByFreq', 'sparse'] as const;

/** Refuses values that `TableOptions` do not allow. */
export function checkTableOptions(op: string, { maxNorm = null, normType = 2, scaleGradByFreq = false, sparse = false }: TableOptions): void {
  if (maxNorm !== null) checkNumber(op, 'maxNorm', maxNorm, 'a number or null', (v) => !Number.isNaN(v));
  checkNumber(op, 'normType', normType, 'a number', (v) => !Number.isNaN(v));
  if (typeof scaleGradByFreq !== 'boolean') throw new ArgumentError(`${op}: scaleGradByFreq is not a boolean, got ${show(scaleGradByFreq)}; expected true or false`);
  if (sparse) throw new ArgumentError(`${op}: sparse gradients do not exist, got sparse ${show(sparse)}; expected false`);
}

/** The row of `paddingIdx`, or undefined. @throws ArgumentError when it is none */
export function paddingRow(op: string, paddingIdx: number | null | undefined, rows: number): number | undefined {
  if (paddingIdx === null || paddingIdx === undefined) return undefined;
  if (!(Number.isInteger(paddingIdx) && paddingIdx >= -rows && paddingIdx < rows)) {
    throw new ArgumentError(`${op}: invalid paddingIdx, got ${show(paddingIdx)}; expected a row from ${-rows} to ${rows - 1}`);
  }
  return paddingIdx >= 0 ? paddingIdx : paddingIdx + rows;
}

/** Refuses a weight that is no table. */
export function checkTable(op: string, weight: Tensor): void {
  if (weight.ndim !== 2) throw new ShapeError(`${op}: the weight is not a table, got ${show(weight)}; expected 2 dimensions`);
}

/** Scales rows that are looked up and longer than `maxNorm` down to it, in place. */
export function shortenRows(weight: Tensor, input: Tensor, { maxNorm = null, normType = 2 }: TableOptions): void {
  if (maxNorm === null || input.numel() === 0) return;
  noGrad(() => {
    const rows = unique(input.flatten());
    const found = weight.indexSelect(0, rows);
    const lengths = norm(found, normType, 1, { keepdim: true });
    const factors = lengths.add(1e-7).reciprocal().mul(maxNorm).where(lengths.gt(maxNorm), 1);
    weight.indexCopy_(0, rows, found.mul(factors));
  });
}

/** The first tensor, with its gradient times the second. */
const gradientTimes: Primitive<undefined> = pointwise({
  name: 'gradientTimes',
  expr: (_, x) => x,
  saves: (i) => i === 1,
  backward: [(g, node) => g.mul(node.input(1)), null],
});

/** Entries that were looked up, (…, size), with the gradient of each divided by how often its row was looked up. */
export function byFrequency(entries: Tensor, input: Tensor, rows: number): Tensor {
  const flat = input.flatten();
  const options = { dtype: entries.dtype, device: entries.device };
  const counts = zeros([rows], options).indexAdd(0, flat, zeros([flat.numel()], options).add(1));
  return apply(gradientTimes, [entries, counts.indexSelect(0, flat).reciprocal().reshape([...input.shape, 1])], undefined);
}

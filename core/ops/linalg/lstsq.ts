import { ArgumentError, LinAlgError, ShapeError, show } from '../../errors.ts';
import { type Results, results } from '../../results.ts';
import { type Tensor, emptyTensor } from '../../tensor.ts';
import { type Free, checkTensor, free } from '../define.ts';
import { argumentsOf, batchOf, broadcastBatches, checkMatrix, checkSameDType, colsIn, epsilonOf, isVectorSide, rowsIn } from './arguments.ts';
import { pinvOf } from './pinv.ts';
import { svdvals } from './svd.ts';

/** The LAPACK routine that PyTorch would call. */
export type LstsqDriver = 'gels' | 'gelsy' | 'gelsd' | 'gelss';

/** Options of `linalg.lstsq`. */
export interface LstsqOptions {
  /** Singular values up to `rcond` times the largest count as 0; default `max(m, n)·ε`. 'gels' does not look at it. */
  readonly rcond?: number | null;
  /** Which results there are: 'gelsy' (the default) gives the rank; 'gelsd' and 'gelss' also residuals and singular values; 'gels' residuals alone, and refuses less than full rank. */
  readonly driver?: LstsqDriver | null;
}

/** What `linalg.lstsq` gives; fields that do not apply are empty. */
export type LstsqResults = Results<{ solution: Tensor; residuals: Tensor; rank: Tensor; singularValues: Tensor }>;

const drivers: readonly unknown[] = ['gels', 'gelsy', 'gelsd', 'gelss'];

/**
 * Least squares `min ‖A X - B‖`; of several solutions the one with the smallest norm. Gradients flow through the solution and the residuals.
 *
 * @param rcond - by position or in the options
 * @throws LinAlgError with 'gels' for less than full rank; ShapeError when sizes do not fit; DTypeError when dtypes differ or are not float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lstsq.html
 */
export const lstsq: Free<(a: Tensor, b: Tensor, rcond?: number | null | LstsqOptions, options?: LstsqOptions) => LstsqResults> = free(
  {
    name: 'linalg.lstsq',
    family: 'linear algebra',
    torch: 'linalg.lstsq',
    samples: (s) => [
      [s.float([4, 2]), s.float([4, 3])],
      [s.float([2, 3]), s.float([2, 1])],
      [s.float([2, 3, 2]), s.float([2, 3, 1])],
      [s.float([3, 3]), s.float([3, 2]), null, { driver: 'gels' }],
      [s.float([2, 4]), s.float([2, 1]), 1e-6],
    ],
  },
  (a: Tensor, b: Tensor, ...rest: readonly (number | null | LstsqOptions | undefined)[]) => {
    const name = 'linalg.lstsq';
    const given = argumentsOf(name, rest, ['rcond'], ['driver']);
    checkMatrix(name, a, 'A');
    checkTensor(name, b, 'B');
    checkSameDType(name, a, b);
    const { rcond = null } = given;
    const driver = given.driver ?? 'gelsy';
    if (rcond !== null && typeof rcond !== 'number') throw new ArgumentError(`${name}: rcond is not a number, got ${show(rcond)}; expected a number`);
    if (!drivers.includes(driver)) throw new ArgumentError(`${name}: unknown driver, got ${show(driver)}; expected 'gels', 'gelsy', 'gelsd' or 'gelss'`);
    const vector = b.ndim === a.ndim - 1 && isVectorSide(a, b);
    const right = vector ? b.unsqueeze(-1) : b;
    const [m, n] = [rowsIn(a), colsIn(a)];
    if (right.ndim !== a.ndim || rowsIn(right) !== m) throw new ShapeError(`${name}: sizes do not fit A X = B, got A ${show(a)} and B ${show(b)}; expected ${m} rows of B`);
    const [p, q] = broadcastBatches(name, a, right);
    const relative = driver === 'gels' ? 0 : (rcond ?? epsilonOf(a.dtype) * Math.max(m, n));
    const values = svdvals(p.detach());
    const k = Math.min(m, n);
    const largest = k === 0 ? values.sum(-1) : values.amax(-1);
    const rank = values.gt(largest.mul(driver === 'gels' ? epsilonOf(a.dtype) : relative).unsqueeze(-1)).sum(-1);
    const full = [...rank.data()].every((r) => r === k);
    if (driver === 'gels' && !full) throw new LinAlgError(`${name}: the matrix does not have full rank, got ${show(a)} of rank ${show([...rank.data()])}; expected ${k}`, { hint: "use another driver: 'gelsy', 'gelsd' or 'gelss'" });
    const found = pinvOf(name, p, 0, relative).matmul(q);
    const none = (dtype: 'int64' | Tensor['dtype']): Tensor => emptyTensor([0], dtype, a.device);
    const measured = m > n && full && driver !== 'gelsy';
    return results({
      solution: vector ? found.squeeze(-1) : found,
      residuals: measured ? p.matmul(found).sub(q).square().sum(-2) : none(a.dtype),
      rank: driver === 'gels' ? none('int64') : rank.reshape(batchOf(p)),
      singularValues: driver === 'gelsd' || driver === 'gelss' ? values : none(a.dtype),
    });
  },
);

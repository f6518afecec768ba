import { ArgumentError, ShapeError, show } from '../../errors.ts';
import type { Generator } from '../../random.ts';
import { type Results, results } from '../../results.ts';
import { sameShape } from '../../shape.ts';
import { Tensor } from '../../tensor.ts';
import { type Free, free } from '../define.ts';
import { generatorOf, randn } from '../random.ts';
import { argumentsOf, checkMatrix, colsIn, integerOf, rowsIn, turned } from './arguments.ts';
import { linalgQr } from './qr.ts';
import { svdOf } from './svd.ts';

const family = 'linear algebra';

/** Options of `svdLowrank`. */
export interface SvdLowrankOptions {
  /** How many singular values: somewhat more than the rank; default 6. */
  readonly q?: number;
  /** Steps of subspace iteration; default 2. */
  readonly niter?: number;
  /** What is subtracted from the matrices first, of their shape or broadcast. */
  readonly M?: Tensor | null;
  /** Where the numbers come from; default the one `manualSeed` seeds. */
  readonly generator?: Generator;
}

/** Options of `pcaLowrank`. */
export interface PcaLowrankOptions {
  /** How many components; default 6, or as many as there are. */
  readonly q?: number | null;
  /** Subtract the mean of each column first; default true. */
  readonly center?: boolean;
  /** Steps of subspace iteration; default 2. */
  readonly niter?: number;
  /** Where the numbers come from; default the one `manualSeed` seeds. */
  readonly generator?: Generator;
}

/** U, S and V of `x ≈ U diag(S) Vᵀ`. */
export type Lowrank = Results<{ U: Tensor; S: Tensor; V: Tensor }>;

const basisOf = (x: Tensor): Tensor => linalgQr(x, 'reduced').Q;

/** An orthonormal basis of nearly all of the range of a matrix, from random combinations of its columns. */
function rangeOf(x: Tensor, q: number, niter: number, generator: Generator): Tensor {
  let basis = basisOf(x.matmul(randn([colsIn(x), q], { dtype: x.dtype, device: x.device, generator })));
  for (let i = 0; i < niter; i++) basis = basisOf(x.matmul(basisOf(turned(x).matmul(basis))));
  return basis;
}

function lowrank(name: string, x: Tensor, q: number, niter: number, generator: Generator): Lowrank {
  if (rowsIn(x) < colsIn(x)) {
    const { U, S, V } = lowrank(name, turned(x), q, niter, generator);
    return results({ U: V, S, V: U });
  }
  const basis = rangeOf(x, q, niter, generator);
  const [U, S, Vh] = svdOf(name, turned(basis).matmul(x), false);
  return results({ U: basis.matmul(U), S, V: turned(Vh) });
}

function checkCounts(name: string, x: Tensor, q: number, niter: number, most: number): void {
  if (q < 0 || q > most) throw new ArgumentError(`${name}: invalid q, got ${q} for ${show(x)}; expected an integer from 0${most === Infinity ? '' : ` to ${most}`}`, { values: { q } });
  if (niter < 0) throw new ArgumentError(`${name}: invalid niter, got ${niter}; expected an integer ≥ 0`, { values: { niter } });
}

/**
 * The `q` largest singular values and their vectors, nearly, by random projections: `x ≈ U diag(S) Vᵀ`. For matrices with many small singular values it is faster than `svd`.
 *
 * @param x - matrices (…, m, n)
 * @returns U (…, m, k), S (…, k) and V (…, n, k) with k = min(q, m, n)
 * @throws ArgumentError for negative numbers; ShapeError for less than 2 dimensions; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.svd_lowrank.html and Halko, Martinsson & Tropp, 2009, algorithm 5.1
 */
export const svdLowrank: Free<(x: Tensor, q?: number | SvdLowrankOptions, niter?: number | SvdLowrankOptions, M?: Tensor | null | SvdLowrankOptions, options?: SvdLowrankOptions) => Lowrank> = free(
  { name: 'svdLowrank', family, samples: () => [] },
  (x: Tensor, ...rest: readonly unknown[]): Lowrank => {
    const name = 'svdLowrank';
    const given = argumentsOf(name, rest, ['q', 'niter', 'M'], ['generator']);
    checkMatrix(name, x);
    const generator = generatorOf(name, given.generator);
    const { M = null } = given;
    if (M !== null && (!(M instanceof Tensor) || M.dtype !== x.dtype || !sameShape(M.shape.slice(-1), x.shape.slice(-1)))) {
      throw new ShapeError(`${name}: M does not fit, got ${show(M)} for ${show(x)}; expected matrices of the same sizes, or one row`);
    }
    const shifted = M === null ? x : x.sub(M);
    const [q, niter] = [integerOf(name, given, 'q', 6), integerOf(name, given, 'niter', 2)];
    checkCounts(name, shifted, q, niter, Infinity);
    return lowrank(name, shifted, q, niter, generator);
  },
);

/**
 * Principal components, nearly: `svdLowrank` of the matrix minus the mean of its columns. The columns of V are the principal directions, `S²/(m - 1)` the variances along them.
 *
 * @param x - matrices (…, m, n) of m observations
 * @returns U (…, m, q), S (…, q) and V (…, n, q)
 * @throws ArgumentError for q outside 0 to min(m, n); ShapeError for less than 2 dimensions; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.pca_lowrank.html
 */
export const pcaLowrank: Free<(x: Tensor, q?: number | null | PcaLowrankOptions, center?: boolean | PcaLowrankOptions, niter?: number | PcaLowrankOptions, options?: PcaLowrankOptions) => Lowrank> = free(
  { name: 'pcaLowrank', family, samples: () => [] },
  (x: Tensor, ...rest: readonly unknown[]): Lowrank => {
    const name = 'pcaLowrank';
    const given = argumentsOf(name, rest, ['q', 'center', 'niter'], ['generator']);
    checkMatrix(name, x);
    const generator = generatorOf(name, given.generator);
    const { center = true } = given;
    if (typeof center !== 'boolean') throw new ArgumentError(`${name}: center is not a boolean, got ${show(center)}; expected true or false`);
    const most = Math.min(rowsIn(x), colsIn(x));
    const q = integerOf(name, given, 'q', Math.min(6, most));
    const niter = integerOf(name, given, 'niter', 2);
    checkCounts(name, x, q, niter, most);
    return lowrank(name, center ? x.sub(x.mean(-2, { keepdim: true })) : x, q, niter, generator);
  },
);

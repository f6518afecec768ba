import { type SvdAttrs, svdKernel } from '../../cpu/linalg/svd.ts';
import { ArgumentError, show } from '../../errors.ts';
import { type Primitive, applyMany, primitive } from '../../op.ts';
import { type Results, results } from '../../results.ts';
import type { Node } from '../../tape.ts';
import { type Tensor, emptyTensor } from '../../tensor.ts';
import { eye } from '../creation.ts';
import { type Free, type Method, type Samples, free, method } from '../define.ts';
import { type Given, argumentsOf, batchOf, checkMatrix, colsIn, flagOf, rowsIn, turned } from './arguments.ts';

const family = 'linear algebra';

const skew = (x: Tensor): Tensor => x.sub(turned(x));

/** Gradient of `A = U diag(S) Vᵀ`; columns of complete bases behind the first ones have none. */
function svdGradient(node: Node, gUAll: Tensor | null, gS: Tensor | null, gVAll: Tensor | null): Tensor | null {
  const s = node.output(1);
  const k = s.shape[s.ndim - 1];
  const [u, vh] = [node.output(0).narrow(-1, 0, k), node.output(2).narrow(-2, 0, k)];
  const [gU, gVh] = [gUAll?.narrow(-1, 0, k) ?? null, gVAll?.narrow(-2, 0, k) ?? null];
  if (gU === null && gVh === null) return gS === null ? null : u.mul(gS.unsqueeze(-2)).matmul(vh);
  const [row, column] = [s.unsqueeze(-2), s.unsqueeze(-1)];
  const one = eye(k, { dtype: s.dtype, device: s.device });
  const gaps = row.square().sub(column.square()).add(one);
  const parts: Tensor[] = [];
  if (gS !== null) parts.push(one.mul(gS.unsqueeze(-1)));
  if (gU !== null) parts.push(skew(turned(u).matmul(gU)).div(gaps).mul(row));
  if (gVh !== null) parts.push(column.mul(skew(vh.matmul(turned(gVh))).div(gaps)));
  let found = u.matmul(parts.reduce((x, y) => x.add(y)));
  if (gU !== null && rowsIn(u) > k) {
    const scaled = gU.div(row);
    found = found.add(scaled.sub(u.matmul(turned(u).matmul(scaled))));
  }
  found = found.matmul(vh);
  if (gVh !== null && colsIn(vh) > k) {
    const scaled = gVh.div(column);
    found = found.add(u.matmul(scaled.sub(scaled.matmul(turned(vh)).matmul(vh))));
  }
  return found;
}

const svdOp: Primitive<SvdAttrs> = primitive<SvdAttrs>({
  name: 'svd',
  infer: ([input], { full }) => {
    const x = input as Tensor;
    const [m, n, batch] = [rowsIn(x), colsIn(x), batchOf(x)];
    const k = Math.min(m, n);
    return [
      { shape: [...batch, m, full ? m : k], dtype: x.dtype },
      { shape: [...batch, k], dtype: x.dtype },
      { shape: [...batch, full ? n : k, n], dtype: x.dtype },
    ];
  },
  cpu: svdKernel,
  saves: 'outputs',
  backward: (node, gU, gS, gVh) => [svdGradient(node, gU, gS, gVh)],
});

/** U, S and Vᵀ of matrices. */
export function svdOf(name: string, x: Tensor, full: boolean): Tensor[] {
  return applyMany(svdOp, [x], { name, full });
}

function checkDriver(name: string, { driver = null }: Given): void {
  if (driver === null) return;
  if (typeof driver !== 'string') throw new ArgumentError(`${name}: driver is not a name, got ${show(driver)}; expected none`);
  throw new ArgumentError(`${name}: a driver is for CUDA, got ${show(driver)}; expected none`);
}

/** Options of `linalg.svd`. */
export interface LinalgSvdOptions {
  /** Square U and Vᵀ (true, the default), or as many columns and rows as there are singular values. */
  readonly fullMatrices?: boolean;
  /** For CUDA in PyTorch; only null here. */
  readonly driver?: null;
}

/**
 * Singular value decomposition `A = U diag(S) Vᵀ`, singular values descending. Singular vectors are unique up to their signs; gradients of losses that depend on the
 * signs mean nothing.
 *
 * @param fullMatrices - square U and Vᵀ; default true
 * @throws LinAlgError for values that are not finite; ShapeError for less than 2 dimensions; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.svd.html
 */
export const linalgSvd: Free<(x: Tensor, fullMatrices?: boolean | LinalgSvdOptions, options?: Pick<LinalgSvdOptions, 'driver'>) => Results<{ U: Tensor; S: Tensor; Vh: Tensor }>> = free(
  {
    name: 'linalg.svd',
    family,
    torch: 'linalg.svd',
    samples: (s) => [[s.float([3, 3])], [s.float([2, 3, 2]), false], [s.float([2, 4]), { fullMatrices: false }], [s.float([1, 1])], [s.float([0, 0])], [s.float([0, 2]), false]],
  },
  (x: Tensor, ...rest: readonly (boolean | LinalgSvdOptions | undefined)[]) => {
    const name = 'linalg.svd';
    const given = argumentsOf(name, rest, ['fullMatrices'], ['driver']);
    checkDriver(name, given);
    checkMatrix(name, x);
    const [U, S, Vh] = svdOf(name, x, flagOf(name, given, 'fullMatrices', true));
    return results({ U, S, Vh });
  },
);

const shapes: Samples = (s) => [[s.float([3, 3])], [s.float([2, 3, 2])], [s.float([2, 4])], [s.float([1, 1])], [s.float([0, 2])]];

/**
 * Singular values, descending.
 *
 * @throws LinAlgError for values that are not finite; ShapeError for less than 2 dimensions; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.svdvals.html
 */
export const svdvals: Free<(x: Tensor, options?: Pick<LinalgSvdOptions, 'driver'>) => Tensor> = free(
  { name: 'linalg.svdvals', family, torch: 'linalg.svdvals', samples: shapes },
  (x: Tensor, options?: Pick<LinalgSvdOptions, 'driver'>): Tensor => {
    checkDriver('linalg.svdvals', argumentsOf('linalg.svdvals', [options], [], ['driver']));
    checkMatrix('linalg.svdvals', x);
    return svdOf('linalg.svdvals', x, false)[1];
  },
);

/** Options of `svd`. */
export interface SvdOptions {
  /** As many columns as there are singular values (true, the default), or square U and V. */
  readonly some?: boolean;
  /** Compute U and V; else they are zeros. Default true. */
  readonly computeUv?: boolean;
}

type Flag = boolean | SvdOptions;

/**
 * Singular value decomposition `A = U diag(S) Vᵀ` with V, not Vᵀ; `linalg.svd` is the newer form.
 *
 * @throws LinAlgError for values that are not finite; ShapeError for less than 2 dimensions; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.svd.html
 */
export const svd: Method<(x: Tensor, some?: Flag, computeUv?: Flag) => Results<{ U: Tensor; S: Tensor; V: Tensor }>> = method(
  { name: 'svd', family, samples: (s) => [...shapes(s), [s.float([2, 2]), false], [s.float([2, 3]), { computeUv: false }]] },
  (x: Tensor, ...rest: readonly (Flag | undefined)[]) => {
    const given = argumentsOf('svd', rest, ['some', 'computeUv']);
    checkMatrix('svd', x);
    const [some, wanted] = [flagOf('svd', given, 'some', true), flagOf('svd', given, 'computeUv', true)];
    const [U, S, Vh] = svdOf('svd', x, wanted && !some);
    if (wanted) return results({ U, S, V: turned(Vh) });
    const none = (n: number): Tensor => emptyTensor([...batchOf(x), n, n], x.dtype, x.device);
    return results({ U: none(rowsIn(x)), S, V: none(colsIn(x)) });
  },
);

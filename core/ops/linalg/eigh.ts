import { type EighAttrs, eighKernel } from '../../cpu/linalg/eigh.ts';
import { ArgumentError, show } from '../../errors.ts';
import { type Primitive, applyMany, primitive } from '../../op.ts';
import { type Results, results } from '../../results.ts';
import type { Node } from '../../tape.ts';
import type { Tensor } from '../../tensor.ts';
import { eye } from '../creation.ts';
import { type Free, type Samples, free } from '../define.ts';
import { argumentsOf, checkSquare, colsIn, turned } from './arguments.ts';

const family = 'linear algebra';

/** `V (diag(gL) + M / E) Vᵀ` with `E[i][j] = L[j] - L[i]` and the skew part `M` of `Vᵀ gV`, so that it is symmetric. */
function eighGradient(node: Node, gl: Tensor | null, gv: Tensor | null): Tensor | null {
  const [values, v] = [node.output(0), node.output(1)];
  const around = (x: Tensor): Tensor => v.matmul(x).matmul(turned(v));
  const straight = gl === null ? null : v.mul(gl.unsqueeze(-2)).matmul(turned(v));
  if (gv === null) return straight;
  const one = eye(colsIn(v), { dtype: v.dtype, device: v.device });
  const gaps = values.unsqueeze(-2).sub(values.unsqueeze(-1)).add(one);
  const along = turned(v).matmul(gv);
  const turnedBy = around(along.sub(turned(along)).mul(0.5).div(gaps));
  return straight === null ? turnedBy : straight.add(turnedBy);
}

const eighOp: Primitive<EighAttrs> = primitive<EighAttrs>({
  name: 'eigh',
  infer: ([input]) => {
    const { shape, dtype } = input as Tensor;
    return [{ shape: shape.slice(0, -1), dtype }, { shape, dtype }];
  },
  cpu: eighKernel,
  saves: 'outputs',
  backward: (node, gl, gv) => [eighGradient(node, gl, gv)],
});

/** Options of `eigh` and `eigvalsh`. */
export interface EighOptions {
  /** Which triangle is read: 'L', the lower one (the default), or 'U'. */
  readonly UPLO?: 'L' | 'U';
}

type Triangle = 'L' | 'U' | EighOptions;

function run(name: string, x: Tensor, given: Triangle | undefined): Tensor[] {
  const { UPLO = 'L' } = argumentsOf(name, [given], ['UPLO']);
  checkSquare(name, x);
  if (typeof UPLO !== 'string' || !['L', 'U'].includes(UPLO.toUpperCase())) throw new ArgumentError(`${name}: unknown triangle, got ${show(UPLO)}; expected 'L' or 'U'`);
  return applyMany(eighOp, [x], { name, upper: UPLO.toUpperCase() === 'U' });
}

const samples: Samples = (s) => [
  [s.values([2, 0.5, -1, 0.5, 1, 0.25, -1, 0.25, -2], [3, 3])],
  [s.values([2, 0.5, 0.5, 1, 3, -1, -1, 0.5], [2, 2, 2]), 'U'],
  [s.values([1.5], [1, 1])],
  [s.float([0, 0])],
  [s.float([2, 0, 0])],
];

/**
 * Eigenvalues, ascending, and orthonormal eigenvectors, as columns, of symmetric matrices, of which one triangle is read: `A = V diag(L) Vᵀ`. Eigenvectors are
 * unique up to their signs; gradients of losses that depend on the signs mean nothing.
 *
 * @throws LinAlgError for values that are not finite; ShapeError unless square; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.eigh.html
 */
export const eigh: Free<(x: Tensor, UPLO?: Triangle) => Results<{ eigenvalues: Tensor; eigenvectors: Tensor }>> = free(
  { name: 'linalg.eigh', family, torch: 'linalg.eigh', samples },
  (x: Tensor, UPLO?: Triangle) => {
    const [eigenvalues, eigenvectors] = run('linalg.eigh', x, UPLO);
    return results({ eigenvalues, eigenvectors });
  },
);

/**
 * Eigenvalues of symmetric matrices, ascending.
 *
 * @throws LinAlgError for values that are not finite; ShapeError unless square; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.eigvalsh.html
 */
export const eigvalsh: Free<(x: Tensor, UPLO?: Triangle) => Tensor> = free(
  { name: 'linalg.eigvalsh', family, torch: 'linalg.eigvalsh', samples },
  (x: Tensor, UPLO?: Triangle): Tensor => run('linalg.eigvalsh', x, UPLO)[0],
);

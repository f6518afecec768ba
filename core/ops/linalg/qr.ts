import { geqrfKernel, qrKernel } from '../../cpu/linalg/qr.ts';
import { ArgumentError, ShapeError, StateError, show } from '../../errors.ts';
import { type Primitive, applyMany, primitive } from '../../op.ts';
import { type Results, results } from '../../results.ts';
import type { Node } from '../../tape.ts';
import { type Tensor } from '../../tensor.ts';
import { eye } from '../creation.ts';
import { type Free, type Method, type Samples, checkTensor, free, method } from '../define.ts';
import { cat } from '../join.ts';
import { argumentsOf, batchOf, checkMatrix, checkSameDType, colsIn, flagOf, rowsIn, turned } from './arguments.ts';
import { solveTriangleRight } from './triangular.ts';

const family = 'linear algebra';

/** How much of Q is wanted: as many columns as R has rows, all, or nothing. */
export type QrMode = 'reduced' | 'complete' | 'r';

interface QrAttrs {
  readonly mode: QrMode;
}

/** The upper triangle on both sides, with half of the diagonal's sum. */
function mirrored(x: Tensor): Tensor {
  return x.triu().add(turned(x.triu(1)));
}

/** Gradient of `A = Q R` for at least as many rows as columns: `(gQ + Q sym(gR Rᵀ - Qᵀ gQ)) R⁻ᵀ`. */
function tallGradient(q: Tensor, r: Tensor, gq: Tensor | null, gr: Tensor | null): Tensor | null {
  const left = gr === null ? null : gr.matmul(turned(r));
  const right = gq === null ? null : turned(q).matmul(gq);
  if (left === null && right === null) return null;
  const middle = left === null ? (right as Tensor).neg() : right === null ? left : left.sub(right);
  const spread = q.matmul(mirrored(middle));
  return solveTriangleRight(turned(r), gq === null ? spread : gq.add(spread), false);
}

function qrGradient(node: Node, gq: Tensor | null, gr: Tensor | null): Tensor | null {
  const { mode } = node.attrs as QrAttrs;
  if (mode === 'r') {
    throw new StateError("linalg.qr: the gradient needs Q, got mode 'r'; expected 'reduced' or 'complete'");
  }
  const [q, r] = [node.output(0), node.output(1)];
  const [m, n] = [rowsIn(q), colsIn(r)];
  if (mode === 'complete' && m > n) {
    throw new StateError(`linalg.qr: further columns of Q have no gradient, got mode 'complete' for ${m} rows and ${n} columns; expected 'reduced'`);
  }
  if (m >= n) return tallGradient(q, r, gq, gr);
  // The columns behind the first m are Qᵀ times those of A.
  const [r1, r2] = [r.narrow(-1, 0, m), r.narrow(-1, m, n - m)];
  if (gr === null) {
    const first = tallGradient(q, r1, gq, null);
    return first === null ? null : cat([first, r2.mul(0)], -1);
  }
  const gr2 = gr.narrow(-1, m, n - m);
  const more = q.matmul(r2).matmul(turned(gr2));
  const first = tallGradient(q, r1, gq === null ? more : gq.add(more), gr.narrow(-1, 0, m));
  return cat([first as Tensor, q.matmul(gr2)], -1);
}

const qrOp: Primitive<QrAttrs> = primitive<QrAttrs>({
  name: 'qr',
  infer: ([input], { mode }) => {
    const x = input as Tensor;
    const [m, n] = [rowsIn(x), colsIn(x)];
    const rows = mode === 'complete' ? m : Math.min(m, n);
    return [{ shape: mode === 'r' ? [0] : [...batchOf(x), m, rows], dtype: x.dtype }, { shape: [...batchOf(x), rows, n], dtype: x.dtype }];
  },
  cpu: qrKernel,
  saves: 'outputs',
  backward: (node, gq, gr) => [qrGradient(node, gq, gr)],
});

/** Q and R. */
export type QrResults = Results<{ Q: Tensor; R: Tensor }>;

const shapes: Samples = (s) => [[s.float([3, 3])], [s.float([2, 3, 2])], [s.float([2, 4])], [s.float([1, 1])], [s.float([0, 2])], [s.float([2, 0, 0])]];

/** Options of `linalg.qr`. */
export interface LinalgQrOptions {
  /** How much of Q is wanted; default 'reduced'. */
  readonly mode?: QrMode;
}

/**
 * `A = Q R` with orthonormal columns in Q and upper triangular R, by Householder reflections, with LAPACK's signs.
 *
 * @param mode - 'reduced' (the default): as many columns of Q as rows of R; 'complete': a square Q; 'r': R alone, and an empty Q
 * @throws ShapeError for less than 2 dimensions; DTypeError unless float; StateError in backward where the mode allows no gradient
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.qr.html
 */
export const linalgQr: Free<(x: Tensor, mode?: QrMode | LinalgQrOptions) => QrResults> = free(
  { name: 'linalg.qr', family, torch: 'linalg.qr', samples: (s) => [...shapes(s), [s.float([2, 3]), 'complete'], [s.float([2, 2]), { mode: 'reduced' }]] },
  (x: Tensor, mode?: QrMode | LinalgQrOptions) => {
    const { mode: given = 'reduced' } = argumentsOf('linalg.qr', [mode], ['mode']);
    checkMatrix('linalg.qr', x);
    if (given !== 'reduced' && given !== 'complete' && given !== 'r') throw new ArgumentError(`linalg.qr: unknown mode, got ${show(given)}; expected 'reduced', 'complete' or 'r'`);
    const [Q, R] = applyMany(qrOp, [x], { mode: given });
    return results({ Q, R });
  },
);

/** Options of `qr`. */
export interface QrOptions {
  /** As many columns of Q as rows of R (true, the default), or a square Q. */
  readonly some?: boolean;
}

/**
 * `A = Q R`; `linalg.qr` is the newer form.
 *
 * @throws ShapeError for less than 2 dimensions; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.qr.html
 */
export const qr: Method<(x: Tensor, some?: boolean | QrOptions) => QrResults> = method(
  { name: 'qr', family, samples: (s) => [...shapes(s), [s.float([2, 3]), false]] },
  (x: Tensor, some?: boolean | QrOptions) => {
    const given = argumentsOf('qr', [some], ['some']);
    checkMatrix('qr', x);
    const [Q, R] = applyMany(qrOp, [x], { mode: flagOf('qr', given, 'some', true) ? 'reduced' : 'complete' });
    return results({ Q, R });
  },
);

const geqrfOp = primitive({
  name: 'geqrf',
  infer: ([input]) => {
    const x = input as Tensor;
    return [{ shape: x.shape, dtype: x.dtype }, { shape: [...batchOf(x), Math.min(rowsIn(x), colsIn(x))], dtype: x.dtype }];
  },
  cpu: geqrfKernel,
});

/**
 * The Householder reflections of `A = Q R` as LAPACK packs them: R on and above the diagonal, their vectors below it, their factors in `tau`.
 *
 * @throws ShapeError for less than 2 dimensions; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.geqrf.html
 */
export const geqrf: Method<(x: Tensor) => Results<{ a: Tensor; tau: Tensor }>> = method(
  { name: 'geqrf', family, differentiable: false, samples: shapes },
  (x: Tensor) => {
    checkMatrix('geqrf', x);
    const [a, tau] = applyMany(geqrfOp, [x], undefined);
    return results({ a, tau });
  },
);

function checkReflections(name: string, x: Tensor, tau: Tensor, most: number): void {
  checkTensor(name, tau, 'tau');
  checkSameDType(name, x, tau);
  const fits = tau.ndim === x.ndim - 1 && tau.shape[tau.ndim - 1] <= most && tau.shape.slice(0, -1).every((n, d) => n === x.shape[d]);
  if (!fits) throw new ShapeError(`${name}: tau does not fit, got ${show(tau)} for ${show(x)}; expected the leading dimensions of the input and at most ${most} factors`);
}

/** `H_0 H_1 … C`, or `… H_1 H_0 C` with `transposed`. */
function reflected(x: Tensor, tau: Tensor, c: Tensor, transposed: boolean): Tensor {
  const k = tau.shape[tau.ndim - 1];
  const vectors = x.narrow(-1, 0, k).tril(-1).add(eye(rowsIn(x), k, { dtype: x.dtype, device: x.device }));
  let y = c;
  for (let step = 0; step < k; step++) {
    const j = transposed ? step : k - 1 - step;
    const v = vectors.narrow(-1, j, 1);
    y = y.sub(v.mul(tau.narrow(-1, j, 1).unsqueeze(-1)).matmul(turned(v).matmul(y)));
  }
  return y;
}

/**
 * The first columns of the product of Householder reflections `H_0 H_1 …`, `H_j = I - tau_j v_j v_jᵀ`, where `v_j` stands in column j below a 1 on the diagonal. Also `orgqr`.
 *
 * @throws ShapeError or DTypeError when the arguments do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.householder_product.html
 */
export const orgqr: Method<(x: Tensor, tau: Tensor) => Tensor> = method(
  { name: 'orgqr', family, samples: (s) => [[s.float([3, 2]), s.float([2])], [s.float([2, 3, 3]), s.float([2, 2])], [s.float([3, 0]), s.float([0])], [s.float([2, 1]), s.float([1])]] },
  (x: Tensor, tau: Tensor): Tensor => {
    const name = 'linalg.householderProduct';
    checkMatrix(name, x);
    if (rowsIn(x) < colsIn(x)) throw new ShapeError(`${name}: fewer rows than columns, got ${show(x)}; expected at least as many`);
    checkReflections(name, x, tau, colsIn(x));
    return reflected(x, tau, eye(rowsIn(x), colsIn(x), { dtype: x.dtype, device: x.device }).expand(x.shape), false);
  },
);

/** Options of `ormqr`. */
export interface OrmqrOptions {
  /** `Q C` (true, the default), or `C Q`. */
  readonly left?: boolean;
  /** Use `Qᵀ`; default false. */
  readonly transpose?: boolean;
}

type Side = boolean | OrmqrOptions;

/**
 * `Q C` or `C Q`, where Q is the square product of the Householder reflections that `geqrf` gives.
 *
 * @throws ShapeError or DTypeError when the arguments do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.ormqr.html
 */
export const ormqr: Method<(x: Tensor, tau: Tensor, other: Tensor, left?: Side, transpose?: Side) => Tensor> = method(
  {
    name: 'ormqr',
    family,
    samples: (s) => [
      [s.float([3, 2]), s.float([2]), s.float([3, 4])],
      [s.float([2, 3, 2]), s.float([2, 2]), s.float([2, 4, 3]), false],
      [s.float([3, 3]), s.float([3]), s.float([3, 1]), true, true],
      [s.float([3, 2]), s.float([2]), s.float([2, 3]), false, true],
    ],
  },
  (x: Tensor, tau: Tensor, other: Tensor, ...rest: readonly (Side | undefined)[]): Tensor => {
    const given = argumentsOf('ormqr', rest, ['left', 'transpose']);
    checkMatrix('ormqr', x);
    checkReflections('ormqr', x, tau, Math.min(rowsIn(x), colsIn(x)));
    checkMatrix('ormqr', other, 'other');
    checkSameDType('ormqr', x, other);
    const [left, transpose] = [flagOf('ormqr', given, 'left', true), flagOf('ormqr', given, 'transpose', false)];
    const fits = other.ndim === x.ndim && batchOf(x).every((n, d) => n === other.shape[d]) && (left ? rowsIn(other) : colsIn(other)) === rowsIn(x);
    if (!fits) throw new ShapeError(`ormqr: other does not fit, got ${show(other)} for ${show(x)}; expected ${rowsIn(x)} ${left ? 'rows' : 'columns'} and the same leading dimensions`);
    // C Q is (Qᵀ Cᵀ)ᵀ.
    return left ? reflected(x, tau, other, transpose) : turned(reflected(x, tau, turned(other), !transpose));
  },
);

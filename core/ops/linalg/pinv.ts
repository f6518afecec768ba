import { type PinvAttrs, pinvKernel } from '../../cpu/linalg/svd.ts';
import { ArgumentError, show } from '../../errors.ts';
import { type Operand, type Primitive, apply, primitive } from '../../op.ts';
import { type Shape, broadcastShapes, sameShape } from '../../shape.ts';
import { Tensor } from '../../tensor.ts';
import { type Free, type Method, free, method } from '../define.ts';
import { type Given, argumentsOf, batchOf, checkFloat, checkMatrix, checkSides, colsIn, epsilonOf, flagOf, rowsIn, turned } from './arguments.ts';
import { eigvalsh } from './eigh.ts';
import { svdvals } from './svd.ts';

const family = 'linear algebra';

const pinvOp: Primitive<PinvAttrs> = primitive<PinvAttrs>({
  name: 'pinv',
  infer: ([input]) => {
    const x = input as Tensor;
    return { shape: [...batchOf(x), colsIn(x), rowsIn(x)], dtype: x.dtype };
  },
  cpu: pinvKernel,
  saves: 'both',
  backward: [
    (g, node) => {
      const [a, p] = [node.input(0), node.output()];
      const [pt, gt] = [turned(p), turned(g)];
      // Gᵀ - A P Gᵀ and Gᵀ - Gᵀ P A.
      const [above, beside] = [gt.sub(a.matmul(p.matmul(gt))), gt.sub(gt.matmul(p).matmul(a))];
      return above.matmul(p).matmul(pt).add(pt.matmul(p).matmul(beside)).sub(pt.matmul(g).matmul(pt));
    },
    null,
  ],
});

/** One bound for all matrices, or a tensor with one for each. */
export type Bound = number | Tensor | null;

/** Up to where singular values count as 0: `max(atol, rtol·largest)`. */
export interface ToleranceOptions {
  /** Absolute bound; default 0. */
  readonly atol?: Bound;
  /** Bound relative to the largest singular value; default `max(m, n)·ε` where there is no atol, else 0. */
  readonly rtol?: Bound;
  /** Take the matrices to be symmetric and read the lower triangle alone; default false. */
  readonly hermitian?: boolean;
}

function boundOf(name: string, given: Given, key: string): Operand | null {
  const value = given[key] ?? null;
  if (value === null || typeof value === 'number' || value instanceof Tensor) {
    if (value instanceof Tensor) checkFloat(name, value, key);
    return value;
  }
  throw new ArgumentError(`${name}: ${key} is not a number or tensor, got ${show(value)}; expected one bound, or one for each matrix`);
}

/** Absolute and relative bound. */
function boundsOf(name: string, x: Tensor, given: Given): [Operand, Operand] {
  const [atol, rtol] = [boundOf(name, given, 'atol'), boundOf(name, given, 'rtol')];
  const usual = epsilonOf(x.dtype) * Math.max(rowsIn(x), colsIn(x));
  if (rtol !== null) return [atol ?? 0, rtol];
  if (atol === null) return [0, usual];
  if (typeof atol === 'number') return [atol, atol > 0 ? 0 : usual];
  return [atol, atol.le(0).to(x.dtype).mul(usual)];
}

/** The pseudo-inverse with bounds that broadcast to the batch. */
export function pinvOf(name: string, x: Tensor, atol: Operand, rtol: Operand, hermitian = false): Tensor {
  const batch = [atol, rtol].reduce<Shape>((found, b) => (typeof b === 'number' ? found : broadcastShapes(name, found, b.shape)), batchOf(x));
  const bounds = [atol, rtol].map((b) => (typeof b === 'number' ? b : b.to(x.dtype).expand(batch)));
  return apply(pinvOp, [sameShape(batch, batchOf(x)) ? x : x.expand([...batch, rowsIn(x), colsIn(x)]), ...bounds], { name, hermitian });
}

/**
 * Pseudo-inverse (Moore-Penrose): `V diag(1/S) Uᵀ` over the singular values above `max(atol, rtol·largest)`.
 *
 * @param rcond - PyTorch's older name of rtol, by position
 * @throws LinAlgError for values that are not finite; ShapeError for less than 2 dimensions; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.pinv.html
 */
export const pinv: Free<(x: Tensor, rcond?: Bound | (ToleranceOptions & { readonly rcond?: Bound }), hermitian?: boolean | ToleranceOptions) => Tensor> = free(
  {
    name: 'linalg.pinv',
    family,
    torch: 'linalg.pinv',
    samples: (s) => [
      [s.float([3, 3])],
      [s.float([2, 3, 2])],
      [s.float([2, 4]), { rtol: 1e-6 }],
      [s.float([2, 3]), 1e-5],
      [s.float([0, 3])],
      [s.float([2, 3, 0])],
    ],
  },
  (x: Tensor, ...rest: readonly unknown[]): Tensor => {
    const name = 'linalg.pinv';
    const given = argumentsOf(name, rest, ['rcond', 'hermitian'], ['atol', 'rtol']);
    checkMatrix(name, x);
    const hermitian = flagOf(name, given, 'hermitian', false);
    if (hermitian) checkSides(name, x);
    const [atol, rtol] = given.rcond === undefined ? boundsOf(name, x, given) : [0, boundOf(name, given, 'rcond') ?? 0];
    return pinvOf(name, x, atol, rtol, hermitian);
  },
);

/**
 * Pseudo-inverse (Moore-Penrose); singular values up to `rcond` times the largest count as 0. `linalg.pinv` is the newer form.
 *
 * @param rcond - default 1e-15
 * @throws LinAlgError for values that are not finite; ShapeError for less than 2 dimensions; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.pinverse.html
 */
export const pinverse: Method<(x: Tensor, rcond?: number | { readonly rcond?: number }) => Tensor> = method(
  { name: 'pinverse', family, samples: (s) => [[s.float([3, 3])], [s.float([2, 3, 2]), 1e-6], [s.float([0, 2])]] },
  (x: Tensor, rcond?: number | { readonly rcond?: number }): Tensor => {
    const given = argumentsOf('pinverse', [rcond], ['rcond']);
    checkMatrix('pinverse', x);
    return pinvOf('pinverse', x, 0, boundOf('pinverse', given, 'rcond') ?? 1e-15);
  },
);

/**
 * How many singular values are above `max(atol, rtol·largest)`, as int64.
 *
 * @param tol - PyTorch's older name of atol, by position
 * @throws LinAlgError for values that are not finite; ShapeError for less than 2 dimensions; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.matrix_rank.html
 */
export const matrixRank: Free<(x: Tensor, tol?: Bound | (ToleranceOptions & { readonly tol?: Bound }), hermitian?: boolean | ToleranceOptions) => Tensor> = free(
  {
    name: 'linalg.matrixRank',
    family,
    torch: 'linalg.matrix_rank',
    differentiable: false,
    samples: (s) => [
      [s.float([3, 3])],
      [s.values([1, 2, 2, 4, 1, 0, 0, 1], [2, 2, 2])],
      [s.values([2, 0, 0, 0.5], [2, 2]), { atol: 1 }],
      [s.values([2, 0, 0, 0.5], [2, 2]), { rtol: 0.1 }],
      [s.values([2, 1, 1, 0.5], [2, 2]), { hermitian: true }],
      [s.values([2, 0, 0, 0.5], [2, 2]), 1],
      [s.float([2, 4])],
      [s.float([0, 3])],
      [s.float([2, 3, 0])],
    ],
  },
  (x: Tensor, ...rest: readonly unknown[]): Tensor => {
    const name = 'linalg.matrixRank';
    const given = argumentsOf(name, rest, ['tol', 'hermitian'], ['atol', 'rtol']);
    checkMatrix(name, x);
    const hermitian = flagOf(name, given, 'hermitian', false);
    if (hermitian) checkSides(name, x);
    const [atol, rtol] = given.tol === undefined ? boundsOf(name, x, given) : [boundOf(name, given, 'tol') ?? 0, 0];
    const a = x.detach();
    const values = hermitian ? eigvalsh(a).abs() : svdvals(a);
    if (values.shape[values.ndim - 1] === 0) return values.sum(-1).to('int64');
    const bound = values.amax(-1).mul(rtol).maximum(typeof atol === 'number' ? atol : atol.to(x.dtype));
    return values.gt(bound.unsqueeze(-1)).sum(-1);
  },
);

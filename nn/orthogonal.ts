import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../core/errors.ts';
import { finfo, isFloat } from '../core/dtype.ts';
import { allclose } from '../core/ops/close.ts';
import { eye, zeros } from '../core/ops/creation.ts';
import { cat } from '../core/ops/join.ts';
import { solve } from '../core/ops/linalg/inverse.ts';
import { matrixExp } from '../core/ops/linalg/power.ts';
import { geqrf, orgqr } from '../core/ops/linalg/qr.ts';
import { randn } from '../core/ops/random.ts';
import { diagonalScatter } from '../core/ops/turn.ts';
import { sameShape } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { toCamelCase } from '../core/names.ts';
import { checkBoolean } from './layers/check.ts';
import { Module } from './module.ts';
import { Buffer } from './parameter.ts';
import { registerParametrization } from './parametrize.ts';

/** How a matrix becomes an orthogonal one: the exponential or the Cayley transform of a skew-symmetric one, or a product of reflections. */
export type OrthogonalMap = 'matrix_exp' | 'cayley' | 'householder';

/** Options of `orthogonal`. */
export interface OrthogonalOptions {
  /** Default 'matrix_exp' for square matrices, else 'householder'. */
  readonly orthogonalMap?: OrthogonalMap | null;
  /** Keep the matrix as it is at first in a buffer, and train what it is multiplied by; default true. */
  readonly useTrivialization?: boolean;
}

const maps: readonly unknown[] = ['matrix_exp', 'cayley', 'householder'];

const diagonalOf = (x: Tensor): Tensor => x.diagonal(0, -2, -1);

/** The Q of `A = QR` with a positive diagonal of R, for as many rows as columns or more. */
function orthonormal(x: Tensor): Tensor {
  const { a, tau } = geqrf(x);
  return orgqr(a, tau).mul(diagonalOf(a).sgn().unsqueeze(-2));
}

function isOrthogonal(q: Tensor): boolean {
  const columns = q.shape[q.ndim - 1];
  const product = q.mT.matmul(q);
  const identity = eye(columns, { dtype: q.dtype, device: q.device }).expand(product.shape);
  return allclose(product, identity, { atol: 10 * q.shape[q.ndim - 2] * finfo(q.dtype).eps });
}

/** The columns of a square matrix of `rows`, zeros behind those that are there. */
function widened(x: Tensor): Tensor {
  const [rows, columns] = x.shape.slice(-2);
  return rows === columns ? x : cat([x, zeros([...x.shape.slice(0, -1), rows - columns], { dtype: x.dtype, device: x.device })], -1);
}

/** An orthogonal matrix, or a batch of them, from any. Matrices with fewer rows than columns are taken as their transposes. */
class Orthogonal extends Module {
  readonly shape: readonly number[];
  readonly orthogonalMap: OrthogonalMap;
  readonly useTrivialization: boolean;
  base: Buffer | null;

  constructor(shape: readonly number[], orthogonalMap: OrthogonalMap, useTrivialization: boolean) {
    super();
    this.shape = shape;
    this.orthogonalMap = orthogonalMap;
    this.useTrivialization = useTrivialization;
    this.base = null;
  }

  private mapped(x: Tensor): Tensor {
    const [rows, columns] = x.shape.slice(-2);
    if (this.orthogonalMap === 'householder') {
      const below = x.tril(-1);
      const tau = below.square().sum(-2).add(1).reciprocal().mul(2);
      return orgqr(below, tau).mul(diagonalOf(x.detach()).trunc().unsqueeze(-2));
    }
    const lower = widened(x.tril());
    const skew = lower.sub(lower.mT);
    if (this.orthogonalMap === 'matrix_exp') return matrixExp(skew).narrow(-1, 0, columns);
    const identity = eye(rows, { dtype: x.dtype, device: x.device });
    const half = skew.mul(0.5);
    return solve(identity.sub(half), identity.add(half)).narrow(-1, 0, columns);
  }

  forward(...[weight]: Tensor[]): Tensor {
    const turned = weight.shape[weight.ndim - 2] < weight.shape[weight.ndim - 1];
    const mapped = this.mapped(turned ? weight.mT : weight);
    const q = this.base === null ? mapped : this.base.matmul(mapped);
    return turned ? q.mT : q;
  }
}

/** One that also gives the matrix from which an orthogonal matrix comes. */
class InvertibleOrthogonal extends Orthogonal {
  rightInverse(value: Tensor): Tensor {
    const op = 'orthogonal';
    if (!sameShape(value.shape, this.shape)) throw new ShapeError(`${op}: another shape, got ${show(value)}; expected [${this.shape.join(', ')}]`);
    const turned = value.shape[value.ndim - 2] < value.shape[value.ndim - 1];
    const tall = turned ? value.mT : value;
    if (!this.useTrivialization) {
      const { a, tau } = geqrf(tall);
      // LAPACK gives 0 exactly for a reflection that it leaves out.
      const signs = diagonalOf(a).sign().mul(tau.eq(0).mul(-2).add(1));
      const packed = diagonalScatter(a, signs, 0, -2, -1);
      return turned ? packed.mT : packed;
    }
    const [rows, columns] = tall.shape.slice(-2);
    const square = rows === columns ? tall : cat([tall, randn([...tall.shape.slice(0, -1), rows - columns], { dtype: tall.dtype, device: tall.device })], -1);
    const q = rows === columns && isOrthogonal(tall) ? tall.clone() : orthonormal(square);
    if (this.base === null) this.base = new Buffer(q.detach().contiguous());
    else this.base.copy_(q);
    return eye(value.shape[value.ndim - 2], value.shape[value.ndim - 1], { dtype: value.dtype, device: value.device }).neg().expand(value.shape).clone();
  }
}

/**
 * Keeps a matrix orthogonal in training: `QᵀQ = 1`, or `QQᵀ = 1` for fewer rows than columns. Leading dimensions are a batch of matrices. What is trained is the
 * member `parametrizations.<name>.original`; with `useTrivialization` the buffer `parametrizations.<name>.0.base` is the matrix at first. It starts as it
 * is if it is orthogonal, else as the Q of its QR decomposition; the other columns of a tall matrix' base are drawn.
 *
 * @param name - which tensor; default 'weight'
 * @returns the module
 * @throws ArgumentError when there is no such tensor or map; ShapeError for fewer than 2 dimensions. Without `useTrivialization` a value can be set with
 * 'householder' only: a StateError else
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.orthogonal.html and Lezcano, 2019
 */
export function orthogonal<M extends Module>(module: M, name = 'weight', options: OrthogonalOptions = {}): M {
  const op = 'orthogonal';
  checkOptions(op, options, ['orthogonalMap', 'useTrivialization']);
  const { useTrivialization = true } = options;
  checkBoolean(op, 'useTrivialization', useTrivialization);
  if (!(module instanceof Module)) throw new ArgumentError(`${op}: not a Module, got ${show(module)}; expected a Module`);
  const tensor: unknown = Reflect.get(module, name in module ? name : toCamelCase(name));
  if (!(tensor instanceof Tensor)) throw new ArgumentError(`${op}: no such tensor, got ${show(name)} of ${module.constructor.name}; expected a Parameter or Buffer`);
  if (tensor.ndim < 2) throw new ShapeError(`${op}: not a matrix, got ${show(tensor)}; expected at least 2 dimensions`);
  if (!isFloat(tensor.dtype)) throw new DTypeError(`${op}: not floats, got ${show(tensor)}; expected float32 or float64`);
  const orthogonalMap = options.orthogonalMap ?? (tensor.shape[tensor.ndim - 2] === tensor.shape[tensor.ndim - 1] ? 'matrix_exp' : 'householder');
  if (!maps.includes(orthogonalMap)) throw new ArgumentError(`${op}: unknown orthogonalMap, got ${show(orthogonalMap)}; expected 'matrix_exp', 'cayley' or 'householder'`);
  const Kind = useTrivialization || orthogonalMap === 'householder' ? InvertibleOrthogonal : Orthogonal;
  return registerParametrization(module, name, new Kind([...tensor.shape], orthogonalMap, useTrivialization), { unsafe: true });
}

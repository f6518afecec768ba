import { ArgumentError, DTypeError, ShapeError, show } from '../../errors.ts';
import { broadcastShapes, normalizeDim } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { diagonal, roll } from '../arrange.ts';
import { ones } from '../creation.ts';
import { type Free, checkTensor, free } from '../define.ts';
import { cat } from '../join.ts';
import { argumentsOf, checkFloat, checkSameDType, integerOf } from './arguments.ts';

const family = 'linear algebra';

/** Options of functions along one dimension. */
export interface DimOption {
  /** The dimension; default the last. */
  readonly dim?: number;
}

type Dim = number | DimOption;

/**
 * Sum of products along a dimension, `Σ x·y`; the others broadcast.
 *
 * @param dim - default the last
 * @throws ShapeError when shapes do not broadcast; DTypeError when dtypes differ or are not float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.vecdot.html
 */
export const vecdot: Free<(x: Tensor, y: Tensor, dim?: Dim) => Tensor> = free(
  {
    name: 'linalg.vecdot',
    family,
    torch: 'linalg.vecdot',
    samples: (s) => [[s.float([3]), s.float([3])], [s.float([2, 3]), s.float([3])], [s.float([2, 3]), s.float([2, 1]), { dim: 0 }], [s.float([2, 3, 2]), s.float([3, 2]), { dim: -2 }], [s.float([2, 0]), s.float([2, 0])]],
  },
  (x: Tensor, y: Tensor, dim?: Dim): Tensor => {
    const name = 'linalg.vecdot';
    const given = argumentsOf(name, [dim], ['dim']);
    checkFloat(name, x, 'x');
    checkFloat(name, y, 'y');
    checkSameDType(name, x, y);
    const shape = broadcastShapes(name, x.shape, y.shape);
    const d = normalizeDim(name, integerOf(name, given, 'dim', -1), shape.length);
    return x.mul(y).sum(d);
  },
);

/**
 * Cross product of vectors with 3 entries along a dimension; the others broadcast.
 *
 * @param dim - default the last
 * @throws ShapeError unless both have 3 entries there and the same number of dimensions; DTypeError when dtypes differ
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.cross.html
 */
export const linalgCross: Free<(x: Tensor, y: Tensor, dim?: Dim) => Tensor> = free(
  {
    name: 'linalg.cross',
    family,
    torch: 'linalg.cross',
    samples: (s) => [[s.float([3]), s.float([3])], [s.float([2, 3]), s.float([1, 3])], [s.float([3, 2]), s.float([3, 2]), { dim: 0 }], [s.int([2, 3]), s.int([2, 3])], [s.float([0, 3]), s.float([0, 3])]],
  },
  (x: Tensor, y: Tensor, dim?: Dim): Tensor => {
    const name = 'linalg.cross';
    const given = argumentsOf(name, [dim], ['dim']);
    checkTensor(name, x);
    checkTensor(name, y, 'other');
    if (x.ndim !== y.ndim) throw new ShapeError(`${name}: numbers of dimensions differ, got ${show(x)} and ${show(y)}; expected the same`);
    const d = normalizeDim(name, integerOf(name, given, 'dim', -1), x.ndim);
    if (x.shape[d] !== 3 || y.shape[d] !== 3) throw new ShapeError(`${name}: not 3 entries along dimension ${d}, got ${show(x)} and ${show(y)}; expected 3`);
    checkSameDType(name, x, y);
    if (x.dtype === 'bool') throw new DTypeError(`${name}: not defined for bool, got ${show(x)}; expected numbers`);
    // Entry i of the result has entries i + 1 and i + 2 of the operands.
    return roll(x, 2, d).mul(roll(y, 1, d)).sub(roll(x, 1, d).mul(roll(y, 2, d)));
  },
);

/** Options of `linalg.vander`. */
export interface VanderOptions {
  /** Number of powers; default as many as there are entries. */
  readonly N?: number | null;
}

/**
 * Vandermonde matrices: the powers 0, 1, … of each entry as a row.
 *
 * @param options - N, the number of powers; default the size of the last dimension
 * @throws ArgumentError for less than two powers; DTypeError for bool
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.vander.html
 */
export const linalgVander: Free<(x: Tensor, options?: VanderOptions) => Tensor> = free(
  {
    name: 'linalg.vander',
    family,
    torch: 'linalg.vander',
    samples: (s) => [[s.float([3])], [s.float([2, 3]), { N: 2 }], [s.float([2]), { N: 4 }], [s.int([3])], [s.float([]), { N: 3 }]],
  },
  (input: Tensor, options?: VanderOptions): Tensor => {
    const name = 'linalg.vander';
    const given = argumentsOf(name, [options], [], ['N']);
    checkTensor(name, input);
    const x = input.ndim === 0 ? input.unsqueeze(0) : input;
    if (x.dtype === 'bool') throw new DTypeError(`${name}: not defined for bool, got ${show(x)}; expected numbers`);
    const count = integerOf(name, given, 'N', x.shape[x.ndim - 1]);
    if (count < 2) throw new ArgumentError(`${name}: too few powers, got ${count}; expected at least 2`);
    const powers = x.unsqueeze(-1).expand([...x.shape, count - 1]).cumprod(-1);
    return cat([ones([...x.shape, 1], { dtype: powers.dtype, device: x.device }), powers], -1);
  },
);

/** Options of `linalg.diagonal`. */
export interface DiagonalOptions {
  /** 0 for the main diagonal (the default), more above, less below. */
  readonly offset?: number;
  /** First dimension of the matrices; default -2. */
  readonly dim1?: number;
  /** Second dimension of the matrices; default -1. */
  readonly dim2?: number;
}

/**
 * The diagonal of every matrix, as a view; `diagonal` with the last two dimensions by default.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.diagonal.html
 */
export const linalgDiagonal: Free<(x: Tensor, options?: DiagonalOptions) => Tensor> = free(
  { name: 'linalg.diagonal', family, torch: 'linalg.diagonal', samples: (s) => [[s.float([3, 3])], [s.float([2, 3, 2]), { offset: -1 }], [s.float([2, 3, 2]), { offset: 1, dim1: 0, dim2: 1 }]] },
  (x: Tensor, options?: DiagonalOptions): Tensor => {
    const name = 'linalg.diagonal';
    const given = argumentsOf(name, [options], [], ['offset', 'dim1', 'dim2']);
    return diagonal(x, integerOf(name, given, 'offset', 0), integerOf(name, given, 'dim1', -2), integerOf(name, given, 'dim2', -1));
  },
);

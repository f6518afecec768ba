import { ArgumentError, ShapeError, show } from '../../errors.ts';
import { numelOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { type Free, checkTensor, free } from '../define.ts';
import { argumentsOf, checkFloat, integerOf } from './arguments.ts';
import { inverseOf, solve } from './inverse.ts';

const family = 'linear algebra';

/**
 * Inverse of a tensor as a matrix from its last dimensions to its first `ind`: `tensordot(tensorinv(A), A)` is the identity.
 *
 * @param ind - how many dimensions come first; default 2
 * @throws LinAlgError for a singular matrix; ShapeError unless the products of sizes agree; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.tensorinv.html
 */
export const tensorinv: Free<(x: Tensor, ind?: number | { readonly ind?: number }) => Tensor> = free(
  { name: 'linalg.tensorinv', family, torch: 'linalg.tensorinv', samples: (s) => [[s.float([2, 2, 4])], [s.float([4, 2, 2]), 1], [s.float([3, 3]), { ind: 1 }]] },
  (x: Tensor, ind?: number | { readonly ind?: number }): Tensor => {
    const name = 'linalg.tensorinv';
    const given = argumentsOf(name, [ind], ['ind']);
    checkFloat(name, x);
    const first = integerOf(name, given, 'ind', 2);
    if (first < 1) throw new ArgumentError(`${name}: ind is not positive, got ${first}; expected an integer ≥ 1`);
    const [left, right] = [x.shape.slice(0, first), x.shape.slice(first)];
    const size = numelOf(left);
    if (size !== numelOf(right)) throw new ShapeError(`${name}: products of sizes differ, got ${show(x)} with ind ${first}; expected ${show(left)} and ${show(right)} to hold as many`);
    return inverseOf(x.reshape([size, size]), name, true)[0].reshape([...right, ...left]);
  },
);

/** Options of `linalg.tensorsolve`. */
export interface TensorsolveOptions {
  /** Dimensions of `A` to move to the end first; default none. */
  readonly dims?: readonly number[] | null;
}

/**
 * Solution `X` of `tensordot(A, X) = B`, where the first dimensions of `A` are those of `B`.
 *
 * @param dims - dimensions of `A` to move to the end first; default none
 * @throws LinAlgError for a singular matrix; ShapeError unless the products of sizes agree; DTypeError when dtypes differ or are not float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.tensorsolve.html
 */
export const tensorsolve: Free<(a: Tensor, b: Tensor, dims?: readonly number[] | null | TensorsolveOptions) => Tensor> = free(
  {
    name: 'linalg.tensorsolve',
    family,
    torch: 'linalg.tensorsolve',
    samples: (s) => [[s.float([2, 3, 6]), s.float([2, 3])], [s.float([2, 2, 2, 2]), s.float([2, 2])], [s.float([3, 3, 1]), s.float([3]), [0]]],
  },
  (a: Tensor, b: Tensor, dims?: readonly number[] | null | TensorsolveOptions): Tensor => {
    const name = 'linalg.tensorsolve';
    const given = argumentsOf(name, [dims], ['dims']).dims ?? null;
    checkFloat(name, a, 'A');
    checkTensor(name, b, 'B');
    if (given !== null && !Array.isArray(given)) throw new ArgumentError(`${name}: dims is not a list, got ${show(given)}; expected an array of dimensions`);
    const places: readonly number[] = given ?? [];
    const moved = places.length === 0 ? a : a.movedim(places, places.map((_, i) => a.ndim - places.length + i));
    const shape = moved.shape.slice(b.ndim);
    const size = numelOf(shape);
    if (size !== b.numel() || size * size !== a.numel()) throw new ShapeError(`${name}: products of sizes differ, got A ${show(a)} and B ${show(b)}; expected as many entries of A on both sides`);
    return solve(moved.reshape([size, size]), b.reshape([-1])).reshape(shape);
  },
);

import { matrixExpKernel } from '../../cpu/linalg/matrixExp.ts';
import { ArgumentError, DTypeError, ShapeError, show } from '../../errors.ts';
import { type Primitive, apply, primitive } from '../../op.ts';
import { type Tensor, emptyTensor } from '../../tensor.ts';
import { eye } from '../creation.ts';
import { type Free, type Method, checkTensor, free, method } from '../define.ts';
import { cat } from '../join.ts';
import { matmul } from '../matmul.ts';
import { argumentsOf, checkSides, checkSquare, integerOf, rowsIn, turned } from './arguments.ts';
import { inverse } from './inverse.ts';

const family = 'linear algebra';

function powerOf(x: Tensor, n: number): Tensor {
  if (n === 0) return eye(rowsIn(x), { dtype: x.dtype, device: x.device }).expand(x.shape).clone();
  if (n === 1) return x.clone();
  if (n === 3) return matmul(matmul(x, x), x);
  let found: Tensor | null = null;
  let square = x;
  for (let rest = n; ; ) {
    if (rest % 2 === 1) found = found === null ? square : matmul(found, square);
    rest = Math.floor(rest / 2);
    if (rest === 0) return found as Tensor;
    square = matmul(square, square);
  }
}

/**
 * Square matrices to a whole power: products, the identity for 0, products of the inverse below. Also `linalg.matrixPower`.
 *
 * @throws LinAlgError for a singular matrix and a negative power; ShapeError unless square; DTypeError for integers and a negative power
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.matrix_power.html
 */
export const matrixPower: Method<(x: Tensor, n: number | { readonly n: number }) => Tensor> = method(
  {
    name: 'matrixPower',
    family,
    samples: (s) => [[s.float([3, 3]), 3], [s.float([2, 2, 2]), 2], [s.float([2, 2]), 5], [s.float([2, 2]), 1], [s.float([2, 2]), -1], [s.float([2, 2]), -3], [s.float([0, 0]), 4], [s.int([2, 2]), 3], [s.int([2, 2, 2]), 0]],
  },
  (x: Tensor, n: number | { readonly n: number }): Tensor => {
    const name = 'linalg.matrixPower';
    const given = argumentsOf(name, [n], ['n']);
    checkTensor(name, x);
    checkSides(name, x);
    const power = integerOf(name, given, 'n', NaN);
    return power < 0 ? powerOf(inverse(x), -power) : powerOf(x, power);
  },
);

const matrixExpOp: Primitive<undefined> = primitive({
  name: 'matrixExp',
  infer: ([x]) => x as Tensor,
  cpu: matrixExpKernel,
  saves: 'inputs',
  backward: [
    (g, node) => {
      // exp of [[A, G], [0, A]] has the derivative at A along G above on the right.
      const a = turned(node.input(0));
      const n = rowsIn(a);
      const none = emptyTensor(a.shape, a.dtype, a.device);
      const block = cat([cat([a, g], -1), cat([none, a], -1)], -2);
      return apply(matrixExpOp, [block], undefined).narrow(-2, 0, n).narrow(-1, n, n);
    },
  ],
});

/**
 * Exponential of square matrices, `Σ A^k / k!`, by scaling, a Padé approximant and squaring. Also `linalg.matrixExp`.
 *
 * @throws ShapeError unless square; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.matrix_exp.html
 */
export const matrixExp: Method<(x: Tensor) => Tensor> = method(
  { name: 'matrixExp', family, samples: (s) => [[s.float([3, 3])], [s.float([2, 2, 2], -8, 8)], [s.float([1, 1])], [s.float([0, 0])], [s.float([0, 2, 2])]] },
  (x: Tensor): Tensor => {
    checkSquare('linalg.matrixExp', x);
    return apply(matrixExpOp, [x], undefined);
  },
);

/** Where to split the chain `i … j` for the fewest multiplications. */
function bestSplits(sizes: readonly number[]): number[][] {
  const count = sizes.length - 1;
  const cost = Array.from({ length: count }, () => new Array<number>(count).fill(0));
  const split = Array.from({ length: count }, () => new Array<number>(count).fill(0));
  for (let span = 1; span < count; span++) {
    for (let i = 0; i + span < count; i++) {
      const j = i + span;
      cost[i][j] = Infinity;
      for (let k = i; k < j; k++) {
        const c = cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1];
        if (c < cost[i][j]) [cost[i][j], split[i][j]] = [c, k];
      }
    }
  }
  return split;
}

/**
 * Product of several matrices in the order that takes the fewest multiplications. The first may be a vector, a row, and the last one, a column.
 *
 * @param tensors - at least two
 * @throws ArgumentError for less than two; ShapeError when sizes do not fit; DTypeError when dtypes differ
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.multi_dot.html
 */
export const multiDot: Free<(tensors: readonly Tensor[]) => Tensor> = free(
  {
    name: 'linalg.multiDot',
    family,
    torch: 'linalg.multi_dot',
    samples: (s) => [
      [[s.float([2, 3]), s.float([3, 4])]],
      [[s.float([2, 3]), s.float([3, 4]), s.float([4, 1]), s.float([1, 3])]],
      [[s.float([3]), s.float([3, 2]), s.float([2])]],
      [[s.float([3]), s.float([3])]],
      [[s.float([2, 0]), s.float([0, 3])]],
    ],
  },
  (tensors: readonly Tensor[]): Tensor => {
    const name = 'linalg.multiDot';
    if (!Array.isArray(tensors) || tensors.length < 2) throw new ArgumentError(`${name}: too few tensors, got ${show(tensors)}; expected an array of at least two`);
    const given: readonly Tensor[] = tensors;
    const last = given.length - 1;
    given.forEach((x, i) => {
      checkTensor(name, x, `entry ${i}`);
      const end = i === 0 || i === last;
      if (x.ndim !== 2 && !(end && x.ndim === 1)) throw new ShapeError(`${name}: entry ${i} is not a matrix, got ${show(x)}; expected 2 dimensions${end ? ', or 1' : ''}`);
      if (x.dtype !== given[0].dtype) throw new DTypeError(`${name}: dtypes differ, got ${show(given[0])} and ${show(x)}; expected one dtype`);
    });
    const chain = given.map((x, i) => (x.ndim === 2 ? x : i === 0 ? x.unsqueeze(0) : x.unsqueeze(1)));
    chain.forEach((x, i) => {
      if (i > 0 && chain[i - 1].shape[1] !== x.shape[0]) throw new ShapeError(`${name}: entries ${i - 1} and ${i} do not fit, got ${show(given[i - 1])} and ${show(given[i])}; expected ${chain[i - 1].shape[1]} = ${x.shape[0]}`);
    });
    const split = bestSplits([chain[0].shape[0], ...chain.map((x) => x.shape[1])]);
    const product = (i: number, j: number): Tensor => (i === j ? chain[i] : matmul(product(i, split[i][j]), product(split[i][j] + 1, j)));
    const whole = product(0, last);
    const columns = given[last].ndim === 1 ? whole.squeeze(1) : whole;
    return given[0].ndim === 1 ? columns.squeeze(0) : columns;
  },
);

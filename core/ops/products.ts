import { getDefaultDtype } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { normalizeDim, sameShape } from '../shape.ts';
import { type Tensor, emptyTensor } from '../tensor.ts';
import { tensor } from './creation.ts';
import type { Named, NamedPair } from './byName.ts';
import { type Free, type Method, checkTensor, free, inPlaceMethod, method } from './define.ts';
import { indexSelect } from './lookup.ts';
import { cat, stack } from './join.ts';
import { type AddedProduct, type AddmmOptions, bmm, dot, mm, mv, outer } from './matmul.ts';
import { broadcastTo, expand, narrow, permute, reshape, unsqueeze } from './view.ts';

const family = 'matrix';

/** `Σ x[…, k]·y[…, k]` over the last dimension of both: (…, k), (…, k) → (…, …); scalars multiply. @see https://pytorch.org/docs/stable/generated/torch.inner.html */
export const inner: Method<(x: Tensor, other: Tensor) => Tensor> = method(
  { name: 'inner', family, samples: (s) => [[s.float([3]), s.float([3])], [s.float([2, 3]), s.float([4, 3])], [s.float([2, 2, 3]), s.float([3])], [s.float([]), s.float([2])]] },
  (x: Tensor, other: Tensor): Tensor => {
    checkTensor('inner', x);
    checkTensor('inner', other, 'other');
    if (x.ndim === 0 || other.ndim === 0) return x.mul(other);
    if (x.shape[x.ndim - 1] !== other.shape[other.ndim - 1]) throw new ShapeError(`inner: last sizes differ, got ${show(x)} and ${show(other)}; expected equal sizes`);
    return tensordot(x, other, [[-1], [-1]]);
  },
);

/** Sum of products of two vectors, as `dot`. @see https://pytorch.org/docs/stable/generated/torch.vdot.html */
export const vdot: Method<(x: Tensor, other: Tensor) => Tensor> = method({ name: 'vdot', family, samples: (s) => [[s.float([3]), s.float([3])]] }, (x: Tensor, other: Tensor): Tensor => dot(x, other));

/**
 * Products summed over several dimensions of both operands: the last `dims` of `a` with the first of `b`, or the pairs of two lists.
 *
 * @param dims - a number of dimensions (default 2), or `[dimensions of a, dimensions of b]`
 * @throws ShapeError for dimensions that differ in size; ArgumentError for lists that differ in length
 * @see https://pytorch.org/docs/stable/generated/torch.tensordot.html
 */
export const tensordot: Free<NamedPair<'b', Tensor, 'dims', number | readonly [readonly number[], readonly number[]], object, Tensor>> = free(
  {
    name: 'tensordot',
    parameters: ['b', 'dims'],
    family,
    samples: (s) => [
      [s.float([2, 3, 4]), s.float([3, 4, 2])],
      [s.float([2, 3]), s.float([3, 2]), 1],
      [s.float([2]), s.float([3]), 0],
      [s.float([2, 3, 4]), s.float([4, 2, 5]), [[0, 2], [1, 0]]],
    ],
  },
  (a: Tensor, b: Tensor, dims: number | readonly [readonly number[], readonly number[]] = 2): Tensor => {
    checkTensor('tensordot', a, 'a');
    checkTensor('tensordot', b, 'b');
    if (typeof dims === 'number' && !(Number.isInteger(dims) && dims >= 0 && dims <= Math.min(a.ndim, b.ndim))) {
      throw new ArgumentError(`tensordot: invalid number of dimensions, got ${dims} for ${show(a)} and ${show(b)}; expected an integer from 0 to ${Math.min(a.ndim, b.ndim)}`);
    }
    const [first, second] = typeof dims === 'number' ? [Array.from({ length: dims }, (_, i) => a.ndim - dims + i), Array.from({ length: dims }, (_, i) => i)] : dims;
    if (!Array.isArray(first) || !Array.isArray(second) || first.length !== second.length) throw new ArgumentError(`tensordot: lists differ in length, got ${show(dims)}; expected two of one length`);
    const [da, db] = [first.map((d: number) => normalizeDim('tensordot', d, a.ndim)), second.map((d: number) => normalizeDim('tensordot', d, b.ndim))];
    if (new Set(da).size < da.length || new Set(db).size < db.length) throw new ArgumentError(`tensordot: a dimension is named twice, got ${show(dims)}; expected each once`);
    // A size of 1 on one side stands for any: the other side is summed.
    let [x, y] = [a, b];
    da.forEach((d, i) => {
      const [m, n] = [a.shape[d], b.shape[db[i]]];
      if (m === n) return;
      if (m === 1) y = y.sum(db[i], { keepdim: true });
      else if (n === 1) x = x.sum(d, { keepdim: true });
      else throw new ShapeError(`tensordot: sizes differ, got ${m} and ${n} at dimensions ${d} and ${db[i]}; expected equal sizes`);
    });
    const [ra, rb] = [x.shape.map((_, d) => d).filter((d) => !da.includes(d)), y.shape.map((_, d) => d).filter((d) => !db.includes(d))];
    const k = da.reduce((n, d) => n * x.shape[d], 1);
    const count = (t: Tensor, kept: readonly number[]): number => kept.reduce((n, d) => n * t.shape[d], 1);
    const product = mm(reshape(permute(x, [...ra, ...da]), [count(x, ra), k]), reshape(permute(y, [...db, ...rb]), [k, count(y, rb)]));
    return reshape(product, [...ra.map((d) => a.shape[d]), ...rb.map((d) => b.shape[d])]);
  },
);

/** Kronecker product: every element of `x` times the whole of `other`, as a block. @see https://pytorch.org/docs/stable/generated/torch.kron.html */
export const kron: Method<(x: Tensor, other: Tensor) => Tensor> = method(
  { name: 'kron', family, samples: (s) => [[s.float([2, 2]), s.float([2, 3])], [s.float([2]), s.float([2, 3])], [s.float([]), s.float([2])], [s.int([2]), s.float([2])]] },
  (x: Tensor, other: Tensor): Tensor => {
    checkTensor('kron', x);
    checkTensor('kron', other, 'other');
    const rank = Math.max(x.ndim, other.ndim);
    const padded = (t: Tensor): number[] => [...new Array<number>(rank - t.ndim).fill(1), ...t.shape];
    const [a, b] = [padded(x), padded(other)];
    const product = reshape(x, a.flatMap((n) => [n, 1])).mul(reshape(other, b.flatMap((n) => [1, n])));
    return reshape(product, a.map((n, d) => n * b[d]));
  },
);

/** The best order of products `start … end`, by cost: where to split. */
function bestSplits(sizes: readonly number[]): number[][] {
  const n = sizes.length - 1;
  const cost = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  const split = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  for (let length = 1; length < n; length++) {
    for (let i = 0; i + length < n; i++) {
      const j = i + length;
      cost[i][j] = Infinity;
      for (let k = i; k < j; k++) {
        const total = cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1];
        if (total < cost[i][j]) [cost[i][j], split[i][j]] = [total, k];
      }
    }
  }
  return split;
}

/** The product of matrices that fit, in the order that takes the fewest multiplications. */
export function productOfChain(matrices: readonly Tensor[]): Tensor {
  const splits = bestSplits([matrices[0].shape[0], ...matrices.map((m) => m.shape[1])]);
  const between = (i: number, j: number): Tensor => (i === j ? matrices[i] : mm(between(i, splits[i][j]), between(splits[i][j] + 1, j)));
  return between(0, matrices.length - 1);
}

/** The product of several matrices, in the order that takes the fewest multiplications. @see https://pytorch.org/docs/stable/generated/torch.chain_matmul.html */
export const chainMatmul: Free<(...matrices: readonly Tensor[]) => Tensor> = free(
  { name: 'chainMatmul', family, samples: (s) => [[s.float([2, 3]), s.float([3, 1]), s.float([1, 4]), s.float([4, 2])], [s.float([2, 2])]] },
  (...matrices: readonly Tensor[]): Tensor => {
    if (matrices.length === 0) throw new ArgumentError('chainMatmul: nothing to multiply, got no matrices; expected at least one');
    matrices.forEach((m, i) => {
      checkTensor('chainMatmul', m, `matrix ${i}`);
      if (m.ndim !== 2) throw new ShapeError(`chainMatmul: not a matrix, got ${show(m)}; expected 2 dimensions`);
      if (i > 0 && matrices[i - 1].shape[1] !== m.shape[0]) throw new ShapeError(`chainMatmul: inner sizes differ, got ${show(matrices[i - 1])} and ${show(m)}; expected ${matrices[i - 1].shape[1]} = ${m.shape[0]}`);
    });
    return productOfChain(matrices);
  },
);

function scalesOf(name: string, x: Tensor, options: AddmmOptions | undefined): { readonly beta: number; readonly alpha: number } {
  checkOptions(name, options, ['beta', 'alpha']);
  const { beta = 1, alpha = 1 } = options ?? {};
  for (const [key, value] of Object.entries({ beta, alpha })) {
    if (typeof value !== 'number') throw new ArgumentError(`${name}: ${key} is not a number, got ${show(value)}; expected a number`);
    if (!x.dtype.startsWith('float') && !Number.isInteger(value)) throw new DTypeError(`${name}: ${key} is not a whole number, got ${value} for ${show(x)}; expected an integer`);
  }
  return { beta, alpha };
}

/** A product added to an input: `beta·input + alpha·product`; with beta 0 the input counts for nothing, NaN included. */
function addProduct<A extends string, B extends string>(
  name: string, factors: readonly [A, B], description: { readonly samples: (s: Parameters<typeof inner.samples>[0]) => readonly (readonly unknown[])[] }, product: (a: Tensor, b: Tensor) => Tensor,
): AddedProduct<A, B> {
  const run = (op: string, x: Tensor, a: Tensor, b: Tensor, options: AddmmOptions | undefined): Tensor => {
    checkTensor(op, x);
    checkTensor(op, a, 'first factor');
    checkTensor(op, b, 'second factor');
    const { beta, alpha } = scalesOf(op, x, options);
    if (x.dtype !== a.dtype || a.dtype !== b.dtype) throw new DTypeError(`${op}: dtypes differ, got ${show(x)}, ${show(a)} and ${show(b)}; expected one dtype`);
    const y = product(a, b);
    const scaled = alpha === 1 ? y : y.mul(alpha);
    if (beta === 0) {
      broadcastTo(x, y.shape);
      return scaled;
    }
    const sum = (beta === 1 ? x : x.mul(beta)).add(scaled);
    if (!sameShape(sum.shape, y.shape)) throw new ShapeError(`${op}: the input does not broadcast, got ${show(x)}; expected [${y.shape.join(', ')}]`);
    return sum;
  };
  return inPlaceMethod({ name, parameters: [...factors, 'options'], family, ...description }, (x: Tensor, a: Tensor, b: Tensor, options?: AddmmOptions) => run(name, x, a, b, options), (x: Tensor, a: Tensor, b: Tensor, options?: AddmmOptions) => {
    const sum = run(`${name}_`, x, a, b, options);
    if (!sameShape(sum.shape, x.shape)) throw new ShapeError(`${name}_: the result does not fit in place, got [${sum.shape.join(', ')}] for ${show(x)}; expected [${x.shape.join(', ')}]`);
    return x.copy_(sum);
  });
}

/** `beta·input + alpha·(mat @ vec)`: input (m) or what broadcasts to it, mat (m, k), vec (k). @see https://pytorch.org/docs/stable/generated/torch.addmv.html */
export const addmv: AddedProduct<'mat', 'vec'> = addProduct(
  'addmv',
  ['mat', 'vec'],
  { samples: (s) => [[s.float([2]), s.float([2, 3]), s.float([3])], [s.float([]), s.float([2, 3]), s.float([3]), { beta: 0.5, alpha: 2 }], [s.int([2]), s.int([2, 3]), s.int([3])]] },
  mv,
);

/** `beta·input + alpha·(vec1 ⊗ vec2)`: input (m, n) or what broadcasts to it. @see https://pytorch.org/docs/stable/generated/torch.addr.html */
export const addr: AddedProduct<'vec1', 'vec2'> = addProduct(
  'addr',
  ['vec1', 'vec2'],
  { samples: (s) => [[s.float([2, 3]), s.float([2]), s.float([3])], [s.float([2, 3]), s.float([2]), s.float([3]), { beta: 0.5, alpha: 2 }]] },
  outer,
);

/** `beta·input + alpha·Σ (batch1[i] @ batch2[i])`: input (n, p), stacks (b, n, m) and (b, m, p). @see https://pytorch.org/docs/stable/generated/torch.addbmm.html */
export const addbmm: AddedProduct<'batch1', 'batch2'> = addProduct(
  'addbmm',
  ['batch1', 'batch2'],
  { samples: (s) => [[s.float([2, 4]), s.float([3, 2, 3]), s.float([3, 3, 4])], [s.float([2, 4]), s.float([3, 2, 3]), s.float([3, 3, 4]), { beta: 0.5, alpha: 2 }], [s.int([2, 2], 0, 3, 'int32'), s.int([2, 2, 1], 0, 3, 'int32'), s.int([2, 1, 2], 0, 3, 'int32')]] },
  (a, b) => bmm(a, b).sum(0, { dtype: a.dtype }),
);

function crossOver(name: string, x: Tensor, other: Tensor, dim: number): Tensor {
  const product = x.ndim === other.ndim ? [x, other] : null;
  if (product === null) throw new ShapeError(`${name}: operands differ in dimensions, got ${show(x)} and ${show(other)}; expected as many`);
  const [a, b] = [expand(x, x.shape.map((n, d) => Math.max(n, n === 1 ? other.shape[d] : n))), expand(other, other.shape.map((n, d) => (n === 1 ? x.shape[d] : n)))];
  if (!sameShape(a.shape, b.shape)) throw new ShapeError(`${name}: shapes do not broadcast, got ${show(x)} and ${show(other)}; expected equal sizes or 1`);
  const d = normalizeDim(name, dim, a.ndim);
  if (a.shape[d] !== 3) throw new ShapeError(`${name}: not vectors of three, got size ${a.shape[d]} at dimension ${d} of ${show(x)}; expected 3`);
  const turned = (t: Tensor, by: number): Tensor => cat([narrow(t, d, by, 3 - by), narrow(t, d, 0, by)], d);
  return turned(a, 1).mul(turned(b, 2)).sub(turned(a, 2).mul(turned(b, 1)));
}

/**
 * Cross product of vectors of three along one dimension, broadcast.
 *
 * @param dim - default the first dimension of size 3
 * @throws ShapeError where there is no such dimension, or shapes do not broadcast
 * @see https://pytorch.org/docs/stable/generated/torch.cross.html
 */
export const cross: Method<NamedPair<'other', Tensor, 'dim', number | null, object, Tensor>> = method(
  { name: 'cross', parameters: ['other', 'dim'], family, samples: (s) => [[s.float([3]), s.float([3])], [s.float([2, 3]), s.float([2, 3])], [s.float([3, 2]), s.float([3, 2]), 0], [s.float([2, 3]), s.float([1, 3]), -1]] },
  (x: Tensor, other: Tensor, dim?: number | null): Tensor => {
    checkTensor('cross', x);
    checkTensor('cross', other, 'other');
    const first = dim ?? x.shape.indexOf(3);
    if (first < 0 && (dim === undefined || dim === null)) throw new ShapeError(`cross: no dimension of size 3, got ${show(x)}; expected one`);
    return crossOver('cross', x, other, first);
  },
);

function vectorsOf(name: string, tensors: readonly Tensor[]): void {
  if (tensors.length === 0) throw new ArgumentError(`${name}: nothing given, got no tensors; expected at least one`);
  tensors.forEach((x, i) => {
    checkTensor(name, x, `tensor ${i}`);
    if (x.ndim !== 1) throw new ShapeError(`${name}: not a vector, got ${show(x)}; expected 1 dimension`);
    if (x.dtype !== tensors[0].dtype) throw new DTypeError(`${name}: dtypes differ, got ${show(tensors[0])} and ${show(x)}; expected one dtype`);
  });
}

/** All ways to take one element of each vector, as rows; a single vector is returned as it is. @see https://pytorch.org/docs/stable/generated/torch.cartesian_prod.html */
export const cartesianProd: Free<(...tensors: readonly Tensor[]) => Tensor> = free(
  { name: 'cartesianProd', family: 'arranging', samples: (s) => [[s.float([2]), s.float([3])], [s.float([2])], [s.int([2]), s.int([2]), s.int([3])]] },
  (...tensors: readonly Tensor[]): Tensor => {
    vectorsOf('cartesianProd', tensors);
    if (tensors.length === 1) return tensors[0];
    const shape = tensors.map((x) => x.shape[0]);
    const grids = tensors.map((x, i) => reshape(expand(reshape(x, shape.map((n, d) => (d === i ? n : 1))), shape), [-1]));
    return stack(grids, 1);
  },
);

/** Places of all combinations of r out of n, in lexicographic order. */
function combinationRows(n: number, r: number, again: boolean): number[][] {
  const rows: number[][] = [];
  const go = (from: number, row: readonly number[]): void => {
    if (row.length === r) rows.push([...row]);
    else for (let i = from; i < n; i++) go(again ? i : i + 1, [...row, i]);
  };
  go(0, []);
  return rows;
}

/** Options of `combinations`. */
export interface CombinationsOptions {
  /** Whether an element may be taken several times; default false. */
  readonly withReplacement?: boolean;
}

/**
 * All combinations of `r` elements (default 2) of a vector, as rows.
 *
 * @throws ShapeError for other than a vector; ArgumentError for an `r` that is no whole number ≥ 0
 * @see https://pytorch.org/docs/stable/generated/torch.combinations.html
 */
export const combinations: Free<Named<'r', number | CombinationsOptions, CombinationsOptions, Tensor, Tensor, [withReplacement: boolean]>> = free(
  { name: 'combinations', parameters: ['r', 'options', 'withReplacement'], family: 'arranging', samples: (s) => [[s.float([4])], [s.float([3]), 3], [s.float([3]), 2, { withReplacement: true }], [s.float([2]), 3]] },
  (x: Tensor, r?: number | CombinationsOptions, options?: CombinationsOptions): Tensor => {
    checkTensor('combinations', x);
    const [count, rest] = typeof r === 'object' ? [2, r] : [r ?? 2, options];
    checkOptions('combinations', rest, ['withReplacement']);
    if (x.ndim !== 1) throw new ShapeError(`combinations: not a vector, got ${show(x)}; expected 1 dimension`);
    if (!Number.isInteger(count) || count < 0) throw new ArgumentError(`combinations: invalid r, got ${show(count)}; expected an integer ≥ 0`);
    if (count === 0) return emptyTensor([0], x.dtype, x.device);
    const rows = combinationRows(x.shape[0], count, rest?.withReplacement ?? false);
    const places = tensor(Int32Array.from(rows.flat()), { dtype: 'int64', device: x.device });
    return reshape(indexSelect(x, 0, places), [rows.length, count]);
  },
);

/** Options of `vander`. */
export interface VanderOptions {
  /** Powers from 0 up instead of down to 0; default false. */
  readonly increasing?: boolean;
}

/**
 * Vandermonde matrix: powers of a vector's elements as columns, from N-1 down to 0.
 *
 * @param n - number of columns; default the length of the vector
 * @see https://pytorch.org/docs/stable/generated/torch.vander.html
 */
export const vander: Free<Named<'N', number | null | VanderOptions, VanderOptions, Tensor, Tensor, [increasing: boolean]>> = free(
  { name: 'vander', parameters: ['N', 'options', 'increasing'], family: 'arranging', samples: (s) => [[s.float([3])], [s.float([3]), 2], [s.float([3]), 4, { increasing: true }], [s.int([3])]] },
  (x: Tensor, n?: number | null | VanderOptions, options?: VanderOptions): Tensor => {
    checkTensor('vander', x);
    const [given, rest] = typeof n === 'object' && n !== null ? [undefined, n] : [n, options];
    checkOptions('vander', rest, ['increasing']);
    if (x.ndim !== 1) throw new ShapeError(`vander: not a vector, got ${show(x)}; expected 1 dimension`);
    const columns = given ?? x.shape[0];
    if (!Number.isInteger(columns) || columns < 0) throw new ArgumentError(`vander: invalid number of columns, got ${show(columns)}; expected an integer ≥ 0`);
    const source = x.dtype.startsWith('float') ? x : x.to('int64');
    if (columns === 0) return emptyTensor([x.shape[0], 0], source.dtype, x.device);
    const ones = source.mul(0).add(1);
    const powers = unsqueeze(expand(unsqueeze(source, 1), [x.shape[0], columns - 1]), 0).squeeze(0).cumprod(1);
    const all = cat([unsqueeze(ones, 1), powers], 1);
    return rest?.increasing === true ? all : all.flip([1]);
  },
);

/** A matrix with the given ones along its diagonal and zeros elsewhere; vectors count as rows, scalars as 1×1. @see https://pytorch.org/docs/stable/generated/torch.block_diag.html */
export const blockDiag: Free<(...tensors: readonly Tensor[]) => Tensor> = free(
  { name: 'blockDiag', family: 'arranging', samples: (s) => [[s.float([2, 2]), s.float([1, 3])], [s.float([]), s.float([2]), s.float([2, 1])], [s.float([2, 0]), s.float([2, 2])]] },
  (...tensors: readonly Tensor[]): Tensor => {
    if (tensors.length === 0) return emptyTensor([1, 0], getDefaultDtype(), 'cpu');
    tensors.forEach((x, i) => {
      checkTensor('blockDiag', x, `tensor ${i}`);
      if (x.ndim > 2) throw new ShapeError(`blockDiag: more than 2 dimensions, got ${show(x)}; expected at most 2`);
    });
    const blocks = tensors.map((x) => (x.ndim === 2 ? x : reshape(x, [1, x.numel()])));
    const columns = blocks.reduce((n, x) => n + x.shape[1], 0);
    let before = 0;
    const rows = blocks.map((x) => {
      const [h, w] = x.shape;
      const left = emptyTensor([h, before], x.dtype, x.device);
      before += w;
      return cat([left, x, emptyTensor([h, columns - before], x.dtype, x.device)], 1);
    });
    return cat(rows, 0);
  },
);

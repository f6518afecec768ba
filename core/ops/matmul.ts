import { accelerated } from '../cpu/engine.ts';
import { type AddmmAttrs, addmmKernel, matmulKernel } from '../cpu/matmul.ts';
import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { type Primitive, apply, applyInPlace, primitive } from '../op.ts';
import { broadcastShapes, numelOf } from '../shape.ts';
import { isGradEnabled } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import type { NamedList } from './byName.ts';
import { type InPlace, type Method, checkTensor, inPlaceMethod, method } from './define.ts';
import { reshape, squeeze, transpose, unsqueeze } from './view.ts';

const family = 'matrix';

/** Transpose of the last two dimensions. */
export function mT(x: Tensor): Tensor {
  // What is not recorded needs no more than the other layout.
  if (x.ndim === 2 && !isGradEnabled()) return new Tensor(x.storage, [x.shape[1], x.shape[0]], [x.strides[1], x.strides[0]], x.offset);
  return transpose(x, -1, -2);
}

/** Products of matrices in the last two dimensions; the dimensions before them broadcast. */
export const matmulOp: Primitive<undefined> = primitive({
  name: 'matmul',
  infer: ([x, y]) => {
    const [a, b] = [x as Tensor, y as Tensor];
    if (a.ndim === 2 && b.ndim === 2) return { shape: [a.shape[0], b.shape[1]], dtype: a.dtype };
    const batch = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
    return { shape: [...batch, a.shape[a.ndim - 2], b.shape[b.ndim - 1]], dtype: a.dtype };
  },
  cpu: accelerated(({ fastMatmul }) => fastMatmul, matmulKernel),
  batching: 'broadcast',
  saves: 'inputs',
  backward: [(g, n, into) => productOnto(into, g, mT(n.input(1))), (g, n, into) => productOnto(into, mT(n.input(0)), g)],
});

/** `into += a @ b` in place, where each sum goes on from what is there. */
const addProductOp: Primitive<undefined> = primitive({
  name: 'addProduct',
  infer: ([into]) => into as Tensor,
  cpu: accelerated(({ fastAddProduct }) => fastAddProduct, (outputs, inputs) => addmmKernel(outputs, inputs, { alpha: 1, beta: 1 })),
});

/** `a @ b`, added to a gradient that came before where there is one and the result has its shape. */
export function productOnto(into: Tensor | null, a: Tensor, b: Tensor): Tensor {
  if (into === null || a.ndim !== 2 || b.ndim !== 2 || into.ndim !== 2 || !addProductOp.kernels.has(into.device.name)) return apply(matmulOp, [a, b], undefined);
  return applyInPlace(addProductOp, [into, a, b], undefined);
}

const times = (g: Tensor, factor: number): Tensor => (factor === 1 ? g : g.mul(factor));

/** `beta·input + alpha·(a @ b)`; the input broadcasts. */
const addmmOp: Primitive<AddmmAttrs> = primitive<AddmmAttrs>({
  name: 'addmm',
  infer: ([, x, y]) => {
    const [a, b] = [x as Tensor, y as Tensor];
    return { shape: [...a.shape.slice(0, -1), b.shape[b.ndim - 1]], dtype: a.dtype };
  },
  cpu: accelerated(({ fastAddmm }) => fastAddmm, addmmKernel),
  saves: (i) => i > 0,
  backward: [
    (g, n) => times(g, (n.attrs as AddmmAttrs).beta),
    (g, n, into) => productOnto(into, times(g, (n.attrs as AddmmAttrs).alpha), mT(n.input(2))),
    (g, n, into) => productOnto(into, mT(n.input(1)), times(g, (n.attrs as AddmmAttrs).alpha)),
  ],
});

/** All leading dimensions as rows. */
export const rowsOf: (x: Tensor) => Tensor = (x) => (x.ndim === 2 ? x : reshape(x, [numelOf(x.shape.slice(0, -1)), x.shape[x.ndim - 1]]));

/** Refuses operands of different dtypes, and bool. */
export function checkDTypes(name: string, ...tensors: readonly Tensor[]): void {
  const [a] = tensors;
  for (const x of tensors) {
    if (x.dtype !== a.dtype) {
      throw new DTypeError(`${name}: dtypes differ, got ${show(a)} and ${show(x)}; expected one dtype`, { hint: `convert one with .to('${a.dtype}')` });
    }
  }
  if (a.dtype === 'bool') throw new DTypeError(`${name}: not defined for bool, got ${show(a)}; expected numbers`, { hint: "convert with .to('float32')" });
}

function checkRank(name: string, x: unknown, rank: number, what: string): asserts x is Tensor {
  checkTensor(name, x, what);
  if (x.ndim !== rank) throw new ShapeError(`${name}: ${what} has another number of dimensions, got ${show(x)}; expected ${rank}`, { values: { shape: x.shape } });
}

/** Refuses operands whose last and last but one dimension (or only one) differ. */
function checkInner(name: string, a: Tensor, b: Tensor): void {
  const [k, l] = [a.shape[a.ndim - 1], b.shape[Math.max(0, b.ndim - 2)]];
  if (k !== l) throw new ShapeError(`${name}: inner sizes differ, got ${show(a)} and ${show(b)}; expected ${k} = ${l}`, { values: { a: a.shape, b: b.shape } });
}

/**
 * Matrix product. Vectors take part as a row on the left and as a column on the right, and that dimension is dropped again; the
 * dimensions before the last two broadcast: `(…, m, k) @ (…, k, n) → (…, m, n)`.
 *
 * @throws ShapeError when inner sizes differ or an operand is a scalar; DTypeError when dtypes differ
 * @see https://pytorch.org/docs/stable/generated/torch.matmul.html
 */
export const matmul: Method<(x: Tensor, y: Tensor) => Tensor> = method(
  {
    name: 'matmul',
    family,
    samples: (s) => [
      [s.float([2, 3]), s.float([3, 4])],
      [s.float([3]), s.float([3])],
      [s.float([3]), s.float([3, 2])],
      [s.float([2, 3]), s.float([3])],
      [s.float([3]), s.float([2, 3, 2])],
      [s.float([2, 3, 2]), s.float([2])],
      [s.float([2, 2, 3]), s.float([3, 2])],
      [s.float([2, 3]), s.float([2, 3, 2])],
      [s.float([2, 1, 2, 3]), s.float([3, 3, 1])],
      [s.float([5, 4]), s.float([4, 5])],
      [s.float([2, 0]), s.float([0, 3])],
      [s.float([0, 2, 3]), s.float([3, 2])],
      [s.int([2, 3]), s.int([3, 4])],
    ],
  },
  (x: Tensor, y: Tensor): Tensor => {
    checkTensor('matmul', x);
    checkTensor('matmul', y, 'other');
    if (x.ndim === 0 || y.ndim === 0) {
      throw new ShapeError(`matmul: a scalar among the operands, got ${show(x)} and ${show(y)}; expected at least 1 dimension`, { hint: 'use mul()' });
    }
    checkDTypes('matmul', x, y);
    checkInner('matmul', x, y);
    if (x.ndim === 2 && y.ndim === 2) return apply(matmulOp, [x, y], undefined);
    if (x.ndim > 2 && y.ndim <= 2) {
      const product = matmul(rowsOf(x), y);
      return reshape(product, y.ndim === 1 ? x.shape.slice(0, -1) : [...x.shape.slice(0, -1), y.shape[1]]);
    }
    const a = x.ndim === 1 ? unsqueeze(x, 0) : x;
    const b = y.ndim === 1 ? unsqueeze(y, 1) : y;
    let out = apply(matmulOp, [a, b], undefined);
    if (y.ndim === 1) out = squeeze(out, -1);
    return x.ndim === 1 ? squeeze(out, y.ndim === 1 ? 0 : -2) : out;
  },
);

/**
 * Product of two matrices `(m, k) @ (k, n) → (m, n)`, without broadcasting.
 *
 * @throws ShapeError unless both have 2 dimensions and inner sizes agree; DTypeError when dtypes differ
 * @see https://pytorch.org/docs/stable/generated/torch.mm.html
 */
export const mm: Method<(x: Tensor, y: Tensor) => Tensor> = method(
  { name: 'mm', family, samples: (s) => [[s.float([2, 3]), s.float([3, 4])], [s.float([4, 1]), s.float([1, 4])]] },
  (x: Tensor, y: Tensor): Tensor => {
    checkRank('mm', x, 2, 'input');
    checkRank('mm', y, 2, 'mat2');
    checkDTypes('mm', x, y);
    checkInner('mm', x, y);
    return apply(matmulOp, [x, y], undefined);
  },
);

/**
 * Products of two stacks of matrices `(b, m, k) @ (b, k, n) → (b, m, n)`.
 *
 * @throws ShapeError unless both have 3 dimensions that fit; DTypeError when dtypes differ
 * @see https://pytorch.org/docs/stable/generated/torch.bmm.html
 */
export const bmm: Method<(x: Tensor, y: Tensor) => Tensor> = method(
  { name: 'bmm', family, samples: (s) => [[s.float([2, 2, 3]), s.float([2, 3, 4])], [s.float([0, 2, 3]), s.float([0, 3, 4])]] },
  (x: Tensor, y: Tensor): Tensor => {
    checkStacks('bmm', x, y);
    return apply(matmulOp, [x, y], undefined);
  },
);

function checkStacks(name: string, x: unknown, y: unknown): asserts x is Tensor {
  checkRank(name, x, 3, name === 'bmm' ? 'input' : 'batch1');
  checkRank(name, y, 3, name === 'bmm' ? 'mat2' : 'batch2');
  checkDTypes(name, x, y);
  if (x.shape[0] !== y.shape[0]) {
    throw new ShapeError(`${name}: numbers of matrices differ, got ${show(x)} and ${show(y)}; expected ${x.shape[0]} = ${y.shape[0]}`);
  }
  checkInner(name, x, y);
}

/**
 * Matrix times vector `(m, k) @ (k) → (m)`.
 *
 * @throws ShapeError when sizes do not fit; DTypeError when dtypes differ
 * @see https://pytorch.org/docs/stable/generated/torch.mv.html
 */
export const mv: Method<(x: Tensor, vec: Tensor) => Tensor> = method(
  { name: 'mv', family, samples: (s) => [[s.float([2, 3]), s.float([3])], [s.float([5, 1]), s.float([1])]] },
  (x: Tensor, vec: Tensor): Tensor => {
    checkRank('mv', x, 2, 'input');
    checkRank('mv', vec, 1, 'vec');
    checkDTypes('mv', x, vec);
    checkInner('mv', x, vec);
    return squeeze(apply(matmulOp, [x, unsqueeze(vec, 1)], undefined), 1);
  },
);

/**
 * Sum of products of two vectors: `Σ x[i]·y[i]`.
 *
 * @throws ShapeError unless both have 1 dimension of one size; DTypeError when dtypes differ
 * @see https://pytorch.org/docs/stable/generated/torch.dot.html
 */
export const dot: Method<(x: Tensor, y: Tensor) => Tensor> = method(
  { name: 'dot', family, samples: (s) => [[s.float([3]), s.float([3])], [s.float([0]), s.float([0])]] },
  (x: Tensor, y: Tensor): Tensor => {
    checkRank('dot', x, 1, 'input');
    checkRank('dot', y, 1, 'other');
    checkDTypes('dot', x, y);
    checkInner('dot', x, y);
    return reshape(apply(matmulOp, [unsqueeze(x, 0), unsqueeze(y, 1)], undefined), []);
  },
);

/**
 * Products of every pair of two vectors: `out[i][j] = x[i]·y[j]`.
 *
 * @throws ShapeError unless both have 1 dimension
 * @see https://pytorch.org/docs/stable/generated/torch.outer.html
 */
export const outer: Method<(x: Tensor, y: Tensor) => Tensor> = method(
  { name: 'outer', family, samples: (s) => [[s.float([2]), s.float([3])], [s.float([0]), s.float([3])], [s.int([2]), s.float([3])]] },
  (x: Tensor, y: Tensor): Tensor => {
    checkRank('outer', x, 1, 'input');
    checkRank('outer', y, 1, 'vec2');
    return unsqueeze(x, 1).mul(y);
  },
);

/** Options of `addmm` and `baddbmm`. */
export interface AddmmOptions {
  /** Factor of the input; default 1. With 0 the input is not read. */
  readonly beta?: number;
  /** Factor of the product; default 1. */
  readonly alpha?: number;
}

function addmmArgs(name: string, input: Tensor, a: Tensor, b: Tensor, options: AddmmOptions | undefined): AddmmAttrs {
  checkOptions(name, options, ['beta', 'alpha']);
  checkTensor(name, input);
  if (name.startsWith('baddbmm')) checkStacks(name, a, b);
  else {
    checkRank(name, a, 2, 'mat1');
    checkRank(name, b, 2, 'mat2');
    checkInner(name, a, b);
  }
  checkDTypes(name, input, a, b);
  const shape = [...a.shape.slice(0, -1), b.shape[b.ndim - 1]];
  if (input.ndim > shape.length || input.shape.some((n, i) => n !== 1 && n !== shape[i + shape.length - input.ndim])) {
    throw new ShapeError(`${name}: the input does not broadcast to the product, got ${show(input)}; expected [${shape.join(', ')}]`, { values: { shape } });
  }
  const { beta = 1, alpha = 1 } = options ?? {};
  for (const [key, v] of Object.entries({ beta, alpha })) {
    if (typeof v !== 'number' || (!isFloat(a.dtype) && !Number.isInteger(v))) {
      throw new ArgumentError(`${name}: invalid ${key}, got ${show(v)} for ${a.dtype}; expected ${isFloat(a.dtype) ? 'a number' : 'a whole number'}`);
    }
  }
  return { alpha, beta };
}

/** A function that adds the product of two factors, which have names, to an input. */
export type AddedProduct<A extends string, B extends string> = InPlace<NamedList<[first: Tensor, second: Tensor, options?: AddmmOptions], { readonly [K in A | B]?: Tensor } & AddmmOptions, Tensor>>;

function addmmFamily<A extends string, B extends string>(name: string, factors: readonly [A, B], stack: readonly number[]): AddedProduct<A, B> {
  return inPlaceMethod(
    {
      name,
      parameters: [...factors, 'options'],
      family,
      samples: (s) => [
        [s.float([...stack, 2, 4]), s.float([...stack, 2, 3]), s.float([...stack, 3, 4])],
        [s.float([4]), s.float([...stack, 2, 3]), s.float([...stack, 3, 4]), { beta: 0.5, alpha: -2 }],
        [s.float([3, 1]), s.float([...stack, 3, 0]), s.float([...stack, 0, 2])],
        [s.float([...stack, 1, 5]), s.float([...stack, 1, 2]), s.float([...stack, 2, 5]), { beta: 0 }],
      ],
    },
    (input: Tensor, a: Tensor, b: Tensor, options?: AddmmOptions): Tensor => apply(addmmOp, [input, a, b], addmmArgs(name, input, a, b, options)),
    (input: Tensor, a: Tensor, b: Tensor, options?: AddmmOptions): Tensor => {
      const attrs = addmmArgs(`${name}_`, input, a, b, options);
      // A product cannot be written over what it is read from.
      const apart = (x: Tensor): Tensor => (x.storage === input.storage ? x.clone() : x);
      return applyInPlace(addmmOp, [input, apart(a), apart(b)], attrs);
    },
  );
}

/**
 * `beta·input + alpha·(mat1 @ mat2)` for matrices; the input broadcasts to the product.
 *
 * @throws ShapeError or DTypeError when the operands do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.addmm.html
 */
export const addmm: AddedProduct<'mat1', 'mat2'> = addmmFamily('addmm', ['mat1', 'mat2'], []);

/**
 * `beta·input + alpha·(batch1 @ batch2)` for stacks of matrices; the input broadcasts to the product.
 *
 * @throws ShapeError or DTypeError when the operands do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.baddbmm.html
 */
export const baddbmm: AddedProduct<'batch1', 'batch2'> = addmmFamily('baddbmm', ['batch1', 'batch2'], [2]);

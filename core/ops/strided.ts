import { accelerated } from '../cpu/engine.ts';
import { scatterStrided } from '../cpu/strided.ts';
import { ShapeError, show } from '../errors.ts';
import { apply, fromStorage, makeView, ownerOf, primitive, rowMajor } from '../op.ts';
import { type Shape, checkShape, isContiguous, numelOf } from '../shape.ts';
import { type Layout, Tensor, emptyTensor } from '../tensor.ts';
import { type TensorOptions, empty } from './creation.ts';
import { type Free, type Method, free, method } from './define.ts';

// Strided windows of a storage: what in-place writes through views stand on.

interface ScatterAttrs extends Layout {
  /** Add where cells meet, instead of the last one winning. */
  readonly accumulate: boolean;
}

const scatterOp = primitive<ScatterAttrs>({
  name: 'asStridedScatter',
  infer: ([x]) => x as Tensor,
  cpu: accelerated(({ fastScatterStrided }) => fastScatterStrided, scatterStrided),
  batching: {
    shift: (attrs, [x], size) => ({ ...attrs, shape: [size, ...attrs.shape], strides: [(x as Tensor).numel(), ...attrs.strides] }),
  },
  backward: [
    (g, n) => {
      const { shape, strides, offset, accumulate } = n.attrs as ScatterAttrs;
      return accumulate ? g : asStridedScatter(rowMajor(g), emptyTensor(shape, g.dtype, g.device), { shape, strides, offset });
    },
    (g, n) => {
      const { shape, strides, offset } = n.attrs as ScatterAttrs;
      return asStrided(rowMajor(g), shape, strides, offset);
    },
  ],
});

/**
 * A copy of `x` (row-major) in which the cells of a window are those of `source`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.as_strided_scatter.html
 */
export const asStridedScatter: Method<(x: Tensor, source: Tensor, layout: Layout) => Tensor> = method(
  { name: 'asStridedScatter', family: 'engine', torch: null, samples: (s) => [[s.float([2, 3]), s.float([2]), { shape: [2], strides: [3], offset: 1 }]] },
  (x: Tensor, source: Tensor, { shape, strides, offset }: Layout): Tensor => apply(scatterOp, [x, source], { shape, strides, offset, accumulate: false }),
);

function checkStrides(name: string, shape: Shape, strides: readonly number[]): void {
  const valid = Array.isArray(strides) && strides.length === shape.length && strides.every((n: unknown) => Number.isInteger(n) && (n as number) >= 0);
  if (!valid) throw new ShapeError(`${name}: strides do not fit, got ${show(strides)} for [${shape.join(', ')}]; expected an integer ≥ 0 per dimension`);
}

/**
 * A tensor under given strides whose values are not meant to be read before they are written; they are zeros.
 *
 * @throws ShapeError unless there is a stride ≥ 0 per dimension
 * @see https://pytorch.org/docs/stable/generated/torch.empty_strided.html
 */
export const emptyStrided: Free<(shape: Shape, strides: readonly number[], options?: TensorOptions) => Tensor> = free(
  { name: 'emptyStrided', family: 'creation', differentiable: false, samples: () => [] },
  (shape: Shape, strides: readonly number[], options?: TensorOptions): Tensor => {
    checkShape('emptyStrided', shape);
    checkStrides('emptyStrided', shape, strides);
    const cells = numelOf(shape) === 0 ? 0 : shape.reduce((n, size, d) => n + (size - 1) * strides[d], 1);
    const block = empty([cells], options);
    const made = new Tensor(block.storage, [...shape], [...strides]);
    return block.requiresGrad ? made.requiresGrad_() : made;
  },
);

/**
 * A view of the storage of `x` under any shape, strides and offset.
 *
 * @param offset - where the first element lies, from the start of the storage; default that of `x`
 * @throws ShapeError for elements outside the storage
 * @see https://pytorch.org/docs/stable/generated/torch.as_strided.html
 */
export const asStrided: Method<(x: Tensor, shape: Shape, strides: readonly number[], offset?: number) => Tensor> = method(
  { name: 'asStrided', family: 'view', samples: (s) => [[s.float([2, 3]), [2, 2], [1, 2], 1], [s.float([6]), [3, 3], [1, 1]]] },
  (x: Tensor, shape: Shape, strides: readonly number[], offset = x.offset): Tensor => {
    checkShape('asStrided', shape);
    checkStrides('asStrided', shape, strides);
    let last = offset;
    for (let d = 0; d < shape.length; d++) last += (shape[d] - 1) * strides[d];
    if (offset < 0 || (numelOf(shape) > 0 && (last >= x.storage.length || last < 0))) {
      throw new ShapeError(`asStrided: reaches outside the storage, got elements ${offset} to ${last}; expected 0 to ${x.storage.length - 1}`);
    }
    const owner = ownerOf(x);
    return makeView('asStrided', x, { shape, strides, offset }, (g) => {
      const plain = isContiguous(owner.shape, owner.strides);
      const whole = emptyTensor(plain ? owner.shape : [owner.length], g.dtype, g.device);
      const window = { shape, strides, offset: plain ? offset - owner.offset : offset, accumulate: true };
      return fromStorage(apply(scatterOp, [whole, g], window), owner);
    });
  },
);

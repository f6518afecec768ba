import { DTypeError, ShapeError, show } from '../errors.ts';
import { broadcastShapes } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { type InPlace, type Method, checkTensor, inPlaceMethod, method } from './define.ts';
import { index } from './indexing.ts';
import { nonzero } from './nonzero.ts';
import { cloneBeside, expand, narrow, reshape } from './view.ts';

const family = 'indexing';

function checkMask(op: string, mask: unknown): asserts mask is Tensor {
  checkTensor(op, mask, 'the mask');
  if (mask.dtype !== 'bool' && mask.dtype !== 'uint8') throw new DTypeError(`${op}: the mask is not bool, got ${show(mask)}; expected bool`);
}

/**
 * The elements where the mask holds, in row-major order, as one dimension; tensor and mask broadcast.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.masked_select.html
 */
export const maskedSelect: Method<(x: Tensor, mask: Tensor) => Tensor> = method(
  { name: 'maskedSelect', family, samples: (s) => [[s.float([2, 3]), s.bool([2, 3])], [s.float([3]), s.bool([2, 1])], [s.float([]), s.values([1], [], 'bool')]] },
  (x: Tensor, mask: Tensor): Tensor => {
    checkTensor('maskedSelect', x);
    checkMask('maskedSelect', mask);
    const shape = broadcastShapes('maskedSelect', x.shape, mask.shape);
    return index(reshape(expand(x, shape), [-1]), reshape(expand(mask.bool(), shape), [-1]));
  },
);

function scatterMasked(op: string, x: Tensor, mask: Tensor, source: Tensor): Tensor {
  checkTensor(op, source, 'source');
  if (source.dtype !== x.dtype) throw new DTypeError(`${op}: the source has another dtype, got ${show(source)} for ${show(x)}; expected ${x.dtype}`);
  const places = nonzero(expand(mask, x.shape), { asTuple: true });
  const count = places[0].numel();
  if (count > source.numel()) {
    throw new ShapeError(`${op}: the source is too small, got ${source.numel()} elements for ${count} places; expected at least ${count}`);
  }
  const values = narrow(reshape(source, [-1]), 0, 0, count);
  (x.ndim === 0 ? reshape(x, [1]) : x).indexPut_(places, values);
  return x;
}

/**
 * A copy of `x` with the places where the mask holds filled with the elements of `source`, both in row-major order.
 *
 * @throws ShapeError when the source has fewer elements than there are places
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.masked_scatter_.html
 */
export const maskedScatter: InPlace<(x: Tensor, mask: Tensor, source: Tensor) => Tensor> = inPlaceMethod(
  {
    name: 'maskedScatter',
    family,
    torch: 'Tensor.masked_scatter',
    samples: (s) => [[s.float([2, 3]), s.bool([2, 3]), s.float([6])], [s.float([3]), s.bool([2, 1]), s.float([2, 3])]],
  },
  (x: Tensor, mask: Tensor, source: Tensor): Tensor => {
    checkTensor('maskedScatter', x);
    checkMask('maskedScatter', mask);
    checkTensor('maskedScatter', source, 'source');
    return scatterMasked('maskedScatter', cloneBeside(expand(x, broadcastShapes('maskedScatter', x.shape, mask.shape)), [mask, source]), mask, source);
  },
  (x: Tensor, mask: Tensor, source: Tensor): Tensor => {
    checkTensor('maskedScatter_', x);
    checkMask('maskedScatter_', mask);
    return scatterMasked('maskedScatter_', x, mask, source);
  },
);

import { ArgumentError, show } from '../errors.ts';
import { isShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { Named } from './byName.ts';
import { type Free, free } from './define.ts';
import { checkIndex } from './gather.ts';

/**
 * The coordinates of places in a flattened tensor of a shape: one int64 tensor per dimension, each of the shape of `indices`. As in PyTorch, places beyond the end begin again.
 *
 * @param shape - sizes, or a single one
 * @throws DTypeError for an index that is not int64 or int32; ArgumentError for anything but a shape
 * @see https://pytorch.org/docs/stable/generated/torch.unravel_index.html
 */
export const unravelIndex: Free<Named<'shape', number | readonly number[], object, Tensor[]>> = free(
  {
    name: 'unravelIndex',
    parameters: ['shape'],
    family: 'indexing',
    differentiable: false,
    samples: (s) => [[s.values([3, 0, 11], [3], 'int64'), [3, 4]], [s.values([5, 23, 7, 1], [2, 2], 'int64'), [2, 3, 4]], [s.values([2], [], 'int64'), 5], [s.values([], [0], 'int64'), [2, 2]]],
  },
  (indices: Tensor, shape: number | readonly number[]): Tensor[] => {
    checkIndex('unravelIndex', indices, 'indices');
    const sizes = typeof shape === 'number' ? [shape] : shape;
    if (!isShape(sizes)) throw new ArgumentError(`unravelIndex: not a shape, got ${show(shape)}; expected sizes ≥ 0`);
    let block = 1;
    const found: Tensor[] = [];
    for (const size of sizes.toReversed()) {
      found.push(indices.floorDivide(block).remainder(size));
      block *= size;
    }
    return found.reverse();
  },
);

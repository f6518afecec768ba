import { test } from 'uvu';
import { tensor } from '../../../index.ts';
import { allClose } from '../../assert.ts';

const f64 = { dtype: 'float64' } as const;
const third = 1 / 3;

/** Whether self counts, the reduction, then PyTorch's result and its gradients to self and to the source. */
const recorded = [
  [true, 'amax', [3, 1, 3, 5], [third, 10 / 3, 100, 1000], [third, third, 10 / 3, 0, 10 / 3]],
  [true, 'amin', [3, 1, 2, 5], [third, 10 / 3, 0, 1000], [third, third, 10 / 3, 100, 10 / 3]],
  [false, 'amax', [3, 1, 2, 5], [0, 0, 0, 1000], [third, third, 10 / 3, 100, 10 / 3]],
  [false, 'amin', [3, 1, 2, 5], [0, 0, 0, 1000], [third, third, 10 / 3, 100, 10 / 3]],
] as const;

for (const [includeSelf, reduce, result, toSelf, toSource] of recorded) {
  test(`gradients of ties: ${reduce}, ${includeSelf ? 'with' : 'without'} self`, () => {
    const index = tensor([0, 0, 1, 2, 1], { dtype: 'int64' });
    for (const name of ['scatterReduce', 'indexReduce'] as const) {
      const x = tensor([3, 1, 3, 5], { ...f64, requiresGrad: true });
      const source = tensor([3, 3, 1, 2, 1], { ...f64, requiresGrad: true });
      const y = x[name](0, index, source, reduce, { includeSelf });
      allClose(y, result);
      y.backward({ gradient: tensor([1, 10, 100, 1000], f64) });
      allClose(x.grad as never, toSelf);
      allClose(source.grad as never, toSource);
    }
  });
}

test.run();

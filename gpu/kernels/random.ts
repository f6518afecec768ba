import { cpu } from '../../core/device.ts';
import { type Fill, fillTensor, memoryOrder } from '../../core/cpu/random.ts';
import type { Kernel } from '../../core/op.ts';
import { Tensor } from '../../core/tensor.ts';
import { blockOf, launch } from '../launch.ts';
import { namesOf } from '../layout.ts';
import { sourceOf } from '../source.ts';

/** Random numbers in place: drawn on the CPU in the order of the memory there, so that they are PyTorch's, and brought over. */
export const random: Kernel<Fill> = ([out], _, fill) => {
  const n = out.numel();
  if (n === 0) return;
  const strides = new Array<number>(out.ndim).fill(1);
  let step = 1;
  for (const d of memoryOrder(out).reverse()) {
    strides[d] = step;
    step *= out.shape[d];
  }
  const whole = out.isContiguous();
  const here = new Tensor(cpu.allocate(out.dtype, n), out.shape, whole ? out.strides : strides);
  fillTensor(here, (cells, at, count) => fill(cells, at, count, whole));
  const there = new Tensor(out.device.adopt(out.dtype, here.data()), out.shape);
  const source = sourceOf('flat drawn', () => ({ arrays: ['a'], integers: namesOf(1, ['a']), floats: [], body: 'return a[ao + this.thread.x * as0];' }));
  launch(source, out, { arrays: [blockOf(there)], integers: [0, 1] });
  there.storage.release();
};

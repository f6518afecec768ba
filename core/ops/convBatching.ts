import { type Batch, type Batching, foldFront, forEach } from '../batching.ts';
import type { ConvGeometry } from '../cpu/frame.ts';
import type { Operand } from '../op.ts';
import type { Tensor } from '../tensor.ts';

// Convolutions of many examples: with one weight the examples join the batch; with a weight each, the examples are groups of channels.

/** (examples, N, C, …) → (N, examples·C, …). */
function channelsOf(x: Tensor): Tensor {
  const turned = x.movedim(0, 1);
  return turned.reshape([turned.shape[0], turned.shape[1] * turned.shape[2], ...turned.shape.slice(3)]);
}

/** (N, examples·C, …) → (examples, N, C, …). */
function examplesOf(y: Tensor, size: number): Tensor {
  return y.reshape([y.shape[0], size, y.shape[1] / size, ...y.shape.slice(2)]).movedim(1, 0);
}

const each = ({ inputs, batched, size }: Batch, i: number): Tensor => {
  const x = inputs[i] as Tensor;
  return batched[i] ? x : forEach(x, size);
};

function inGroups(attrs: ConvGeometry, size: number): ConvGeometry {
  return { ...attrs, groups: attrs.groups * size, inChannels: attrs.inChannels * size, outChannels: attrs.outChannels * size };
}

/** For operands images, weight and bias. */
export const imagesAndWeight: Batching<ConvGeometry> = {
  run: (batch, attrs, apply) => {
    const { inputs, batched, size } = batch;
    if (!batched[1] && !batched.slice(2).includes(true)) {
      const [y] = apply([foldFront(each(batch, 0)), ...inputs.slice(1)], { ...attrs, batch: attrs.batch * size });
      return [y.reshape([size, attrs.batch, ...y.shape.slice(1)])];
    }
    const rest: Operand[] = inputs.slice(1).map((x, i) => (typeof x === 'number' ? x : foldFront(each(batch, i + 1))));
    const [y] = apply([channelsOf(each(batch, 0)), ...rest], inGroups(attrs, size));
    return [examplesOf(y, size)];
  },
};

/** For images before and after, which give a weight. */
export const imagesOnly: Batching<ConvGeometry> = {
  run: (batch, attrs, apply) => {
    const [w] = apply([channelsOf(each(batch, 0)), channelsOf(each(batch, 1))], inGroups(attrs, batch.size));
    return [w.reshape([batch.size, w.shape[0] / batch.size, ...w.shape.slice(1)])];
  },
};

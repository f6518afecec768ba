import { accelerated } from '../cpu/engine.ts';
import {
  type NormAttrs, type NormBackwardAttrs, channelStats, normChannels, normChannelsBackward, normRows, normRowsBackward, rowStats,
} from '../cpu/normalize.ts';
import { type Primitive, applyMany, primitive } from '../op.ts';
import type { Shape } from '../shape.ts';
import { type BackwardFn, type Node, type Operand, isGradEnabled } from '../tape.ts';
import type { Tensor } from '../tensor.ts';

// The primitives under the normalisations: statistics, the normalisation with given statistics, and its first gradient in one kernel.

/** Mean and biased variance of each channel; no gradient flows through them, since that of the normalisation accounts for it. */
export const channelStatsOp: Primitive<undefined> = primitive({
  name: 'channelStats',
  infer: ([x]) => [0, 1].map(() => ({ shape: [(x as Tensor).shape[1]], dtype: (x as Tensor).dtype })),
  cpu: accelerated(({ fastChannelStats }) => fastChannelStats, channelStats),
});

/** The same for each row of a tensor taken as `rows` rows. */
export const rowStatsOp: Primitive<{ readonly rows: number }> = primitive<{ readonly rows: number }>({
  name: 'rowStats',
  infer: ([x], { rows }) => [0, 1].map(() => ({ shape: [rows], dtype: (x as Tensor).dtype })),
  cpu: accelerated(({ fastRowStats }) => fastRowStats, rowStats),
});

/** Outputs of the gradient primitives: of the input (empty if not wanted), the weight, the bias. */
const gradientSpecs = (vector: (x: Tensor) => Shape) => ([, input]: readonly Operand[], { input: wanted }: NormBackwardAttrs) => {
  const x = input as Tensor;
  return [wanted ? x.shape : [0], vector(x), vector(x)].map((shape) => ({ shape, dtype: x.dtype }));
};

const channelsBackwardOp = primitive<NormBackwardAttrs>({ name: 'batchNormBackward', infer: gradientSpecs((x) => [x.shape[1]]), cpu: accelerated(({ fastNormChannelsBackward }) => fastNormChannelsBackward, normChannelsBackward) });

/** Attributes of `layerNormOp`: the last dimensions make a row. */
export interface RowAttrs extends NormAttrs {
  readonly normalizedShape: Shape;
}

const rowsBackwardOp = primitive<NormBackwardAttrs & RowAttrs>({
  name: 'layerNormBackward',
  infer: (inputs, attrs) => gradientSpecs(() => attrs.normalizedShape)(inputs, attrs),
  cpu: accelerated(({ fastNormRowsBackward }) => fastNormRowsBackward, normRowsBackward),
});

/** How the gradient is written in tensor operations, when it is to be differentiated itself. */
interface Layout {
  /** Dimensions the statistics run over. */
  readonly dims: readonly number[];
  /** Shape in which weight and bias broadcast with the input. */
  readonly vector: Shape;
}

/** Gradients by the fused kernel, or in tensor operations while those are recorded. */
function gradients<A extends NormAttrs>(fused: Primitive<A & NormBackwardAttrs>, layout: (x: Tensor, attrs: A) => Layout): BackwardFn {
  return (node, g) => {
    if (g === null) return [];
    const attrs = node.attrs as A;
    const x = node.input(0);
    if (isGradEnabled()) return composed(node, g, attrs, layout(x, attrs));
    return applyMany(fused, [g.contiguous(), x, node.operand(1), node.input(3), node.input(4)], { ...attrs, input: node.needs(0) });
  };
}

function composed(node: Node, g: Tensor, { eps, training }: NormAttrs, { dims, vector }: Layout): (Tensor | null)[] {
  const x = node.input(0);
  const weight = node.operand(1);
  const keepdim = { keepdim: true };
  const centred = x.sub(training ? x.mean(dims, keepdim) : node.input(3).reshape(vector));
  const variance = training ? centred.square().mean(dims, keepdim) : node.input(4).reshape(vector);
  const inverse = variance.add(eps).rsqrt();
  const unit = centred.mul(inverse);
  const scaled = typeof weight === 'number' ? g : g.mul(weight.reshape(vector));
  const across = training ? scaled.sub(scaled.mean(dims, keepdim)).sub(unit.mul(scaled.mul(unit).mean(dims, keepdim))) : scaled;
  const sum = (t: Tensor, i: number): Tensor | null => (node.inputs[i].dtype === null ? null : t.sumToSize(vector).reshape(node.inputs[i].shape));
  return [across.mul(inverse), sum(g.mul(unit), 1), sum(g, 2)];
}

/** `[1, C, 1, …]`: a vector over the channels of `x`. */
export const channelShape = (x: Tensor): number[] => x.shape.map((n, d) => (d === 1 ? n : 1));

/** Operands x (N, C, …), weight or 1, bias or 0, mean (C), variance (C). */
export const batchNormOp: Primitive<NormAttrs> = primitive<NormAttrs>({
  name: 'batchNorm',
  infer: ([x]) => x as Tensor,
  cpu: accelerated(({ fastNormChannels }) => fastNormChannels, normChannels),
  saves: (i) => i !== 2,
  backward: gradients(channelsBackwardOp, (x) => ({ dims: x.shape.map((_, d) => d).filter((d) => d !== 1), vector: channelShape(x) })),
});

/** Operands x (…, row), weight or 1, bias or 0, mean and variance per row. */
export const layerNormOp: Primitive<RowAttrs> = primitive<RowAttrs>({
  name: 'layerNorm',
  infer: ([x]) => x as Tensor,
  cpu: accelerated(({ fastNormRows }) => fastNormRows, normRows),
  saves: (i) => i !== 2,
  backward: gradients(rowsBackwardOp, (x, { normalizedShape }) => ({
    dims: normalizedShape.map((_, i) => x.ndim - normalizedShape.length + i),
    vector: normalizedShape,
  })),
});

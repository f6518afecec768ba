import { type CausalAttrs, causalAttentionBackwardKernel, causalAttentionKernel } from '../cpu/attention.ts';
import { accelerated } from '../cpu/engine.ts';
import { type Primitive, type Spec, applyMany, primitive } from '../op.ts';
import { type Shape, stridesOf, sameShape } from '../shape.ts';
import { type Node, isGradEnabled } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { matmul } from './matmul.ts';

/** A result of this shape that lies as `like` does: step after step with all heads, as projections have it, or head after head. Then no copy is needed to bring the heads together. */
function arrangedLike(like: Tensor, shape: Shape): Spec {
  const { dtype, strides } = like;
  const rank = shape.length;
  const byStep = rank > 2 && strides[rank - 1] === 1 && strides[rank - 3] < strides[rank - 2];
  if (!byStep) return { shape, dtype };
  const [heads, , width] = shape.slice(-3);
  const arranged = [...stridesOf(shape)];
  arranged[rank - 3] = width;
  arranged[rank - 2] = heads * width;
  return { shape, dtype, arranged };
}

const slopes: Primitive<CausalAttrs> = primitive<CausalAttrs>({
  name: 'causalAttentionBackward',
  infer: ([, ...operands]) => operands.slice(0, 3).map((x) => arrangedLike(x as Tensor, (x as Tensor).shape)),
  cpu: accelerated(({ fastCausalAttentionBackward }) => fastCausalAttentionBackward, causalAttentionBackwardKernel),
});

/** The gradients in tensor ops, which are differentiable in turn. Weights of keys that are not seen are 0, and so are the gradients of their scores. */
function inOps(node: Node, g: Tensor | null, weightsGrad: Tensor | null): (Tensor | null)[] {
  const [q, k, v, w] = [node.input(0), node.input(1), node.input(2), node.output(1)];
  const fromValues = g === null ? null : matmul(g, v.mT);
  const gw = fromValues === null ? weightsGrad : weightsGrad === null ? fromValues : fromValues.add(weightsGrad);
  if (gw === null) return [null, null, null];
  const scores = w.mul(gw.sub(gw.mul(w).sum(-1, { keepdim: true }))).mul((node.attrs as CausalAttrs).scale);
  return [matmul(scores, k), matmul(scores.mT, q), g === null ? null : matmul(w.mT, g)];
}

/** Attention where query i sees the keys 0 … i, and its weights. */
const attention: Primitive<CausalAttrs> = primitive<CausalAttrs>({
  name: 'causalAttention',
  infer: ([query, , value]) => {
    const [q, v] = [query as Tensor, value as Tensor];
    const rows = q.shape.slice(0, -1);
    return [arrangedLike(q, [...rows, v.shape[v.ndim - 1]]), { shape: [...rows, q.shape[q.ndim - 2]], dtype: q.dtype }];
  },
  cpu: accelerated(({ fastCausalAttention }) => fastCausalAttention, causalAttentionKernel),
  batching: { shift: (attrs) => attrs },
  saves: 'both',
  backward: (node, g, weightsGrad) => {
    if (g === null || g === undefined || (weightsGrad !== null && weightsGrad !== undefined) || isGradEnabled()) return inOps(node, g ?? null, weightsGrad ?? null);
    return applyMany(slopes, [g, node.input(0), node.input(1), node.input(2), node.output(1)], node.attrs as CausalAttrs);
  },
});

/** Whether there is one kernel for causal attention of these: as many keys as queries, and nothing to broadcast. */
export function isCausalPlain(query: Tensor, key: Tensor, value: Tensor): boolean {
  return attention.kernels.has(query.device.name) && sameShape(query.shape, key.shape) && sameShape(query.shape.slice(0, -1), value.shape.slice(0, -1));
}

/** `softmax(scale·Q·Kᵀ)·V` with the weights of the keys after i, for query i, 0. */
export function causalAttention(query: Tensor, key: Tensor, value: Tensor, scale: number): Tensor {
  const [out, weights] = applyMany(attention, [query, key, value], { scale });
  weights.storage.discard();
  return out;
}

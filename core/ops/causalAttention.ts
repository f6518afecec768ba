import { type CausalAttrs, causalAttentionBackwardKernel, causalAttentionKernel } from '../cpu/attention.ts';
import { accelerated } from '../cpu/engine.ts';
import { type Primitive, applyMany, primitive } from '../op.ts';
import { sameShape } from '../shape.ts';
import { type Node, isGradEnabled } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { matmul } from './matmul.ts';

const slopes: Primitive<CausalAttrs> = primitive<CausalAttrs>({
  name: 'causalAttentionBackward',
  infer: ([, query, key, value]) => [query as Tensor, key as Tensor, value as Tensor],
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
    return [{ shape: [...rows, v.shape[v.ndim - 1]], dtype: q.dtype }, { shape: [...rows, q.shape[q.ndim - 2]], dtype: q.dtype }];
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

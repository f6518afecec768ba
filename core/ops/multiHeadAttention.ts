import { type DType, isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, StateError, checkNumber, checkOptions, show } from '../errors.ts';
import { type Shape, sameShape } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import { scaledDotProductAttention } from './attention.ts';
import { zeros } from './creation.ts';
import { type Free, checkTensor, free } from './define.ts';
import { dropout } from './dropout.ts';
import { cat } from './join.ts';
import { linear } from './linear.ts';
import { baddbmm, bmm } from './matmul.ts';
import { softmax } from './softmax.ts';

/** What attention gives: the output, and the weights where they were asked for; also `[attnOutput, attnOutputWeights]`. */
export type AttentionOutput = readonly [attnOutput: Tensor, attnOutputWeights: Tensor | null] & {
  readonly attnOutput: Tensor;
  readonly attnOutputWeights: Tensor | null;
};

/** Options of `multiHeadAttentionForward`. */
export interface MultiHeadAttentionOptions {
  /** Apply the dropout; default true. */
  readonly training?: boolean;
  /** (N, S) or (S): true, or -Infinity, where a key takes no part; other floats are added to its scores; default none. */
  readonly keyPaddingMask?: Tensor | null;
  /** Return the weights too, which costs a slower way; default true. */
  readonly needWeights?: boolean;
  /** (L, S) or (N·heads, L, S): true, or -Infinity, where a query may not see a key; other floats are added to the scores; default none. */
  readonly attnMask?: Tensor | null;
  /** Project with `qProjWeight`, `kProjWeight`, `vProjWeight` instead of `inProjWeight`; default false. */
  readonly useSeparateProjWeight?: boolean;
  /** (E, E). */
  readonly qProjWeight?: Tensor | null;
  /** (E, kdim). */
  readonly kProjWeight?: Tensor | null;
  /** (E, vdim). */
  readonly vProjWeight?: Tensor | null;
  /** Keys to use instead of the projected ones, (N·heads, S, E/heads); default none. */
  readonly staticK?: Tensor | null;
  /** Values to use instead of the projected ones, (N·heads, S, E/heads); default none. */
  readonly staticV?: Tensor | null;
  /** Give the mean of the weights over the heads, (N, L, S), else (N, heads, L, S); default true. */
  readonly averageAttnWeights?: boolean;
  /** Says that `attnMask`, which must be given, is the causal mask, so that a faster way may be taken; default false. */
  readonly isCausal?: boolean;
}

const name = 'multiHeadAttentionForward';
const optionNames = [
  'training', 'keyPaddingMask', 'needWeights', 'attnMask', 'useSeparateProjWeight', 'qProjWeight', 'kProjWeight', 'vProjWeight', 'staticK', 'staticV', 'averageAttnWeights', 'isCausal',
];

/** A mask as numbers to add: -Infinity where a mask of booleans is true. @throws DTypeError for integers */
export function additiveMask(op: string, what: string, mask: Tensor | null, dtype: DType): Tensor | null {
  if (mask === null) return null;
  if (!(mask instanceof Tensor)) throw new ArgumentError(`${op}: ${what} is not a tensor, got ${show(mask)}; expected a Tensor of bool or floats`);
  if (isFloat(mask.dtype)) return mask;
  if (mask.dtype !== 'bool') throw new DTypeError(`${op}: ${what} is neither bool nor float, got ${show(mask)}; expected bool or ${dtype}`);
  return zeros(mask.shape, { dtype, device: mask.device }).maskedFill(mask, -Infinity);
}

function checkShapes(query: Tensor, key: Tensor, value: Tensor, padding: Tensor | null, mask: Tensor | null, heads: number): boolean {
  const rank = query.ndim;
  if (rank !== 2 && rank !== 3) throw new ShapeError(`${name}: neither batched nor unbatched, got query ${show(query)}; expected 2 or 3 dimensions`);
  if (key.ndim !== rank || value.ndim !== rank) throw new ShapeError(`${name}: dimensions differ, got query ${show(query)}, key ${show(key)}, value ${show(value)}; expected ${rank} each`);
  if (padding !== null && padding.ndim !== rank - 1) throw new ShapeError(`${name}: keyPaddingMask does not fit, got ${show(padding)}; expected ${rank === 3 ? '(N, S)' : '(S)'}`);
  if (mask !== null && mask.ndim !== 2 && mask.ndim !== 3) throw new ShapeError(`${name}: attnMask does not fit, got ${show(mask)}; expected (L, S) or (N·heads, L, S)`);
  if (rank === 2 && mask?.ndim === 3) checkShape('attnMask', mask, [heads, query.shape[0], key.shape[0]]);
  return rank === 3;
}

function checkShape(what: string, x: Tensor, shape: Shape): void {
  if (!sameShape(x.shape, shape)) throw new ShapeError(`${name}: ${what} does not fit, got ${show(x)}; expected [${shape.join(', ')}]`);
}

/** Queries, keys and values from one weight of three times their size; products are shared where tensors are the same. */
function projectPacked(query: Tensor, key: Tensor, value: Tensor, weight: Tensor, bias: Tensor | null): readonly Tensor[] {
  const size = query.shape[query.ndim - 1];
  if (key === value && query === key) return linear(query, weight, bias).chunk(3, -1);
  const weights = weight.split([size, 2 * size]);
  const biases = bias === null ? [null, null] : bias.split([size, 2 * size]);
  if (key === value) return [linear(query, weights[0], biases[0]), ...linear(key, weights[1], biases[1]).chunk(2, -1)];
  return [query, key, value].map((x, i) => linear(x, weight.narrow(0, i * size, size), bias === null ? null : bias.narrow(0, i * size, size)));
}

function projectApart(inputs: readonly Tensor[], options: MultiHeadAttentionOptions, bias: Tensor | null): readonly Tensor[] {
  const biases = bias === null ? [null, null, null] : bias.chunk(3);
  return [options.qProjWeight, options.kProjWeight, options.vProjWeight].map((weight, i) => {
    if (!(weight instanceof Tensor)) throw new ArgumentError(`${name}: a weight is missing, got ${show(weight)}; expected qProjWeight, kProjWeight and vProjWeight with useSeparateProjWeight`);
    return linear(inputs[i], weight, biases[i]);
  });
}

/** One more column of zeros. */
function widened(mask: Tensor | null): Tensor | null {
  return mask === null ? null : cat([mask, zeros([...mask.shape.slice(0, -1), 1], { dtype: mask.dtype, device: mask.device })], -1);
}

function staticPart(what: string, x: Tensor | null, projected: Tensor, batchHeads: number, headDim: number): Tensor {
  if (x === null) return projected.reshape([projected.shape[0], batchHeads, headDim]).transpose(0, 1);
  if (x.ndim !== 3 || x.shape[0] !== batchHeads || x.shape[2] !== headDim) throw new ShapeError(`${name}: ${what} does not fit, got ${show(x)}; expected [${batchHeads}, S, ${headDim}]`);
  return x;
}

function both(attnOutput: Tensor, attnOutputWeights: Tensor | null): AttentionOutput {
  const pair: readonly [Tensor, Tensor | null] = [attnOutput, attnOutputWeights];
  return Object.assign(pair, { attnOutput, attnOutputWeights });
}

/**
 * Attention of several heads: projections of queries, keys and values, `softmax(Q·Kᵀ/√(E/heads) + masks)·V` for each head, and a projection of all
 * heads together. In the masks of booleans `true` stands for what is left out, the other way round than in `scaledDotProductAttention`.
 *
 * @param query - (L, N, E) or (L, E)
 * @param key - (S, N, kdim) or (S, kdim)
 * @param value - (S, N, vdim) or (S, vdim)
 * @param embedDimToCheck - E
 * @param numHeads - divides E
 * @param inProjWeight - (3·E, E), or null with `useSeparateProjWeight`
 * @param inProjBias - (3·E), or null
 * @param biasK - (1, 1, E): one more key; null for none, as `biasV`
 * @param addZeroAttn - one more key and value of zeros
 * @param dropoutP - share of the weights that are dropped in training
 * @returns (L, N, E) and the weights, null unless `needWeights`
 * @throws ShapeError or DTypeError for what does not fit; ArgumentError for `isCausal` without `attnMask`
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html and Vaswani et al., 2017
 */
export const multiHeadAttentionForward: Free<
  (
    query: Tensor, key: Tensor, value: Tensor, embedDimToCheck: number, numHeads: number, inProjWeight: Tensor | null, inProjBias: Tensor | null, biasK: Tensor | null,
    biasV: Tensor | null, addZeroAttn: boolean, dropoutP: number, outProjWeight: Tensor, outProjBias: Tensor | null, options?: MultiHeadAttentionOptions,
  ) => AttentionOutput
> = free(
  {
    name,
    family: 'attention',
    torch: 'nn.functional.multi_head_attention_forward',
    samples: (s) => {
      const x = (n: number): Tensor => s.float([n, 1, 4], -1, 1);
      const weights = [s.float([12, 4], -1, 1), s.float([12])] as const;
      const out = [s.float([4, 4], -1, 1), s.float([4])] as const;
      const apart = { useSeparateProjWeight: true, qProjWeight: s.float([2, 2]), kProjWeight: s.float([2, 3]), vProjWeight: s.float([2, 1]) };
      return [
        [x(2), x(2), x(2), 4, 2, ...weights, null, null, false, 0, ...out],
        [x(2), x(3), x(3), 4, 2, ...weights, s.float([1, 1, 4]), s.float([1, 1, 4], -1, 1), true, 0, ...out, { attnMask: s.float([2, 3]), averageAttnWeights: false }],
        [s.float([2, 2]), s.float([3, 3]), s.float([3, 1]), 2, 1, null, s.float([6]), null, null, false, 0.5, s.float([2, 2]), null, { ...apart, training: false, needWeights: false, keyPaddingMask: s.values([0, 1, 0], [3], 'bool') }],
      ];
    },
  },
  (query, key, value, embedDimToCheck, numHeads, inProjWeight, inProjBias, biasK, biasV, addZeroAttn, dropoutP, outProjWeight, outProjBias, options = {}) => {
    for (const [what, x] of Object.entries({ query, key, value })) checkTensor(name, x, what);
    checkOptions(name, options, optionNames);
    checkNumber(name, 'dropoutP', dropoutP, 'a probability', (p) => p >= 0 && p <= 1);
    checkNumber(name, 'numHeads', numHeads, 'an integer ≥ 1', (n) => Number.isInteger(n) && n >= 1);
    const { training = true, needWeights = true, averageAttnWeights = true, isCausal = false, staticK = null, staticV = null } = options;
    const given = { padding: options.keyPaddingMask ?? null, mask: options.attnMask ?? null };
    const isBatched = checkShapes(query, key, value, given.padding, given.mask, numHeads);
    if (isCausal && given.mask === null) throw new ArgumentError(`${name}: isCausal without a mask, got null; expected attnMask, of which isCausal tells that it is causal`);
    const q0 = isBatched ? query : query.unsqueeze(1);
    const k0 = key === query ? q0 : isBatched ? key : key.unsqueeze(1);
    const v0 = value === key ? k0 : isBatched ? value : value.unsqueeze(1);
    const [rows, batch, size] = q0.shape;
    let padding = additiveMask(name, 'keyPaddingMask', given.padding, query.dtype);
    if (padding !== null && !isBatched) padding = padding.unsqueeze(0);
    const asHint = isCausal && padding === null && !needWeights;
    let mask = asHint ? null : additiveMask(name, 'attnMask', given.mask, query.dtype);
    if (size !== embedDimToCheck) throw new ShapeError(`${name}: the query does not fit, got ${show(query)}; expected size ${show(embedDimToCheck)} in the last dimension`);
    if (size % numHeads !== 0) throw new ArgumentError(`${name}: the heads do not divide the embedding, got ${numHeads} for ${size}; expected a divisor`);
    const headDim = size / numHeads;
    const apart = options.useSeparateProjWeight === true;
    const differ = apart ? !sameShape(k0.shape.slice(0, 2), v0.shape.slice(0, 2)) : !sameShape(k0.shape, v0.shape);
    if (differ || k0.shape[1] !== batch) throw new ShapeError(`${name}: sizes do not fit, got query ${show(query)}, key ${show(key)}, value ${show(value)}; expected one batch, and as many keys as values`);
    if (!apart && !(inProjWeight instanceof Tensor)) throw new ArgumentError(`${name}: no inProjWeight, got ${show(inProjWeight)}; expected a tensor, or useSeparateProjWeight`);
    if (given.mask !== null) checkShape('attnMask', given.mask, given.mask.ndim === 2 ? [rows, k0.shape[0]] : [batch * numHeads, rows, k0.shape[0]]);
    if (mask !== null && mask.ndim === 2) mask = mask.unsqueeze(0);
    if (padding !== null) checkShape('keyPaddingMask', padding, [batch, k0.shape[0]]);
    if ((biasK === null) !== (biasV === null)) throw new ArgumentError(`${name}: one bias alone, got biasK ${show(biasK)} and biasV ${show(biasV)}; expected both or none`);
    if (biasK !== null && (staticK !== null || staticV !== null)) throw new StateError(`${name}: biases and given keys or values, got both; expected one of them`);
    const [q1, k1, v1] = inProjWeight === null || apart ? projectApart([q0, k0, v0], options, inProjBias) : projectPacked(q0, k0, v0, inProjWeight, inProjBias);
    const lengthen = (x: Tensor, bias: Tensor | null): Tensor => (bias === null ? x : cat([x, bias.expand([1, batch, size])]));
    const heads = batch * numHeads;
    const q = q1.reshape([rows, heads, headDim]).transpose(0, 1);
    let k = staticPart('staticK', staticK, lengthen(k1, biasK), heads, headDim);
    let v = staticPart('staticV', staticV, lengthen(v1, biasV), heads, headDim);
    if (biasK !== null) [mask, padding] = [widened(mask), widened(padding)];
    if (addZeroAttn) {
      const zero = zeros([heads, 1, headDim], { dtype: k.dtype, device: k.device });
      [k, v, mask, padding] = [cat([k, zero], 1), cat([v, zero], 1), widened(mask), widened(padding)];
    }
    const columns = k.shape[1];
    if (padding !== null) {
      const each = padding.reshape([batch, 1, 1, columns]).expand([batch, numHeads, 1, columns]).reshape([heads, 1, columns]);
      mask = mask === null ? each : mask.add(each);
    }
    const p = training ? dropoutP : 0;
    const project = (x: Tensor): Tensor => {
      const y = linear(x, outProjWeight, outProjBias);
      return isBatched ? y : y.squeeze(1);
    };
    if (!needWeights) {
      const split = (x: Tensor): Tensor => x.reshape([batch, numHeads, x.shape[1], headDim]);
      const attnMask = mask === null ? null : mask.shape[0] === 1 ? mask.unsqueeze(0) : mask.reshape([batch, numHeads, -1, columns]);
      const attended = scaledDotProductAttention(split(q), split(k), split(v), { attnMask, dropoutP: p, isCausal: asHint });
      return both(project(attended.permute([2, 0, 1, 3]).reshape([rows, batch, size])), null);
    }
    const scaled = q.mul(Math.sqrt(1 / headDim));
    const scores = mask === null ? bmm(scaled, k.mT) : baddbmm(mask.expand([heads, rows, columns]), scaled, k.mT);
    const known = softmax(scores, -1);
    const kept = p > 0 ? dropout(known, p) : known;
    const attended = bmm(kept, v).transpose(0, 1).reshape([rows, batch, size]);
    const apiece = kept.reshape([batch, numHeads, rows, columns]);
    const weights = averageAttnWeights ? apiece.mean(1) : apiece;
    return both(project(attended), isBatched ? weights : weights.squeeze(0));
  },
);

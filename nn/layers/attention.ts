import { ArgumentError, checkNumber, show } from '../../core/errors.ts';
import { type AttentionOutput, multiHeadAttentionForward } from '../../core/ops/multiHeadAttention.ts';
import { Tensor } from '../../core/tensor.ts';
import { constant_, xavierNormal_, xavierUniform_ } from '../init.ts';
import { Module } from '../module.ts';
import type { Parameter } from '../parameter.ts';
import { type FactoryOptions, checkBoolean, checkInteger, factoryOptions, newParameter } from './check.ts';
import { type LayerArguments, given } from '../../core/given.ts';
import { Linear } from './linear.ts';

/** The output projection, under the name that PyTorch prints. */
class NonDynamicallyQuantizableLinear extends Linear {}

/** Options of `MultiheadAttention`. */
export interface MultiheadAttentionOptions extends FactoryOptions {
  /** Share of the weights that is dropped in training; default 0. */
  readonly dropout?: number;
  /** Learned biases of the projections; default true. */
  readonly bias?: boolean;
  /** One more, learned key and value; default false. */
  readonly addBiasKv?: boolean;
  /** One more key and value of zeros; default false. */
  readonly addZeroAttn?: boolean;
  /** Size of the keys; default embedDim. */
  readonly kdim?: number | null;
  /** Size of the values; default embedDim. */
  readonly vdim?: number | null;
  /** Inputs and output are (N, L, E) instead of (L, N, E); default false. */
  readonly batchFirst?: boolean;
}

/** Options of the forward pass of `MultiheadAttention`. */
export interface AttendOptions {
  /** (N, S) or (S): true, or -Infinity, for keys that take no part; default none. */
  readonly keyPaddingMask?: Tensor | null;
  /** Return the weights too, which costs a slower way; default true. */
  readonly needWeights?: boolean;
  /** (L, S) or (N·heads, L, S): true, or -Infinity, where a query may not see a key; default none. */
  readonly attnMask?: Tensor | null;
  /** The mean of the weights over the heads, (N, L, S), else (N, heads, L, S); default true. */
  readonly averageAttnWeights?: boolean;
  /** Says that `attnMask` is the causal mask, so that a faster way may be taken; default false. */
  readonly isCausal?: boolean;
}

const options_ = ['bias', 'addBiasKv', 'addZeroAttn', 'kdim', 'vdim', 'batchFirst', ...factoryOptions] as const;
const forwardOptions = ['needWeights', 'attnMask', 'averageAttnWeights', 'isCausal'] as const;

/**
 * Attention of several heads, `concat(softmax(Qᵢ·Kᵢᵀ/√(E/heads))·Vᵢ)·Wᵒ` with learned projections to queries, keys and values. `inProjWeight`
 * (3·E, E), or the three projections (E, E), (E, kdim), (E, vdim) where sizes differ, start Xavier-uniform; biases start at 0. All by
 * name: `new MultiheadAttention({ embedDim: 4, numHeads: 2, batchFirst: true })`.
 *
 * Shape: (L, N, E), (S, N, kdim), (S, N, vdim) → (L, N, E) and (N, L, S); (N, L, E) and so on with `batchFirst`; all without the batch, too.
 *
 * @throws ArgumentError when a size is not an integer ≥ 1, or the heads do not divide embedDim
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html and Vaswani et al., 2017
 */
export class MultiheadAttention extends Module {
  readonly embedDim: number;
  readonly kdim: number;
  readonly vdim: number;
  readonly numHeads: number;
  readonly dropout: number;
  readonly batchFirst: boolean;
  readonly headDim: number;
  readonly addZeroAttn: boolean;
  inProjWeight: Parameter | null;
  qProjWeight: Parameter | null;
  kProjWeight: Parameter | null;
  vProjWeight: Parameter | null;
  inProjBias: Parameter | null;
  biasK: Parameter | null;
  biasV: Parameter | null;
  outProj: Linear;

  constructor(...args: LayerArguments<[embedDim: number, numHeads: number, dropout: number | undefined], ['embedDim', 'numHeads', 'dropout'], MultiheadAttentionOptions>) {
    super();
    const layer = 'MultiheadAttention';
    const options = given(layer, ['embedDim', 'numHeads', 'dropout'], args, options_);
    const { embedDim, numHeads, dropout = 0, bias = true, addBiasKv = false, addZeroAttn = false, batchFirst = false } = options;
    checkInteger(layer, 'embedDim', embedDim);
    checkInteger(layer, 'numHeads', numHeads);
    checkNumber(layer, 'dropout', dropout, 'a probability from 0 to 1', (p) => p >= 0 && p <= 1);
    for (const [name, value] of Object.entries({ bias, addBiasKv, addZeroAttn, batchFirst })) checkBoolean(layer, name, value);
    const [kdim, vdim] = [options.kdim ?? embedDim, options.vdim ?? embedDim];
    checkInteger(layer, 'kdim', kdim);
    checkInteger(layer, 'vdim', vdim);
    if (embedDim % numHeads !== 0) throw new ArgumentError(`${layer}: the heads do not divide the embedding, got ${numHeads} for ${embedDim}; expected a divisor`);
    this.embedDim = embedDim;
    this.kdim = kdim;
    this.vdim = vdim;
    this.numHeads = numHeads;
    this.dropout = dropout;
    this.batchFirst = batchFirst;
    this.headDim = embedDim / numHeads;
    this.addZeroAttn = addZeroAttn;
    const same = kdim === embedDim && vdim === embedDim;
    const apart = (size: number): Parameter | null => (same ? null : newParameter([embedDim, size], options));
    this.inProjWeight = same ? newParameter([3 * embedDim, embedDim], options) : null;
    this.qProjWeight = apart(embedDim);
    this.kProjWeight = apart(kdim);
    this.vProjWeight = apart(vdim);
    this.inProjBias = bias ? newParameter([3 * embedDim], options) : null;
    this.biasK = addBiasKv ? newParameter([1, 1, embedDim], options) : null;
    this.biasV = addBiasKv ? newParameter([1, 1, embedDim], options) : null;
    const { dtype, device } = options;
    this.outProj = new NonDynamicallyQuantizableLinear(embedDim, embedDim, { bias, ...(dtype !== undefined && { dtype }), ...(device !== undefined && { device }) });
    this.resetParameters();
  }

  /** Draws the projections of queries, keys and values anew, and the learned key and value; biases become 0. */
  resetParameters(): void {
    for (const weight of [this.inProjWeight, this.qProjWeight, this.kProjWeight, this.vProjWeight]) if (weight !== null) xavierUniform_(weight);
    if (this.inProjBias !== null) constant_(this.inProjBias, 0);
    if (this.inProjBias !== null && this.outProj.bias !== null) constant_(this.outProj.bias, 0);
    for (const extra of [this.biasK, this.biasV]) if (extra !== null) xavierNormal_(extra);
  }

  /**
   * What the queries find among the keys.
   *
   * @returns output and weights, by name and as `[attnOutput, attnOutputWeights]`; the weights are null unless `needWeights`
   * @throws ShapeError for what does not fit; ArgumentError for `isCausal` without `attnMask`
   */
  forward(query: Tensor, key: Tensor, value: Tensor, ...rest: readonly [AttendOptions?] | readonly [keyPaddingMask: Tensor | null | undefined, AttendOptions?]): AttentionOutput {
    const options = given<AttendOptions>('MultiheadAttention.forward', ['keyPaddingMask'], rest, forwardOptions);
    for (const x of [query, key, value]) if (!(x instanceof Tensor)) throw new ArgumentError(`MultiheadAttention: not a tensor, got ${show(x)}; expected query, key and value`);
    const turn = this.batchFirst && query.ndim === 3;
    // What is one tensor stays one, so that its projections are one product.
    const turned = (x: Tensor): Tensor => (turn && x.ndim === 3 ? x.transpose(0, 1) : x);
    const v = turned(value);
    const k = key === value ? v : turned(key);
    const q = query === key ? k : turned(query);
    const { qProjWeight, kProjWeight, vProjWeight } = this;
    const useSeparateProjWeight = this.inProjWeight === null;
    const result = multiHeadAttentionForward(
      q, k, v, this.embedDim, this.numHeads, this.inProjWeight, this.inProjBias, this.biasK, this.biasV, this.addZeroAttn, this.dropout, this.outProj.weight, this.outProj.bias,
      { ...options, training: this.training, useSeparateProjWeight, qProjWeight, kProjWeight, vProjWeight },
    );
    if (!turn) return result;
    const pair: readonly [Tensor, Tensor | null] = [result.attnOutput.transpose(0, 1), result.attnOutputWeights];
    return Object.assign(pair, { attnOutput: pair[0], attnOutputWeights: pair[1] });
  }
}

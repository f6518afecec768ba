import { ArgumentError, checkNumber, show } from '../../core/errors.ts';
import { relu } from '../../core/ops/activation.ts';
import { gelu } from '../../core/ops/gelu.ts';
import { additiveMask } from '../../core/ops/multiHeadAttention.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { MultiheadAttention } from './attention.ts';
import { type FactoryOptions, checkBoolean, checkEps, checkInteger, factoryOptions } from './check.ts';
import { type ByName, type LayerArguments, given } from '../../core/given.ts';
import type { Given } from '../given.ts';
import { Dropout } from './dropout.ts';
import { Linear } from './linear.ts';
import { LayerNorm } from './norm.ts';
import type { TensorModule } from './sequential.ts';

/** An activation by name, as a function, or as a Module. */
export type Activation = 'relu' | 'gelu' | ((x: Tensor) => Tensor) | TensorModule;

/** Options of `TransformerEncoderLayer` and `TransformerDecoderLayer`. */
export interface TransformerLayerOptions extends FactoryOptions {
  /** Size between the two linear maps; default 2048. */
  readonly dimFeedforward?: number;
  /** Share that is dropped in training, in all places; default 0.1. */
  readonly dropout?: number;
  /** Between the two linear maps; default 'relu'. */
  readonly activation?: Activation;
  /** Added to the variance in the layer norms; default 1e-5. */
  readonly layerNormEps?: number;
  /** Inputs and outputs are (N, L, E) instead of (L, N, E); default false. */
  readonly batchFirst?: boolean;
  /** Normalise before attention and linear maps instead of after them; default false. */
  readonly normFirst?: boolean;
  /** Learned biases of linear maps and layer norms; default true. */
  readonly bias?: boolean;
}

/** The names in `TransformerLayerOptions`, but for those that have a position. */
export const layerOptions = ['activation', 'layerNormEps', 'batchFirst', 'normFirst', 'bias', ...factoryOptions] as const;

/** The options with their defaults. @throws ArgumentError for values out of range */
export function readLayerOptions(layer: string, options: TransformerLayerOptions): Required<Omit<TransformerLayerOptions, 'dtype' | 'device'>> & { readonly factory: FactoryOptions } {
  const { dimFeedforward = 2048, dropout = 0.1, activation = 'relu', layerNormEps = 1e-5, batchFirst = false, normFirst = false, bias = true, dtype, device } = options;
  checkInteger(layer, 'dimFeedforward', dimFeedforward);
  checkNumber(layer, 'dropout', dropout, 'a probability from 0 to 1', (p) => p >= 0 && p <= 1);
  checkEps(layer, layerNormEps);
  for (const [name, value] of Object.entries({ batchFirst, normFirst, bias })) checkBoolean(layer, name, value);
  if (typeof activation !== 'function' && !(activation instanceof Module) && activation !== 'relu' && activation !== 'gelu') {
    throw new ArgumentError(`${layer}: unknown activation, got ${show(activation)}; expected 'relu', 'gelu', a function or a Module`);
  }
  const factory = { ...(dtype !== undefined && { dtype }), ...(device !== undefined && { device }) };
  return { dimFeedforward, dropout, activation, layerNormEps, batchFirst, normFirst, bias, factory };
}

/** What the layers are made from: `dModel` and `nhead`, then options, or the size between the maps and the dropout before them; all by name, too. */
export type TransformerLayerArguments = LayerArguments<
  [dModel: number, nhead: number, dimFeedforward: number | undefined, dropout: number | undefined], ['dModel', 'nhead', 'dimFeedforward', 'dropout'], TransformerLayerOptions
>;

function readLayerArguments(layer: string, args: TransformerLayerArguments): ReturnType<typeof readLayerOptions> & Pick<ByName<TransformerLayerArguments>, 'dModel' | 'nhead'> {
  const settings = given(layer, ['dModel', 'nhead', 'dimFeedforward', 'dropout'], args, layerOptions);
  checkInteger(layer, 'dModel', settings.dModel);
  checkInteger(layer, 'nhead', settings.nhead);
  const { dModel, nhead, ...options } = settings;
  return { dModel, nhead, ...readLayerOptions(layer, options) };
}

/** What an activation does. */
function activate(activation: Activation, x: Tensor): Tensor {
  if (activation === 'relu') return relu(x);
  if (activation === 'gelu') return gelu(x);
  return activation instanceof Module ? activation.forward(x) : activation(x);
}

/** Masks of the forward pass of `TransformerEncoderLayer`; the first two may also stand by position. */
export interface EncoderLayerMasks {
  /** (L, L) or (N·heads, L, L): true, or -Infinity, where a position may not see another; default none. */
  readonly srcMask?: Tensor | null;
  /** (N, L) or (L): true, or -Infinity, for positions that nobody sees; default none. */
  readonly srcKeyPaddingMask?: Tensor | null;
  /** Says that `srcMask` is the causal mask; default false. */
  readonly isCausal?: boolean;
}

/**
 * One layer of a transformer's encoder: attention of the sequence to itself and two linear maps with an activation between, each added to its
 * input and normalised.
 *
 * Shape: (L, N, dModel) → the same; (N, L, dModel) with `batchFirst`; (L, dModel) without a batch.
 *
 * @throws ArgumentError for sizes and options out of range
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TransformerEncoderLayer.html
 */
export class TransformerEncoderLayer extends Module {
  readonly normFirst: boolean;
  selfAttn: MultiheadAttention;
  linear1: Linear;
  dropout: Dropout;
  linear2: Linear;
  norm1: LayerNorm;
  norm2: LayerNorm;
  dropout1: Dropout;
  dropout2: Dropout;
  activation: Activation;

  constructor(...args: TransformerLayerArguments) {
    super();
    const { dModel, nhead, dimFeedforward, dropout, activation, layerNormEps: eps, batchFirst, normFirst, bias, factory } = readLayerArguments('TransformerEncoderLayer', args);
    this.normFirst = normFirst;
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, ...factory });
    this.linear1 = new Linear(dModel, dimFeedforward, { bias, ...factory });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, { bias, ...factory });
    this.norm1 = new LayerNorm(dModel, { eps, bias, ...factory });
    this.norm2 = new LayerNorm(dModel, { eps, bias, ...factory });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.activation = activation;
  }

  /** The sequence after this layer. @throws ShapeError for what does not fit */
  forward(src: Tensor, ...rest: Given<EncoderLayerMasks>): Tensor {
    const name = 'TransformerEncoderLayer.forward';
    const masks = given<EncoderLayerMasks>(name, ['srcMask', 'srcKeyPaddingMask'], rest, ['isCausal']);
    const attnMask = additiveMask(name, 'srcMask', masks.srcMask ?? null, src.dtype);
    const keyPaddingMask = additiveMask(name, 'srcKeyPaddingMask', masks.srcKeyPaddingMask ?? null, src.dtype);
    const isCausal = masks.isCausal ?? false;
    const attend = (x: Tensor): Tensor => this.dropout1.forward(this.selfAttn.forward(x, x, x, { attnMask, keyPaddingMask, isCausal, needWeights: false }).attnOutput);
    const feed = (x: Tensor): Tensor => this.dropout2.forward(this.linear2.forward(this.dropout.forward(activate(this.activation, this.linear1.forward(x)))));
    if (this.normFirst) {
      const x = src.add(attend(this.norm1.forward(src)));
      return x.add(feed(this.norm2.forward(x)));
    }
    const x = this.norm1.forward(src.add(attend(src)));
    return this.norm2.forward(x.add(feed(x)));
  }
}

/** Masks of the forward pass of `TransformerDecoderLayer` and `TransformerDecoder`; true, or -Infinity, hides. The first four may also stand by position. */
export interface DecoderMasks {
  /** (T, T) or (N·heads, T, T): what positions of the target see of each other; default all. */
  readonly tgtMask?: Tensor | null;
  /** (T, S) or (N·heads, T, S): what they see of the memory; default all. */
  readonly memoryMask?: Tensor | null;
  /** (N, T) or (T): positions of the target that nobody sees; default none. */
  readonly tgtKeyPaddingMask?: Tensor | null;
  /** (N, S) or (S): positions of the memory that nobody sees; default none. */
  readonly memoryKeyPaddingMask?: Tensor | null;
  /** Says that `tgtMask` is the causal mask; default false for a layer, and for a stack null: it looks. */
  readonly tgtIsCausal?: boolean | null;
  /** Says that `memoryMask` is the causal mask; default false. */
  readonly memoryIsCausal?: boolean;
}

/** Masks by name from what was given by position or by name. */
export function readDecoderMasks(name: string, rest: Given<DecoderMasks>): DecoderMasks {
  return given<DecoderMasks>(name, ['tgtMask', 'memoryMask', 'tgtKeyPaddingMask', 'memoryKeyPaddingMask'], rest, ['tgtIsCausal', 'memoryIsCausal']);
}

/**
 * One layer of a transformer's decoder: attention of the target to itself, attention to the memory, and two linear maps with an activation
 * between, each added to its input and normalised.
 *
 * Shape: (T, N, dModel), (S, N, dModel) → (T, N, dModel); the batch first with `batchFirst`; all without a batch, too.
 *
 * @throws ArgumentError for sizes and options out of range
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TransformerDecoderLayer.html
 */
export class TransformerDecoderLayer extends Module {
  readonly normFirst: boolean;
  selfAttn: MultiheadAttention;
  multiheadAttn: MultiheadAttention;
  linear1: Linear;
  dropout: Dropout;
  linear2: Linear;
  norm1: LayerNorm;
  norm2: LayerNorm;
  norm3: LayerNorm;
  dropout1: Dropout;
  dropout2: Dropout;
  dropout3: Dropout;
  activation: Activation;

  constructor(...args: TransformerLayerArguments) {
    super();
    const { dModel, nhead, dimFeedforward, dropout, activation, layerNormEps: eps, batchFirst, normFirst, bias, factory } = readLayerArguments('TransformerDecoderLayer', args);
    this.normFirst = normFirst;
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, ...factory });
    this.multiheadAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, ...factory });
    this.linear1 = new Linear(dModel, dimFeedforward, { bias, ...factory });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, { bias, ...factory });
    this.norm1 = new LayerNorm(dModel, { eps, bias, ...factory });
    this.norm2 = new LayerNorm(dModel, { eps, bias, ...factory });
    this.norm3 = new LayerNorm(dModel, { eps, bias, ...factory });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.dropout3 = new Dropout(dropout);
    this.activation = activation;
  }

  /** The target after this layer. @throws ShapeError for what does not fit */
  forward(tgt: Tensor, memory: Tensor, ...rest: Given<DecoderMasks>): Tensor {
    const masks = readDecoderMasks('TransformerDecoderLayer.forward', rest);
    const { tgtMask: attnMask = null, tgtKeyPaddingMask: keyPaddingMask = null, memoryMask = null, memoryKeyPaddingMask = null, memoryIsCausal = false } = masks;
    const isCausal = masks.tgtIsCausal ?? false;
    const attend = (x: Tensor): Tensor => this.dropout1.forward(this.selfAttn.forward(x, x, x, { attnMask, keyPaddingMask, isCausal, needWeights: false }).attnOutput);
    const options = { attnMask: memoryMask, keyPaddingMask: memoryKeyPaddingMask, isCausal: memoryIsCausal, needWeights: false };
    const remember = (x: Tensor): Tensor => this.dropout2.forward(this.multiheadAttn.forward(x, memory, memory, options).attnOutput);
    const feed = (x: Tensor): Tensor => this.dropout3.forward(this.linear2.forward(this.dropout.forward(activate(this.activation, this.linear1.forward(x)))));
    if (this.normFirst) {
      const x = tgt.add(attend(this.norm1.forward(tgt)));
      const y = x.add(remember(this.norm2.forward(x)));
      return y.add(feed(this.norm3.forward(y)));
    }
    const x = this.norm1.forward(tgt.add(attend(tgt)));
    const y = this.norm2.forward(x.add(remember(x)));
    return this.norm3.forward(y.add(feed(y)));
  }
}

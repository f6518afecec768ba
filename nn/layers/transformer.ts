import type { DType } from '../../core/dtype.ts';
import { ArgumentError, ShapeError, checkOptions, show } from '../../core/errors.ts';
import { full } from '../../core/ops/creation.ts';
import { additiveMask } from '../../core/ops/multiHeadAttention.ts';
import type { Device } from '../../core/storage.ts';
import { noGrad } from '../../core/tape.ts';
import { Tensor } from '../../core/tensor.ts';
import { deepCopy } from '../copy.ts';
import { xavierUniform_ } from '../init.ts';
import { Module } from '../module.ts';
import { checkBoolean, checkInteger } from './check.ts';
import { ModuleList } from './containers.ts';
import { type LayerArguments, given } from '../../core/given.ts';
import type { Given } from '../given.ts';
import { LayerNorm } from './norm.ts';
import type { TensorModule } from './sequential.ts';
import {
  type DecoderMasks, type EncoderLayerMasks, TransformerDecoderLayer, TransformerEncoderLayer, type TransformerLayerOptions, layerOptions, readDecoderMasks, readLayerOptions,
} from './transformerLayer.ts';

/** A causal mask of size (size, size): 0 up to the diagonal, -Infinity above it. */
function causalMask(size: number, options: { readonly dtype?: DType; readonly device?: string | Device } = {}): Tensor {
  return full([size, size], -Infinity, { dtype: 'float32', ...options }).triu(1);
}

/** Whether a mask is the causal one: as told, or else by looking at it. */
function isCausalMask(mask: Tensor | null, told: boolean | null): boolean {
  if (told !== null || mask === null) return told ?? false;
  const size = mask.shape[mask.ndim - 1];
  if (mask.ndim !== 2 || mask.shape[0] !== size || mask.device.name !== 'cpu') return false;
  return noGrad(() => mask.eq(causalMask(size, { dtype: mask.dtype })).all().item() === 1);
}

function clones<M extends Module>(name: string, layer: M, numLayers: number): ModuleList<M> {
  if (!(layer instanceof Module)) throw new ArgumentError(`${name}: the layer is not a Module, got ${show(layer)}; expected a Module`);
  checkInteger(name, 'numLayers', numLayers, 0);
  return new ModuleList(Array.from({ length: numLayers }, () => deepCopy(layer)));
}

function checkNorm(name: string, norm: unknown): void {
  if (norm !== null && !(norm instanceof Module)) throw new ArgumentError(`${name}: norm is not a Module, got ${show(norm)}; expected a Module or null`);
}

/** A layer of an encoder: takes a sequence and its masks. */
export type EncoderLayer = Module & { forward(src: Tensor, masks?: EncoderLayerMasks): Tensor };
/** A layer of a decoder: takes the target, the memory and their masks. */
export type DecoderLayer = Module & { forward(tgt: Tensor, memory: Tensor, masks?: DecoderMasks): Tensor };

/** Options of `TransformerDecoder`, which may also stand behind the number of layers. */
export interface TransformerDecoderOptions {
  /** What the result passes at last; default nothing. */
  readonly norm?: TensorModule | null;
}

/** Options of `TransformerEncoder`. PyTorch's switches for its nested tensors are understood and change nothing: there are none. */
export interface TransformerEncoderOptions extends TransformerDecoderOptions {
  /** Without effect. */
  readonly enableNestedTensor?: boolean;
  /** Without effect. */
  readonly maskCheck?: boolean;
}

/** Masks of the forward pass of `TransformerEncoder`. */
export interface EncoderMasks {
  /** (L, L) or (N·heads, L, L): true, or -Infinity, where a position may not see another; default none. */
  readonly mask?: Tensor | null;
  /** (N, L) or (L): true, or -Infinity, for positions that nobody sees; default none. */
  readonly srcKeyPaddingMask?: Tensor | null;
  /** Says whether `mask` is the causal mask; default null: look. */
  readonly isCausal?: boolean | null;
}

/**
 * Copies of an encoder layer one after the other, and a norm (default none) behind them.
 *
 * Shape: (L, N, E) → the same, as the layer takes it.
 *
 * @throws ArgumentError for anything that is no Module, or a number of layers that is none
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TransformerEncoder.html
 */
export class TransformerEncoder extends Module {
  readonly numLayers: number;
  layers: ModuleList<EncoderLayer>;
  norm: TensorModule | null;

  constructor(
    ...args: LayerArguments<[encoderLayer: EncoderLayer, numLayers: number, norm: TensorModule | null | undefined], ['encoderLayer', 'numLayers', 'norm'], TransformerEncoderOptions>
  ) {
    super();
    const { encoderLayer, numLayers, norm = null, ...options } = given('TransformerEncoder', ['encoderLayer', 'numLayers', 'norm'], args, ['enableNestedTensor', 'maskCheck']);
    for (const [name, value] of Object.entries(options)) if (value !== undefined) checkBoolean('TransformerEncoder', name, value);
    checkNorm('TransformerEncoder', norm);
    this.layers = clones('TransformerEncoder', encoderLayer, numLayers);
    this.numLayers = numLayers;
    this.norm = norm;
  }

  /** The sequence after all layers. @throws ShapeError for what does not fit */
  forward(src: Tensor, ...rest: Given<EncoderMasks>): Tensor {
    const name = 'TransformerEncoder.forward';
    const masks = given<EncoderMasks>(name, ['mask', 'srcKeyPaddingMask'], rest, ['isCausal']);
    const srcMask = additiveMask(name, 'mask', masks.mask ?? null, src.dtype);
    const srcKeyPaddingMask = additiveMask(name, 'srcKeyPaddingMask', masks.srcKeyPaddingMask ?? null, src.dtype);
    const isCausal = isCausalMask(srcMask, masks.isCausal ?? null);
    let x = src;
    for (const layer of this.layers) x = layer.forward(x, { srcMask, srcKeyPaddingMask, isCausal });
    return this.norm === null ? x : this.norm.forward(x);
  }
}

/**
 * Copies of a decoder layer one after the other, and a norm (default none) behind them.
 *
 * Shape: (T, N, E), (S, N, E) → (T, N, E), as the layer takes them.
 *
 * @throws ArgumentError for anything that is no Module, or a number of layers that is none
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TransformerDecoder.html
 */
export class TransformerDecoder extends Module {
  readonly numLayers: number;
  layers: ModuleList<DecoderLayer>;
  norm: TensorModule | null;

  constructor(
    ...args: LayerArguments<[decoderLayer: DecoderLayer, numLayers: number, norm: TensorModule | null | undefined], ['decoderLayer', 'numLayers', 'norm'], TransformerDecoderOptions>
  ) {
    super();
    const { decoderLayer, numLayers, norm = null } = given('TransformerDecoder', ['decoderLayer', 'numLayers', 'norm'], args);
    checkNorm('TransformerDecoder', norm);
    this.layers = clones('TransformerDecoder', decoderLayer, numLayers);
    this.numLayers = numLayers;
    this.norm = norm;
  }

  /** The target after all layers. @throws ShapeError for what does not fit */
  forward(tgt: Tensor, memory: Tensor, ...rest: Given<DecoderMasks>): Tensor {
    const name = 'TransformerDecoder.forward';
    const masks = readDecoderMasks(name, rest);
    const tgtMask = additiveMask(name, 'tgtMask', masks.tgtMask ?? null, tgt.dtype);
    const passed = { ...masks, tgtMask, tgtIsCausal: isCausalMask(tgtMask, masks.tgtIsCausal ?? null) };
    let x = tgt;
    for (const layer of this.layers) x = layer.forward(x, memory, passed);
    return this.norm === null ? x : this.norm.forward(x);
  }
}

/** Options of `Transformer`; the first four may also stand before them. */
export interface TransformerOptions extends TransformerLayerOptions {
  /** Size of the sequences' entries; default 512. */
  readonly dModel?: number;
  /** Heads; default 8. */
  readonly nhead?: number;
  /** Default 6. */
  readonly numEncoderLayers?: number;
  /** Default 6. */
  readonly numDecoderLayers?: number;
  /** Stands for the encoder; default a `TransformerEncoder`. */
  readonly customEncoder?: (Module & { forward(src: Tensor, masks?: EncoderMasks): Tensor }) | null;
  /** Stands for the decoder; default a `TransformerDecoder`. */
  readonly customDecoder?: DecoderLayer | null;
}

/** Masks of the forward pass of `Transformer`; true, or -Infinity, hides. */
export interface TransformerMasks extends DecoderMasks {
  /** (S, S) or (N·heads, S, S): what positions of the source see of each other; default all. */
  readonly srcMask?: Tensor | null;
  /** (N, S) or (S): positions of the source that nobody sees; default none. */
  readonly srcKeyPaddingMask?: Tensor | null;
  /** Says whether `srcMask` is the causal mask; default null: look. */
  readonly srcIsCausal?: boolean | null;
}

/**
 * An encoder and a decoder, each with a layer norm at its end. Weights of more than one dimension start Xavier-uniform.
 *
 * Shape: (S, N, dModel), (T, N, dModel) → (T, N, dModel); the batch first with `batchFirst`; all without a batch, too.
 *
 * @throws ArgumentError for sizes and options out of range
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Transformer.html and Vaswani et al., 2017
 */
export class Transformer extends Module {
  readonly dModel: number;
  readonly nhead: number;
  readonly batchFirst: boolean;
  encoder: NonNullable<TransformerOptions['customEncoder']>;
  decoder: DecoderLayer;

  constructor(
    ...args: LayerArguments<
      [dModel: number | undefined, nhead: number | undefined, numEncoderLayers: number | undefined, numDecoderLayers: number | undefined],
      ['dModel', 'nhead', 'numEncoderLayers', 'numDecoderLayers'],
      TransformerOptions
    >
  ) {
    super();
    const name = 'Transformer';
    const options = given(name, ['dModel', 'nhead', 'numEncoderLayers', 'numDecoderLayers'], args, ['customEncoder', 'customDecoder', 'dimFeedforward', 'dropout', ...layerOptions]);
    const { dModel = 512, nhead = 8, numEncoderLayers = 6, numDecoderLayers = 6, customEncoder = null, customDecoder = null, ...rest } = options;
    const { layerNormEps: eps, bias, batchFirst, factory } = readLayerOptions(name, rest);
    const norm = (): LayerNorm => new LayerNorm(dModel, { eps, bias, ...factory });
    checkInteger(name, 'dModel', dModel);
    this.encoder = customEncoder ?? new TransformerEncoder(new TransformerEncoderLayer(dModel, nhead, rest), numEncoderLayers, norm());
    this.decoder = customDecoder ?? new TransformerDecoder(new TransformerDecoderLayer(dModel, nhead, rest), numDecoderLayers, norm());
    this.dModel = dModel;
    this.nhead = nhead;
    this.batchFirst = batchFirst;
    this.resetParameters();
  }

  /** Draws every weight of more than one dimension anew. */
  resetParameters(): void {
    for (const parameter of this.parameters()) if (parameter.ndim > 1) xavierUniform_(parameter);
  }

  /** The target after encoder and decoder. @throws ShapeError when batches differ, or sizes are not dModel */
  forward(src: Tensor, tgt: Tensor, ...args: Given<TransformerMasks>): Tensor {
    const masks = given<TransformerMasks>(
      'Transformer.forward', ['srcMask', 'tgtMask', 'memoryMask', 'srcKeyPaddingMask', 'tgtKeyPaddingMask', 'memoryKeyPaddingMask'], args, ['srcIsCausal', 'tgtIsCausal', 'memoryIsCausal'],
    );
    for (const x of [src, tgt]) if (!(x instanceof Tensor)) throw new ArgumentError(`Transformer: not a tensor, got ${show(x)}; expected source and target`);
    const batchDim = this.batchFirst ? 0 : 1;
    if (src.ndim === 3 && src.shape[batchDim] !== tgt.shape[batchDim]) throw new ShapeError(`Transformer: batches differ, got source ${show(src)} and target ${show(tgt)}; expected one size in dimension ${batchDim}`);
    if (src.shape.at(-1) !== this.dModel || tgt.shape.at(-1) !== this.dModel) {
      throw new ShapeError(`Transformer: sizes are not dModel, got source ${show(src)} and target ${show(tgt)}; expected ${this.dModel} in the last dimension`);
    }
    const { srcMask = null, srcKeyPaddingMask = null, srcIsCausal = null, ...rest } = masks;
    const memory = this.encoder.forward(src, { mask: srcMask, srcKeyPaddingMask, isCausal: srcIsCausal });
    return this.decoder.forward(tgt, memory, rest);
  }

  /** The causal mask of a sequence, (size, size): 0 up to the diagonal, -Infinity above it. @throws ArgumentError unless `size` is an integer ≥ 0 */
  static generateSquareSubsequentMask(size: number, options: { readonly dtype?: DType; readonly device?: string | Device } = {}): Tensor {
    checkInteger('generateSquareSubsequentMask', 'size', size, 0);
    checkOptions('generateSquareSubsequentMask', options, ['dtype', 'device']);
    return causalMask(size, options);
  }
}

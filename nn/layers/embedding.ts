import { ArgumentError, ShapeError, checkOptions, show } from '../../core/errors.ts';
import { type BagMode, embeddingBag } from '../../core/ops/embeddingBag.ts';
import { type TableOptions, checkTableOptions, paddingRow, tableOptions } from '../../core/ops/embeddingRules.ts';
import { embedding } from '../../core/ops/lookup.ts';
import { noGrad } from '../../core/tape.ts';
import { Tensor } from '../../core/tensor.ts';
import { normal_ } from '../init.ts';
import { isInitializing } from '../initializing.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { python, pythonFloat } from '../repr.ts';
import { type FactoryOptions, checkBoolean, checkInteger, factoryOptions, newParameter } from './check.ts';
import { type LayerArguments, given } from '../../core/given.ts';
import type { Given } from '../given.ts';

/** Options of `Embedding`; the row of `paddingIdx` also starts at zero. */
export interface EmbeddingLayerOptions extends TableOptions, FactoryOptions {}

/** Options of `Embedding.fromPretrained`. */
export interface PretrainedOptions extends TableOptions {
  /** Keep the rows as they are; default true. */
  readonly freeze?: boolean;
}

/** What both tables keep of their options. */
interface TableSettings {
  readonly paddingIdx: number | null;
  readonly maxNorm: number | null;
  readonly normType: number;
  readonly scaleGradByFreq: boolean;
}

function settingsOf(layer: string, options: TableOptions, rows: number): TableSettings {
  checkTableOptions(layer, options);
  const { maxNorm = null, normType = 2, scaleGradByFreq = false } = options;
  return { paddingIdx: paddingRow(layer, options.paddingIdx, rows) ?? null, maxNorm, normType, scaleGradByFreq };
}

/** The print form of the settings that are not the default. */
function describe({ maxNorm, normType, scaleGradByFreq }: TableSettings): string {
  return `${maxNorm === null ? '' : `, max_norm=${pythonFloat(maxNorm)}`}${normType === 2 ? '' : `, norm_type=${pythonFloat(normType)}`}${scaleGradByFreq ? ', scale_grad_by_freq=True' : ''}`;
}

function checkRows(layer: string, embeddings: unknown): asserts embeddings is Tensor {
  if (!(embeddings instanceof Tensor) || embeddings.ndim !== 2) throw new ShapeError(`${layer}.fromPretrained: not a table, got ${show(embeddings)}; expected a tensor of 2 dimensions`);
}

/** Normal numbers, zeros in the padding row. */
function resetTable(weight: Parameter, paddingIdx: number | null): void {
  normal_(weight);
  if (paddingIdx !== null && isInitializing()) noGrad(() => weight.select(0, paddingIdx).zero_());
}

/**
 * A table of vectors looked up by integer. Weight (numEmbeddings, embeddingDim), drawn from the standard normal distribution.
 *
 * Shape: (*) of int64 or int32 → (*, embeddingDim).
 *
 * @throws ArgumentError when a size is not an integer ≥ 1 or `paddingIdx` is no row
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Embedding.html
 */
export class Embedding extends Module {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | null;
  readonly maxNorm: number | null;
  readonly normType: number;
  readonly scaleGradByFreq: boolean;
  weight: Parameter;

  constructor(...args: LayerArguments<[numEmbeddings: number, embeddingDim: number], ['numEmbeddings', 'embeddingDim'], EmbeddingLayerOptions> | [numEmbeddings: number, embeddingDim: number, paddingIdx: number | null, options?: EmbeddingLayerOptions]) {
    super();
    const options = given('Embedding', ['numEmbeddings', 'embeddingDim', 'paddingIdx'], args, [...tableOptions, ...factoryOptions]);
    const { numEmbeddings, embeddingDim } = options;
    checkInteger('Embedding', 'numEmbeddings', numEmbeddings);
    checkInteger('Embedding', 'embeddingDim', embeddingDim);
    const { paddingIdx, maxNorm, normType, scaleGradByFreq } = settingsOf('Embedding', options, numEmbeddings);
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.paddingIdx = paddingIdx;
    this.maxNorm = maxNorm;
    this.normType = normType;
    this.scaleGradByFreq = scaleGradByFreq;
    this.weight = newParameter([numEmbeddings, embeddingDim], options);
    this.resetParameters();
  }

  /** A layer around existing vectors (rows, size), frozen unless told otherwise; it shares their memory. */
  static fromPretrained(embeddings: Tensor, options: PretrainedOptions = {}): Embedding {
    checkOptions('Embedding.fromPretrained', options, ['freeze', ...tableOptions]);
    checkRows('Embedding', embeddings);
    const { freeze = true, ...rest } = options;
    const layer = new Embedding(embeddings.shape[0], embeddings.shape[1], rest);
    layer.weight = new Parameter(embeddings, { requiresGrad: !freeze });
    return layer;
  }

  /** Draws the vectors anew; the padding row becomes zero. */
  resetParameters(): void {
    resetTable(this.weight, this.paddingIdx);
  }

  forward(input: Tensor): Tensor {
    const { paddingIdx, maxNorm, normType, scaleGradByFreq } = this;
    return embedding(input, this.weight, { paddingIdx, maxNorm, normType, scaleGradByFreq });
  }

  override extraRepr(): string {
    return `${this.numEmbeddings}, ${this.embeddingDim}${this.paddingIdx === null ? '' : `, padding_idx=${this.paddingIdx}`}${describe(this)}`;
  }
}

/** Options of `EmbeddingBag`; the row of `paddingIdx` also starts at zero, and counts in no bag. */
export interface EmbeddingBagLayerOptions extends EmbeddingLayerOptions {
  /** What becomes of the rows of a bag; default 'mean'. */
  readonly mode?: BagMode;
  /** The last offset is the end of the last bag; default false. */
  readonly includeLastOffset?: boolean;
}

/** What `EmbeddingBag.forward` takes besides the rows, by position or by name. */
export interface BagInputs {
  /** Where bags begin in an input of one dimension. */
  readonly offsets?: Tensor | null;
  /** Weights of the rows in sums. */
  readonly perSampleWeights?: Tensor | null;
}

/** Options of `EmbeddingBag.fromPretrained`. */
export interface PretrainedBagOptions extends PretrainedOptions {
  /** What becomes of the rows of a bag; default 'mean'. */
  readonly mode?: BagMode;
  /** The last offset is the end of the last bag; default false. */
  readonly includeLastOffset?: boolean;
}

/**
 * Sums, means or maxima of vectors looked up by integer. Weight (numEmbeddings, embeddingDim), drawn from the standard normal distribution.
 *
 * Shape: (bags, n) → (bags, embeddingDim), or (n) with offsets (bags).
 *
 * @throws ArgumentError when a size is not an integer ≥ 1 or `paddingIdx` is no row
 * @see https://pytorch.org/docs/stable/generated/torch.nn.EmbeddingBag.html
 */
export class EmbeddingBag extends Module {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | null;
  readonly maxNorm: number | null;
  readonly normType: number;
  readonly scaleGradByFreq: boolean;
  readonly mode: BagMode;
  readonly includeLastOffset: boolean;
  weight: Parameter;

  constructor(...args: LayerArguments<[numEmbeddings: number, embeddingDim: number], ['numEmbeddings', 'embeddingDim'], EmbeddingBagLayerOptions>) {
    super();
    const options = given('EmbeddingBag', ['numEmbeddings', 'embeddingDim'], args, ['mode', 'includeLastOffset', ...tableOptions, ...factoryOptions]);
    const { numEmbeddings, embeddingDim, mode = 'mean', includeLastOffset = false } = options;
    checkInteger('EmbeddingBag', 'numEmbeddings', numEmbeddings);
    checkInteger('EmbeddingBag', 'embeddingDim', embeddingDim);
    if (mode !== 'sum' && mode !== 'mean' && mode !== 'max') throw new ArgumentError(`EmbeddingBag: unknown mode, got ${show(mode)}; expected 'sum', 'mean' or 'max'`);
    checkBoolean('EmbeddingBag', 'includeLastOffset', includeLastOffset);
    const { paddingIdx, maxNorm, normType, scaleGradByFreq } = settingsOf('EmbeddingBag', options, numEmbeddings);
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.paddingIdx = paddingIdx;
    this.maxNorm = maxNorm;
    this.normType = normType;
    this.scaleGradByFreq = scaleGradByFreq;
    this.mode = mode;
    this.includeLastOffset = includeLastOffset;
    this.weight = newParameter([numEmbeddings, embeddingDim], options);
    this.resetParameters();
  }

  /** A layer around existing vectors (rows, size), frozen unless told otherwise; it shares their memory. */
  static fromPretrained(embeddings: Tensor, options: PretrainedBagOptions = {}): EmbeddingBag {
    checkOptions('EmbeddingBag.fromPretrained', options, ['freeze', 'mode', 'includeLastOffset', ...tableOptions]);
    checkRows('EmbeddingBag', embeddings);
    const { freeze = true, ...rest } = options;
    const layer = new EmbeddingBag(embeddings.shape[0], embeddings.shape[1], rest);
    layer.weight = new Parameter(embeddings, { requiresGrad: !freeze });
    return layer;
  }

  /** Draws the vectors anew; the padding row becomes zero. */
  resetParameters(): void {
    resetTable(this.weight, this.paddingIdx);
  }

  /** One vector per bag; `offsets` for an input of one dimension, `perSampleWeights` for sums. */
  forward(input: Tensor, ...rest: Given<BagInputs>): Tensor {
    const { offsets = null, perSampleWeights = null } = given<BagInputs>('EmbeddingBag.forward', ['offsets', 'perSampleWeights'], rest);
    const { paddingIdx, maxNorm, normType, scaleGradByFreq, mode, includeLastOffset } = this;
    return embeddingBag(input, this.weight, offsets, { paddingIdx, maxNorm, normType, scaleGradByFreq, mode, includeLastOffset, perSampleWeights });
  }

  override extraRepr(): string {
    const { numEmbeddings, embeddingDim, mode, paddingIdx } = this;
    return `${numEmbeddings}, ${embeddingDim}${describe(this)}, mode=${python(mode)}${paddingIdx === null ? '' : `, padding_idx=${paddingIdx}`}`;
  }
}

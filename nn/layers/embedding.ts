import { ArgumentError, ShapeError, checkOptions, show } from '../../core/errors.ts';
import { embedding } from '../../core/ops/lookup.ts';
import { noGrad } from '../../core/tape.ts';
import { Tensor } from '../../core/tensor.ts';
import { normal_ } from '../init.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { type FactoryOptions, checkInteger, factoryOptions, newParameter } from './check.ts';

/** Options of `Embedding`. */
export interface EmbeddingLayerOptions extends FactoryOptions {
  /** A row that starts at zero and gets no gradient, negative from the end; default none. */
  readonly paddingIdx?: number | null;
}

/** Options of `Embedding.fromPretrained`. */
export interface PretrainedOptions {
  /** Keep the rows as they are; default true. */
  readonly freeze?: boolean;
  /** A row that gets no gradient; default none. */
  readonly paddingIdx?: number | null;
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
  weight: Parameter;

  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingLayerOptions = {}) {
    super();
    checkInteger('Embedding', 'numEmbeddings', numEmbeddings);
    checkInteger('Embedding', 'embeddingDim', embeddingDim);
    checkOptions('Embedding', options, ['paddingIdx', ...factoryOptions]);
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.paddingIdx = rowOf(options.paddingIdx ?? null, numEmbeddings);
    this.weight = newParameter([numEmbeddings, embeddingDim], options);
    this.resetParameters();
  }

  /** A layer around existing vectors (rows, size), frozen unless told otherwise; it shares their memory. */
  static fromPretrained(embeddings: Tensor, options: PretrainedOptions = {}): Embedding {
    checkOptions('Embedding.fromPretrained', options, ['freeze', 'paddingIdx']);
    if (!(embeddings instanceof Tensor) || embeddings.ndim !== 2) {
      throw new ShapeError(`Embedding.fromPretrained: not a table, got ${show(embeddings)}; expected a tensor of 2 dimensions`);
    }
    const [rows, size] = embeddings.shape;
    const layer = new Embedding(rows, size, { paddingIdx: options.paddingIdx ?? null });
    layer.weight = new Parameter(embeddings, { requiresGrad: !(options.freeze ?? true) });
    return layer;
  }

  /** Draws the vectors anew; the padding row becomes zero. */
  resetParameters(): void {
    normal_(this.weight);
    const { paddingIdx } = this;
    if (paddingIdx !== null) noGrad(() => this.weight.select(0, paddingIdx).zero_());
  }

  forward(input: Tensor): Tensor {
    return embedding(input, this.weight, { paddingIdx: this.paddingIdx });
  }

  override extraRepr(): string {
    return `${this.numEmbeddings}, ${this.embeddingDim}${this.paddingIdx === null ? '' : `, padding_idx=${this.paddingIdx}`}`;
  }
}

function rowOf(paddingIdx: number | null, rows: number): number | null {
  if (paddingIdx === null) return null;
  if (!Number.isInteger(paddingIdx) || paddingIdx < -rows || paddingIdx >= rows) {
    throw new ArgumentError(`Embedding: invalid paddingIdx, got ${show(paddingIdx)}; expected a row from ${-rows} to ${rows - 1}`);
  }
  return paddingIdx < 0 ? paddingIdx + rows : paddingIdx;
}

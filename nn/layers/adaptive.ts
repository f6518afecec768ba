import { ArgumentError, ShapeError, checkNumber, show } from '../../core/errors.ts';
import { cat } from '../../core/ops/join.ts';
import { logSoftmax } from '../../core/ops/softmax.ts';
import { zeros, zerosLike } from '../../core/ops/creation.ts';
import { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { type FactoryOptions, checkBoolean, checkInteger, factoryOptions } from './check.ts';
import { type LayerArguments, given } from '../../core/given.ts';
import { ModuleList } from './containers.ts';
import { Linear } from './linear.ts';
import { Sequential } from './sequential.ts';

/** Options of `AdaptiveLogSoftmaxWithLoss`. */
export interface AdaptiveLogSoftmaxOptions extends FactoryOptions {
  /** How much smaller the inner size of each further cluster is; default 4. */
  readonly divValue?: number;
  /** A learned bias of the head; default false. */
  readonly headBias?: boolean;
}

/** Log-probability of each target and their negative mean; also `[output, loss]`. */
export type AdaptiveOutput = readonly [output: Tensor, loss: Tensor] & { readonly output: Tensor; readonly loss: Tensor };

const layer = 'AdaptiveLogSoftmaxWithLoss';

function checkCutoffs(cutoffs: unknown, classes: number): asserts cutoffs is readonly number[] {
  const list: unknown[] = Array.isArray(cutoffs) ? cutoffs : [];
  const fits = list.length > 0 && list.every((c, i) => typeof c === 'number' && Number.isInteger(c) && c > (i === 0 ? 0 : (list[i - 1] as number)) && c < classes);
  if (!fits) throw new ArgumentError(`${layer}: invalid cutoffs, got ${show(cutoffs)}; expected increasing integers from 1 to ${classes - 1}`);
}

/**
 * Softmax over many classes, of which the frequent ones come first: a head of the first `cutoffs[0]` classes and one entry per cluster of the others,
 * and for each cluster a map through a smaller size. The loss takes only the clusters that occur.
 *
 * Shape: (N, inFeatures) and (N), or (inFeatures) and () → output (N) or (), loss ().
 *
 * @throws ArgumentError for cutoffs that do not increase from 1 to nClasses - 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveLogSoftmaxWithLoss.html and Grave et al., 2017
 */
export class AdaptiveLogSoftmaxWithLoss extends Module {
  readonly inFeatures: number;
  readonly nClasses: number;
  readonly cutoffs: readonly number[];
  readonly divValue: number;
  readonly headBias: boolean;
  readonly shortlistSize: number;
  readonly nClusters: number;
  readonly headSize: number;
  head: Linear;
  tail: ModuleList<Sequential>;

  constructor(...args: LayerArguments<[inFeatures: number, nClasses: number, cutoffs: readonly number[]], ['inFeatures', 'nClasses', 'cutoffs'], AdaptiveLogSoftmaxOptions>) {
    super();
    const { inFeatures, nClasses, cutoffs, divValue = 4, headBias = false, ...factory } = given(layer, ['inFeatures', 'nClasses', 'cutoffs'], args, ['divValue', 'headBias', ...factoryOptions]);
    checkInteger(layer, 'inFeatures', inFeatures);
    checkInteger(layer, 'nClasses', nClasses);
    checkCutoffs(cutoffs, nClasses);
    checkNumber(layer, 'divValue', divValue, 'a number > 0', (v) => v > 0);
    checkBoolean(layer, 'headBias', headBias);
    this.inFeatures = inFeatures;
    this.nClasses = nClasses;
    this.cutoffs = [...cutoffs, nClasses];
    this.divValue = divValue;
    this.headBias = headBias;
    this.shortlistSize = cutoffs[0];
    this.nClusters = cutoffs.length;
    this.headSize = this.shortlistSize + this.nClusters;
    this.head = new Linear(inFeatures, this.headSize, { bias: headBias, ...factory });
    this.tail = new ModuleList(
      cutoffs.map((start, i) => {
        const inner = Math.floor(inFeatures / divValue ** (i + 1));
        return new Sequential(new Linear(inFeatures, inner, { bias: false, ...factory }), new Linear(inner, this.cutoffs[i + 1] - start, { bias: false, ...factory }));
      }),
    );
  }

  /** Draws all weights anew. */
  resetParameters(): void {
    for (const part of [this.head, ...this.tail].flatMap((m) => m.modules())) if (part instanceof Linear) part.resetParameters();
  }

  /**
   * Log-probabilities of the targets, and the mean of their negatives.
   *
   * @throws ShapeError when input and target do not fit; ArgumentError for a target outside 0 … nClasses-1
   */
  forward(input: Tensor, target: Tensor): AdaptiveOutput {
    for (const x of [input, target]) if (!(x instanceof Tensor)) throw new ArgumentError(`${layer}: not a tensor, got ${show(x)}; expected input and target`);
    if (target.ndim > 1 || input.ndim !== target.ndim + 1 || (target.ndim === 1 && input.shape[0] !== target.shape[0])) {
      throw new ShapeError(`${layer}: the target does not fit, got ${show(target)} for ${show(input)}; expected (N, ${this.inFeatures}) and (N), or (${this.inFeatures}) and ()`);
    }
    const x = target.ndim === 1 ? input : input.unsqueeze(0);
    const labels = target.ndim === 1 ? target : target.unsqueeze(0);
    let inHead = labels;
    let found = zeros(labels.shape, { dtype: x.dtype, device: x.device });
    let seen = this.rowsBelow(labels, 0, this.shortlistSize).numel();
    for (const [i, part] of [...this.tail].entries()) {
      const [low, high] = [this.cutoffs[i], this.cutoffs[i + 1]];
      const rows = this.rowsBelow(labels, low, high);
      seen += rows.numel();
      if (rows.numel() === 0) continue;
      const local = logSoftmax(part.forward(x.indexSelect(0, rows)), 1).gather(1, labels.indexSelect(0, rows).sub(low).unsqueeze(1)).squeeze(1);
      inHead = inHead.indexFill(0, rows, this.shortlistSize + i);
      found = found.indexCopy(0, rows, local);
    }
    if (seen !== labels.numel()) throw new ArgumentError(`${layer}: no such class among the targets, got ${show(target)}; expected 0 to ${this.nClasses - 1}`);
    const each = found.add(logSoftmax(this.head.forward(x), 1).gather(1, inHead.unsqueeze(1)).squeeze(1));
    const pair: readonly [Tensor, Tensor] = [target.ndim === 1 ? each : each.squeeze(0), each.neg().mean()];
    return Object.assign(pair, { output: pair[0], loss: pair[1] });
  }

  private rowsBelow(labels: Tensor, low: number, high: number): Tensor {
    return labels.ge(low).logicalAnd(labels.lt(high)).nonzero().squeeze(1);
  }

  /** Log-probabilities of all classes: (N, inFeatures) → (N, nClasses). */
  logProb(input: Tensor): Tensor {
    const head = logSoftmax(this.head.forward(input), 1);
    const parts = [...this.tail].map((part, i) => logSoftmax(part.forward(input), 1).add(head.narrow(1, this.shortlistSize + i, 1)));
    return cat([head.narrow(1, 0, this.shortlistSize), ...parts], 1);
  }

  /** The likeliest class of each row, the head deciding first: (N, inFeatures) → (N). */
  predict(input: Tensor): Tensor {
    const first = this.head.forward(input).argmax(1);
    const later = first.ge(this.shortlistSize);
    return later.any().item() === 0 ? first : this.logProb(input).argmax(1).mul(later).add(first.mul(zerosLike(first).add(1).sub(later)));
  }
}

import { ArgumentError, checkOptions, show } from '../errors.ts';
import { fromCells } from '../ops/creation.ts';
import { multinomial } from '../ops/multinomial.ts';
import type { Generator } from '../random.ts';
import { Tensor } from '../tensor.ts';
import { type Sampler, type SamplerState, checkBoolean, checkCount, checkGenerator, loadSamplerState, samplerState } from './sampler.ts';

/** Options of `WeightedRandomSampler`. */
export interface WeightedRandomSamplerOptions {
  /** Whether an index may come twice; default true. */
  readonly replacement?: boolean;
  /** Where random numbers come from; default the default generator. */
  readonly generator?: Generator;
}

/**
 * Indices drawn with probabilities in proportion to weights, which need not sum to 1; the same as PyTorch's for the same seed.
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.WeightedRandomSampler
 */
export class WeightedRandomSampler implements Sampler {
  readonly length: number;
  private readonly weights: Tensor;
  private readonly replacement: boolean;
  private readonly generator: Generator | undefined;

  /**
   * @param weights - one per item, finite and ≥ 0, not all 0; an array or a tensor of one dimension
   * @param numSamples - how many to draw
   * @throws ArgumentError for anything else, or when there are fewer weights above 0 than samples without replacement
   */
  constructor(weights: ArrayLike<number> | Tensor, numSamples: number, options: WeightedRandomSamplerOptions = {}) {
    const op = 'WeightedRandomSampler';
    checkOptions(op, options, ['replacement', 'generator']);
    const { replacement = true, generator } = options;
    checkCount(op, 'numSamples', numSamples);
    checkBoolean(op, 'replacement', replacement);
    checkGenerator(op, generator);
    const list: unknown = weights instanceof Tensor ? weights.data() : weights;
    if (typeof list !== 'object' || list === null || !('length' in list) || (weights instanceof Tensor && weights.ndim !== 1)) {
      throw new ArgumentError(`${op}: not weights, got ${show(weights)}; expected an array or a tensor of one dimension`);
    }
    const cells = Float64Array.from(list as ArrayLike<number>);
    const wrong = cells.find((w) => !(w >= 0 && w < Infinity));
    if (wrong !== undefined) throw new ArgumentError(`${op}: not a weight, got ${wrong}; expected finite numbers ≥ 0`);
    const positive = cells.reduce((n, w) => n + (w > 0 ? 1 : 0), 0);
    const least = replacement ? 1 : numSamples;
    if (positive < least) throw new ArgumentError(`${op}: too few weights above 0, got ${positive}; expected at least ${least}`);
    this.weights = fromCells(op, 'float64', cells, [cells.length], undefined);
    this.length = numSamples;
    this.replacement = replacement;
    this.generator = generator;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    const { replacement, generator } = this;
    yield* multinomial(this.weights, this.length, generator === undefined ? { replacement } : { replacement, generator }).data();
  }

  /** The state of the `generator` option. */
  stateDict(): SamplerState {
    return samplerState(this.generator);
  }

  /** Sets the generator back. @throws StateError when the state does not fit */
  loadStateDict(state: SamplerState): void {
    loadSamplerState('WeightedRandomSampler', this.generator, state);
  }
}

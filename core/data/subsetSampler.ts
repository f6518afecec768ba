import { ArgumentError, checkOptions, show } from '../errors.ts';
import { type Generator, defaultGenerator } from '../random.ts';
import { Tensor } from '../tensor.ts';
import { type Sampler, type SamplerState, checkGenerator, loadSamplerState, permutation, samplerState } from './sampler.ts';

/** Options of `SubsetRandomSampler`. */
export interface SubsetRandomSamplerOptions {
  /** Where random numbers come from; default the default generator. */
  readonly generator?: Generator;
}

/**
 * Given indices in random order, each once; the same order as PyTorch's for the same seed.
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.SubsetRandomSampler
 */
export class SubsetRandomSampler implements Sampler {
  private readonly indices: readonly number[];
  private readonly generator: Generator | undefined;

  /**
   * @param indices - whole numbers ≥ 0, an array or a tensor
   * @throws ArgumentError for anything else
   */
  constructor(indices: ArrayLike<number> | Tensor, options: SubsetRandomSamplerOptions = {}) {
    const op = 'SubsetRandomSampler';
    checkOptions(op, options, ['generator']);
    checkGenerator(op, options.generator);
    const list: unknown = indices instanceof Tensor ? indices.data() : indices;
    if (typeof list !== 'object' || list === null || !('length' in list)) throw new ArgumentError(`${op}: not a list of indices, got ${show(indices)}; expected an array or a tensor of whole numbers`);
    this.indices = Array.from(list as ArrayLike<number>);
    const wrong = this.indices.find((i) => !Number.isSafeInteger(i) || i < 0);
    if (wrong !== undefined) throw new ArgumentError(`${op}: not an index, got ${show(wrong)}; expected integers ≥ 0`);
    this.generator = options.generator;
  }

  get length(): number {
    return this.indices.length;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    for (const i of permutation(this.length, this.generator ?? defaultGenerator)) yield this.indices[i];
  }

  /** The state of the `generator` option. */
  stateDict(): SamplerState {
    return samplerState(this.generator);
  }

  /** Sets the generator back. @throws StateError when the state does not fit */
  loadStateDict(state: SamplerState): void {
    loadSamplerState('SubsetRandomSampler', this.generator, state);
  }
}

import { ArgumentError, StateError, checkNumber, checkOptions, show } from '../errors.ts';
import { Generator } from '../random.ts';
import { type Sampler, type Sized, checkBoolean, checkCount, checkSized, permutation } from './sampler.ts';

/** Options of `DistributedSampler`. */
export interface DistributedSamplerOptions {
  /** Number of processes that share the dataset. */
  readonly numReplicas: number;
  /** Which of them this is, from 0. */
  readonly rank: number;
  /** Another random order in every epoch; default true. */
  readonly shuffle?: boolean;
  /** The same in all processes; default 0. */
  readonly seed?: number;
  /** Leave out the last items that do not share out evenly; default false: some items come twice. */
  readonly dropLast?: boolean;
}

/**
 * The share of one process in a dataset: every `numReplicas`-th index of an order that all processes have in common. Shares
 * are equally long. The order is PyTorch's for the same seed and epoch.
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.distributed.DistributedSampler
 */
export class DistributedSampler implements Sampler {
  /** Number of indices of one process. */
  readonly length: number;
  private readonly source: Sized;
  private readonly items: number;
  private readonly numReplicas: number;
  private readonly rank: number;
  private readonly shuffle: boolean;
  private readonly seed: number;
  private epoch = 0;

  /** @param source - what to sample from; only its length matters */
  constructor(source: Sized, options: DistributedSamplerOptions) {
    const op = 'DistributedSampler';
    checkSized(op, source);
    checkOptions(op, options, ['numReplicas', 'rank', 'shuffle', 'seed', 'dropLast']);
    if (typeof options !== 'object') throw new ArgumentError(`${op}: numReplicas and rank are missing, got ${show(options)}; expected { numReplicas, rank }`);
    const { numReplicas, rank, shuffle = true, seed = 0, dropLast = false } = options;
    checkCount(op, 'numReplicas', numReplicas);
    checkNumber(op, 'rank', rank, `0 to ${numReplicas - 1}`, (r) => Number.isInteger(r) && r >= 0 && r < numReplicas);
    checkBoolean(op, 'shuffle', shuffle);
    checkNumber(op, 'seed', seed, 'a whole number', Number.isSafeInteger);
    checkBoolean(op, 'dropLast', dropLast);
    const n = source.length;
    if (n === 0) throw new ArgumentError(`${op}: the source is empty, got length 0; expected at least one item`);
    this.length = dropLast ? Math.floor(n / numReplicas) : Math.ceil(n / numReplicas);
    this.source = source;
    this.items = n;
    this.numReplicas = numReplicas;
    this.rank = rank;
    this.shuffle = shuffle;
    this.seed = seed;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    const n = this.items;
    if (this.source.length !== n) throw new StateError(`DistributedSampler: the source changed its length, got ${this.source.length}; expected ${n}`);
    const order = this.shuffle ? permutation(n, new Generator(this.seed + this.epoch)) : null;
    for (let i = 0; i < this.length; i++) {
      const at = (i * this.numReplicas + this.rank) % n; // beyond the end, the order starts again
      yield order === null ? at : order[at];
    }
  }

  /** Says which epoch comes next, in all processes, so that each has another order. Without it every epoch has the order of epoch 0. */
  setEpoch(epoch: number): void {
    checkNumber('setEpoch', 'epoch', epoch, 'an integer ≥ 0', (n) => Number.isSafeInteger(n) && n >= 0);
    this.epoch = epoch;
  }

  /** The epoch. */
  stateDict(): { readonly epoch: number } {
    return { epoch: this.epoch };
  }

  /** Sets the epoch. @throws ArgumentError when the state has none */
  loadStateDict(state: { readonly epoch: number }): void {
    this.setEpoch(state.epoch);
  }
}

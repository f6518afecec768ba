import { ArgumentError, checkOptions, show } from '../errors.ts';
import { type Generator, defaultGenerator } from '../random.ts';
import { type Dataset, Subset, checkDataset } from './dataset.ts';
import { checkGenerator, permutation } from './sampler.ts';

/** Options of `randomSplit`. */
export interface RandomSplitOptions {
  /** Where random numbers come from; default the default generator. */
  readonly generator?: Generator;
}

/**
 * Splits a dataset at random into parts that do not overlap; the same parts as PyTorch's for the same seed.
 *
 * @param lengths - counts that sum to the length of the dataset, or shares that sum to 1: each part gets the floor of its
 *   share, and what is left goes one by one to the first parts
 * @throws ArgumentError for anything else
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.random_split
 */
export function randomSplit<T>(dataset: Dataset<T>, lengths: readonly number[], options: RandomSplitOptions = {}): Subset<T>[] {
  const op = 'randomSplit';
  checkDataset(op, dataset);
  checkOptions(op, options, ['generator']);
  checkGenerator(op, options.generator);
  checkLengths(op, lengths);
  const sum = lengths.reduce((a, b) => a + b, 0);
  const counts = Math.abs(sum - 1) <= 1e-9 ? countsOf(lengths, dataset.length) : [...lengths];
  if (!counts.every(Number.isInteger) || counts.reduce((a, b) => a + b, 0) !== dataset.length) {
    throw new ArgumentError(`${op}: the lengths do not fit, got ${show(lengths)} with the sum ${sum}; expected whole numbers with the sum ${dataset.length}, or shares with the sum 1`, {
      values: { lengths, length: dataset.length },
    });
  }
  const order = permutation(dataset.length, options.generator ?? defaultGenerator);
  let at = 0;
  return counts.map((n) => new Subset(dataset, order.subarray(at, (at += n))));
}

function checkLengths(op: string, lengths: unknown): void {
  if (!Array.isArray(lengths) || lengths.length === 0 || !lengths.every((n) => typeof n === 'number' && n >= 0)) {
    throw new ArgumentError(`${op}: not lengths, got ${show(lengths)}; expected an array of numbers ≥ 0`);
  }
}

function countsOf(shares: readonly number[], length: number): number[] {
  const counts = shares.map((share) => Math.floor(length * share));
  const rest = length - counts.reduce((a, b) => a + b, 0);
  for (let i = 0; i < rest; i++) counts[i % counts.length]++;
  return counts;
}

import type { DType } from '../core/dtype.ts';
import { ArgumentError, ShapeError, checkOptions, show } from '../core/errors.ts';
import { tensor } from '../core/ops/creation.ts';
import { indexSelect } from '../core/ops/lookup.ts';
import { reshape } from '../core/ops/view.ts';
import type { Device } from '../core/storage.ts';
import { Tensor } from '../core/tensor.ts';
import { checkBoolean } from './layers/check.ts';
import { lengthsOf, padSequence, placeRows, unpadSequence } from './pad.ts';

/** Where each entry of a permutation went. */
function inverse(permutation: Tensor): Tensor {
  const places = Array.from(permutation.data());
  const back = new Array<number>(places.length).fill(0);
  places.forEach((at, i) => (back[at] = i));
  return tensor(back, { dtype: 'int64', device: permutation.device });
}

/**
 * Sequences of several lengths without padding: the first entries of all, then the second ones of those that have two, and so on. Made by `packSequence` and
 * `packPaddedSequence`; RNN, LSTM and GRU take it and give it.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.PackedSequence.html
 */
export class PackedSequence {
  /** All entries (entries, …), those of one step beside each other, longer sequences first. */
  readonly data: Tensor;
  /** How many sequences have a first, second, … entry (int64). */
  readonly batchSizes: Tensor;
  /** Which of the sequences as they were given each packed one is; null where they came by length. */
  readonly sortedIndices: Tensor | null;
  /** Where each of the sequences as they were given stands among the packed ones; null where they came by length. */
  readonly unsortedIndices: Tensor | null;

  constructor(data: Tensor, batchSizes: Tensor, sortedIndices: Tensor | null = null, unsortedIndices: Tensor | null = null) {
    for (const x of [data, batchSizes]) if (!(x instanceof Tensor)) throw new ArgumentError(`PackedSequence: not a tensor, got ${show(x)}; expected a Tensor`);
    this.data = data;
    this.batchSizes = batchSizes;
    this.sortedIndices = sortedIndices;
    this.unsortedIndices = unsortedIndices ?? (sortedIndices === null ? null : inverse(sortedIndices));
  }

  /** The data in another dtype or on another device; the indices go along to the device. */
  to(target: string | Device | Tensor, options?: { readonly dtype?: DType }): PackedSequence {
    const data = this.data.to(target, options);
    if (data === this.data) return this;
    const moved = (x: Tensor | null): Tensor | null => x?.to(data.device) ?? null;
    return new PackedSequence(data, this.batchSizes, moved(this.sortedIndices), moved(this.unsortedIndices));
  }

  /** The data as float32. */
  float(): PackedSequence {
    return this.to('float32');
  }

  /** The data as float64. */
  double(): PackedSequence {
    return this.to('float64');
  }

  /** The parts in PyTorch's order: data, batch sizes, sorted and unsorted indices. */
  [Symbol.iterator](): Iterator<Tensor | null> {
    return [this.data, this.batchSizes, this.sortedIndices, this.unsortedIndices][Symbol.iterator]();
  }

  /** PyTorch's print form. */
  toString(): string {
    const text = (x: Tensor | null): string => (x === null ? 'None' : x.toString());
    return `PackedSequence(data=${text(this.data)}, batch_sizes=${text(this.batchSizes)}, sorted_indices=${text(this.sortedIndices)}, unsorted_indices=${text(this.unsortedIndices)})`;
  }
}

/** The batch sizes as numbers. @throws ShapeError where they do not fit the data */
export function batchSizesOf(name: string, { data, batchSizes }: PackedSequence): number[] {
  const sizes = lengthsOf(name, batchSizes);
  const total = sizes.reduce((a, b) => a + b, 0);
  if (data.ndim === 0 || total !== data.shape[0] || sizes.length === 0 || sizes.some((n, t) => n < 1 || (t > 0 && n > sizes[t - 1]))) {
    throw new ShapeError(`${name}: batchSizes do not fit, got ${show(sizes)} for ${show(data)}; expected sizes that do not grow and add up to ${data.shape[0] ?? 1}`, {
      hint: 'packSequence and packPaddedSequence make PackedSequences',
    });
  }
  return sizes;
}

/** How many of the lengths reach each step. */
function stepSizes(lengths: readonly number[]): number[] {
  const sizes = new Array<number>(lengths[0]).fill(0);
  for (const n of lengths) for (let t = 0; t < n; t++) sizes[t]++;
  return sizes;
}

/** Options of `packPaddedSequence`. */
export interface PackPaddedOptions {
  /** The input is (batch, longest, …) instead of (longest, batch, …); default false. */
  readonly batchFirst?: boolean;
  /** Refuse sequences that do not come by length, longest first, instead of sorting them; default true. */
  readonly enforceSorted?: boolean;
}

function checkLengths(name: string, lengths: readonly number[], batch: number, longest: number): void {
  if (lengths.length !== batch) {
    throw new ShapeError(`${name}: not one length per sequence, got ${lengths.length} lengths for ${batch} sequences; expected ${batch}`);
  }
  const wrong = lengths.find((n) => n < 1 || n > longest);
  if (wrong !== undefined) throw new ArgumentError(`${name}: a length is out of range, got ${wrong}; expected 1 to ${longest}`);
  if (lengths.some((n, i) => i > 0 && n > lengths[i - 1])) {
    throw new ArgumentError(`${name}: lengths do not come by size, got ${show(lengths)}; expected the longest first`, {
      hint: 'pass { enforceSorted: false } to have the sequences sorted',
    });
  }
}

/**
 * Packs the sequences of a padded tensor (longest, batch, …).
 *
 * @param lengths - one per sequence, as a tensor or an array; the longest first unless `enforceSorted` is false
 * @throws ShapeError for an empty input or another number of lengths; ArgumentError for lengths out of range or out of order
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_padded_sequence.html
 */
export function packPaddedSequence(input: Tensor, lengths: Tensor | readonly number[], options: PackPaddedOptions = {}): PackedSequence {
  const name = 'packPaddedSequence';
  checkOptions(name, options, ['batchFirst', 'enforceSorted']);
  const { batchFirst = false, enforceSorted = true } = options;
  checkBoolean(name, 'batchFirst', batchFirst);
  checkBoolean(name, 'enforceSorted', enforceSorted);
  if (!(input instanceof Tensor) || input.ndim < 2 || input.numel() === 0) {
    throw new ShapeError(`${name}: not a batch of sequences, got ${show(input)}; expected a tensor of at least 2 dimensions with elements`);
  }
  const given = lengthsOf(name, lengths);
  const order = given.map((_, i) => i);
  if (!enforceSorted) order.sort((a, b) => given[b] - given[a]);
  const sorted = order.map((i) => given[i]);
  const [longest, batch] = batchFirst ? [input.shape[1], input.shape[0]] : [input.shape[0], input.shape[1]];
  checkLengths(name, sorted, batch, longest);
  const sizes = stepSizes(sorted);
  const places = sizes.flatMap((n, t) => Array.from({ length: n }, (_, i) => (batchFirst ? order[i] * longest + t : t * batch + order[i])));
  const index = (list: readonly number[]): Tensor => tensor(list, { dtype: 'int64', device: input.device });
  const data = indexSelect(reshape(input, [longest * batch, ...input.shape.slice(2)]), 0, index(places));
  return new PackedSequence(data, tensor(sizes, { dtype: 'int64' }), enforceSorted ? null : index(order));
}

/** Options of `padPackedSequence`. */
export interface PadPackedOptions {
  /** Give (batch, longest, …) instead of (longest, batch, …); default false. */
  readonly batchFirst?: boolean;
  /** What stands behind the end of a sequence; default 0. */
  readonly paddingValue?: number;
  /** Fill up to this length instead of the longest one. */
  readonly totalLength?: number | null;
}

/**
 * A padded tensor (longest, batch, …) and the lengths (int64) of packed sequences, in the order in which they were packed.
 *
 * @throws ArgumentError for a `totalLength` below the longest sequence
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_packed_sequence.html
 */
export function padPackedSequence(sequence: PackedSequence, options: PadPackedOptions = {}): [padded: Tensor, lengths: Tensor] {
  const name = 'padPackedSequence';
  if (!(sequence instanceof PackedSequence)) throw new ArgumentError(`${name}: not a PackedSequence, got ${show(sequence)}; expected one`);
  checkOptions(name, options, ['batchFirst', 'paddingValue', 'totalLength']);
  const { batchFirst = false, paddingValue = 0, totalLength = null } = options;
  checkBoolean(name, 'batchFirst', batchFirst);
  const sizes = batchSizesOf(name, sequence);
  const total = totalLength ?? sizes.length;
  if (!Number.isInteger(total) || total < sizes.length) {
    throw new ArgumentError(`${name}: invalid totalLength, got ${show(totalLength)}; expected an integer ≥ ${sizes.length}, the longest sequence`);
  }
  const [batch] = sizes;
  const columns = Array.from({ length: batch }, (_, i) => i);
  if (sequence.unsortedIndices !== null) Array.from(sequence.unsortedIndices.data()).forEach((at, i) => (columns[at] = i));
  const places = sizes.flatMap((n, t) => Array.from({ length: n }, (_, i) => (batchFirst ? columns[i] * total + t : t * batch + columns[i])));
  const lengths = new Array<number>(batch).fill(0);
  for (const n of sizes) for (let i = 0; i < n; i++) lengths[columns[i]]++;
  return [placeRows(sequence.data, places, batchFirst ? [batch, total] : [total, batch], paddingValue), tensor(lengths, { dtype: 'int64' })];
}

/** Options of `packSequence`. */
export interface PackSequenceOptions {
  /** Refuse sequences that do not come by length, longest first, instead of sorting them; default true. */
  readonly enforceSorted?: boolean;
}

/**
 * Packs tensors (lᵢ, …) of several lengths.
 *
 * @throws ShapeError for other sizes that differ; ArgumentError for an empty list, an empty sequence, or lengths out of order
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_sequence.html
 */
export function packSequence(sequences: readonly Tensor[], options: PackSequenceOptions = {}): PackedSequence {
  checkOptions('packSequence', options, ['enforceSorted']);
  return packPaddedSequence(padSequence(sequences), sequences.map((x) => x.shape[0]), options);
}

/**
 * The sequences that were packed, in the order in which they were given.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.unpack_sequence.html
 */
export function unpackSequence(packed: PackedSequence): Tensor[] {
  const [padded, lengths] = padPackedSequence(packed, { batchFirst: true });
  return unpadSequence(padded, lengths, { batchFirst: true });
}

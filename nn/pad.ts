import { ArgumentError, ShapeError, checkOptions, show } from '../core/errors.ts';
import { isFloat } from '../core/dtype.ts';
import { full, tensor } from '../core/ops/creation.ts';
import { cat, unbind } from '../core/ops/join.ts';
import { indexCopy } from '../core/ops/lookup.ts';
import { reshape } from '../core/ops/view.ts';
import { sameShape } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { checkBoolean } from './layers/check.ts';

/** Options of `padSequence`. */
export interface PadSequenceOptions {
  /** Give (batch, longest, …) instead of (longest, batch, …); default false. */
  readonly batchFirst?: boolean;
  /** What stands behind the end of a sequence; default 0. */
  readonly paddingValue?: number;
  /** On which side of a sequence the padding stands; default 'right'. */
  readonly paddingSide?: 'right' | 'left';
}

/** Options of `unpadSequence`. */
export interface UnpadSequenceOptions {
  /** The batch is the first dimension instead of the second; default false. */
  readonly batchFirst?: boolean;
}

/** Whole numbers from a tensor or a list. */
export function lengthsOf(name: string, lengths: Tensor | readonly number[]): number[] {
  if (lengths instanceof Tensor ? lengths.ndim !== 1 : !Array.isArray(lengths)) {
    throw new ArgumentError(`${name}: lengths are no list, got ${show(lengths)}; expected a tensor of one dimension or an array`);
  }
  const list: readonly unknown[] = lengths instanceof Tensor ? Array.from(lengths.data()) : lengths;
  return list.map((n) => {
    if (typeof n !== 'number' || !Number.isFinite(n)) throw new ArgumentError(`${name}: a length is no number, got ${show(n)}; expected whole numbers`);
    return Math.trunc(n);
  });
}

/** A value as it is filled into tensors like this one. */
const fillValue = (x: Tensor, value: number): number => (isFloat(x.dtype) ? value : x.dtype === 'bool' ? Number(value !== 0) : Math.trunc(value));

/** Rows put to places of a tensor that holds one value everywhere else. */
export function placeRows(rows: Tensor, places: readonly number[], shape: readonly [number, number], value: number): Tensor {
  const rest = rows.shape.slice(1);
  const ground = full([shape[0] * shape[1], ...rest], fillValue(rows, value), { dtype: rows.dtype, device: rows.device });
  if (places.length === 0) return reshape(ground, [...shape, ...rest]);
  return reshape(indexCopy(ground, 0, tensor(places, { dtype: 'int64', device: rows.device }), rows), [...shape, ...rest]);
}

/** The sequences as a list that has been checked. */
function checkSequences(name: string, sequences: unknown): readonly Tensor[] {
  const list: unknown = sequences instanceof Tensor ? unbind(sequences) : sequences;
  if (!Array.isArray(list) || list.length === 0) throw new ArgumentError(`${name}: not a list of sequences, got ${show(sequences)}; expected an array of at least one tensor`);
  return list.map((x: unknown, i) => {
    if (!(x instanceof Tensor)) throw new ArgumentError(`${name}: sequence ${i} is not a tensor, got ${show(x)}; expected tensors`);
    const first = list[0] as Tensor;
    if (x.ndim === 0 || !sameShape(x.shape.slice(1), first.shape.slice(1))) {
      throw new ShapeError(`${name}: sequence ${i} does not fit, got ${show(x)}; expected [length${first.shape.slice(1).map((n) => `, ${n}`).join('')}]`);
    }
    return x.to(first.dtype);
  });
}

/**
 * Sequences of several lengths as one tensor, filled up to the longest: (lᵢ, …) → (longest, batch, …), in the dtype of the first.
 *
 * @param sequences - tensors that differ in their first size only
 * @throws ShapeError for other sizes that differ; ArgumentError for an empty list or an unknown side
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_sequence.html
 */
export function padSequence(sequences: readonly Tensor[] | Tensor, options: PadSequenceOptions = {}): Tensor {
  checkOptions('padSequence', options, ['batchFirst', 'paddingValue', 'paddingSide']);
  const { batchFirst = false, paddingValue = 0, paddingSide = 'right' } = options;
  checkBoolean('padSequence', 'batchFirst', batchFirst);
  if (typeof paddingValue !== 'number') throw new ArgumentError(`padSequence: paddingValue is not a number, got ${show(paddingValue)}; expected a number`);
  if (paddingSide !== 'right' && paddingSide !== 'left') throw new ArgumentError(`padSequence: unknown paddingSide, got ${show(paddingSide)}; expected 'right' or 'left'`);
  const list = checkSequences('padSequence', sequences);
  const batch = list.length;
  const longest = Math.max(...list.map((x) => x.shape[0]));
  const places = list.flatMap((x, i) => {
    const first = paddingSide === 'left' ? longest - x.shape[0] : 0;
    return Array.from({ length: x.shape[0] }, (_, t) => (batchFirst ? i * longest + first + t : (first + t) * batch + i));
  });
  return placeRows(cat(list), places, batchFirst ? [batch, longest] : [longest, batch], paddingValue);
}

/**
 * The sequences of a padded tensor: (longest, batch, …) → tensors (lᵢ, …).
 *
 * @param lengths - one per sequence, as a tensor or an array
 * @throws ShapeError for fewer than 2 dimensions
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.unpad_sequence.html
 */
export function unpadSequence(padded: Tensor, lengths: Tensor | readonly number[], options: UnpadSequenceOptions = {}): Tensor[] {
  checkOptions('unpadSequence', options, ['batchFirst']);
  const { batchFirst = false } = options;
  checkBoolean('unpadSequence', 'batchFirst', batchFirst);
  if (!(padded instanceof Tensor) || padded.ndim < 2) {
    throw new ShapeError(`unpadSequence: not a padded batch, got ${show(padded)}; expected a tensor of at least 2 dimensions`);
  }
  const sizes = lengthsOf('unpadSequence', lengths);
  const batch = batchFirst ? 0 : 1;
  const longest = padded.shape[1 - batch];
  return sizes.slice(0, padded.shape[batch]).map((n, i) => padded.select(batch, i).narrow(0, 0, Math.max(0, Math.min(n, longest))).clone());
}

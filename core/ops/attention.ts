import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkNumber, checkOptions, show } from '../errors.ts';
import { broadcastShapes, sameShape } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import { causalAttention, isCausalPlain } from './causalAttention.ts';
import { repeatInterleave } from './arrange.ts';
import { ones } from './creation.ts';
import { type Free, checkTensor, free } from './define.ts';
import { dropout } from './dropout.ts';
import { checkDTypes, matmul } from './matmul.ts';
import type { Trailing } from './byName.ts';
import { softmax } from './softmax.ts';

/** Options of `scaledDotProductAttention`. */
export interface AttentionOptions {
  /** Broadcasts to (…, L, S). Bool: true where a key takes part. Floats: added to the scores. */
  readonly attnMask?: Tensor | null;
  /** Share of the weights that are set to 0, the others scaled up; default 0. It applies whenever it is given: pass 0 in evaluation. */
  readonly dropoutP?: number;
  /** Query i sees the keys 0 … i only; not together with a mask. Default false. */
  readonly isCausal?: boolean;
  /** Factor of the scores; default `1/√E`. */
  readonly scale?: number | null;
  /** Query heads (dimension -3) share fewer heads of keys and values, in groups; default false. */
  readonly enableGqa?: boolean;
}

const name = 'scaledDotProductAttention';
const names = ['attnMask', 'dropoutP', 'isCausal', 'scale', 'enableGqa'];

function checkOperands(query: Tensor, key: Tensor, value: Tensor): void {
  checkTensor(name, query, 'query');
  checkTensor(name, key, 'key');
  checkTensor(name, value, 'value');
  checkDTypes(name, query, key, value);
  if (!isFloat(query.dtype)) throw new DTypeError(`${name}: not floats, got ${show(query)}; expected float32 or float64`);
  const given = `got query ${show(query)}, key ${show(key)}, value ${show(value)}`;
  if (query.ndim < 2 || key.ndim < 2 || value.ndim < 2) throw new ShapeError(`${name}: too few dimensions, ${given}; expected (…, L, E), (…, S, E), (…, S, Ev)`);
  if (query.shape.at(-1) !== key.shape.at(-1) || key.shape.at(-2) !== value.shape.at(-2)) {
    throw new ShapeError(`${name}: sizes do not fit, ${given}; expected (…, L, E), (…, S, E), (…, S, Ev)`);
  }
}

/** Checks a mask against the shape of the scores. */
function checkMask(mask: unknown, scores: readonly number[], query: Tensor): asserts mask is Tensor {
  if (!(mask instanceof Tensor)) throw new ArgumentError(`${name}: attnMask is not a tensor, got ${show(mask)}; expected a Tensor of bool or ${query.dtype}`);
  if (mask.dtype !== 'bool' && mask.dtype !== 'float32' && mask.dtype !== query.dtype) throw new DTypeError(`${name}: attnMask is of another dtype, got ${show(mask)}; expected bool or ${query.dtype}`);
  if (!sameShape(broadcastShapes(name, mask.shape, scores), scores)) throw new ShapeError(`${name}: attnMask does not fit, got ${show(mask)}; expected a shape that broadcasts to [${scores.join(', ')}]`);
}

/** Keys or values with each head as often as queries share it. */
function sharedHeads(what: string, x: Tensor, query: Tensor): Tensor {
  if (query.ndim < 3 || x.ndim < 3) throw new ShapeError(`${name}: no heads, got query ${show(query)} and ${what} ${show(x)}; expected at least 3 dimensions with enableGqa`);
  const [heads, groups] = [query.shape[query.ndim - 3], x.shape[x.ndim - 3]];
  if (groups === 0 || heads % groups !== 0) throw new ShapeError(`${name}: heads do not divide, got ${heads} of the query and ${groups} of the ${what}; expected a multiple`);
  return heads === groups ? x : repeatInterleave(x, heads / groups, -3);
}

/** Marks rows of -Infinity, which a mask of floats has made, and makes them 0: a softmax over nothing would be 0/0. */
function silenced(scores: Tensor): Tensor {
  const blind = scores.detach().amax(-1, { keepdim: true }).eq(-Infinity);
  scores.maskedFill_(blind, 0);
  return blind;
}

/**
 * Attention `softmax(Q·Kᵀ·scale + mask)·V`. Queries that see no key at all give 0.
 *
 * @param query - (…, L, E)
 * @param key - (…, S, E), leading dimensions broadcast
 * @param value - (…, S, Ev), leading dimensions broadcast
 * @returns (…, L, Ev)
 * @throws ShapeError or DTypeError when operands or mask do not fit; ArgumentError for a mask together with `isCausal`, and unknown options
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html and Vaswani et al., 2017
 */
export const scaledDotProductAttention: Free<(query: Tensor, key: Tensor, value: Tensor, ...options: Trailing<AttentionOptions, [attnMask: Tensor | null, dropoutP: number, isCausal: boolean]>) => Tensor> = free(
  {
    name,
    parameters: ['key', 'value', 'options', 'attnMask', 'dropoutP', 'isCausal'],
    family: 'attention',
    torch: 'nn.functional.scaled_dot_product_attention',
    samples: (s) => [
      [s.float([3, 4]), s.float([5, 4]), s.float([5, 2])],
      [s.float([2, 3, 4]), s.float([2, 3, 4]), s.float([2, 3, 4]), { isCausal: true }],
      [s.float([2, 2, 3, 4]), s.float([2, 2, 5, 4]), s.float([2, 2, 5, 3]), { attnMask: s.float([3, 5]), scale: 0.7 }],
      [s.float([2, 3, 4]), s.float([2, 2, 4]), s.float([2, 2, 3]), { attnMask: s.values([1, 0, 1, 1, 0, 0], [3, 2], 'bool') }],
      [s.float([0, 3, 4]), s.float([0, 2, 4]), s.float([0, 2, 3])],
      [s.float([4, 3, 2]), s.float([2, 3, 2]), s.float([2, 3, 1]), { enableGqa: true, isCausal: true }],
      [s.float([2, 2]), s.float([3, 2]), s.float([3, 2]), { attnMask: s.values([0, -Infinity, 1, -Infinity, -Infinity, -Infinity], [2, 3]) }],
      [s.float([2, 1, 2, 3]), s.float([2, 2, 3]), s.float([2, 2, 2]), { attnMask: s.float([2, 1, 1, 2]) }],
    ],
  },
  (query: Tensor, givenKey: Tensor, givenValue: Tensor, options: AttentionOptions = {}): Tensor => {
    checkOperands(query, givenKey, givenValue);
    checkOptions(name, options, names);
    const { attnMask = null, dropoutP = 0, isCausal = false, scale = null, enableGqa = false } = options;
    const key = enableGqa ? sharedHeads('key', givenKey, query) : givenKey;
    const value = enableGqa ? sharedHeads('value', givenValue, query) : givenValue;
    checkNumber(name, 'dropoutP', dropoutP, 'a probability', (p) => p >= 0 && p <= 1);
    if (scale !== null) checkNumber(name, 'scale', scale, 'a number', Number.isFinite);
    const [rows, columns] = [query.shape.at(-2) ?? 0, key.shape.at(-2) ?? 0];
    const shape = [...broadcastShapes(name, query.shape.slice(0, -2), key.shape.slice(0, -2)), rows, columns];
    if (attnMask !== null) {
      if (isCausal) throw new ArgumentError(`${name}: two masks, got attnMask and isCausal; expected one of them`);
      checkMask(attnMask, shape, query);
    }
    const factor = scale ?? 1 / Math.sqrt(query.shape[query.ndim - 1]);
    if (isCausal && dropoutP === 0 && isCausalPlain(query, key, value)) return causalAttention(query, key, value, factor);
    const scaled = query.mul(factor);
    const scores = matmul(scaled, key.mT);
    const seen = attnMask?.dtype === 'bool' ? attnMask : null;
    // Queries without any key get weights like others, which are then set to 0: a softmax over nothing would be 0/0.
    const unseen = seen === null ? null : seen.any(-1, { keepdim: true }).logicalNot();
    if (isCausal) scores.maskedFill_(ones([rows, columns], { dtype: 'bool', device: query.device }).triu(1), -Infinity);
    const removed = seen === null || unseen === null ? null : seen.logicalOr(unseen).logicalNot();
    const summed = removed !== null ? scores.maskedFill(removed, -Infinity) : attnMask === null ? scores : scores.add(attnMask);
    // Not in place, since under vmap masks may differ where scores do not. What has been read goes at once: no more than two tensors of this size are there for the products.
    if (summed !== scores) scores.storage.discard();
    const blind = attnMask === null || shape[shape.length - 1] === 0 ? null : (unseen ?? silenced(summed));
    const weights = softmax(summed, -1);
    summed.storage.discard();
    const known = blind === null ? weights : weights.maskedFill(blind, 0);
    const kept = dropoutP > 0 ? dropout(known, dropoutP) : known;
    const result = matmul(kept, value);
    for (const x of new Set([scaled, weights, known, kept])) x.storage.discard();
    return result;
  },
);

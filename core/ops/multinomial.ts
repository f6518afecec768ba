import { drawWithReplacement, drawWithoutReplacement, fillExponential, fillLike } from '../cpu/random.ts';
import { type TypedArray, isFloat, makeArray } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import type { Generator } from '../random.ts';
import type { Tensor } from '../tensor.ts';
import { fromCells } from './creation.ts';
import type { Named } from './byName.ts';
import { type Method, checkTensor, method } from './define.ts';
import { drawnFrom, generatorOf } from './random.ts';

/** Options of `multinomial`. */
export interface MultinomialOptions {
  /** Whether an index may come twice; default false. */
  readonly replacement?: boolean;
  /** Where the numbers come from; default the one `manualSeed` seeds. */
  readonly generator?: Generator;
}

/** Refuses rows nothing can be drawn from. */
function checkRow(cells: TypedArray, at: number, n: number, least: number): void {
  let positive = 0;
  for (let i = at; i < at + n; i++) {
    const w = cells[i];
    if (!(w >= 0 && w < Infinity)) throw new ArgumentError(`multinomial: not a weight, got ${w}; expected finite numbers ≥ 0`, { values: { weight: w } });
    if (w > 0) positive++;
  }
  if (positive < least) throw new ArgumentError(`multinomial: too few weights above 0, got ${positive} of ${n}; expected at least ${least}`);
}

/** Indices from each row of weights that fit. */
function drawRows(weights: Tensor, numSamples: number, replacement: boolean, generator: Generator): Tensor {
  const n = weights.shape.at(-1) ?? 0;
  const cells = weights.data();
  for (let at = 0; at < cells.length; at += n) checkRow(cells, at, n, replacement ? 1 : numSamples);
  const rows = cells.length / n;
  const out = makeArray('int64', rows * numSamples);
  if (replacement) {
    for (let r = 0; r < rows; r++) drawWithReplacement({ cells, at: r * n, n }, out, r * numSamples, numSamples, generator);
  } else {
    const q = makeArray(weights.dtype, cells.length);
    fillLike(weights, (into, at, count) => fillExponential(into, at, count, generator, 1))(q, 0, q.length, true);
    for (let r = 0; r < rows; r++) drawWithoutReplacement({ cells, at: r * n, n }, out, r * numSamples, numSamples, q.subarray(r * n, (r + 1) * n));
  }
  return fromCells('multinomial', 'int64', out, [...weights.shape.slice(0, -1), numSamples], { device: weights.device });
}

/**
 * Indices drawn with probabilities in proportion to weights ≥ 0 (they need not sum to 1): (n) → (numSamples), or per row (m, n) → (m, numSamples),
 * as int64. Without replacement they come in order of drawing.
 *
 * @throws ShapeError for other ranks, or for more samples than weights without replacement; ArgumentError for weights that are negative, not
 * finite, or too often zero
 * @see https://pytorch.org/docs/stable/generated/torch.multinomial.html
 */
export const multinomial: Method<Named<'numSamples', number, MultinomialOptions, Tensor, Tensor, [replacement: boolean]>> = method(
  { name: 'multinomial', parameters: ['numSamples', 'options', 'replacement'], family: 'random', differentiable: false, samples: () => [] },
  (weights: Tensor, numSamples: number, options: MultinomialOptions = {}): Tensor => {
    checkTensor('multinomial', weights, 'weights');
    checkOptions('multinomial', options, ['replacement', 'generator']);
    const { replacement = false } = options;
    if (typeof replacement !== 'boolean') throw new ArgumentError(`multinomial: replacement is not a boolean, got ${show(replacement)}; expected true or false`);
    const generator = generatorOf('multinomial', options.generator);
    const n = weights.shape.at(-1) ?? 0;
    if (!isFloat(weights.dtype)) throw new DTypeError(`multinomial: weights are not floats, got ${show(weights)}; expected float32 or float64`);
    if (weights.ndim < 1 || weights.ndim > 2 || n === 0) throw new ShapeError(`multinomial: not weights, got ${show(weights)}; expected (n) or (rows, n) with n ≥ 1`);
    const most = replacement ? 'an integer ≥ 1' : `1 to ${n} without replacement`;
    if (!Number.isInteger(numSamples) || numSamples < 1 || (!replacement && numSamples > n)) {
      throw new ShapeError(`multinomial: invalid numSamples, got ${show(numSamples)} for ${show(weights)}; expected ${most}`, { values: { numSamples } });
    }
    return drawnFrom('multinomial', weights, generator, (one) => drawRows(one, numSamples, replacement, generator));
  },
);

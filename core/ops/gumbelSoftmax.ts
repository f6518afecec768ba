import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, checkNumber, checkOptions, show } from '../errors.ts';
import type { Generator } from '../random.ts';
import { normalizeDim } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { emptyLike, zerosLike } from './creation.ts';
import { type Free, checkTensor, free } from './define.ts';
import { generatorOf } from './random.ts';
import type { Named } from './byName.ts';
import { softmax } from './softmax.ts';

/** Options of `gumbelSoftmax`. */
export interface GumbelSoftmaxOptions {
  /** Temperature; default 1. */
  readonly tau?: number;
  /** Give 1 at the largest and 0 elsewhere, with the gradient of the soft values; default false. */
  readonly hard?: boolean;
  /** Along which the values sum to 1; default -1. */
  readonly dim?: number;
  /** Where the numbers come from; default the one `manualSeed` seeds. */
  readonly generator?: Generator;
}

const name = 'gumbelSoftmax';

/**
 * Draws from categories in a way that gradients pass: `softmax((logits + G)/tau)` with G from the Gumbel distribution.
 *
 * @param logits - unnormalised log-probabilities
 * @param tau - temperature, also an option
 * @throws ArgumentError for options of the wrong kind; DTypeError for integers
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.gumbel_softmax.html and Jang et al., 2017
 */
export const gumbelSoftmax: Free<Named<'tau', number, Omit<GumbelSoftmaxOptions, 'tau'>, Tensor, Tensor, [hard: boolean]>> = free(
  { name, parameters: ['tau', 'options', 'hard'], family: 'random', torch: 'nn.functional.gumbel_softmax', samples: () => [] },
  (logits: Tensor, tau = 1, options?: Omit<GumbelSoftmaxOptions, 'tau'>): Tensor => {
    checkTensor(name, logits, 'logits');
    if (!isFloat(logits.dtype)) throw new DTypeError(`${name}: not a float tensor, got ${show(logits)}; expected float32 or float64`);
    checkOptions(name, options, ['hard', 'dim', 'generator']);
    const { hard = false, dim = -1 } = options ?? {};
    checkNumber(name, 'tau', tau, 'a number', (v) => !Number.isNaN(v));
    if (typeof hard !== 'boolean') throw new ArgumentError(`${name}: hard is not a boolean, got ${show(hard)}; expected true or false`);
    const d = normalizeDim(name, dim, logits.ndim);
    const noise = emptyLike(logits.detach()).exponential_(1, { generator: generatorOf(name, options?.generator) }).log().neg();
    const soft = softmax(logits.add(noise).div(tau), d);
    if (!hard) return soft;
    const at = soft.detach().max(d, { keepdim: true }).indices;
    const chosen = zerosLike(soft.detach()).scatter(d, at, zerosLike(at).to(soft.dtype).add(1));
    return chosen.sub(soft.detach()).add(soft);
  },
);

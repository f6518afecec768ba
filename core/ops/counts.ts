import { drawBinomial, drawPoisson } from '../cpu/draws.ts';
import { type DType, isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, checkOptions, show } from '../errors.ts';
import { broadcastShapes } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { Named } from './byName.ts';
import { type Free, checkTensor, free } from './define.ts';
import { stack } from './join.ts';
import { drawn, drawnFrom, generatorOf } from './random.ts';
import type { FillOptions } from './randomFill.ts';
import { broadcastTo, select } from './view.ts';

function checkFloats(name: string, x: unknown, what: string, dtype?: DType): asserts x is Tensor {
  checkTensor(name, x, what);
  if (!isFloat(x.dtype)) throw new DTypeError(`${name}: ${what} is not a float tensor, got ${show(x)}; expected float32 or float64`);
  if (dtype !== undefined && x.dtype !== dtype) throw new DTypeError(`${name}: operands differ in dtype, got ${dtype} and ${x.dtype}; expected one dtype`);
}

/** Refuses values for which there is no such distribution. */
function checkValues(name: string, what: string, values: ArrayLike<number>, rule: string, test: (v: number) => boolean): void {
  for (let i = 0; i < values.length; i++) {
    if (!test(values[i])) throw new ArgumentError(`${name}: not ${what}, got ${values[i]}; expected ${rule}`, { values: { value: values[i] } });
  }
}

/**
 * A number of events for each mean rate, from the Poisson distribution, in the shape and dtype of the rates.
 *
 * @param rates - finite numbers ≥ 0
 * @throws ArgumentError for other rates; DTypeError for integers
 * @see https://pytorch.org/docs/stable/generated/torch.poisson.html and Hörmann, The transformed rejection method for generating Poisson random variables, 1993
 */
export const poisson: Free<(rates: Tensor, options?: FillOptions) => Tensor> = free(
  { name: 'poisson', family: 'random', differentiable: false, samples: () => [] },
  (rates: Tensor, options?: FillOptions): Tensor => {
    checkFloats('poisson', rates, 'rates');
    checkOptions('poisson', options, ['generator']);
    const generator = generatorOf('poisson', options?.generator);
    return drawnFrom('poisson', rates, generator, (one) => {
      const each = one.data();
      checkValues('poisson', 'a rate', each, 'finite numbers ≥ 0', (v) => v >= 0 && v < Infinity);
      return drawn('poisson', one.shape, one.dtype, { device: one.device }, (cells, at, n) => {
        for (let i = 0; i < n; i++) cells[at + i] = drawPoisson(each[i], generator);
      });
    });
  },
);

/**
 * A number of successes in `count` trials of probability `prob` each, from the binomial distribution; the two broadcast.
 *
 * @param count - whole numbers ≥ 0, as floats
 * @param prob - probabilities, of the dtype of the counts
 * @throws ArgumentError for other counts or probabilities; DTypeError for integers or two dtypes
 * @see https://pytorch.org/docs/stable/generated/torch.binomial.html and Hörmann, The generation of binomial random variates, 1993
 */
export const binomial: Free<Named<'prob', Tensor, FillOptions, Tensor>> = free(
  { name: 'binomial', parameters: ['prob', 'options'], family: 'random', differentiable: false, samples: () => [] },
  (count: Tensor, prob: Tensor, options?: FillOptions): Tensor => {
    checkFloats('binomial', count, 'count');
    const { dtype } = count;
    checkFloats('binomial', prob, 'prob', dtype);
    checkOptions('binomial', options, ['generator']);
    const generator = generatorOf('binomial', options?.generator);
    const shape = broadcastShapes('binomial', count.shape, prob.shape);
    const round = dtype === 'float32' ? Math.fround : (v: number): number => v;
    const both = stack([count, prob].map((x) => broadcastTo(x.detach(), shape)));
    return drawnFrom('binomial', both, generator, (one) => {
      const [counts, chances] = [0, 1].map((i) => select(one, 0, i).data());
      checkValues('binomial', 'a number of trials', counts, 'whole numbers ≥ 0', (v) => v >= 0 && Number.isInteger(v));
      checkValues('binomial', 'a probability', chances, 'values from 0 to 1', (v) => v >= 0 && v <= 1);
      return drawn('binomial', one.shape.slice(1), dtype, { device: one.device }, (cells, at, n) => {
        for (let i = 0; i < n; i++) cells[at + i] = drawBinomial(counts[i], chances[i], generator, round);
      });
    });
  },
);

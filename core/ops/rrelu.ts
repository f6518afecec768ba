import type { TypedArray } from '../dtype.ts';
import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, checkNumber, checkOptions, show } from '../errors.ts';
import { type Primitive, apply, primitive } from '../op.ts';
import type { Generator } from '../random.ts';
import type { Tensor } from '../tensor.ts';
import { type Free, checkTensor, free } from './define.ts';
import { leakyRelu } from './piecewise.ts';
import { generatorOf } from './random.ts';

/** Options of `rrelu`. */
export interface RreluOptions {
  /** Smallest slope; default 1/8. */
  readonly lower?: number;
  /** Largest slope; default 1/3. */
  readonly upper?: number;
  /** Draw the slopes; default false. */
  readonly training?: boolean;
  /** Write the result over the input and return that; default false. */
  readonly inplace?: boolean;
  /** Where the numbers come from; default the one `manualSeed` seeds. */
  readonly generator?: Generator;
}

const name = 'rrelu';

interface Slopes {
  readonly lower: number;
  readonly upper: number;
  readonly generator: Generator;
}

/** A slope between the bounds where x ≤ 0, in row-major order, and 1 elsewhere. */
const slopesOp: Primitive<Slopes> = primitive<Slopes>({
  name: 'rreluSlopes',
  infer: ([x]) => x as Tensor,
  cpu: ([out], [input], { lower, upper, generator }) => {
    const x: TypedArray = (input as Tensor).data();
    const to = out.storage.cells;
    // As in PyTorch, the bounds are rounded to the dtype and the slope is drawn in double precision.
    const [low, high] = out.dtype === 'float32' ? [Math.fround(lower), Math.fround(upper)] : [lower, upper];
    for (let i = 0; i < x.length; i++) to[out.offset + i] = x[i] <= 0 ? generator.uniform53() * (high - low) + low : 1;
  },
});

/** The slopes of a training step as a tensor, or the mean of the bounds. */
function slopesOf(x: Tensor, given: readonly unknown[]): { readonly slope: Tensor | number; readonly inplace: boolean } {
  checkTensor(name, x);
  if (!isFloat(x.dtype)) throw new DTypeError(`${name}: not a float tensor, got ${show(x)}; expected float32 or float64`);
  const at = given.findIndex((item) => typeof item === 'object' && item !== null);
  const numbers = at < 0 ? given : given.slice(0, at);
  const options = (at < 0 ? {} : given[at]) as RreluOptions;
  checkOptions(name, options, ['lower', 'upper', 'training', 'inplace', 'generator']);
  const lower = numbers[0] ?? options.lower ?? 1 / 8;
  const upper = numbers[1] ?? options.upper ?? 1 / 3;
  const { training = false, inplace = false } = options;
  checkNumber(name, 'lower', lower, 'a finite number', Number.isFinite);
  checkNumber(name, 'upper', upper, 'a finite number', Number.isFinite);
  for (const [key, value] of Object.entries({ training, inplace })) {
    if (typeof value !== 'boolean') throw new ArgumentError(`${name}: ${key} is not a boolean, got ${show(value)}; expected true or false`);
  }
  const [low, high] = [lower as number, upper as number];
  if (low > high) throw new ArgumentError(`${name}: not a range, got ${low} to ${high}; expected lower ≤ upper`, { values: { lower: low, upper: high } });
  const generator = generatorOf(name, options.generator);
  return { slope: training ? apply(slopesOp, [x.detach()], { lower: low, upper: high, generator }) : (low + high) / 2, inplace };
}

/**
 * `x` above 0, `slope·x` below. In training each slope is drawn between `lower` (default 1/8) and `upper` (default 1/3), else it is their mean.
 *
 * @throws ArgumentError unless lower ≤ upper
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.rrelu.html and Xu et al., 2015
 */
export const rrelu: Free<(x: Tensor, lower?: number | RreluOptions, upper?: number | RreluOptions, options?: RreluOptions) => Tensor> = free(
  {
    name,
    family: 'activation',
    torch: 'nn.functional.rrelu',
    samples: (s) => [[s.float([2, 4], -4, 4)], [s.float([]), 0.1, 0.4], [s.float([0, 2])], [s.float([3]), { lower: 0.25, upper: 0.25 }], [s.float([3]), 0.5, 0.5, { training: true }]],
  },
  (x: Tensor, ...given: readonly unknown[]): Tensor => {
    const { slope, inplace } = slopesOf(x, given);
    if (typeof slope === 'number') return leakyRelu(x, slope, { inplace });
    return inplace ? x.mul_(slope) : x.mul(slope);
  },
);

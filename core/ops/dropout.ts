import { fillBernoulli } from '../cpu/random.ts';
import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkNumber, checkOptions, show } from '../errors.ts';
import type { Generator } from '../random.ts';
import { type Shape, numelOf } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import type { Named } from './byName.ts';
import { type Free, checkTensor, free } from './define.ts';
import { drawn, generatorOf } from './random.ts';

/** Options of the dropouts. */
export interface DropoutMode {
  /** Drop at all; without it the input is returned as it is. */
  readonly training?: boolean;
  /** Write the result into the input; default false. */
  readonly inplace?: boolean;
  /** Where the numbers come from; default the one `manualSeed` seeds. */
  readonly generator?: Generator;
}

interface Settings {
  readonly p: number;
  readonly active: boolean;
  readonly inplace: boolean;
  readonly generator: Generator;
}

function settingsOf(name: string, x: Tensor, p: number, options: DropoutMode | undefined, byDefault: boolean): Settings {
  checkTensor(name, x);
  checkNumber(name, 'p', p, 'a probability from 0 to 1', (v) => v >= 0 && v <= 1);
  checkOptions(name, options, ['training', 'inplace', 'generator']);
  const { training = byDefault, inplace = false, generator } = options ?? {};
  for (const [key, value] of Object.entries({ training, inplace })) {
    if (typeof value !== 'boolean') throw new ArgumentError(`${name}: ${key} is not a boolean, got ${show(value)}; expected true or false`);
  }
  const source = generatorOf(name, generator);
  if (training && !isFloat(x.dtype)) throw new DTypeError(`${name}: not a float tensor, got ${show(x)}; expected float32 or float64`);
  return { p, active: training && p > 0 && x.numel() > 0, inplace, generator: source };
}

/** 1 with probability `1 - p`, else 0, in the dtype of `x`. A device that draws numbers itself gets a seed from the generator. */
function keepMask(name: string, x: Tensor, shape: Shape, { p, generator }: Settings): Tensor {
  const { device } = x;
  if (device.bernoulli !== undefined) {
    const half = (): number => Math.floor(generator.random() * 2 ** 16);
    return new Tensor(device.bernoulli(x.dtype, numelOf(shape), 1 - p, [half(), half()]), shape);
  }
  return drawn(name, shape, x.dtype, { device: x.device }, (cells, at, n) => fillBernoulli(cells, at, n, generator, 1 - p));
}

function scaled(name: string, x: Tensor, maskShape: Shape, settings: Settings): Tensor {
  if (!settings.active) return x;
  const kept = x.dtype === 'float32' ? Math.fround(1 - settings.p) : 1 - settings.p;
  const factor = settings.p === 1 ? 0 : keepMask(name, x, maskShape, settings).div_(kept);
  return settings.inplace ? x.mul_(factor) : x.mul(factor);
}

type Dropout = Free<Named<'p', number, DropoutMode, Tensor, Tensor, [training: boolean, inplace: boolean]>>;

/**
 * Zeroes each element with probability `p` (default 0.5) and scales the others by `1/(1 - p)`, while `training` (default true).
 *
 * @throws ArgumentError when `p` is outside 0 to 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html
 */
export const dropout: Dropout = free(
  {
    name: 'dropout',
    parameters: ['p', 'options', 'training', 'inplace'],
    family: 'dropout',
    torch: 'nn.functional.dropout',
    samples: (s) => [[s.float([2, 3]), 0.5, { training: false }], [s.float([2, 3]), 0], [s.float([2, 3]), 1], [s.float([0, 3])]],
  },
  (x: Tensor, p = 0.5, options?: DropoutMode): Tensor => scaled('dropout', x, x.shape, settingsOf('dropout', x, p, options, true)),
);

function checkRank(name: string, x: Tensor, ranks: readonly number[], hint: string): void {
  if (!ranks.includes(x.ndim)) throw new ShapeError(`${name}: wrong number of dimensions, got ${show(x)}; expected ${hint}`);
}

/**
 * Zeroes whole channels of (N, C, L) or (C, L) with probability `p` (default 0.5) and scales the others by `1/(1 - p)`, while `training`
 * (default true).
 *
 * @throws ShapeError for other ranks; ArgumentError when `p` is outside 0 to 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.dropout1d.html
 */
export const dropout1d: Dropout = free(
  { name: 'dropout1d', parameters: ['p', 'options', 'training', 'inplace'], family: 'dropout', torch: 'nn.functional.dropout1d', samples: (s) => [[s.float([2, 3, 2]), 0.5, { training: false }], [s.float([3, 2]), 1]] },
  (x: Tensor, p = 0.5, options?: DropoutMode): Tensor => {
    const settings = settingsOf('dropout1d', x, p, options, true);
    checkRank('dropout1d', x, [2, 3], '(N, C, L) or (C, L)');
    return scaled('dropout1d', x, x.shape.with(-1, 1), settings);
  },
);

/**
 * Zeroes whole channels of (N, C, H, W) with probability `p` (default 0.5) and scales the others by `1/(1 - p)`, while `training` (default
 * true). As in PyTorch the first two dimensions are always batch and channels, also for other ranks: (N, C, L) is no single image.
 *
 * @throws ShapeError for fewer than 2 dimensions; ArgumentError when `p` is outside 0 to 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.dropout2d.html
 */
export const dropout2d: Dropout = free(
  { name: 'dropout2d', parameters: ['p', 'options', 'training', 'inplace'], family: 'dropout', torch: 'nn.functional.dropout2d', samples: (s) => [[s.float([2, 3, 2, 2]), 0.5, { training: false }], [s.float([1, 2, 2, 2]), 1]] },
  (x: Tensor, p = 0.5, options?: DropoutMode): Tensor => {
    const settings = settingsOf('dropout2d', x, p, options, true);
    if (x.ndim < 2) throw new ShapeError(`dropout2d: wrong number of dimensions, got ${show(x)}; expected (N, C, H, W)`);
    return scaled('dropout2d', x, x.shape.map((n, d) => (d < 2 ? n : 1)), settings);
  },
);

/**
 * Zeroes whole channels of (N, C, D, H, W) or (C, D, H, W) with probability `p` (default 0.5) and scales the others by `1/(1 - p)`, while `training` (default true).
 * As in PyTorch other ranks count as one sample.
 *
 * @throws ShapeError for a scalar; ArgumentError when `p` is outside 0 to 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.dropout3d.html
 */
export const dropout3d: Dropout = free(
  { name: 'dropout3d', parameters: ['p', 'options', 'training', 'inplace'], family: 'dropout', torch: 'nn.functional.dropout3d', samples: (s) => [[s.float([2, 3, 2, 2, 1]), 0.5, { training: false }], [s.float([1, 2, 2, 2, 1]), 1]] },
  (x: Tensor, p = 0.5, options?: DropoutMode): Tensor => {
    const settings = settingsOf('dropout3d', x, p, options, true);
    if (x.ndim < 1) throw new ShapeError(`dropout3d: wrong number of dimensions, got ${show(x)}; expected (N, C, D, H, W) or (C, D, H, W)`);
    const kept = x.ndim === 5 ? 2 : 1;
    return scaled('dropout3d', x, x.shape.map((n, d) => (d < kept ? n : 1)), settings);
  },
);

/** Negative of SELU's lower bound, `scale·α`. */
const BOUND = 1.7580993408473766;

/**
 * Sets elements to SELU's lower bound with probability `p` (default 0.5) and rescales, so that mean 0 and variance 1 stay, while `training`
 * (default false, as in PyTorch).
 *
 * @throws ArgumentError when `p` is outside 0 to 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.alpha_dropout.html
 */
export const alphaDropout: Dropout = free(
  {
    name: 'alphaDropout',
    parameters: ['p', 'options', 'training', 'inplace'],
    family: 'dropout',
    torch: 'nn.functional.alpha_dropout',
    samples: (s) => [[s.float([2, 3]), 0.5], [s.float([2, 3]), 0, { training: true }], [s.float([2, 3]), 1, { training: true }]],
  },
  (x: Tensor, p = 0.5, options?: DropoutMode): Tensor => bounded('alphaDropout', x, p, options, x.shape),
);

/** Dropout to SELU's lower bound, by a mask of a given shape. */
function bounded(name: string, x: Tensor, p: number, options: DropoutMode | undefined, maskShape: Shape): Tensor {
  const settings = settingsOf(name, x, p, options, false);
  if (!settings.active || p === 1) return scaled(name, x, maskShape, settings);
  const a = 1 / Math.sqrt((BOUND * BOUND * p + 1) * (1 - p));
  const mask = keepMask(name, x, maskShape, settings);
  const shift = mask.sub(1).mul_(BOUND * a).add_(BOUND * a * p);
  return settings.inplace ? x.mul_(mask.mul(a)).add_(shift) : x.mul(mask.mul(a)).add(shift);
}

/**
 * `alphaDropout` of whole channels of (N, C, …), while `training` (default false, as in PyTorch).
 *
 * @throws ShapeError for fewer than 2 dimensions; ArgumentError when `p` is outside 0 to 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.feature_alpha_dropout.html
 */
export const featureAlphaDropout: Dropout = free(
  {
    name: 'featureAlphaDropout',
    parameters: ['p', 'options', 'training', 'inplace'],
    family: 'dropout',
    torch: 'nn.functional.feature_alpha_dropout',
    samples: (s) => [[s.float([2, 3, 2]), 0.5], [s.float([2, 3]), 0, { training: true }], [s.float([2, 3]), 1, { training: true }]],
  },
  (x: Tensor, p = 0.5, options?: DropoutMode): Tensor => {
    checkTensor('featureAlphaDropout', x);
    if (x.ndim < 2) throw new ShapeError(`featureAlphaDropout: too few dimensions, got ${show(x)}; expected (N, C, …)`);
    return bounded('featureAlphaDropout', x, p, options, x.shape.map((n, d) => (d < 2 ? n : 1)));
  },
);

import { ShapeError, checkNumber, checkOptions, show } from '../errors.ts';
import { type Shape, normalizeDims, numelOf, isShape, sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { zeros } from './creation.ts';
import type { Named, NamedList, Trailing } from './byName.ts';
import { type Free, free } from './define.ts';
import { cat } from './join.ts';
import { norm } from './norm.ts';
import { type NormOptions, affine, checkChannels, checkFloat, epsOf, standardRows, vectorOperand } from './normArguments.ts';

const family = 'normalization';

/** The last dimensions that make a row. */
function rowShape(name: string, x: Tensor, normalizedShape: number | Shape): Shape {
  const shape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
  if (!isShape(shape) || shape.length === 0 || !sameShape(shape, x.shape.slice(-shape.length))) {
    throw new ShapeError(`${name}: normalizedShape does not fit, got ${show(normalizedShape)} for ${show(x)}; expected its last sizes`);
  }
  return shape;
}

interface AffineOptions extends NormOptions {
  readonly weight?: Tensor | null;
  readonly bias?: Tensor | null;
}

type LayerNorm = Free<NamedList<[normalizedShape: number | Shape, weight?: Tensor | null, bias?: Tensor | null, eps?: number | NormOptions], AffineOptions & { readonly normalizedShape?: number | Shape }, Tensor>>;

/**
 * Normalises the last dimensions of each sample, `y = (x - mean)/√(var + eps)·weight + bias`, with the biased variance.
 *
 * @param normalizedShape - the last sizes of `x`, or the last one as a number
 * @param weight - normalizedShape, or null for 1
 * @param bias - normalizedShape, or null for 0
 * @param eps - default 1e-5; also as `{ eps }`
 * @throws ShapeError when the shapes do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.layer_norm.html and Ba, Kiros & Hinton, 2016
 */
export const layerNorm: LayerNorm = free(
  {
    name: 'layerNorm',
    parameters: ['normalizedShape', 'weight', 'bias', 'eps'],
    family,
    torch: 'nn.functional.layer_norm',
    samples: (s) => [[s.float([3, 4]), [4], s.float([4]), s.float([4])], [s.float([2, 3, 2]), [3, 2], null, null, 0.1], [s.float([2, 3]), [3], s.float([3])], [s.float([0, 3]), [3], s.float([3])]],
  },
  (x: Tensor, normalizedShape: number | Shape, weight?: Tensor | null, bias?: Tensor | null, eps?: number): Tensor => {
    checkFloat('layerNorm', x);
    const shape = rowShape('layerNorm', x, normalizedShape);
    const w = vectorOperand('layerNorm', 'weight', weight, shape, x, 1);
    const b = vectorOperand('layerNorm', 'bias', bias, shape, x, 0);
    const e = epsOf('layerNorm', eps, 1e-5);
    return standardRows(x, numelOf(x.shape.slice(0, x.ndim - shape.length)), shape, e, w, b)[0];
  },
);

type GroupNorm = Free<NamedList<[numGroups: number, weight?: Tensor | null, bias?: Tensor | null, eps?: number | NormOptions], AffineOptions & { readonly numGroups?: number }, Tensor>>;

/**
 * Normalises groups of channels of each sample of (N, C, …) on their own, then scales and shifts each channel.
 *
 * @param weight - (C), or null for 1
 * @param bias - (C), or null for 0
 * @param eps - default 1e-5; also as `{ eps }`
 * @throws ShapeError when the groups do not divide the channels, or for a single value in all
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.group_norm.html and Wu & He, 2018
 */
export const groupNorm: GroupNorm = free(
  { name: 'groupNorm', parameters: ['numGroups', 'weight', 'bias', 'eps'], family, torch: 'nn.functional.group_norm', samples: (s) => [[s.float([2, 4, 3]), 2, s.float([4]), s.float([4])], [s.float([3, 4]), 2], [s.float([2, 2, 2, 2]), 1, s.float([2]), s.float([2]), 0.1]] },
  (x: Tensor, numGroups: number, weight?: Tensor | null, bias?: Tensor | null, eps?: number): Tensor => {
    checkChannels('groupNorm', x);
    const [batch, channels] = x.shape;
    if (!Number.isInteger(numGroups) || numGroups < 1 || channels % numGroups !== 0) {
      throw new ShapeError(`groupNorm: groups do not divide the channels, got ${show(numGroups)} for ${show(x)}; expected a divisor of ${channels}`);
    }
    const w = vectorOperand('groupNorm', 'weight', weight, [channels], x, 1);
    const b = vectorOperand('groupNorm', 'bias', bias, [channels], x, 0);
    const e = epsOf('groupNorm', eps, 1e-5);
    if (x.numel() / numGroups === 1) throw new ShapeError(`groupNorm: one value per group has no variance, got ${show(x)} in ${numGroups} groups; expected more than one`);
    const rows = batch * numGroups;
    const width = rows === 0 ? 0 : x.numel() / rows;
    return affine(standardRows(x.reshape([rows, width]), rows, [width], e)[0].reshape(x.shape), w, b);
  },
);

const smallest = { float32: 2 ** -23, float64: 2 ** -52 };

interface RmsNormArguments {
  readonly normalizedShape?: number | Shape;
  readonly weight?: Tensor | null;
  readonly eps?: number | null;
}

type RmsNorm = Free<NamedList<[normalizedShape: number | Shape, weight?: Tensor | null, eps?: number | null | NormOptions], RmsNormArguments, Tensor>>;

/**
 * Divides the last dimensions of each sample by their root mean square, `y = x/√(mean(x²) + eps)·weight`.
 *
 * @param normalizedShape - the last sizes of `x`, or the last one as a number
 * @param weight - normalizedShape, or null for 1
 * @param eps - default (or null) the machine epsilon of the dtype; also as `{ eps }`
 * @throws ShapeError when the shapes do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.rms_norm.html and Zhang & Sennrich, 2019
 */
export const rmsNorm: RmsNorm = free(
  { name: 'rmsNorm', parameters: ['normalizedShape', 'weight', 'eps'], family, torch: null, samples: (s) => [[s.float([3, 4]), [4], s.float([4])], [s.float([2, 3, 2]), [3, 2], null, 0.1], [s.float([2, 3]), 3]] },
  (x: Tensor, normalizedShape: number | Shape, weight?: Tensor | null, eps?: number | null): Tensor => {
    checkFloat('rmsNorm', x);
    const shape = rowShape('rmsNorm', x, normalizedShape);
    const w = vectorOperand('rmsNorm', 'weight', weight, shape, x, 1);
    const e = epsOf('rmsNorm', eps ?? undefined, smallest[x.dtype === 'float64' ? 'float64' : 'float32']);
    const dims = shape.map((_, i) => i - shape.length);
    const y = x.mul(x.square().mean(dims, { keepdim: true }).add(e).rsqrt());
    return typeof w === 'number' ? y : y.mul(w);
  },
);

/** Options of `normalize`. */
export interface NormalizeOptions extends NormOptions {
  /** Which norm; default 2. */
  readonly p?: number;
  /** The dimension vectors lie along; default 1. */
  readonly dim?: number | readonly number[];
}

/**
 * Divides vectors by their norm, `x / max(‖x‖ₚ, eps)`, with eps 1e-12 by default.
 *
 * @throws ShapeError for a dimension that does not exist
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.normalize.html
 */
export const normalize: Free<(x: Tensor, ...options: Trailing<NormalizeOptions, [p: number, dim: number | readonly number[], eps: number]>) => Tensor> = free(
  { name: 'normalize', parameters: ['options', 'p', 'dim', 'eps'], family, torch: 'nn.functional.normalize', samples: (s) => [[s.float([2, 3])], [s.float([2, 3, 2]), { p: 1, dim: 0 }], [s.float([4]), { dim: -1, eps: 0.5 }]] },
  (x: Tensor, options?: NormalizeOptions): Tensor => {
    checkFloat('normalize', x);
    checkOptions('normalize', options, ['p', 'dim', 'eps']);
    const { p = 2, dim = 1, eps = 1e-12 } = options ?? {};
    checkNumber('normalize', 'p', p, 'a number', (v) => !Number.isNaN(v));
    const dims = normalizeDims('normalize', dim, x.ndim);
    return x.div(norm(x, p, dims, { keepdim: true }).clamp({ min: epsOf('normalize', eps, 1e-12) }));
  },
);

/** Options of `localResponseNorm`. */
export interface LocalResponseNormOptions {
  /** Factor of the mean square; default 1e-4. */
  readonly alpha?: number;
  /** Exponent; default 0.75. */
  readonly beta?: number;
  /** Added before the power; default 1. */
  readonly k?: number;
}

/**
 * Divides each value of (N, C, …) by its `size` neighbours across channels: `x / (k + alpha·mean(x²))^beta`, with zeros beyond the ends.
 *
 * @throws ShapeError for fewer than 3 dimensions; ArgumentError unless `size` is an integer ≥ 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.local_response_norm.html
 */
export const localResponseNorm: Free<Named<'size', number, LocalResponseNormOptions, Tensor, Tensor, [alpha: number, beta: number, k: number]>> = free(
  { name: 'localResponseNorm', parameters: ['size', 'options', 'alpha', 'beta', 'k'], family, torch: 'nn.functional.local_response_norm', samples: (s) => [[s.float([2, 4, 3]), 3], [s.float([1, 3, 2, 2]), 2, { alpha: 0.5, beta: 0.5, k: 2 }]] },
  (x: Tensor, size: number, options?: LocalResponseNormOptions): Tensor => {
    const name = 'localResponseNorm';
    checkFloat(name, x);
    if (x.ndim < 3) throw new ShapeError(`${name}: too few dimensions, got ${show(x)}; expected (N, C, …) with at least 3`);
    checkNumber(name, 'size', size, 'an integer ≥ 1', (v) => Number.isInteger(v) && v >= 1);
    checkOptions(name, options, ['alpha', 'beta', 'k']);
    const { alpha = 1e-4, beta = 0.75, k = 1 } = options ?? {};
    for (const [key, value] of Object.entries({ alpha, beta, k })) checkNumber(name, key, value, 'a finite number', Number.isFinite);
    const like = { dtype: x.dtype, device: x.device };
    const channels = x.shape[1];
    const before = Math.floor(size / 2);
    const padded = cat([zeros(x.shape.with(1, before), like), x.square(), zeros(x.shape.with(1, size - 1 - before), like)], 1);
    let sum = padded.narrow(1, 0, channels);
    for (let i = 1; i < size; i++) sum = sum.add(padded.narrow(1, i, channels));
    return x.div(sum.mul(alpha / size).add(k).pow(beta));
  },
);

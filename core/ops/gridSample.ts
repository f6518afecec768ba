import { ArgumentError, ShapeError, checkOptions, show } from '../errors.ts';
import { type Tensor, emptyTensor } from '../tensor.ts';
import { linspace, tensor } from './creation.ts';
import type { Named } from './byName.ts';
import { type Free, checkTensor, free } from './define.ts';
import { gather } from './gather.ts';
import { stack } from './join.ts';
import { bmm } from './matmul.ts';
import { where } from './select.ts';
import { expand, reshape, select, unsqueeze } from './view.ts';

/** Options of `gridSample`. */
export interface GridSampleOptions {
  /** Default 'bilinear' (over volumes trilinear). */
  readonly mode?: 'bilinear' | 'nearest' | 'bicubic';
  /** What lies outside: zeros (default), the nearest edge, or the image mirrored. */
  readonly paddingMode?: 'zeros' | 'border' | 'reflection';
  /** Whether -1 and 1 are the centres of the corner elements instead of their outer edges; default false. */
  readonly alignCorners?: boolean | null;
}

const name = 'gridSample';

/** Places in elements from coordinates in -1 … 1. */
function unnormalized(c: Tensor, size: number, aligned: boolean): Tensor {
  return aligned ? c.add(1).mul((size - 1) / 2) : c.add(1).mul(size).sub(1).div(2);
}

/** Coordinates mirrored until they lie between `low / 2` and `high / 2`. */
function mirrored(c: Tensor, low: number, high: number): Tensor {
  if (low === high) return c.mul(0);
  const [least, span] = [low / 2, (high - low) / 2];
  const distance = c.sub(least).abs();
  const rest = distance.fmod(span);
  const flips = distance.div(span).floor().detach();
  const even = flips.remainder(2).eq(0).to(c.dtype);
  return rest.mul(even.mul(2).sub(1)).add(even.rsub(1).mul(span)).add(least);
}

/** Coordinates brought inside as the padding says; the first and last place themselves get no gradient. */
function inside(c: Tensor, size: number, paddingMode: string, aligned: boolean): Tensor {
  if (paddingMode === 'zeros') return c;
  const turned = paddingMode === 'reflection' ? (aligned ? mirrored(c, 0, 2 * (size - 1)) : mirrored(c, -1, 2 * size - 1)) : c;
  const clamped = turned.clamp(0, size - 1);
  return where(turned.le(0).logicalOr(turned.ge(size - 1)), clamped.detach(), clamped);
}

/**
 * Points of volumes, each coordinate a number: as PyTorch's kernel has it, what is not finite lies outside with padding by zeros, and a coordinate that is NaN behind
 * the padding is the last one, with no gradient of its point.
 */
function numbered(points: readonly Tensor[], sizes: readonly number[], paddingMode: string): readonly Tensor[] {
  return points.map((p, d) => (paddingMode === 'zeros' ? p.maskedFill(p.isfinite().logicalNot(), -2) : p.maskedFill(p.isnan(), sizes[d] - 1)));
}

/** Values of volumes without the gradients of points that have a NaN. */
function withoutGradients(values: Tensor, points: readonly Tensor[]): Tensor {
  const odd = points.map((p) => p.isnan()).reduce((all, p) => all.logicalOr(p));
  return where(unsqueeze(reshape(odd, [values.shape[0], -1]), 1), values.detach(), values);
}

/** Elements at whole places, one coordinate tensor (N, …) per spatial dimension; 0 outside. */
function fetch(flat: Tensor, places: readonly Tensor[], sizes: readonly number[]): Tensor {
  let at = places[0].mul(0);
  let within = places[0].eq(places[0]);
  places.forEach((p, d) => {
    within = within.logicalAnd(p.ge(0)).logicalAnd(p.le(sizes[d] - 1));
    at = at.mul(sizes[d]).add(p.nanToNum({ nan: 0 }).clamp(0, sizes[d] - 1));
  });
  const [n, c] = flat.shape;
  const index = expand(unsqueeze(reshape(at.detach().to('int64'), [n, -1]), 1), [n, c, at.numel() / Math.max(n, 1)]);
  const mask = unsqueeze(reshape(within, [n, -1]), 1).to(flat.dtype);
  return gather(flat, 2, index).mul(mask);
}

/** Weighted sum over the corners of the cell around each point. */
function multilinear(flat: Tensor, points: readonly Tensor[], sizes: readonly number[]): Tensor {
  const low = points.map((p) => p.detach().floor());
  let sum: Tensor | null = null;
  for (let corner = 0; corner < 2 ** points.length; corner++) {
    const bits = points.map((_, d) => (corner >> d) & 1);
    const places = low.map((p, d) => p.add(bits[d]));
    let weight: Tensor | null = null;
    points.forEach((p, d) => {
      const part = bits[d] === 1 ? p.sub(low[d]) : low[d].add(1).sub(p);
      weight = weight === null ? part : weight.mul(part);
    });
    const w: Tensor = weight ?? points[0];
    const part = fetch(flat, places, sizes).mul(unsqueeze(reshape(w, [flat.shape[0], -1]), 1));
    sum = sum === null ? part : sum.add(part);
  }
  return sum ?? flat;
}

/** Cubic weights of the four entries around a point, from its distance to the second. */
function cubicWeights(t: Tensor): Tensor[] {
  const a = -0.75;
  const far = (x: Tensor): Tensor => x.mul(a).sub(5 * a).mul(x).add(8 * a).mul(x).sub(4 * a);
  const near = (x: Tensor): Tensor => x.mul(a + 2).sub(a + 3).mul(x).mul(x).add(1);
  return [far(t.add(1)), near(t), near(t.rsub(1)), far(t.rsub(2))];
}

function bicubic(flat: Tensor, [y, x]: readonly Tensor[], sizes: readonly number[], paddingMode: string, aligned: boolean): Tensor {
  const [top, left] = [y.detach().floor(), x.detach().floor()];
  const [wy, wx] = [cubicWeights(y.sub(top)), cubicWeights(x.sub(left))];
  let sum: Tensor | null = null;
  for (let i = 0; i < 4; i++) {
    for (let j = 0; j < 4; j++) {
      const places = [inside(top.add(i - 1), sizes[0], paddingMode, aligned), inside(left.add(j - 1), sizes[1], paddingMode, aligned)];
      const part = fetch(flat, places, sizes).mul(unsqueeze(reshape(wy[i].mul(wx[j]), [flat.shape[0], -1]), 1));
      sum = sum === null ? part : sum.add(part);
    }
  }
  return sum ?? flat;
}

/**
 * Images sampled at the points of a grid: (N, C, H, W) at (N, H′, W′, 2) → (N, C, H′, W′); volumes at (N, D′, H′, W′, 3) likewise. A point is (x, y) or (x, y, z)
 * with -1 and 1 at the edges.
 *
 * @throws ShapeError for a grid that does not fit; ArgumentError for unknown modes
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.grid_sample.html
 */
export const gridSample: Free<(x: Tensor, grid: Tensor, options?: GridSampleOptions) => Tensor> = free(
  {
    name,
    family: 'pooling',
    torch: 'nn.functional.grid_sample',
    samples: (s) => [
      [s.float([1, 2, 3, 4]), s.float([1, 2, 3, 2], -1.3, 1.3), { alignCorners: false }],
      [s.float([2, 1, 3, 3]), s.float([2, 2, 2, 2], -1.3, 1.3), { alignCorners: true, paddingMode: 'border' }],
      [s.float([1, 1, 4, 3]), s.float([1, 3, 2, 2], -1.9, 1.9), { paddingMode: 'reflection', alignCorners: false }],
      [s.float([1, 1, 4, 3]), s.float([1, 3, 2, 2], -1.2, 1.2), { mode: 'nearest', alignCorners: false }],
      [s.float([1, 1, 4, 5]), s.float([1, 2, 2, 2], -1.1, 1.1), { mode: 'bicubic', alignCorners: false }],
      [s.float([1, 1, 4, 5]), s.float([1, 2, 2, 2], -1.1, 1.1), { mode: 'bicubic', alignCorners: true, paddingMode: 'reflection' }],
      [s.float([1, 1, 2, 3, 2]), s.float([1, 1, 2, 2, 3], -1.2, 1.2), { alignCorners: false }],
    ],
  },
  (x: Tensor, grid: Tensor, options?: GridSampleOptions): Tensor => {
    checkTensor(name, x);
    checkTensor(name, grid, 'grid');
    checkOptions(name, options, ['mode', 'paddingMode', 'alignCorners']);
    const { mode = 'bilinear', paddingMode = 'zeros' } = options ?? {};
    const aligned = options?.alignCorners ?? false;
    const rank = x.ndim - 2;
    if (!['bilinear', 'nearest', 'bicubic'].includes(mode)) throw new ArgumentError(`${name}: unknown mode, got ${show(mode)}; expected 'bilinear', 'nearest' or 'bicubic'`);
    if (!['zeros', 'border', 'reflection'].includes(paddingMode)) throw new ArgumentError(`${name}: unknown paddingMode, got ${show(paddingMode)}; expected 'zeros', 'border' or 'reflection'`);
    if ((rank !== 2 && rank !== 3) || grid.ndim !== x.ndim || grid.shape[rank + 1] !== rank || grid.shape[0] !== x.shape[0]) {
      throw new ShapeError(`${name}: the grid does not fit, got ${show(grid)} for ${show(x)}; expected (N, H, W, 2) for images, (N, D, H, W, 3) for volumes`);
    }
    if (mode === 'bicubic' && rank === 3) throw new ArgumentError(`${name}: 'bicubic' is for images, got ${show(x)}; expected 4 dimensions`);
    if (grid.dtype !== x.dtype) throw new ArgumentError(`${name}: dtypes differ, got ${show(x)} and ${show(grid)}; expected one dtype`);
    const sizes = x.shape.slice(2);
    if (sizes.some((n) => n === 0)) throw new ShapeError(`${name}: an empty image, got ${show(x)}; expected sizes ≥ 1`);
    const raw = sizes.map((n, d) => unnormalized(select(grid, -1, rank - 1 - d), n, aligned));
    const flat = reshape(x, [x.shape[0], x.shape[1], -1]);
    const padded = mode === 'bicubic' ? raw : raw.map((p, d) => inside(p, sizes[d], paddingMode, aligned));
    const points = rank === 3 ? numbered(padded, sizes, paddingMode) : padded;
    const sampled = mode === 'bicubic' ? bicubic(flat, points, sizes, paddingMode, aligned) : mode === 'nearest' ? fetch(flat, points.map((p) => p.detach().round()), sizes) : multilinear(flat, points, sizes);
    const values = rank === 3 && paddingMode !== 'zeros' ? withoutGradients(sampled, padded) : sampled;
    return reshape(values, [x.shape[0], x.shape[1], ...grid.shape.slice(1, -1)]);
  },
);

/**
 * The grid of an affine map for `gridSample`: theta (N, 2, 3) and size [N, C, H, W] → (N, H, W, 2); theta (N, 3, 4) and [N, C, D, H, W] → (N, D, H, W, 3).
 *
 * @throws ShapeError when theta and size do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.affine_grid.html
 */
export const affineGrid: Free<Named<'size', readonly number[], { readonly alignCorners?: boolean | null }, Tensor, Tensor, [alignCorners: boolean | null]>> = free(
  {
    name: 'affineGrid',
    parameters: ['size', 'options', 'alignCorners'],
    family: 'pooling',
    torch: 'nn.functional.affine_grid',
    samples: (s) => [[s.float([2, 2, 3]), [2, 1, 3, 4], { alignCorners: false }], [s.float([1, 2, 3]), [1, 1, 2, 3], { alignCorners: true }], [s.float([1, 3, 4]), [1, 1, 2, 3, 2], { alignCorners: false }]],
  },
  (theta: Tensor, size: readonly number[], options?: { readonly alignCorners?: boolean | null }): Tensor => {
    checkTensor('affineGrid', theta, 'theta');
    checkOptions('affineGrid', options, ['alignCorners']);
    const rank = Array.isArray(size) ? size.length - 2 : 0;
    if ((rank !== 2 && rank !== 3) || theta.ndim !== 3 || theta.shape[0] !== size[0] || theta.shape[1] !== rank || theta.shape[2] !== rank + 1) {
      throw new ShapeError(`affineGrid: theta and size do not fit, got ${show(theta)} and ${show(size)}; expected (N, 2, 3) for [N, C, H, W], (N, 3, 4) for [N, C, D, H, W]`);
    }
    const spatial = size.slice(2);
    const like = { dtype: theta.dtype, device: theta.device };
    const aligned = options?.alignCorners ?? false;
    const axes = spatial.map((n, d) => {
      const points = n === 1 ? tensor([0], like) : aligned ? linspace(-1, 1, n, like) : linspace(-1, 1, n, like).mul((n - 1) / n);
      return expand(reshape(points, spatial.map((_, i) => (i === d ? n : 1))), spatial);
    });
    const ones = expand(emptyTensor([], theta.dtype, theta.device).add(1), spatial);
    const base = reshape(stack([...axes.reverse(), ones], -1), [1, -1, rank + 1]); // (x, y[, z], 1) of every point
    const mapped = bmm(expand(base, [size[0], base.shape[1], rank + 1]), theta.transpose(1, 2));
    return reshape(mapped, [size[0], ...spatial, rank]);
  },
);

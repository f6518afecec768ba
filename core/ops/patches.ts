import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';

import { type Tensor, emptyTensor } from '../tensor.ts';
import { tensor } from './creation.ts';
import type { Named, NamedPair } from './byName.ts';
import { type Free, checkTensor, free } from './define.ts';
import { cat } from './join.ts';
import { indexAdd, indexSelect } from './lookup.ts';
import { narrow, permute, reshape, unsqueeze } from './view.ts';

const family = 'convolution';

/** A number for both spatial dimensions, or one for each. */
export type Pair = number | readonly number[];

/** Options of `F.unfold` and `F.fold`. */
export interface PatchOptions {
  /** Distance between the elements of a patch; default 1. */
  readonly dilation?: Pair;
  /** Zeros at every edge; default 0. */
  readonly padding?: Pair;
  /** Distance between patches; default 1. */
  readonly stride?: Pair;
}

/** Where the patches of an image lie. */
interface Patches {
  readonly height: number;
  readonly width: number;
  readonly kernel: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly rows: number;
  readonly columns: number;
}

function pair(name: string, key: string, value: unknown, least: number): readonly [number, number] {
  const list: unknown[] = Array.isArray(value) ? value : [value, value];
  if ((list.length !== 2 && list.length !== 1) || !list.every((n) => Number.isInteger(n) && (n as number) >= least)) {
    throw new ArgumentError(`${name}: invalid ${key}, got ${show(value)}; expected an integer ≥ ${least}, or two`);
  }
  return [list[0] as number, list[list.length - 1] as number];
}

function patchesOf(name: string, size: readonly [number, number], kernelSize: Pair, options: PatchOptions | undefined): Patches {
  checkOptions(name, options, ['dilation', 'padding', 'stride']);
  const kernel = pair(name, 'kernelSize', kernelSize, 1);
  const dilation = pair(name, 'dilation', options?.dilation ?? 1, 1);
  const padding = pair(name, 'padding', options?.padding ?? 0, 0);
  const stride = pair(name, 'stride', options?.stride ?? 1, 1);
  const count = (d: 0 | 1): number => Math.floor((size[d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d]) + 1;
  const [rows, columns] = [count(0), count(1)];
  if (rows < 1 || columns < 1) throw new ShapeError(`${name}: no patch fits, got size ${size.join('×')}, kernel ${kernel.join('×')}; expected at least one`, { values: { rows, columns } });
  return { height: size[0], width: size[1], kernel, dilation, padding, stride, rows, columns };
}

/** The place in the flattened image of every element of every patch, kernel elements first; what lies in the padding names the place behind the last. */
function placesIn({ height, width, kernel, dilation, padding, stride, rows, columns }: Patches): Int32Array {
  const places = new Int32Array(kernel[0] * kernel[1] * rows * columns);
  let at = 0;
  for (let i = 0; i < kernel[0]; i++) {
    for (let j = 0; j < kernel[1]; j++) {
      for (let r = 0; r < rows; r++) {
        const y = r * stride[0] - padding[0] + i * dilation[0];
        for (let c = 0; c < columns; c++) {
          const x = c * stride[1] - padding[1] + j * dilation[1];
          places[at++] = y < 0 || y >= height || x < 0 || x >= width ? height * width : y * width + x;
        }
      }
    }
  }
  return places;
}

/** (N, C, …) of a batch, and whether the batch was added. */
function batched(name: string, x: Tensor, rank: number): [Tensor, boolean] {
  checkTensor(name, x);
  if (!isFloat(x.dtype)) throw new DTypeError(`${name}: not a float tensor, got ${show(x)}; expected float32 or float64`);
  if (x.ndim === rank) return [x, false];
  if (x.ndim !== rank - 1) throw new ShapeError(`${name}: wrong number of dimensions, got ${show(x)}; expected ${rank - 1} or ${rank}`);
  return [unsqueeze(x, 0), true];
}

/**
 * The patches of images as columns: (N, C, H, W) or (C, H, W) → (N, C·kernel, patches), the elements of a channel's patch next to each other. A convolution is
 * the product of its weight with these.
 *
 * @param kernelSize - height and width of a patch
 * @throws ShapeError when no patch fits
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.unfold.html
 */
export const unfold: Free<Named<'kernelSize', Pair, PatchOptions, Tensor, Tensor, [dilation: Pair, padding: Pair, stride: Pair]>> = free(
  {
    name: 'F.unfold',
    parameters: ['kernelSize', 'options', 'dilation', 'padding', 'stride'],
    family,
    torch: 'nn.functional.unfold',
    samples: (s) => [
      [s.float([1, 2, 3, 4]), 2],
      [s.float([2, 1, 4, 3]), [2, 1], { padding: [1, 0], stride: 2 }],
      [s.float([2, 4, 4]), [2, 2], { dilation: 2, padding: 1 }],
    ],
  },
  (x: Tensor, kernelSize: Pair, options?: PatchOptions): Tensor => {
    const [images, added] = batched('unfold', x, 4);
    const [n, c, h, w] = images.shape;
    const patches = patchesOf('unfold', [h, w], kernelSize, options);
    const flat = reshape(images, [n, c, h * w]);
    const padded = patches.padding.some((p) => p > 0) ? cat([flat, emptyTensor([n, c, 1], x.dtype, x.device)], 2) : flat;
    const places = tensor(placesIn(patches), { dtype: 'int64', device: x.device });
    const columns = reshape(indexSelect(padded, 2, places), [n, c * patches.kernel[0] * patches.kernel[1], patches.rows * patches.columns]);
    return added ? columns.squeeze(0) : columns;
  },
);

/**
 * Images from columns of patches, added up where patches overlap: (N, C·kernel, patches) or without N → (N, C, H, W). The adjoint of `unfold`.
 *
 * @param outputSize - height and width of the images
 * @throws ShapeError when the columns do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.fold.html
 */
export const fold: Free<NamedPair<'outputSize', Pair, 'kernelSize', Pair, PatchOptions, Tensor, Tensor, [dilation: Pair, padding: Pair, stride: Pair]>> = free(
  {
    name: 'fold',
    parameters: ['outputSize', 'kernelSize', 'options', 'dilation', 'padding', 'stride'],
    family,
    torch: 'nn.functional.fold',
    samples: (s) => [
      [s.float([1, 8, 6]), [3, 4], 2],
      [s.float([2, 2, 6]), [4, 3], [2, 1], { padding: [1, 0], stride: [2, 2] }],
      [s.float([4, 9]), 4, 2],
    ],
  },
  (x: Tensor, outputSize: Pair, kernelSize: Pair, options?: PatchOptions): Tensor => {
    const [columns, added] = batched('fold', x, 3);
    const size = pair('fold', 'outputSize', outputSize, 1);
    const patches = patchesOf('fold', size, kernelSize, options);
    const [n, rows, count] = columns.shape;
    const k = patches.kernel[0] * patches.kernel[1];
    if (rows % k !== 0) throw new ShapeError(`fold: rows are no whole patches, got ${show(x)} for a kernel of ${k} elements; expected a multiple of ${k}`);
    if (count !== patches.rows * patches.columns) throw new ShapeError(`fold: wrong number of patches, got ${count} in ${show(x)}; expected ${patches.rows}·${patches.columns} = ${patches.rows * patches.columns}`);
    const places = tensor(placesIn(patches), { dtype: 'int64', device: x.device });
    const zeros = emptyTensor([n, rows / k, size[0] * size[1] + 1], x.dtype, x.device);
    const sums = indexAdd(zeros, 2, places, reshape(columns, [n, rows / k, k * count]));
    const images = reshape(narrow(sums, 2, 0, size[0] * size[1]), [n, rows / k, ...size]);
    return added ? images.squeeze(0) : images;
  },
);

function factorOf(name: string, factor: unknown): asserts factor is number {
  if (!Number.isInteger(factor) || (factor as number) < 1) throw new ArgumentError(`${name}: invalid factor, got ${show(factor)}; expected an integer ≥ 1`);
}

function checkImage(name: string, x: Tensor): void {
  checkTensor(name, x);
  if (x.ndim < 3) throw new ShapeError(`${name}: too few dimensions, got ${show(x)}; expected (…, C, H, W)`);
}

/** Channels become pixels: (…, C·r², H, W) → (…, C, H·r, W·r). @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pixel_shuffle.html */
export const pixelShuffle: Free<Named<'upscaleFactor', number, object, Tensor>> = free(
  { name: 'pixelShuffle', parameters: ['upscaleFactor'], family, torch: 'nn.functional.pixel_shuffle', samples: (s) => [[s.float([1, 4, 2, 3]), 2], [s.float([9, 1, 2]), 3]] },
  (x: Tensor, r: number): Tensor => {
    checkImage('pixelShuffle', x);
    factorOf('pixelShuffle', r);
    const [c, h, w] = x.shape.slice(-3);
    if (c % (r * r) !== 0) throw new ShapeError(`pixelShuffle: channels do not divide, got ${show(x)} for factor ${r}; expected a multiple of ${r * r}`);
    const lead = x.shape.slice(0, -3);
    const b = lead.length;
    const split = reshape(x, [...lead, c / (r * r), r, r, h, w]);
    return reshape(permute(split, [...lead.map((_, d) => d), b, b + 3, b + 1, b + 4, b + 2]), [...lead, c / (r * r), h * r, w * r]);
  },
);

/** Pixels become channels: (…, C, H·r, W·r) → (…, C·r², H, W), the inverse of `pixelShuffle`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pixel_unshuffle.html */
export const pixelUnshuffle: Free<Named<'downscaleFactor', number, object, Tensor>> = free(
  { name: 'pixelUnshuffle', parameters: ['downscaleFactor'], family, torch: 'nn.functional.pixel_unshuffle', samples: (s) => [[s.float([1, 2, 4, 2]), 2], [s.float([1, 3, 3]), 3]] },
  (x: Tensor, r: number): Tensor => {
    checkImage('pixelUnshuffle', x);
    factorOf('pixelUnshuffle', r);
    const [c, h, w] = x.shape.slice(-3);
    if (h % r !== 0 || w % r !== 0) throw new ShapeError(`pixelUnshuffle: sizes do not divide, got ${show(x)} for factor ${r}; expected multiples of ${r}`);
    const lead = x.shape.slice(0, -3);
    const b = lead.length;
    const split = reshape(x, [...lead, c, h / r, r, w / r, r]);
    return reshape(permute(split, [...lead.map((_, d) => d), b, b + 2, b + 4, b + 1, b + 3]), [...lead, c * r * r, h / r, w / r]);
  },
);

/** Channels in another order: `groups` rows of channels, read by columns: (N, C, …) → (N, C, …). @see https://pytorch.org/docs/stable/generated/torch.nn.ChannelShuffle.html */
export const channelShuffle: Free<Named<'groups', number, object, Tensor>> = free(
  { name: 'channelShuffle', parameters: ['groups'], family, torch: 'nn.functional.channel_shuffle', samples: (s) => [[s.float([1, 4, 2, 2]), 2], [s.float([2, 6, 3]), 3]] },
  (x: Tensor, groups: number): Tensor => {
    checkTensor('channelShuffle', x);
    factorOf('channelShuffle', groups);
    if (x.ndim < 3) throw new ShapeError(`channelShuffle: too few dimensions, got ${show(x)}; expected (N, C, …)`);
    const [n, c, ...rest] = x.shape;
    if (c % groups !== 0) throw new ShapeError(`channelShuffle: channels do not divide, got ${show(x)} for ${groups} groups; expected a multiple of ${groups}`);
    return reshape(reshape(x, [n, groups, c / groups, ...rest]).transpose(1, 2), x.shape);
  },
);

import { ArgumentError, DTypeError, ShapeError, checkNumber, checkOptions, show } from '../errors.ts';
import { type Tensor, emptyTensor } from '../tensor.ts';
import { type ConvOptions, type ConvPlaces, type ConvTransposeOptions, type ConvTransposePlaces, conv2d, convTranspose2d } from './conv.ts';
import type { NamedPair } from './byName.ts';
import { type Free, checkTensor, free } from './define.ts';
import { pad } from './pad.ts';
import { sliceScatter } from './turn.ts';
import { narrow, permute, reshape, select, sliceDim, squeeze, unsqueeze } from './view.ts';

// Convolutions over volumes: one over images for each plane of the kernel, all depths as one batch, and the sum of these.

const family = 'convolution';

type Triple = readonly [number, number, number];

function triple(name: string, key: string, value: unknown, least: number): Triple {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if ((list.length !== 1 && list.length !== 3) || !list.every((n) => Number.isInteger(n) && (n as number) >= least)) {
    throw new ArgumentError(`${name}: invalid ${key}, got ${show(value)}; expected an integer ≥ ${least}, or 3 of them`);
  }
  const [a, b = a, c = a] = list as number[];
  return [a, b, c];
}

function checkVolumes(name: string, x: Tensor, weight: Tensor, bias: Tensor | null, groups: number, inputOf: (weight: Tensor) => number, outputs: number): void {
  checkTensor(name, x);
  checkTensor(name, weight, 'weight');
  if (x.ndim !== 4 && x.ndim !== 5) throw new ShapeError(`${name}: wrong number of dimensions, got ${show(x)}; expected (channels, depth, height, width), or a batch of these`);
  if (weight.ndim !== 5) throw new ShapeError(`${name}: the weight has another number of dimensions, got ${show(weight)}; expected 5`);
  for (const t of bias === null ? [weight] : [weight, bias]) if (t.dtype !== x.dtype) throw new DTypeError(`${name}: dtypes differ, got ${show(x)} and ${show(t)}; expected one dtype`);
  checkNumber(name, 'groups', groups, 'an integer ≥ 1', (v) => Number.isInteger(v) && v >= 1);
  if (weight.shape[0] === 0 || weight.shape[0] % groups !== 0) throw new ShapeError(`${name}: the weight does not split into groups, got ${show(weight)} and groups ${groups}; expected a first size that is a multiple of ${groups}`);
  const channels = x.shape[x.ndim - 4];
  if (channels !== inputOf(weight)) throw new ShapeError(`${name}: input channels differ, got ${show(x)} and weight ${show(weight)} with groups ${groups}; expected ${inputOf(weight)} channels`);
  if (bias !== null && (bias.ndim !== 1 || bias.shape[0] !== outputs)) throw new ShapeError(`${name}: the bias does not fit, got ${show(bias)}; expected [${outputs}], one per output channel`);
}

/** Planes of all depths as one batch: (N, C, D, H, W) → (N·D, C, H, W). */
function planesOf(x: Tensor): Tensor {
  const [n, c, d, h, w] = x.shape;
  return reshape(permute(x, [0, 2, 1, 3, 4]), [n * d, c, h, w]);
}

/** (N·D, C, H, W) → (N, C, D, H, W). */
function volumesOf(y: Tensor, n: number, depth: number): Tensor {
  const [, c, h, w] = y.shape;
  return permute(reshape(y, [n, depth, c, h, w]), [0, 2, 1, 3, 4]);
}

type Conv<O, L extends readonly unknown[]> = Free<NamedPair<'weight', Tensor, 'bias', Tensor | null, O, Tensor, Tensor, L>>;

/**
 * Convolution over three dimensions: `y[n, o, p] = bias[o] + Σ x[n, c, p·stride - padding + k·dilation] · weight[o, c, k]`.
 *
 * @param x - `(batch, channels, depth, height, width)`, or without the batch
 * @param weight - `(outChannels, channels / groups, kD, kH, kW)`
 * @param bias - `(outChannels)`; none by default
 * @throws ShapeError, DTypeError or ArgumentError when the operands or options do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv3d.html
 */
export const conv3d: Conv<ConvOptions, ConvPlaces> = free(
  {
    name: 'conv3d',
    parameters: ['weight', 'bias', 'options', 'stride', 'padding', 'dilation', 'groups'],
    family,
    torch: 'nn.functional.conv3d',
    samples: (s) => [
      [s.float([1, 2, 3, 4, 3]), s.float([2, 2, 2, 3, 2]), s.float([2])],
      [s.float([2, 4, 3, 3]), s.float([2, 1, 3, 1, 2]), null, { padding: [1, 0, 1], stride: [2, 1, 1], groups: 2 }],
      [s.float([1, 1, 4, 3, 3]), s.float([1, 1, 2, 2, 2]), null, { padding: 'same', dilation: [2, 1, 1] }],
    ],
  },
  (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvOptions): Tensor => {
    checkOptions('conv3d', options, ['stride', 'padding', 'dilation', 'groups']);
    const { groups = 1, padding = 0 } = options ?? {};
    checkVolumes('conv3d', x, weight, bias ?? null, groups, (w) => w.shape[1] * groups, weight.shape[0]);
    const stride = triple('conv3d', 'stride', options?.stride ?? 1, 1);
    const dilation = triple('conv3d', 'dilation', options?.dilation ?? 1, 1);
    const kernel = triple('conv3d', 'kernel', weight.shape.slice(2), 0);
    if (padding === 'same' && stride.some((n) => n !== 1)) throw new ArgumentError(`conv3d: padding 'same' needs stride 1, got ${show(stride)}; expected 1`);
    if (typeof padding === 'string' && padding !== 'same' && padding !== 'valid') throw new ArgumentError(`conv3d: invalid padding, got ${show(padding)}; expected integers ≥ 0, 'same' or 'valid'`);
    const total = dilation[0] * (kernel[0] - 1);
    const edges = typeof padding === 'string' ? null : triple('conv3d', 'padding', padding, 0);
    const [before, behind] = edges !== null ? [edges[0], edges[0]] : padding === 'same' ? [Math.floor(total / 2), total - Math.floor(total / 2)] : [0, 0];
    const volumes = x.ndim === 5 ? x : unsqueeze(x, 0);
    const deep = before + behind > 0 ? pad(volumes, [0, 0, 0, 0, before, behind]) : volumes;
    const depth = Math.floor((deep.shape[2] - total - 1) / stride[0]) + 1;
    if (depth < 1 || kernel[0] < 1) throw new ShapeError(`conv3d: the kernel is larger than the padded input, got ${show(x)} and weight ${show(weight)}; expected at least ${total + 1} planes, there are ${deep.shape[2]}`);
    const plane: ConvOptions = { stride: [stride[1], stride[2]], dilation: [dilation[1], dilation[2]], padding: edges === null ? (padding) : [edges[1], edges[2]], groups };
    let sum: Tensor | null = null;
    for (let k = 0; k < kernel[0]; k++) {
      const from = k * dilation[0];
      const sheets = planesOf(sliceDim(deep, 2, from, from + (depth - 1) * stride[0] + 1, stride[0]));
      const part = conv2d(sheets, select(weight, 2, k), k === 0 ? (bias ?? null) : null, plane);
      sum = sum === null ? part : sum.add(part);
    }
    const y = volumesOf(sum as Tensor, volumes.shape[0], depth);
    return x.ndim === 5 ? y : squeeze(y, 0);
  },
);

/**
 * Transposed convolution over three dimensions: the gradient of `conv3d` to its input.
 *
 * @param x - `(batch, channels, depth, height, width)`, or without the batch
 * @param weight - `(channels, outChannels / groups, kD, kH, kW)`
 * @param bias - `(outChannels)`; none by default
 * @throws ShapeError, DTypeError or ArgumentError when the operands or options do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose3d.html
 */
export const convTranspose3d: Conv<ConvTransposeOptions, ConvTransposePlaces> = free(
  {
    name: 'convTranspose3d',
    parameters: ['weight', 'bias', 'options', 'stride', 'padding', 'outputPadding', 'groups', 'dilation'],
    family,
    torch: 'nn.functional.conv_transpose3d',
    samples: (s) => [
      [s.float([1, 2, 2, 2, 3]), s.float([2, 1, 2, 2, 2]), s.float([1])],
      [s.float([2, 2, 2, 2]), s.float([2, 1, 3, 1, 2]), null, { stride: [2, 1, 2], padding: [1, 0, 0], outputPadding: [1, 0, 1], groups: 2 }],
      [s.float([1, 1, 2, 2, 2]), s.float([1, 1, 2, 2, 1]), null, { dilation: [2, 1, 1] }],
    ],
  },
  (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvTransposeOptions): Tensor => {
    checkOptions('convTranspose3d', options, ['stride', 'padding', 'outputPadding', 'groups', 'dilation']);
    const { groups = 1 } = options ?? {};
    checkVolumes('convTranspose3d', x, weight, bias ?? null, groups, (w) => w.shape[0], weight.shape[1] * groups);
    const [stride, dilation] = [triple('convTranspose3d', 'stride', options?.stride ?? 1, 1), triple('convTranspose3d', 'dilation', options?.dilation ?? 1, 1)];
    const [padding, extra] = [triple('convTranspose3d', 'padding', options?.padding ?? 0, 0), triple('convTranspose3d', 'outputPadding', options?.outputPadding ?? 0, 0)];
    if (extra[0] > 0 && extra[0] >= stride[0] && extra[0] >= dilation[0]) throw new ArgumentError(`convTranspose3d: outputPadding is too large, got ${extra[0]} with stride ${stride[0]} and dilation ${dilation[0]}; expected less than either`);
    const volumes = x.ndim === 5 ? x : unsqueeze(x, 0);
    const [n, , depth] = volumes.shape;
    const planes = weight.shape[2];
    const whole = (depth - 1) * stride[0] + dilation[0] * (planes - 1) + 1;
    const size = whole - 2 * padding[0] + extra[0];
    if (size < 1 || depth === 0) throw new ShapeError(`convTranspose3d: nothing is left of the result, got ${show(x)} with padding ${padding[0]}; expected a depth ≥ 1, it is ${size}`);
    const plane: ConvTransposeOptions = { stride: [stride[1], stride[2]], dilation: [dilation[1], dilation[2]], padding: [padding[1], padding[2]], outputPadding: [extra[1], extra[2]], groups };
    const sheets = planesOf(volumes);
    let sum: Tensor | null = null;
    for (let k = 0; k < planes; k++) {
      const part = volumesOf(convTranspose2d(sheets, select(weight, 2, k), null, plane), n, depth);
      const shape = [n, part.shape[1], Math.max(whole, padding[0] + size), ...part.shape.slice(3)];
      const from = k * dilation[0];
      const placed = sliceScatter(emptyTensor(shape, x.dtype, x.device), part, 2, from, from + (depth - 1) * stride[0] + 1, stride[0]);
      sum = sum === null ? placed : sum.add(placed);
    }
    const cut = narrow(sum as Tensor, 2, padding[0], size);
    const y = bias === null || bias === undefined ? cut : cut.add(reshape(bias, [-1, 1, 1, 1]));
    return x.ndim === 5 ? y : squeeze(y, 0);
  },
);

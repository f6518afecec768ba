import { ones, zeros } from '../../../ops/creation.ts';
import { conv1d, conv2d } from '../../../ops/conv.ts';
import { conv3d } from '../../../ops/conv3d.ts';
import { maxPool1d, maxPool2d } from '../../../ops/maxPool.ts';
import { avgPool1d, avgPool2d } from '../../../ops/pool.ts';
import { avgPool3d, maxPool3d } from '../../../ops/pool3d.ts';
import type { Tensor } from '../../../tensor.ts';
import { untraced } from '../../../tracing.ts';
import { padSpatial } from './conv.ts';
import { type NodeReader, type Operator, type Operators, integers } from './node.ts';
import { type Windows, extent, windowsOf } from './windows.ts';

// Pools. What PyTorch's pools cannot do themselves is done by padding first.

/** Number of windows along a dimension, by the rules of the specification. */
function countOf(n: NodeReader, w: Windows, size: number, d: number): number {
  const room = size + w.before[d] + w.behind[d] - extent(w, d);
  if (room < 0) throw n.fault(`the kernel is larger than the padded input, got ${extent(w, d)} and ${size + w.before[d] + w.behind[d]}`, 'a window that fits');
  if (n.int('ceil_mode', 0) === 0) return Math.floor(room / w.stride[d]) + 1;
  const count = Math.ceil(room / w.stride[d]) + 1;
  // A last window that begins in the padding behind is none.
  return (count - 1) * w.stride[d] >= size + w.before[d] ? count - 1 : count;
}

/** Padding behind that lets the last windows be whole. */
function endsOf(n: NodeReader, w: Windows, x: Tensor): number[] {
  return w.kernel.map((_, d) => (countOf(n, w, x.shape[d + 2], d) - 1) * w.stride[d] + extent(w, d) - x.shape[d + 2] - w.before[d]);
}

const kernelOf = (n: NodeReader): readonly number[] => n.ints('kernel_shape') ?? [];
const lowest = (x: Tensor): number => (x.dtype === 'float32' || x.dtype === 'float64' ? -Infinity : x.dtype === 'uint8' ? 0 : -(2 ** 31));

/** Whether PyTorch pads like this itself. */
const plain = (n: NodeReader, w: Windows): boolean => n.int('ceil_mode', 0) === 0 && w.before.every((p, d) => p === w.behind[d] && 2 * p <= w.kernel[d]);

function maxima(x: Tensor, w: Windows, padding: readonly number[]): { readonly output: Tensor; readonly indices: Tensor } {
  const options = { padding, dilation: w.dilation, returnIndices: true as const };
  if (w.rank === 1) return maxPool1d(x, w.kernel, w.stride, options);
  return w.rank === 2 ? maxPool2d(x, w.kernel, w.stride, options) : maxPool3d(x, w.kernel, w.stride, options);
}

/** Places in an image as places in the whole tensor. */
function placesInAll(n: NodeReader, places: Tensor, x: Tensor, padded: Tensor, before: readonly number[]): Tensor {
  const image = x.shape.slice(2);
  const whole = padded.shape.slice(2);
  const size = image.reduce((a, b) => a * b, 1);
  const columns = n.int('storage_order', 0) === 1;
  let rest = places;
  let own = places.mul(0);
  let step = columns ? size : 1;
  for (let d = image.length - 1; d >= 0; d--) {
    if (columns) step /= image[d];
    own = own.add(rest.remainder(whole[d]).sub(before[d]).mul(step));
    rest = rest.floorDivide(whole[d]);
    if (!columns) step *= image[d];
  }
  const planes = x.shape[0] * x.shape[1];
  const starts = integers(Array.from({ length: planes }, (_, i) => i * size), [x.shape[0], x.shape[1], ...image.map(() => 1)]);
  return own.add(starts);
}

const maxPool: Operator = (n) => {
  const x = n.in(0);
  const w = windowsOf(n, x.shape, kernelOf(n));
  const own = plain(n, w);
  const padded = own ? x : padSpatial(x, w.before, endsOf(n, w, x), lowest(x));
  const { output, indices } = maxima(padded, w, own ? w.before : w.before.map(() => 0));
  return n.wants(1) ? [output, placesInAll(n, indices, x, padded, own ? w.before.map(() => 0) : w.before)] : [output];
};

/** Sums of windows with gaps, as convolutions with ones, divided by the number of elements. */
function dilatedAverages(x: Tensor, w: Windows): Tensor {
  const [images, channels, ...image] = x.shape;
  const weight = untraced(() => ones([1, 1, ...w.kernel], { dtype: x.dtype }));
  const options = { stride: w.stride, dilation: w.dilation };
  const each = x.reshape([images * channels, 1, ...image]);
  const sums = w.rank === 1 ? conv1d(each, weight, null, options) : w.rank === 2 ? conv2d(each, weight, null, options) : conv3d(each, weight, null, options);
  return sums.reshape([images, channels, ...sums.shape.slice(2)]).div(weight.numel());
}

function averages(x: Tensor, w: Windows, options: object): Tensor {
  if (w.dilation.some((d) => d !== 1)) return dilatedAverages(x, w);
  if (w.rank === 1) return avgPool1d(x, w.kernel, w.stride, options);
  return w.rank === 2 ? avgPool2d(x, w.kernel, w.stride, options) : avgPool3d(x, w.kernel, w.stride, options);
}

const averagePool: Operator = (n) => {
  const x = n.in(0);
  const w = windowsOf(n, x.shape, kernelOf(n));
  const counting = n.int('count_include_pad', 0) === 1;
  if (plain(n, w) && w.dilation.every((d) => d === 1)) return averages(x, w, { padding: w.before, countIncludePad: counting });
  const ends = endsOf(n, w, x);
  const sums = averages(padSpatial(x, w.before, ends), w, {});
  // The share of elements that count in each window.
  const image = [1, 1, ...x.shape.slice(2)];
  const counted = untraced(() => {
    const all = ones(image, { dtype: x.dtype });
    const inside = counting ? padSpatial(all, w.before, w.behind, 1) : padSpatial(all, w.before, w.before.map(() => 0));
    return averages(padSpatial(inside, w.before.map(() => 0), ends.map((end, d) => (counting ? end - w.behind[d] : end))), w, {});
  });
  return sums.div(counted);
};

const lpPool: Operator = (n) => {
  const x = n.in(0);
  const w = windowsOf(n, x.shape, kernelOf(n));
  const p = n.int('p', 2);
  const cells = w.kernel.reduce((a, b) => a * b, 1);
  return averages(padSpatial(x, w.before, endsOf(n, w, x)).abs().pow(p), w, {}).mul(cells).pow(1 / p);
};

/** Elements back at their places in the image that the pool would have read, which ends in zeros where output_shape is larger. */
const maxUnpool: Operator = (n) => {
  const [x, places, wanted] = [n.in(0), n.in(1), n.numbers(2)];
  const { kernel, stride, before, behind } = windowsOf(n, x.shape, kernelOf(n));
  if (places.shape.join() !== x.shape.join()) throw n.fault(`places do not fit, got [${places.shape.join(', ')}] for [${x.shape.join(', ')}]`, 'one for each element');
  const image = n.shape(x.shape.map((size, d) => (d < 2 ? size : (size - 1) * stride[d - 2] + kernel[d - 2] - before[d - 2] - behind[d - 2])));
  const shape = n.shape(wanted ?? image);
  if (shape.length !== image.length || shape.some((size, d) => (d < 2 ? size !== image[d] : size < image[d]))) throw n.fault(`output_shape does not fit, got ${shape.join(', ')}`, `at least ${image.join(', ')}`);
  const flat = zeros([image.reduce((a, b) => a * b, 1)], { dtype: x.dtype, device: x.device });
  const made = flat.scatter(0, places.to('int64').reshape([-1]), x.reshape([-1])).reshape(image);
  return padSpatial(made, kernel.map(() => 0), kernel.map((_, d) => shape[d + 2] - image[d + 2]));
};

const spatial = (x: Tensor): number[] => x.shape.map((_, d) => d).slice(2);

/** Pools. */
export const poolOperators: Operators = {
  MaxPool: maxPool,
  MaxUnpool: maxUnpool,
  AveragePool: averagePool,
  LpPool: lpPool,
  GlobalAveragePool: (n) => n.in(0).mean(spatial(n.in(0)), { keepdim: true }),
  GlobalMaxPool: (n) => n.in(0).amax(spatial(n.in(0)), { keepdim: true }),
  GlobalLpPool: (n) => n.in(0).norm(n.int('p', 2), spatial(n.in(0)), { keepdim: true }),
};

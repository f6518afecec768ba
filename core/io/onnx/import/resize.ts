import { tensor } from '../../../ops/creation.ts';
import { where } from '../../../ops/select.ts';
import type { Tensor } from '../../../tensor.ts';
import { type NodeReader, type Operator, type Operators, integers } from './node.ts';

// Resize, one axis after the other: each entry of the result is a weighted sum of entries.

interface Axis {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  /** Begin and end of the part that is read, as shares of the input. */
  readonly part: readonly [number, number];
}

/** Where an entry of the result lies in the input. */
function placeOf(n: NodeReader, mode: string, i: number, { from, to, scale, part }: Axis): number {
  if (mode === 'asymmetric') return i / scale;
  if (mode === 'align_corners') return to === 1 ? 0 : (i * (from - 1)) / (scale * from - 1);
  if (mode === 'pytorch_half_pixel') return to > 1 ? (i + 0.5) / scale - 0.5 : 0;
  if (mode === 'half_pixel') return (i + 0.5) / scale - 0.5;
  if (mode === 'half_pixel_symmetric') return (from / 2) * (1 - to / (scale * from)) + (i + 0.5) / scale - 0.5;
  if (mode === 'tf_crop_and_resize') return (from - 1) * (to > 1 ? part[0] + (i * (part[1] - part[0])) / (to - 1) : (part[0] + part[1]) / 2);
  throw n.fault(`no such coordinate_transformation_mode, got '${mode}'`, 'half_pixel, half_pixel_symmetric, pytorch_half_pixel, align_corners, asymmetric or tf_crop_and_resize');
}

function nearest(n: NodeReader, place: number): number {
  const mode = n.text('nearest_mode', n.opset < 11 ? 'floor' : 'round_prefer_floor');
  if (mode === 'floor') return Math.floor(place);
  if (mode === 'ceil') return Math.ceil(place);
  if (mode === 'round_prefer_ceil') return Math.floor(place + 0.5);
  if (mode === 'round_prefer_floor') return Math.ceil(place - 0.5);
  throw n.fault(`no such nearest_mode, got '${mode}'`, 'round_prefer_floor, round_prefer_ceil, floor or ceil');
}

/** Weights of the four neighbours of a place. */
function cubic(t: number, a: number): number[] {
  const near = (x: number): number => ((a + 2) * x - (a + 3)) * x * x + 1;
  const far = (x: number): number => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return [far(1 + t), near(t), near(1 - t), far(2 - t)];
}

/** The weights of all entries, (to, from). */
function weightsOf(n: NodeReader, mode: string, transform: string, axis: Axis): Float64Array {
  const { from, to } = axis;
  const weights = new Float64Array(to * from);
  const exclude = n.int('exclude_outside', 0) === 1;
  for (let i = 0; i < to; i++) {
    const place = placeOf(n, transform, i, axis);
    const left = Math.floor(place);
    const taps = mode === 'cubic' ? cubic(place - left, n.float('cubic_coeff_a', -0.75)) : [1 - (place - left), place - left];
    const first = mode === 'cubic' ? left - 1 : left;
    const inside = taps.map((_, k) => first + k >= 0 && first + k < from);
    const total = exclude ? taps.reduce((sum, w, k) => sum + (inside[k] ? w : 0), 0) : 1;
    taps.forEach((w, k) => {
      if (!exclude || inside[k]) weights[i * from + Math.min(from - 1, Math.max(0, first + k))] += w / total;
    });
  }
  return weights;
}

function along(n: NodeReader, x: Tensor, d: number, axis: Axis, mode: string, transform: string): Tensor {
  const { from, to } = axis;
  if (mode === 'nearest') {
    return x.indexSelect(d, integers(Array.from({ length: to }, (_, i) => Math.min(from - 1, Math.max(0, nearest(n, placeOf(n, transform, i, axis)))))));
  }
  const weights = tensor(weightsOf(n, mode, transform, axis), { dtype: x.dtype, device: x.device }).reshape([to, from]);
  return x.movedim(d, -1).matmul(weights.t()).movedim(-1, d);
}

/** The parts of the axes that are read: all, or what an input says. */
function partsOf(n: NodeReader, count: number, cropping: boolean): (readonly [number, number])[] {
  const given = cropping ? (n.numbers(1) ?? []) : [];
  if (cropping && (given.length !== 2 * count || !given.every(Number.isFinite))) throw n.fault(`roi does not fit, got ${given.join(', ')}`, `${2 * count} finite numbers`);
  return Array.from({ length: count }, (_, i) => (cropping ? [given[i], given[count + i]] : [0, 1]));
}

/** The axes of a result from sizes or scales. */
function axesOf(n: NodeReader, x: Tensor, cropping: boolean): Map<number, Axis> {
  const [sizesAt, scalesAt] = n.node.type === 'Upsample' || n.opset < 11 ? [-1, 1] : [3, 2];
  const sizes = sizesAt < 0 ? null : n.numbers(sizesAt);
  const scales = n.floats('scales') ?? n.numbers(scalesAt);
  const given = sizes !== null && sizes.length > 0 ? sizes : (scales ?? []);
  const dims = n.axes(n.ints('axes') ?? x.shape.map((_, d) => d), x.ndim);
  if (given.length !== dims.length) throw n.fault(`sizes or scales do not fit, got ${given.length} of them`, `${dims.length}`);
  if (n.int('antialias', 0) === 1) throw n.fault('antialias, got it asked for', 'none');
  const parts = partsOf(n, dims.length, cropping);
  const policy = n.text('keep_aspect_ratio_policy', 'stretch');
  const ratios = dims.map((d, i) => given[i] / x.shape[d]);
  const kept = policy === 'stretch' || given !== sizes ? null : policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  const entries = dims.map((d, i): [number, Axis] => {
    const from = x.shape[d];
    const part = parts[i];
    if (given !== sizes) return [d, { from, to: Math.floor(from * (part[1] - part[0]) * given[i] + 1e-6), scale: given[i], part }];
    return [d, kept === null ? { from, to: sizes[i], scale: sizes[i] / from, part } : { from, to: Math.round(from * kept), scale: kept, part }];
  });
  n.shape(x.shape.map((size, d) => entries.find(([at]) => at === d)?.[1].to ?? size));
  if (x.numel() === 0) throw n.fault('nothing to enlarge, got an empty tensor', 'entries');
  return new Map(entries.filter(([, { from, to, part }]) => from !== to || part[0] !== 0 || part[1] !== 1));
}

/** Entries that lie outside of the input get extrapolation_value. */
function filledOutside(n: NodeReader, y: Tensor, axes: readonly (readonly [number, Axis])[], transform: string): Tensor {
  const value = n.float('extrapolation_value', 0);
  return axes.reduce((filled, [d, axis]) => {
    const inside = Array.from({ length: axis.to }, (_, i) => {
      const place = placeOf(n, transform, i, axis);
      return place >= 0 && place <= axis.from - 1;
    });
    return inside.every(Boolean) ? filled : where(tensor(inside, { device: y.device }).reshape(y.shape.map((size, at) => (at === d ? size : 1))), filled, value).to(y.dtype);
  }, y);
}

const resize: Operator = (n) => {
  const x = n.in(0);
  const mode = n.text('mode', 'nearest');
  if (!['nearest', 'linear', 'bilinear', 'cubic'].includes(mode)) throw n.fault(`no such mode, got '${mode}'`, 'nearest, linear or cubic');
  const transform = n.text('coordinate_transformation_mode', n.node.type === 'Upsample' || n.opset < 11 ? 'asymmetric' : 'half_pixel');
  const axes = [...axesOf(n, x, transform === 'tf_crop_and_resize')];
  const made = axes.reduce((y, [d, axis]) => along(n, y, d, axis, mode === 'bilinear' ? 'linear' : mode, transform), x);
  return transform === 'tf_crop_and_resize' ? filledOutside(n, made, axes, transform) : made;
};

/** Operators that change the sizes of images. */
export const resizeOperators: Operators = { Resize: resize, Upsample: resize };

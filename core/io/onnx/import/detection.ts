import type { TypedArray } from '../../../dtype.ts';
import { tensor, zeros } from '../../../ops/creation.ts';
import { stack } from '../../../ops/join.ts';
import type { Tensor } from '../../../tensor.ts';
import { untraced } from '../../../tracing.ts';
import { type NodeReader, type Operator, type Operators, integers } from './node.ts';

// Boxes in images.

/** Top, left, bottom and right. */
type Box = readonly [number, number, number, number];

function boxOf(cells: TypedArray, i: number, centred: boolean): Box {
  const [a, b, c, d] = cells.subarray(4 * i, 4 * i + 4);
  return centred ? [b - d / 2, a - c / 2, b + d / 2, a + c / 2] : [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
}

/** What two boxes have in common, as a share of what they cover. */
function overlap(p: Box, q: Box): number {
  const height = Math.min(p[2], q[2]) - Math.max(p[0], q[0]);
  const width = Math.min(p[3], q[3]) - Math.max(p[1], q[1]);
  if (!(height > 0 && width > 0)) return 0;
  const area = (b: Box): number => (b[2] - b[0]) * (b[3] - b[1]);
  return (height * width) / (area(p) + area(q) - height * width);
}

/** The best boxes of each class, none of which covers much of a better one. */
const nonMaxSuppression: Operator = (n) => {
  const [boxes, scores] = [n.in(0), n.in(1)];
  const [images, count, edges] = boxes.shape;
  const classes = scores.shape[1];
  if (boxes.ndim !== 3 || edges !== 4 || scores.ndim !== 3 || scores.shape[0] !== images || scores.shape[2] !== count) {
    throw n.fault(`boxes and scores do not fit, got [${boxes.shape.join(', ')}] and [${scores.shape.join(', ')}]`, '(images, boxes, 4) and (images, classes, boxes)');
  }
  const [most, limit, least] = [n.numbers(2)?.[0] ?? 0, n.numbers(3)?.[0] ?? 0, n.numbers(4)?.[0] ?? null];
  if (!(limit >= 0 && limit <= 1)) throw n.fault(`no overlap to suppress from, got iou_threshold ${limit}`, '0 to 1');
  const centred = n.int('center_point_box', 0);
  if (centred !== 0 && centred !== 1) throw n.fault(`no such center_point_box, got ${centred}`, '0 or 1');
  const [corners, values] = [boxes.data(), scores.data()];
  const all = Array.from({ length: images * count }, (_, i) => boxOf(corners, i, centred === 1));
  const found: number[] = [];
  for (let row = 0; row < images * classes; row++) {
    const image = Math.floor(row / classes);
    const score = (i: number): number => values[row * count + i];
    const ranking = Array.from({ length: count }, (_, i) => i).filter((i) => (least === null ? !Number.isNaN(score(i)) : score(i) > least)).sort((i, j) => score(j) - score(i) || i - j);
    const chosen: Box[] = [];
    for (const i of ranking) {
      if (chosen.length >= most) break;
      const box = all[image * count + i];
      if (chosen.some((better) => overlap(box, better) > limit)) continue;
      chosen.push(box);
      found.push(image, row % classes, i);
    }
  }
  return integers(found, [found.length / 3, 3]);
};

/** Entries to read along one axis, two for each sample, and their weights. */
interface Taps {
  readonly samples: number;
  readonly places: readonly number[];
  readonly weights: readonly number[];
}

/** Samples of bins that begin at `start` and are `step` long, on an axis of `size` entries. */
function tapsOf(n: NodeReader, start: number, step: number, bins: number, size: number): Taps {
  const samples = n.int('sampling_ratio', 0) || Math.max(0, Math.ceil(step));
  if (!(bins * samples <= 2 ** 24)) throw n.fault(`too many samples, got ${samples} in each of ${bins} bins`, 'at most 2^24 on an axis');
  const [places, weights]: [number[], number[]] = [[], []];
  for (let i = 0; i < bins * samples; i++) {
    const place = start + Math.floor(i / samples) * step + (((i % samples) + 0.5) * step) / samples;
    const inside = place >= -1 && place <= size;
    const at = inside ? Math.min(Math.max(place, 0), size - 1) : 0;
    const low = Math.floor(at);
    places.push(low, Math.min(low + 1, size - 1));
    weights.push(inside ? 1 - (at - low) : 0, inside ? at - low : 0);
  }
  return { samples, places, weights };
}

/** The bins of one region of an image (channels, height, width). */
function pooled(n: NodeReader, image: Tensor, rows: Taps, columns: Taps, size: readonly [number, number], largest: boolean): Tensor {
  const [channels] = image.shape;
  const count = rows.samples * columns.samples;
  if (count === 0) return zeros([channels, ...size], { dtype: image.dtype, device: image.device });
  n.shape([channels, rows.places.length, columns.places.length]);
  const weights = ({ weights: w }: Taps): Tensor => untraced(() => tensor(w, { dtype: image.dtype, device: image.device }));
  const read = image.indexSelect(1, integers(rows.places)).mul(weights(rows).unsqueeze(1)).indexSelect(2, integers(columns.places)).mul(weights(columns));
  const bins = read.reshape([channels, size[0], 2 * rows.samples, size[1], 2 * columns.samples]);
  // The largest is that of the weighted neighbours, not of their sums: so ONNX's reference has it.
  return largest ? bins.amax([2, 4]) : bins.sum([2, 4]).div(count);
}

const roiAlign: Operator = (n) => {
  const [x, rois, images] = [n.in(0), n.in(1), n.numbers(2) ?? []];
  const mode = n.text('mode', 'avg');
  const transform = n.text('coordinate_transformation_mode', n.opset < 16 ? 'output_half_pixel' : 'half_pixel');
  const [ratio, scale] = [n.int('sampling_ratio', 0), n.float('spatial_scale', 1)];
  const size: readonly [number, number] = [n.int('output_height', 1), n.int('output_width', 1)];
  if (x.ndim !== 4 || x.shape[2] * x.shape[3] === 0) throw n.fault(`not images, got [${x.shape.join(', ')}]`, '(images, channels, height, width)');
  if (rois.ndim !== 2 || rois.shape[1] !== 4 || images.length !== rois.shape[0]) throw n.fault(`regions do not fit, got [${rois.shape.join(', ')}] and ${images.length} images`, '(regions, 4) and an image for each');
  if (mode !== 'avg' && mode !== 'max') throw n.fault(`no such mode, got '${mode}'`, 'avg or max');
  if (transform !== 'half_pixel' && transform !== 'output_half_pixel') throw n.fault(`no such coordinate_transformation_mode, got '${transform}'`, 'half_pixel or output_half_pixel');
  if (ratio < 0 || size.some((s) => s < 1)) throw n.fault(`no bins, got sampling_ratio ${ratio} and sizes ${size.join(' × ')}`, 'a ratio ≥ 0 and sizes ≥ 1');
  const away = images.find((i) => !(i >= 0 && i < x.shape[0]));
  if (away !== undefined) throw n.fault(`no such image, got ${away}`, `0 to ${x.shape[0] - 1}`);
  const cells = Array.from(rois.data(), (v) => v * scale - (transform === 'half_pixel' ? 0.5 : 0));
  const lost = cells.findIndex((v) => !Number.isFinite(v));
  if (lost >= 0) throw n.fault(`a region that is not finite, got ${rois.data()[lost]}`, 'finite numbers');
  n.shape([images.length, x.shape[1], ...size]);
  if (images.length === 0) return zeros([0, x.shape[1], ...size], { dtype: x.dtype, device: x.device });
  // Without half_pixel, regions are at least one entry long.
  const length = (from: number, to: number): number => (transform === 'half_pixel' ? to - from : Math.max(to - from, 1));
  return stack(images.map((image, i) => {
    const [left, top, right, bottom] = cells.slice(4 * i, 4 * i + 4);
    const rows = tapsOf(n, top, length(top, bottom) / size[0], size[0], x.shape[2]);
    const columns = tapsOf(n, left, length(left, right) / size[1], size[1], x.shape[3]);
    return pooled(n, x.select(0, image), rows, columns, size, mode === 'max');
  }));
};

/** Boxes in images. */
export const detectionOperators: Operators = { NonMaxSuppression: nonMaxSuppression, RoiAlign: roiAlign };

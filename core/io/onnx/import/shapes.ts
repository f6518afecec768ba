import type { Tensor } from '../../../tensor.ts';
import { tensor, arange, eye } from '../../../ops/creation.ts';
import { pad as padded } from '../../../ops/pad.ts';
import { cat } from '../../../ops/join.ts';
import { tril, triu } from '../../../ops/arrange.ts';
import { sliceDim } from '../../../ops/view.ts';
import { type NodeReader, type Operator, type Operators, integers } from './node.ts';
import { tensorOf, typeAttribute } from './tensors.ts';

// Operators that arrange elements.

const reshape: Operator = (n) => {
  const x = n.in(0);
  const wanted = n.either('shape', 1) ?? [];
  const keep = n.int('allowzero', 0) === 0;
  const sizes = wanted.map((size, d) => (size === 0 && keep ? (x.shape[d] ?? 0) : size));
  n.shape(sizes.map((size) => (size === -1 ? 1 : size)));
  return x.reshape(sizes);
};

const constant: Operator = (n) => {
  const value = n.constant('value');
  if (value !== null) return tensorOf(value);
  if (n.has('value_float')) return tensor(n.float('value_float', 0));
  if (n.has('value_floats')) return tensor([...(n.floats('value_floats') ?? [])]);
  if (n.has('value_int')) return integers([n.int('value_int', 0)], []);
  if (n.has('value_ints')) return integers(n.ints('value_ints') ?? []);
  throw n.fault('no value of numbers, got a constant of another kind', 'value, value_float, value_floats, value_int or value_ints');
};

const slice: Operator = (n) => {
  const x = n.in(0);
  const starts = n.either('starts', 1) ?? [];
  const ends = n.either('ends', 2) ?? [];
  const axes = n.axes(n.either('axes', 3) ?? starts.map((_, i) => i), x.ndim);
  const steps = n.numbers(4) ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length) throw n.fault(`lists differ in length, got ${starts.length} starts and ${ends.length} ends`, 'one length');
  return axes.reduce((y, axis, i) => sliced(n, y, axis, starts[i], ends[i], steps[i]), x);
};

function sliced(n: NodeReader, x: Tensor, axis: number, start: number, end: number, step: number): Tensor {
  if (step === 0) throw n.fault('a step of 0, got it', 'a step other than 0');
  const size = x.shape[axis];
  if (step > 0) return sliceDim(x, axis, start, end, step);
  const clip = (v: number): number => Math.min(size - 1, Math.max(-1, v < 0 ? v + size : v));
  const [from, to] = [clip(start), clip(end)];
  const count = Math.max(0, Math.ceil((to - from) / step));
  return x.indexSelect(axis, integers(Array.from({ length: count }, (_, i) => from + i * step)));
}

const split: Operator = (n) => {
  const x = n.in(0);
  const axis = n.axis(n.int('axis', 0), x.ndim);
  const sizes = n.either('split', 1);
  if (sizes !== null) return x.split(sizes, axis);
  const parts = n.int('num_outputs', n.node.outputs.length);
  const size = Math.ceil(x.shape[axis] / parts);
  return x.split(Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(size, x.shape[axis] - i * size))), axis);
};

/** Pads by modes: `edge` repeats the edge, `wrap` goes on at the other end. */
function pad(n: NodeReader): Tensor {
  const x = n.in(0);
  const given = n.ints('pads') ?? n.ints('paddings') ?? n.numbers(1) ?? [];
  const axes = n.opset >= 18 && n.maybe(3) !== null ? n.axes(n.numbers(3) ?? [], x.ndim) : x.shape.map((_, d) => d);
  if (given.length !== 2 * axes.length) throw n.fault(`pads do not fit, got ${given.length} of them`, `${2 * axes.length}`);
  const before = x.shape.map((_, d) => (axes.includes(d) ? given[axes.indexOf(d)] : 0));
  const behind = x.shape.map((_, d) => (axes.includes(d) ? given[axes.indexOf(d) + axes.length] : 0));
  n.shape(x.shape.map((size, d) => size + before[d] + behind[d]));
  const mode = n.text('mode', 'constant');
  const value = n.has('value') ? n.float('value', 0) : (n.opset >= 11 && n.maybe(2) !== null ? ((n.numbers(2) ?? [])[0] ?? 0) : 0);
  if (mode === 'constant') return padded(x, x.shape.flatMap((_, i) => [before.at(-1 - i) ?? 0, behind.at(-1 - i) ?? 0]), 'constant', value);
  return x.shape.reduce((y, size, d) => {
    if (before[d] === 0 && behind[d] === 0) return y;
    if (size === 0) throw n.fault('nothing to repeat, got an empty axis', 'entries');
    return y.indexSelect(d, integers(Array.from({ length: size + before[d] + behind[d] }, (_, i) => sourceOf(n, mode, i - before[d], size))));
  }, x);
}

function sourceOf(n: NodeReader, mode: string, i: number, size: number): number {
  if (mode === 'edge') return Math.min(size - 1, Math.max(0, i));
  if (mode === 'wrap') return ((i % size) + size) % size;
  if (mode !== 'reflect') throw n.fault(`no such mode, got '${mode}'`, 'constant, reflect, edge or wrap');
  const period = Math.max(1, 2 * (size - 1));
  const at = ((i % period) + period) % period;
  return at < size ? at : period - at;
}

const blocks = (n: NodeReader): number => {
  const size = n.int('blocksize', 1);
  if (n.in(0).ndim !== 4 || size < 1) throw n.fault(`not images in blocks, got blocksize ${size}`, '4 dimensions and a size ≥ 1');
  return size;
};

const oneHot: Operator = (n) => {
  const [depth] = n.numbers(1) ?? [0];
  const [off, on] = n.numbers(2) ?? [0, 1];
  const x = n.in(0).to('int64');
  const axis = n.axis(n.int('axis', -1), x.ndim + 1);
  n.shape([...x.shape, depth]);
  const shape = new Array<number>(x.ndim + 1).fill(1).with(axis, depth);
  const hit = x.unsqueeze(axis).remainder(depth).eq(integers(Array.from({ length: depth }, (_, i) => i)).reshape(shape));
  const inside = x.ge(-depth).logicalAnd(x.lt(depth)).unsqueeze(axis);
  return hit.logicalAnd(inside).to(n.in(2).dtype).mul(on - off).add(off).to(n.in(2).dtype);
};

/** Operators that arrange elements. */
export const shapeOperators: Operators = {
  Reshape: reshape,
  Flatten: (n) => {
    const x = n.in(0);
    const axis = n.int('axis', 1);
    const at = axis === x.ndim ? axis : n.axis(axis, x.ndim);
    const rows = x.shape.slice(0, at).reduce((a, b) => a * b, 1);
    return x.reshape([rows, x.shape.slice(at).reduce((a, b) => a * b, 1)]);
  },
  Transpose: (n) => n.in(0).permute(n.ints('perm') ?? n.in(0).shape.map((_, d) => n.in(0).ndim - 1 - d)),
  Squeeze: (n) => {
    const axes = n.either('axes', 1);
    const x = n.in(0);
    if (axes === null) return x.squeeze();
    const dims = n.axes(axes, x.ndim);
    if (dims.some((d) => x.shape[d] !== 1)) throw n.fault(`an axis of another size than 1, got [${x.shape.join(', ')}] and axes ${dims.join(', ')}`, 'size 1');
    return dims.length === 0 ? x : x.squeeze(dims);
  },
  Unsqueeze: (n) => {
    const axes = n.either('axes', 1) ?? [];
    const rank = n.in(0).ndim + axes.length;
    return n.axes(axes, rank).sort((a, b) => a - b).reduce((x, d) => x.unsqueeze(d), n.in(0));
  },
  Concat: (n) => cat(n.all.filter((x) => !(x.ndim === 1 && x.shape[0] === 0) || n.all.every((y) => y.ndim === 1)), n.int('axis', 1)),
  Split: split,
  Slice: slice,
  Shape: (n) => {
    const { shape } = n.in(0);
    return integers(shape.slice(n.int('start', 0), n.has('end') ? n.int('end', 0) : shape.length));
  },
  Size: (n) => integers([n.in(0).numel()], []),
  Constant: constant,
  ConstantOfShape: (n) => {
    const value = n.constant('value');
    const scalar = value === null ? tensor(0) : tensorOf(value).reshape([]);
    return scalar.expand(n.shape(n.numbers(0) ?? []));
  },
  Expand: (n) => {
    const [x, wanted] = [n.in(0), n.numbers(1) ?? []];
    const rank = Math.max(x.ndim, wanted.length);
    const own = [...new Array<number>(rank - x.ndim).fill(1), ...x.shape];
    const given = [...new Array<number>(rank - wanted.length).fill(1), ...wanted];
    return x.expand(n.shape(own.map((size, d) => (given[d] === 1 ? size : given[d]))));
  },
  Tile: (n) => {
    const times = n.numbers(1) ?? [];
    n.shape(n.in(0).shape.map((size, d) => size * (times[d] ?? 1)));
    return n.in(0).repeat(times);
  },
  Range: (n) => {
    const [start, end, step] = [0, 1, 2].map((i) => (n.numbers(i) ?? [0])[0]);
    const count = Math.max(0, Math.ceil((end - start) / step));
    n.shape([count]);
    const made = arange(count).mul(step).add(start);
    return made.to(n.in(0).dtype);
  },
  Pad: pad,
  OneHot: oneHot,
  Trilu: (n) => {
    const [k] = n.numbers(1) ?? [0];
    return n.int('upper', 1) === 1 ? triu(n.in(0), k) : tril(n.in(0), k);
  },
  EyeLike: (n) => {
    const [rows, columns] = n.in(0).shape;
    const made = eye(rows, columns);
    const k = n.int('k', 0);
    const shifted = k === 0 ? made : padded(made, k > 0 ? [k, -k] : [0, 0, -k, k]);
    return shifted.to(typeAttribute(n, 'dtype', n.in(0).dtype));
  },
  DepthToSpace: (n) => {
    const b = blocks(n);
    const [images, c, h, w] = n.in(0).shape;
    const crd = n.text('mode', 'DCR') === 'CRD';
    const parts = crd ? n.in(0).reshape([images, c / (b * b), b, b, h, w]).permute([0, 1, 4, 2, 5, 3]) : n.in(0).reshape([images, b, b, c / (b * b), h, w]).permute([0, 3, 4, 1, 5, 2]);
    return parts.reshape([images, c / (b * b), h * b, w * b]);
  },
  SpaceToDepth: (n) => {
    const b = blocks(n);
    const [images, c, h, w] = n.in(0).shape;
    return n.in(0).reshape([images, c, h / b, b, w / b, b]).permute([0, 3, 5, 1, 2, 4]).reshape([images, c * b * b, h / b, w / b]);
  },
};

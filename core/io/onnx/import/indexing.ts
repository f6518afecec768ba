import { indexOp, indexPutOp } from '../../../ops/indexing.ts';
import { apply } from '../../../op.ts';
import { where } from '../../../ops/select.ts';
import { unique } from '../../../ops/unique.ts';
import type { Tensor } from '../../../tensor.ts';
import { type NodeReader, type Operator, type Operators, integers } from './node.ts';

// Operators that pick entries by index tensors.

/** Indices from 0; negative ones count from the end. */
function wrapped(index: Tensor, size: number): Tensor {
  const whole = index.to('int64');
  return where(whole.lt(0), whole.add(size), whole).to('int64');
}

const gather: Operator = (n) => {
  const x = n.in(0);
  const dim = n.axis(n.int('axis', 0), x.ndim);
  return apply(indexOp, [x, wrapped(n.in(1), x.shape[dim])], { op: 'Gather', dims: [dim], named: [dim], at: dim, wrap: false });
};

const scatterElements: Operator = (n) => {
  const [x, updates] = [n.in(0), n.in(2)];
  const dim = n.axis(n.int('axis', 0), x.ndim);
  const index = wrapped(n.in(1), x.shape[dim]);
  const reduction = n.text('reduction', 'none');
  if (reduction === 'none') return x.scatter(dim, index, updates);
  if (reduction === 'add') return x.scatterAdd(dim, index, updates);
  const reduce = { mul: 'prod', max: 'amax', min: 'amin' }[reduction];
  if (reduce === undefined) throw n.fault(`no such reduction, got '${reduction}'`, 'none, add, mul, max or min');
  return x.scatterReduce(dim, index, updates, reduce as 'prod');
};

/** Index tensors of the first dimensions, and how many dimensions the batch has. */
function columns(n: NodeReader, x: Tensor, index: Tensor, lead: number): Tensor[] {
  const depth = index.shape[index.ndim - 1];
  if (depth > x.ndim - lead || depth < 1) throw n.fault(`indices for ${depth} dimensions, got [${x.shape.join(', ')}]`, `1 to ${x.ndim - lead}`);
  return Array.from({ length: depth }, (_, k) => wrapped(index.select(-1, k), x.shape[lead + k]));
}

const gatherNd: Operator = (n) => {
  const [x, index] = [n.in(0), n.in(1)];
  const batch = n.int('batch_dims', 0);
  if (batch < 0 || batch >= Math.min(x.ndim, index.ndim)) throw n.fault(`batch_dims does not fit, got ${batch}`, `0 to ${Math.min(x.ndim, index.ndim) - 1}`);
  const rows = columns(n, x, index, batch);
  const { shape } = rows[0];
  // The places in the batch are indices, too.
  const own = Array.from({ length: batch }, (_, d) => {
    const places = shape.map((size, i) => (i === d ? size : 1));
    return index.select(-1, 0).to('int64').mul(0).add(integers(Array.from({ length: shape[d] }, (_, i) => i), places));
  });
  const dims = [...own, ...rows].map((_, d) => d);
  return apply(indexOp, [x, ...own, ...rows], { op: 'GatherND', dims, named: dims, at: 0, wrap: false });
};

/** ScatterND with a reduction: the indexed dimensions as one, along which entries are reduced. */
function reducedRows(n: NodeReader, x: Tensor, rows: readonly Tensor[], updates: Tensor, reduction: string): Tensor {
  const reduce = { mul: 'prod', max: 'amax', min: 'amin' }[reduction];
  if (reduce === undefined) throw n.fault(`no such reduction, got '${reduction}'`, 'none, add, mul, max or min');
  const lead = x.shape.slice(0, rows.length);
  const row = rows.reduce((at, index, d) => at.mul(lead[d]).add(index), rows[0].mul(0)).reshape([-1, 1]);
  const flat = x.reshape([lead.reduce((a, b) => a * b, 1), -1]);
  return flat.scatterReduce(0, row.expand([row.shape[0], flat.shape[1]]), updates.reshape([row.shape[0], flat.shape[1]]), reduce as 'prod').reshape(x.shape);
}

const scatterNd: Operator = (n) => {
  const [x, index, updates] = [n.in(0), n.in(1), n.in(2)];
  const reduction = n.text('reduction', 'none');
  const rows = columns(n, x, index, 0);
  if (reduction !== 'none' && reduction !== 'add') return reducedRows(n, x, rows, updates, reduction);
  const dims = rows.map((_, d) => d);
  return apply(indexPutOp, [x, updates.contiguous(), ...rows], { op: 'ScatterND', dims, named: dims, at: 0, wrap: false, accumulate: reduction === 'add' });
};

/** Distinct elements or slices, where each first occurs, which of them every one is, and how often. */
const distinct: Operator = (n) => {
  const x = n.has('axis') ? n.in(0) : n.in(0).reshape([-1]);
  const dim = n.axis(n.int('axis', 0), x.ndim);
  const { inverseIndices: inverse, counts } = unique(x, { dim, returnInverse: true, returnCounts: true });
  const firsts = new Array<number>(counts.shape[0]).fill(-1);
  inverse.data().forEach((k, i) => {
    if (firsts[k] < 0) firsts[k] = i;
  });
  const first = integers(firsts);
  if (n.int('sorted', 1) === 1) return [x.indexSelect(dim, first), first, inverse, counts];
  // In the order in which they occur.
  const order = first.argsort();
  const early = first.indexSelect(0, order);
  return [x.indexSelect(dim, early), early, order.argsort().indexSelect(0, inverse), counts.indexSelect(0, order)];
};

/** The first entries along the time, as many as a length says, in reverse. */
const reverseSequence: Operator = (n) => {
  const [x, lengths] = [n.in(0), n.numbers(1) ?? []];
  const [time, batch] = [n.int('time_axis', 0), n.int('batch_axis', 1)];
  if (x.ndim < 2 || time + batch !== 1 || time * batch !== 0) throw n.fault(`no such axes, got time_axis ${time} and batch_axis ${batch} of [${x.shape.join(', ')}]`, '0 and 1');
  const steps = x.shape[time];
  if (lengths.length !== x.shape[batch] || lengths.some((l) => l < 0 || l > steps)) throw n.fault(`lengths do not fit, got ${lengths.join(', ')} for [${x.shape.join(', ')}]`, `${x.shape[batch]} numbers from 0 to ${steps}`);
  const rows = lengths.flatMap((l) => Array.from({ length: steps }, (_, t) => (t < l ? l - 1 - t : t)));
  const places = integers(rows, [lengths.length, steps]);
  const fitting = (batch === 0 ? places : places.t()).reshape([x.shape[0], x.shape[1], ...new Array<number>(x.ndim - 2).fill(1)]);
  return x.gather(time, fitting.expand(x.shape));
};

/** Operators that pick entries. */
export const indexingOperators: Operators = {
  Gather: gather,
  NonZero: (n) => n.in(0).nonzero().t(),
  Compress: (n) => {
    const picked = n.in(1).nonzero().reshape([-1]);
    return n.has('axis') ? n.in(0).indexSelect(n.axis(n.int('axis', 0), n.in(0).ndim), picked) : n.in(0).reshape([-1]).indexSelect(0, picked);
  },
  GatherElements: (n) => {
    const x = n.in(0);
    const dim = n.axis(n.int('axis', 0), x.ndim);
    return x.gather(dim, wrapped(n.in(1), x.shape[dim]));
  },
  GatherND: gatherNd,
  ScatterElements: scatterElements,
  Scatter: scatterElements,
  ScatterND: scatterNd,
  Unique: distinct,
  ReverseSequence: reverseSequence,
};

import type { NormAttrs, NormBackwardAttrs } from '../../core/cpu/normalize.ts';
import type { Kernel } from '../../core/op.ts';
import type { Operand } from '../../core/tape.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { Backend, Block } from '../backend.ts';
import { fill, rowMajor, storageOf, zeros } from '../launch.ts';
import { type Lines, type Span, elements, totals, whole } from './lines.ts';

/** Groups of elements with one mean and variance, named by `group`, and weights, named by `unit`, in the numbering of `elements`. */
interface Grouping {
  readonly key: string;
  /** All elements, as lines along the elements that share a weight or a statistic. */
  readonly lines: Lines;
  readonly group: string;
  readonly unit: string;
  /** Sums over each group, or over all elements of a unit. */
  groupSums(backend: Backend, value: Summand): Block;
  unitSums(backend: Backend, value: Summand): Block;
  readonly size: number;
}

/** Something to sum, per element. */
interface Summand {
  readonly name: string;
  readonly arrays: Readonly<Record<string, Span>>;
  readonly floats?: Readonly<Record<string, number>>;
  /** With `GROUP` and `UNIT` for the numbers of the element's group and unit. */
  readonly value: string;
}

function summed(backend: Backend, lines: Lines, { name, arrays, floats = {}, value }: Summand, group: string, unit: string, key: string): Block {
  return totals(backend, 'sum', lines, { name: `${name} ${key}`, arrays, floats, value: value.replaceAll('GROUP', group).replaceAll('UNIT', unit) });
}

/** Rows: a statistic per row, a weight per column. */
function rowGroups(x: Tensor, rows: number): Grouping {
  const width = rows === 0 ? 0 : x.numel() / rows;
  const lines = { pre: rows, n: width, post: 1 };
  return {
    key: 'rows', lines, group: 'line', unit: 'i', size: width,
    groupSums: (backend, value) => summed(backend, lines, value, 'line', 'i', 'by row'),
    unitSums: (backend, value) => summed(backend, { pre: 1, n: rows, post: width }, value, 'i', 'line', 'by column'),
  };
}

/** Channels of (N, C, …): a statistic and a weight per channel. */
function channelGroups(x: Tensor): Grouping {
  const [batch, channels] = x.shape;
  const size = batch * channels === 0 ? 0 : x.numel() / (batch * channels);
  const lines = { pre: batch, n: channels, post: size };
  // First along the elements of a channel of one sample, whose line is n·C + c, then over the samples.
  const sums = (backend: Backend, value: Summand): Block => {
    const channel = '(line - idiv(line, channels) * channels)';
    const { name, arrays, floats = {}, value: text } = value;
    const first = totals(backend, 'sum', { pre: batch * channels, n: size, post: 1 }, {
      name: `${name} by channel`, arrays, integers: { channels }, floats, body: `const channel = ${channel};`, value: text.replaceAll('GROUP', 'channel').replaceAll('UNIT', 'channel'),
    });
    const all = totals(backend, 'sum', { pre: 1, n: batch, post: channels }, { name: 'x', arrays: { x: whole(first) }, value: 'x(at)' });
    backend.free(first);
    return all;
  };
  return { key: 'channels', lines, group: 'i', unit: 'i', size: batch * size, groupSums: sums, unitSums: sums };
}

/** Mean and biased variance of each group, in two passes. */
function stats(grouping: (x: Tensor) => Grouping): (outputs: readonly Tensor[], inputs: readonly Operand[]) => void {
  return ([mean, variance], [input]) => {
    const x = input as Tensor;
    if (mean.numel() === 0) return;
    const { backend } = storageOf(x);
    const groups = grouping(x);
    const rows = rowMajor(x);
    const share = { share: 1 / groups.size };
    const sums = groups.groupSums(backend, { name: 'x', arrays: { x: rows }, value: 'x(at)' });
    const each: Lines = { pre: mean.numel(), n: 1, post: 1 };
    const means = elements(backend, each, { name: 'scaled', arrays: { x: whole(sums) }, floats: share, value: 'x(at) * share' });
    const squares = groups.groupSums(backend, { name: '(x - mean)²', arrays: { x: rows, mean: whole(means) }, value: '(x(at) - mean(GROUP)) * (x(at) - mean(GROUP))' });
    fill(variance, elements(backend, each, { name: 'scaled', arrays: { x: whole(squares) }, floats: share, value: 'x(at) * share' }));
    fill(mean, means);
    backend.free(sums);
    backend.free(squares);
    rows.done();
  };
}

/** An optional vector: an array, or a number in its place. */
function vectorOf(name: string, x: Operand): { readonly key: string; readonly arrays: Readonly<Record<string, Span>>; readonly floats: Readonly<Record<string, number>>; readonly at: (i: string) => string; readonly done: () => void } {
  if (typeof x === 'number') return { key: '1', arrays: {}, floats: { [name]: x }, at: () => name, done: () => {} };
  const rows = rowMajor(x);
  return { key: 'v', arrays: { [name]: rows }, floats: {}, at: (i) => `${name}(${i})`, done: rows.done };
}

/** `(x - mean)/√(var + eps)·weight + bias`. */
function normalized(grouping: (x: Tensor, mean: Tensor) => Grouping): Kernel<NormAttrs> {
  return ([out], [input, weight, bias, mean, variance], { eps }) => {
    const x = input as Tensor;
    if (x.numel() === 0) return;
    const { backend } = storageOf(x);
    const { key, lines, group, unit } = grouping(x, mean as Tensor);
    const [rows, m, v] = [rowMajor(x), rowMajor(mean as Tensor), rowMajor(variance as Tensor)];
    const [w, b] = [vectorOf('weight', weight), vectorOf('bias', bias)];
    fill(out, elements(backend, lines, {
      name: `normalized ${key} ${w.key}${b.key}`,
      arrays: { x: rows, mean: m, variance: v, ...w.arrays, ...b.arrays },
      floats: { eps, ...w.floats, ...b.floats },
      value: `(x(at) - mean(${group})) / Math.sqrt(variance(${group}) + eps) * ${w.at(unit)} + ${b.at(unit)}`,
    }));
    for (const part of [rows, m, v, w, b]) part.done();
  };
}

/** Gradients of input, weight and bias. */
function normalizedBackward(grouping: (x: Tensor, mean: Tensor) => Grouping): Kernel<NormBackwardAttrs> {
  return ([dx, dw, db], inputs, { eps, training, input: wanted }) => {
    const [grad, input, weight, mean, variance] = inputs;
    const x = input as Tensor;
    const { backend } = storageOf(x);
    if (x.numel() === 0) {
      for (const out of [dw, db]) if (out.numel() > 0) fill(out, zeros(backend, out.numel()));
      return;
    }
    const groups = grouping(x, mean as Tensor);
    const [g, rows, m, v] = [grad, x, mean, variance].map((t) => rowMajor(t as Tensor));
    const w = vectorOf('weight', weight);
    const statistics = { x: rows, g, mean: m, variance: v };
    const unitOf = (at: string): string => `(x(${at}) - mean(GROUP)) / Math.sqrt(variance(GROUP) + eps)`;
    fill(db, groups.unitSums(backend, { name: 'x', arrays: { x: g }, value: 'x(at)' }));
    fill(dw, groups.unitSums(backend, { name: 'g unit', arrays: statistics, floats: { eps }, value: `g(at) * ${unitOf('at')}` }));
    if (wanted) {
      const own = { arrays: { ...statistics, ...w.arrays }, floats: { eps, ...w.floats } };
      const scaled = `g(at) * ${w.at('UNIT')}`;
      const sums = groups.groupSums(backend, { name: `g weight ${w.key}`, arrays: { g, ...w.arrays }, floats: w.floats, value: scaled });
      const dots = groups.groupSums(backend, { name: `g weight unit ${w.key}`, ...own, value: `${scaled} * ${unitOf('at')}` });
      const { key, lines, group, unit } = groups;
      const text = `(${scaled} - share * sum(GROUP) - ${unitOf('at')} * share * dot(GROUP)) / Math.sqrt(variance(GROUP) + eps)`;
      fill(dx, elements(backend, lines, {
        name: `normalizedBackward ${key} ${w.key}`,
        arrays: { ...own.arrays, sum: whole(sums), dot: whole(dots) },
        floats: { ...own.floats, share: training ? 1 / groups.size : 0 },
        value: text.replaceAll('GROUP', group).replaceAll('UNIT', unit),
      }));
      backend.free(sums);
      backend.free(dots);
    }
    for (const part of [g, rows, m, v, w]) part.done();
  };
}

/** Mean and biased variance of each channel of (N, C, …). */
export const channelStats: Kernel<undefined> = stats(channelGroups);
/** Mean and biased variance of each row. */
export const rowStats: Kernel<{ readonly rows: number }> = (outputs, inputs, { rows }) => stats((x) => rowGroups(x, rows))(outputs, inputs);
/** Normalisation per channel of (N, C, …). */
export const batchNorm: Kernel<NormAttrs> = normalized(channelGroups);
/** Its gradients. */
export const batchNormBackward: Kernel<NormBackwardAttrs> = normalizedBackward(channelGroups);
/** Normalisation per row. */
export const layerNorm: Kernel<NormAttrs> = normalized((x, mean) => rowGroups(x, mean.numel()));
/** Its gradients. */
export const layerNormBackward: Kernel<NormBackwardAttrs> = normalizedBackward((x, mean) => rowGroups(x, mean.numel()));

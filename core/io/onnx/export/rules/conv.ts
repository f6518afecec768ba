import type { ConvGeometry } from '../../../../cpu/frame.ts';
import { stridesOf } from '../../../../shape.ts';
import { VARYING } from '../../../../trace/merge.ts';
import type { Rule, Rules, StepWriter } from '../step.ts';
import { flat, reshaped } from './views.ts';

// Convolutions, and padding with a constant.

/** A number that all traces agree on, from a rule that may hold or not. */
function agreed(s: StepWriter, what: string, candidates: readonly number[], holds: (n: number) => boolean): number {
  const found = candidates.find(holds);
  if (found === undefined) throw s.refuse(`has a ${what} that depends on the sizes of the arguments, got ${candidates.join(', ')}`, 'fixed sizes: leave that axis out of dynamicAxes');
  return found;
}

const extent = (g: ConvGeometry, d: number): number => g.dilation[d] * (g.kernel[d] - 1) + 1;

const conv: Rule = (s) => {
  const all = s.step.variants as readonly ConvGeometry[];
  const [first] = all;
  const dims = first.rank === 1 ? [1] : [0, 1];
  const before = dims.map((d) => first.padding[d]);
  const after = dims.map((d) => {
    const needed = (first.output[d] - 1) * first.stride[d] + extent(first, d) - first.input[d] - first.padding[d];
    return agreed(s, 'padding', [first.padding[d], first.padding[d] + 1, Math.max(0, needed)], (n) =>
      all.every((g) => Math.floor((g.input[d] + g.padding[d] + n - extent(g, d)) / g.stride[d]) + 1 === g.output[d]));
  });
  return s.node('Conv', s.step.inputs.map((_, i) => s.in(i)), {
    kernel_shape: dims.map((d) => first.kernel[d]),
    strides: dims.map((d) => first.stride[d]),
    pads: [...before, ...after],
    dilations: dims.map((d) => first.dilation[d]),
    group: first.groups,
  });
};

const convTranspose: Rule = (s) => {
  const all = s.step.variants as readonly ConvGeometry[];
  const [first] = all;
  const dims = first.rank === 1 ? [1] : [0, 1];
  // The geometry is that of the convolution whose gradient this is: its input is what comes out.
  const extra = (g: ConvGeometry, d: number): number => g.input[d] - ((g.output[d] - 1) * g.stride[d] - 2 * g.padding[d] + extent(g, d));
  const padding = dims.map((d) => first.padding[d]);
  return s.node('ConvTranspose', s.step.inputs.map((_, i) => s.in(i)), {
    kernel_shape: dims.map((d) => first.kernel[d]),
    strides: dims.map((d) => first.stride[d]),
    pads: [...padding, ...padding],
    dilations: dims.map((d) => first.dilation[d]),
    output_padding: dims.map((d) => agreed(s, 'size', [extra(first, d)], (n) => all.every((g) => extra(g, d) === n))),
    group: first.groups,
  });
};

interface Window {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** What lies before and behind a window in each dimension; null where it is no block of the whole. */
function edges(whole: readonly number[], { shape, strides, offset }: Window): number[][] | null {
  const steps = stridesOf(whole);
  if (shape.length !== whole.length || strides.some((n, d) => n !== steps[d] && shape[d] > 1)) return null;
  let rest = offset;
  const before = steps.map((step) => {
    const n = Math.floor(rest / step);
    rest -= n * step;
    return n;
  });
  const behind = whole.map((n, d) => n - shape[d] - before[d]);
  return behind.some((n) => n < 0) ? null : [before, behind];
}

/** The size of a value in one of the traces. */
const sizesIn = (s: StepWriter, trace: number): number[] => s.out.shape.map((n) => (typeof n === 'number' ? n : n.seen[trace]));

const stridedScatter: Rule = (s) => {
  const { origin } = s.tensor(0);
  const constant = origin.kind === 'constant' && origin.data.every((v) => Object.is(v, origin.data[0]));
  const all = s.step.variants as readonly Window[];
  if (origin.kind === 'filled' || constant) {
    const found = all.map((w, i) => edges(sizesIn(s, i), w));
    if (found.every((pads) => pads !== null && String(pads) === String(found[0]))) {
      const value = origin.kind === 'filled' ? origin.value : (origin.data[0] ?? 0);
      return s.node('Pad', [s.in(1), s.b.ints((found[0] as number[][]).flat()), s.num(value)], { mode: 'constant' });
    }
  }
  if (s.out.shape.some((n) => typeof n !== 'number') || s.step.attrs === VARYING) {
    throw s.refuse('writes a window, got sizes that depend on the arguments', 'fixed sizes: leave that axis out of dynamicAxes');
  }
  const [{ shape, strides, offset }] = all;
  const cells = shape.reduce<number[]>((list, n, d) => list.flatMap((at) => Array.from({ length: n }, (_, i) => at + i * strides[d])), [offset]);
  const made = s.node('ScatterElements', [flat(s, s.in(0)), s.b.constant(Int32Array.from(cells), [cells.length], 'int64'), flat(s, s.in(1))], { axis: 0 });
  return reshaped(s, made, [], s.out.shape);
};

/** Rules of convolutions and padding. */
export const convRules: Rules = { conv, convTranspose, asStridedScatter: stridedScatter };

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

/** How a window lies in a block: steps between its entries, and what is before and behind it. */
interface Placement {
  readonly steps: readonly number[];
  readonly before: readonly number[];
  readonly behind: readonly number[];
}

/** Where a window lies; null where it is no block of the whole. What is behind may be negative, where a last step is cut off. */
function placementOf(whole: readonly number[], { shape, strides, offset }: Window): Placement | null {
  const rows = stridesOf(whole);
  if (shape.length !== whole.length) return null;
  const steps = rows.map((row, d) => (shape[d] < 2 ? 1 : strides[d] / row));
  let rest = offset;
  const before = rows.map((row) => {
    const n = Math.floor(rest / row);
    rest -= n * row;
    return n;
  });
  const behind = whole.map((n, d) => n - shape[d] * steps[d] - before[d]);
  return steps.every((n, d) => Number.isInteger(n) && n >= 1 && behind[d] > -n) ? { steps, before, behind } : null;
}

/** Entries with gaps between them. */
function spaced(s: StepWriter, x: string, steps: readonly number[], value: string): string {
  const rank = steps.length;
  // From the last dimension on, so that those before have the sizes of the window still.
  return steps.reduceRight((y, step, d) => {
    if (step === 1) return y;
    const pads = new Array<number>(2 * (rank + 1)).fill(0).with(rank + 1 + d + 1, step - 1);
    const apart = s.node('Pad', [s.node('Unsqueeze', [y, s.b.ints([d + 1])]), s.b.ints(pads), value], { mode: 'constant' });
    // (…, n, step, …) → (…, n·step, …)
    const joined = s.shape(1).map((n, i) => (i < d ? 0 : i === d ? -1 : typeof n === 'number' ? n * steps[i] : n));
    return s.node('Reshape', [apart, s.b.sizes(joined)]);
  }, x);
}

/** The size of a value in one of the traces. */
const sizesIn = (s: StepWriter, trace: number): number[] => s.out.shape.map((n) => (typeof n === 'number' ? n : n.seen[trace]));

const stridedScatter: Rule = (s) => {
  const { origin } = s.tensor(0);
  const constant = origin.kind === 'constant' && origin.data.every((v) => Object.is(v, origin.data[0]));
  const all = s.step.variants as readonly Window[];
  if (origin.kind === 'filled' || constant) {
    const found = all.map((w, i) => placementOf(sizesIn(s, i), w));
    const [first] = found;
    if (first !== null && found.every((place) => JSON.stringify(place) === JSON.stringify(first))) {
      const value = s.num(origin.kind === 'filled' ? origin.value : (origin.data[0] ?? 0));
      return s.node('Pad', [spaced(s, s.in(1), first.steps, value), s.b.ints([...first.before, ...first.behind]), value], { mode: 'constant' });
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

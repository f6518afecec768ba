import { type GraphValue, VARYING } from '../../../../trace/merge.ts';
import { type Size, SymbolicSize, sameSize } from '../../../../trace/sizes.ts';
import type { Rules, StepWriter } from '../step.ts';

// Other shapes of the same elements.

/** What Reshape is told: 0 keeps the size at that place, -1 follows from the others. */
function target(from: readonly Size[], to: readonly Size[]): readonly Size[] {
  const asIs = to.map((n, d) => (typeof n !== 'number' && d < from.length && sameSize(n, from[d]) ? 0 : n));
  const open = asIs.filter((n) => typeof n !== 'number');
  // An unknown size can only follow from the others.
  const chosen = open.find((n) => n.terms === null) ?? open.at(-1);
  const fixed = to.every((n) => n !== 0);
  return chosen === undefined || !fixed ? (fixed ? asIs : to) : asIs.map((n) => (n === chosen ? -1 : n));
}

/** A reshape to known sizes. */
export function reshaped(s: StepWriter, name: string, from: readonly Size[], to: readonly Size[]): string {
  return s.node('Reshape', [name, s.b.sizes(target(from, to))]);
}

/** Every element of a tensor, in a vector. */
export const flat = (s: StepWriter, name: string): string => s.node('Reshape', [name, s.b.ints([-1])]);

const FAR = 2 ** 31 - 1;

interface SliceAttrs {
  readonly dim: number;
  readonly start: Size;
  readonly step: number;
  readonly length: Size;
  readonly size: Size;
}

/** Where a slice ends: far away where it reaches the end whatever the sizes. */
function endOf(s: StepWriter): string {
  const all = s.step.variants as readonly (SliceAttrs & { readonly start: number; readonly length: number; readonly size: number })[];
  if (all.every(({ start, step, length, size }) => start + length * step >= size)) return s.b.ints([FAR]);
  const { step } = s.attrs<SliceAttrs>();
  const ends = all.map(({ start, length }) => start + length * step);
  if (ends.every((n) => n === ends[0])) return s.b.ints([ends[0]]);
  const { start, length } = s.attrs<SliceAttrs>();
  const taken = step === 1 ? s.b.sizes([length]) : s.node('Mul', [s.b.sizes([length]), s.b.ints([step])]);
  return start === 0 ? taken : s.node('Add', [s.b.sizes([start]), taken]);
}

/** A number of entries from the end, where that is the same for all sizes. */
function fromEnd(index: Size, size: Size): number | null {
  if (!(index instanceof SymbolicSize)) return index;
  const distances = index.seen.map((n, i) => n - (size instanceof SymbolicSize ? size.seen[i] : size));
  return distances.every((n) => n === distances[0]) ? distances[0] : null;
}

function squeezed(s: StepWriter, name: string, dims: readonly number[]): string {
  return dims.length === 0 ? name : s.node('Squeeze', [name, s.b.ints(dims)]);
}

const shapeOf = (x: GraphValue): readonly Size[] => x.shape;

/** Rules of views and writes through views. */
export const viewRules: Rules = {
  'view.reshape': (s) => reshaped(s, s.in(0), s.shape(0), s.out.shape),
  'view.expand': (s) => {
    const lead = s.out.shape.length - s.shape(0).length;
    // What has its size already is broadcast from 1.
    const sizes = s.out.shape.map((n, d) => (d >= lead && sameSize(n, s.shape(0)[d - lead]) ? 1 : n));
    return s.node('Expand', [s.in(0), s.b.sizes(sizes)]);
  },
  'view.squeeze': (s) => squeezed(s, s.in(0), s.attrs<{ readonly dims: readonly number[] }>().dims),
  'view.unsqueeze': (s) => s.node('Unsqueeze', [s.in(0), s.b.ints(s.attrs<{ readonly dims: readonly number[] }>().dims)]),
  'view.permute': (s) => s.node('Transpose', [s.in(0)], { perm: s.attrs<{ readonly dims: readonly number[] }>().dims }),
  'view.slice': (s) => {
    const { dim, start, step, size } = s.attrs<SliceAttrs>();
    const from = fromEnd(start, size);
    return s.node('Slice', [s.in(0), from === null ? s.b.sizes([start]) : s.b.ints([from]), endOf(s), s.b.ints([dim]), s.b.ints([step])]);
  },
  'view.select': (s) => {
    const { dim, index, size } = s.attrs<{ readonly dim: number; readonly index: Size; readonly size: Size }>();
    const at = fromEnd(index, size);
    const which = at === null ? s.node('Squeeze', [s.b.sizes([index])]) : s.b.scalar(at, 'int64');
    return s.node('Gather', [s.in(0), which], { axis: dim });
  },
  'view.strided': (s) => {
    const { index } = s.attrs<{ readonly index: Int32Array | typeof VARYING }>();
    if (index === VARYING) throw s.refuse('picks elements by strides, got sizes that depend on the arguments', 'fixed sizes: leave that axis out of dynamicAxes');
    return s.node('Gather', [flat(s, s.in(0)), s.b.constant(index, s.out.shape as readonly number[], 'int64')], { axis: 0 });
  },
  put: (s) => {
    const { index } = s.attrs<{ readonly index: Int32Array | typeof VARYING }>();
    if (index === VARYING) throw s.refuse('writes through a view, got sizes that depend on the arguments', 'fixed sizes: leave that axis out of dynamicAxes');
    const made = s.node('ScatterElements', [flat(s, s.in(0)), s.b.constant(index, [index.length], 'int64'), flat(s, s.in(1))], { axis: 0 });
    return reshaped(s, made, [], shapeOf(s.out));
  },
};

import type { VARYING } from '../../../../trace/merge.ts';
import { type Size, SymbolicSize, sameSize } from '../../../../trace/sizes.ts';
import type { Places } from '../../../../trace/views.ts';
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

/** Where a view looks, which must be the same whatever the sizes. */
function placesOf(s: StepWriter): Places {
  const { kept, index, shape } = s.attrs<{ readonly [K in keyof Places]: Places[K] | typeof VARYING | SymbolicSize }>();
  if (typeof kept !== 'number' || !(index instanceof Int32Array) || !Array.isArray(shape)) {
    throw s.refuse('looks at elements by strides, got sizes that depend on the arguments', 'fixed sizes: leave that axis out of dynamicAxes');
  }
  return { kept, index, shape };
}

/** What comes behind the first dimensions, in one. */
const behind = (s: StepWriter, name: string, kept: number): string => s.node('Reshape', [name, s.b.ints([...new Array<number>(kept).fill(0), -1])]);

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
    const { kept, shape, index } = placesOf(s);
    return s.node('Gather', [behind(s, s.in(0), kept), s.b.constant(index, shape, 'int64')], { axis: kept });
  },
  put: (s) => {
    const { kept, index } = placesOf(s);
    const values = behind(s, s.in(1), kept);
    const places = s.b.constant(index, [...new Array<number>(kept).fill(1), index.length], 'int64');
    const spread = kept === 0 ? places : s.node('Expand', [places, s.node('Shape', [values])]);
    return reshaped(s, s.node('ScatterElements', [behind(s, s.in(0), kept), spread, values], { axis: kept }), s.out.shape.slice(0, kept), s.out.shape);
  },
};

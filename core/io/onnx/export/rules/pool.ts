import type { PoolAttrs, Windows } from '../../../../cpu/pool.ts';
import type { Rule, Rules, StepWriter } from '../step.ts';
import { reduced } from './reduce.ts';
import { type Regular, isGlobal, regularOf, windowsOf } from './windows.ts';

// Pools. Windows that share the input unevenly become products with a matrix of weights, or maxima of gathered entries.

/** Axes of the windows, from the first. */
function axesOf({ rank }: PoolAttrs): readonly (0 | 1)[] {
  return rank === 1 ? [1] : [0, 1];
}

/** Runs a node that needs a batch dimension. */
function withBatch(s: StepWriter, rank: number, run: (x: string) => string[]): string[] {
  if (s.shape(0).length === rank + 2) return run(s.in(0));
  return run(s.node('Unsqueeze', [s.in(0), s.b.ints([0])])).map((y) => s.node('Squeeze', [y, s.b.ints([0])]));
}

function attributesOf(each: readonly Regular[], withDilation: boolean): Record<string, readonly number[]> {
  return {
    kernel_shape: each.map((r) => r.kernel),
    strides: each.map((r) => r.stride),
    pads: [...each.map((r) => r.before), ...each.map((r) => r.behind)],
    ...(withDilation && { dilations: each.map((r) => r.dilation) }),
  };
}

function fixedWindows(s: StepWriter, all: readonly Windows[]): Windows {
  if (all.some((w) => w.size !== all[0].size)) throw s.refuse('has windows that depend on the sizes of the arguments, got an adaptive pool or one with a cut-off window', 'fixed sizes: leave that axis out of dynamicAxes');
  return all[0];
}

/** Averages along the last two dimensions, or the last one, as products. */
function averagedByMatrix(s: StepWriter, attrs: readonly PoolAttrs[]): string {
  const { rank, divisor } = attrs[0];
  const weights = (w: Windows, turned: boolean): string => {
    const n = w.start.length;
    const data = new Float64Array(n * w.size);
    w.start.forEach((start, i) => {
      for (let k = Math.max(start, 0); k < w.end[i]; k += w.step) data[turned ? k * n + i : i * w.size + k] = divisor === null ? 1 / w.count[i] : 1;
    });
    return s.b.constant(s.out.dtype === 'float64' ? data : Float32Array.from(data), turned ? [w.size, n] : [n, w.size], s.out.dtype);
  };
  const across = s.node('MatMul', [s.in(0), weights(fixedWindows(s, windowsOf(attrs, 1)), true)]);
  const both = rank === 1 ? across : s.node('MatMul', [weights(fixedWindows(s, windowsOf(attrs, 0)), false), across]);
  return divisor === null ? both : s.node('Div', [both, s.num(divisor)]);
}

const average: Rule = (s) => {
  const all = s.step.variants as readonly PoolAttrs[];
  const [first] = all;
  const axes = axesOf(first);
  const { divisor, rank } = first;
  if (divisor === null && axes.every((d) => isGlobal(windowsOf(all, d)))) {
    const ndim = s.shape(0).length;
    if (ndim === rank + 2) return s.node('GlobalAveragePool', [s.in(0)]);
    return reduced(s, 'ReduceMean', s.in(0), axes.map((_, i) => ndim - rank + i), true);
  }
  const each = axes.map((d) => regularOf(windowsOf(all, d), divisor === null));
  const [one] = each;
  if (one === null || each.some((r) => r === null || r.counting !== one.counting || r.dilation !== 1)) return averagedByMatrix(s, all);
  const regular = each as readonly Regular[];
  // With a divisor of its own every window is a sum.
  const cells = regular.reduce((n, r) => n * r.kernel, 1);
  const counting = divisor !== null || one.counting ? 1 : 0;
  const [made] = withBatch(s, rank, (x) => [s.node('AveragePool', [x], { ...attributesOf(regular, false), count_include_pad: counting })]);
  return divisor === null ? made : s.node('Mul', [made, s.num(cells / divisor)]);
};

/** Largest entries of windows along one dimension, gathered side by side. */
function maximaAlong(s: StepWriter, x: string, w: Windows, axis: number): string {
  const most = Math.max(...w.start.map((start, i) => Math.ceil((w.end[i] - start) / w.step)));
  const places = w.start.flatMap((start, i) => Array.from({ length: most }, (_, k) => (start + k * w.step < w.end[i] ? start + k * w.step : start)));
  const gathered = s.node('Gather', [x, s.b.constant(Int32Array.from(places), [w.start.length, most], 'int64')], { axis });
  return reduced(s, 'ReduceMax', gathered, [axis + 1], false);
}

/** Places in the whole tensor as places in their image. */
function placesInImage(s: StepWriter, places: string, { rank }: PoolAttrs): string {
  const image = s.shape(0).slice(-rank);
  const size = image.every((n) => typeof n === 'number') ? s.b.ints([image.reduce((a, b) => a * b, 1)]) : s.node('ReduceProd', [s.b.sizes(image)], { keepdims: 1 });
  return s.node('Mod', [places, size]);
}

const max: Rule = (s) => {
  const all = s.step.variants as readonly PoolAttrs[];
  const [first] = all;
  const axes = axesOf(first);
  const { rank } = first;
  const each = axes.map((d) => regularOf(windowsOf(all, d), false));
  if (each.every((r) => r !== null)) {
    return withBatch(s, rank, (x) => {
      const [values, places] = s.many('MaxPool', [x], attributesOf(each, true), 2);
      return [values, placesInImage(s, places, first)];
    });
  }
  const from = s.shape(0).length - rank;
  const values = axes.reduce((x, d, i) => maximaAlong(s, x, fixedWindows(s, windowsOf(all, d)), from + i), s.in(0));
  return [values];
};

/** Rules of pools. */
export const poolRules: Rules = { avgPool: average, maxPool: max };

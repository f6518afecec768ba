import { type Size, sameSize } from '../../../../trace/sizes.ts';
import type { Rule, Rules, StepWriter } from '../step.ts';
import { reduced } from './reduce.ts';

// Normalisation.

/** A vector that was left out, which stands for one number everywhere. */
function vector(s: StepWriter, i: number, size: number): string {
  const x = s.step.inputs[i];
  return typeof x === 'number' ? s.b.vector(new Array<number>(size).fill(x), s.out.dtype) : s.in(i);
}

const sizeIn = (n: Size, trace: number): number => (typeof n === 'number' ? n : n.seen[trace]);

/** Mean and biased variance over axes. */
function moments(s: StepWriter, x: string, axes: readonly number[]): [string, string] {
  const mean = reduced(s, 'ReduceMean', x, axes, true);
  const away = s.node('Sub', [x, mean]);
  return [reduced(s, 'ReduceMean', x, axes, false), reduced(s, 'ReduceMean', s.node('Mul', [away, away]), axes, false)];
}

const batchNorm: Rule = (s) => {
  const { eps } = s.attrs<{ readonly eps: number }>();
  const channels = s.shape(0)[1];
  if (typeof channels !== 'number') throw s.refuse('normalises channels whose number depends on the arguments, got a dynamic axis', 'fixed channels');
  return s.node('BatchNormalization', [s.in(0), ...[1, 2, 3, 4].map((i) => vector(s, i, channels))], { epsilon: { float: eps } });
};

const layerNorm: Rule = (s) => {
  const { eps, normalizedShape, training } = s.attrs<{ readonly eps: number; readonly normalizedShape: readonly number[]; readonly training: boolean }>();
  const rank = s.shape(0).length;
  if (!training || !normalizedShape.every((n, i) => sameSize(n, s.shape(0)[rank - normalizedShape.length + i]))) {
    throw s.refuse('has statistics of its own or rows whose length depends on the arguments, got these', 'fixed rows: leave that axis out of dynamicAxes');
  }
  const size = normalizedShape.reduce((a, b) => a * b, 1);
  const weights = (i: number): string => {
    const x = s.step.inputs[i];
    if (typeof x !== 'number') return s.in(i);
    return i === 2 && x === 0 ? '' : s.b.constant(s.out.dtype === 'float64' ? new Float64Array(size).fill(x) : new Float32Array(size).fill(x), normalizedShape, s.out.dtype);
  };
  return s.node('LayerNormalization', [s.in(0), weights(1), weights(2)], { axis: rank - normalizedShape.length, epsilon: { float: eps } });
};

/** Rules of normalisation. */
export const normRules: Rules = {
  batchNorm,
  layerNorm,
  channelStats: (s) => moments(s, s.in(0), s.shape(0).flatMap((_, d) => (d === 1 ? [] : [d]))),
  rowStats: (s) => {
    const all = s.step.variants.map((_, t) => s.shape(0).reduce<number>((n, size) => n * sizeIn(size, t), 1) / sizeIn(s.out.shape[0], t));
    // Rows of a layer norm are its own node's to take; without a fixed width only that reads them.
    return all.every((width) => width === all[0]) ? moments(s, s.node('Reshape', [s.in(0), s.b.ints([-1, all[0]])]), [1]) : [];
  },
};

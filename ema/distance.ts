import { isFloat } from '../core/dtype.ts';
import { ArgumentError, show } from '../core/errors.ts';
import { Module } from '../nn/module.ts';
import { BaseAveragedModel } from './averaged.ts';
import { matchEntries } from './match.ts';

/** How far apart two tensors, or two lists of them, lie. */
export interface Distance {
  /** `‖average - source‖₂`. */
  readonly l2: number;
  /** `‖average - source‖₂ / ‖source‖₂`; Infinity for a source of zeros. */
  readonly relative: number;
}

/** What `distanceToSource` tells. */
export interface SourceDistance extends Distance {
  /** The same for each averaged entry, by name. */
  readonly entries: Readonly<Record<string, Distance>>;
}

/**
 * How far an average lies from its source, over the floating entries that it averages, in float64. Tied tensors count once. Where the
 * source circles around a minimum, the distance stays; where it still travels, it grows with the window.
 *
 * @param average - the average, on the CPU
 * @param model - its source
 * @throws StateError when names or shapes differ
 */
export function distanceToSource(average: BaseAveragedModel, model: Module): SourceDistance {
  const op = 'distanceToSource';
  if (!(average instanceof BaseAveragedModel)) throw new ArgumentError(`${op}: not an average, got ${show(average)}; expected an average`);
  if (!(model instanceof Module)) throw new ArgumentError(`${op}: not a module, got ${show(model)}; expected the source Module`);
  const { parameters, buffers } = matchEntries(op, average.module, model);
  const entries = Object.create(null) as Record<string, Distance>;
  const total = [0, 0];
  for (const pair of [...parameters, ...buffers]) {
    if (!isFloat(pair.averaged.dtype) || average.policyOf(pair.name) !== 'average') continue;
    const [a, b] = [pair.averaged.data(), pair.source.data()];
    let [apart, size] = [0, 0];
    for (let i = 0; i < a.length; i++) {
      apart += (a[i] - b[i]) ** 2;
      size += b[i] * b[i];
    }
    entries[pair.name] = distance(apart, size);
    total[0] += apart;
    total[1] += size;
  }
  return { ...distance(total[0], total[1]), entries };
}

function distance(apart: number, size: number): Distance {
  return { l2: Math.sqrt(apart), relative: apart === 0 ? 0 : Math.sqrt(apart / size) };
}

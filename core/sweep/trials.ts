import { ArgumentError } from '../errors.ts';
import { Generator } from '../random.ts';
import type { ParameterRule, ParameterValue, Sweep } from './definition.ts';

/** One run of the program. */
export interface Trial {
  /** Its number, from 0. */
  readonly trial: number;
  /** Number of its configuration: trials that differ by the seed only have the same. */
  readonly configuration: number;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
}

/** How many configurations there are. */
function configurations({ method, trials, parameters }: Sweep): number {
  if (method === 'random') return trials ?? 0;
  let count = 1;
  for (const rule of parameters.values()) count *= rule.kind === 'list' ? rule.values.length : 1;
  return count;
}

/** How many trials there are. */
export function trialCount(sweep: Sweep): number {
  return configurations(sweep) * (sweep.seeds?.length ?? 1);
}

function draw(rule: ParameterRule, generator: Generator): ParameterValue {
  const u = generator.uniform53();
  if (rule.kind === 'list') return rule.values[Math.floor(u * rule.values.length)];
  const { kind, low, high } = rule;
  if (kind === 'uniform') return low + u * (high - low);
  if (kind === 'int') return low + Math.floor(u * (high - low + 1));
  return Math.min(high, Math.max(low, Math.exp(Math.log(low) + u * (Math.log(high) - Math.log(low)))));
}

/** The values of a configuration of a grid: the last parameter changes fastest. */
function gridPoint(parameters: ReadonlyMap<string, ParameterRule>, index: number): Record<string, ParameterValue> {
  const values: [string, ParameterValue][] = [];
  let rest = index;
  for (const [name, rule] of [...parameters].toReversed()) {
    if (rule.kind !== 'list') continue;
    values.unshift([name, rule.values[rest % rule.values.length]]);
    rest = Math.floor(rest / rule.values.length);
  }
  return Object.fromEntries(values);
}

/**
 * All trials of a sweep, in order. The same sweep has the same trials everywhere; a random one with more `trials` begins with the same ones.
 *
 * @throws ArgumentError when there are more than a million
 */
export function trialsOf(sweep: Sweep): Trial[] {
  const count = trialCount(sweep);
  if (count > 1_000_000) throw new ArgumentError(`sweep: too many trials, got ${count}; expected at most 1000000`, { hint: "method: 'random' with trials draws some of them" });
  const generator = new Generator(sweep.seed);
  const trials: Trial[] = [];
  for (let configuration = 0; configuration < configurations(sweep); configuration++) {
    const point =
      sweep.method === 'grid'
        ? gridPoint(sweep.parameters, configuration)
        : Object.fromEntries([...sweep.parameters].map(([name, rule]) => [name, draw(rule, generator)]));
    for (const seed of sweep.seeds ?? [null]) trials.push({ trial: trials.length, configuration, parameters: seed === null ? point : { ...point, seed } });
  }
  return trials;
}

import { ArgumentError, StateError, show } from '../errors.ts';
import { jsonOf } from './jsonlLogger.ts';
import type { Scalar } from './values.ts';

/** What a script knows of the trial it is. */
export interface TrialInfo {
  /** Its number, from 0. */
  readonly trial: number;
  /** The number of its configuration, which trials with other seeds share. */
  readonly configuration: number;
  /** 1 the first time, 2 after a failure, and so on. */
  readonly attempt: number;
  readonly parameters: Readonly<Record<string, number | string | boolean | null>>;
}

/** The environment, where there is one. */
const variable = (name: string): string | undefined => (typeof process === 'object' && typeof process.env === 'object' ? process.env[name] : undefined);

/**
 * The trial of a sweep that this process is, or null when the script runs by itself.
 *
 * @throws StateError when the variable POLYAK_TRIAL has something else
 */
export function currentTrial(): TrialInfo | null {
  const text = variable('POLYAK_TRIAL');
  if (text === undefined || text === '') return null;
  try {
    const info = JSON.parse(text) as TrialInfo;
    if (typeof info?.parameters === 'object' && info.parameters !== null) return info;
  } catch {
    // Said below.
  }
  throw new StateError(`currentTrial: POLYAK_TRIAL is no trial, got ${show(text.slice(0, 60))}; expected what polyak sweep sets`);
}

/**
 * The parameters of a script: its own values, replaced by those of the sweep that runs it.
 *
 *     const { lr, hidden } = trialParameters({ lr: 0.01, hidden: 32 });
 *
 * @param defaults - every parameter with its value outside a sweep
 * @throws ArgumentError when the sweep gives a parameter of another type, or one that is not among the defaults
 */
export function trialParameters<T extends Readonly<Record<string, number | string | boolean | null>>>(defaults: T): { [K in keyof T]: Widened<T[K]> } {
  if (typeof defaults !== 'object' || defaults === null) throw new ArgumentError(`trialParameters: no defaults, got ${show(defaults)}; expected { lr: 0.01, … }`);
  const given = currentTrial()?.parameters ?? {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaults, name)) throw new ArgumentError(`trialParameters: the sweep has a parameter that the script does not know, got '${name}'; expected one of ${Object.keys(defaults).join(', ')}`);
    const own = defaults[name];
    if (own !== null && value !== null && typeof own !== typeof value) throw new ArgumentError(`trialParameters: '${name}' has another type, got ${show(value)}; expected a ${typeof own} such as ${show(own)}`);
  }
  const merged: unknown = { ...defaults, ...given };
  return merged as { [K in keyof T]: Widened<T[K]> };
}

/** The type of a parameter, from that of its default. */
export type Widened<V> = V extends number ? number : V extends string ? string : V extends boolean ? boolean : number | string | boolean | null;

/**
 * Reports metrics of this trial to the sweep: one line of JSON on the standard output, of which the last one counts. Outside a sweep it prints just the same, and
 * nothing where there is no standard output.
 *
 * @param metrics - numbers, tensors of one element, or texts by name
 * @throws ArgumentError for anything but an object of these
 */
export function reportTrial(metrics: Readonly<Record<string, Scalar | string>>): void {
  if (typeof metrics !== 'object' || metrics === null || Array.isArray(metrics)) throw new ArgumentError(`reportTrial: not metrics, got ${show(metrics)}; expected { loss: 0.1 }`);
  const line = jsonOf('reportTrial', metrics);
  if (typeof process === 'object' && typeof process.stdout === 'object') process.stdout.write(`${line}\n`);
}

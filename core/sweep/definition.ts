import { readFile } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ArgumentError, StateError, checkOptions, show } from '../errors.ts';
import { isPlainObject } from '../io/tree.ts';

/** A value of a parameter. */
export type ParameterValue = number | string | boolean | null;

/** How a parameter is chosen. */
export type ParameterRule =
  | { readonly kind: 'list'; readonly values: readonly ParameterValue[] }
  | { readonly kind: 'uniform' | 'logUniform' | 'int'; readonly low: number; readonly high: number };

/** A sweep: what to run, with which parameters. */
export interface Sweep {
  /** The program and its first arguments. */
  readonly command: readonly string[];
  readonly method: 'grid' | 'random';
  /** Number of random configurations; null for a grid. */
  readonly trials: number | null;
  /** Seed of the random configurations. */
  readonly seed: number;
  readonly parameters: ReadonlyMap<string, ParameterRule>;
  /** Each configuration runs once with each of these as its parameter `seed`; null: once, without one. */
  readonly seeds: readonly number[] | null;
  /** Name of the metric that decides, and whether it is to be small. */
  readonly metric: string;
  readonly goal: 'min' | 'max';
  /** Seconds that a trial may take; Infinity for no limit. */
  readonly timeout: number;
  /** How often a trial that failed is run again. */
  readonly retries: number;
  readonly parallel: number;
  /** Whether parameters are given as flags, not only in POLYAK_TRIAL. */
  readonly flags: boolean;
  /** Variables added to the environment. */
  readonly env: Readonly<Record<string, string>>;
}

const FIELDS = ['script', 'command', 'method', 'trials', 'seed', 'parameters', 'seeds', 'metric', 'goal', 'timeout', 'retries', 'parallel', 'flags', 'env'];
const RANGES = ['uniform', 'logUniform', 'int'] as const;
const MAX_TRIALS = 1_000_000;

const isValue = (v: unknown): v is ParameterValue => v === null || typeof v === 'string' || typeof v === 'boolean' || (typeof v === 'number' && Number.isFinite(v));
const isCount = (min: number) => (v: unknown): v is number => typeof v === 'number' && Number.isSafeInteger(v) && v >= min;
const isNumber = (v: unknown): v is number => typeof v === 'number';
const isFilled = (v: unknown): v is string => typeof v === 'string' && v !== '';
const isListOf = <T>(v: unknown, test: (x: unknown) => x is T): v is readonly T[] => Array.isArray(v) && v.length > 0 && v.every(test);

function bad(name: string, got: unknown, rule: string): ArgumentError {
  return new ArgumentError(`sweep: invalid ${name}, got ${show(got)}; expected ${rule}`, { values: { [name]: got } });
}

function ruleOf(name: string, given: unknown): ParameterRule {
  if (!/^[^\s=-][^\s=]*$/.test(name)) throw bad('parameter name', name, 'a name without spaces, = and leading -');
  if (isValue(given)) return { kind: 'list', values: [given] };
  const where = `parameters.${name}`;
  const rule = 'a value, a list of values, or one of { choice: […] }, { uniform: [low, high] }, { logUniform: [low, high] }, { int: [low, high] }';
  const list: unknown = isPlainObject(given) && Object.keys(given).length === 1 && 'choice' in given ? given.choice : given;
  if (isListOf(list, isValue)) return { kind: 'list', values: [...list] };
  if (Array.isArray(list)) throw bad(where, given, 'a list of numbers, texts, booleans or null that is not empty');
  if (!isPlainObject(given) || Object.keys(given).length !== 1) throw bad(where, given, rule);
  const kind = RANGES.find((k) => k in given);
  if (kind === undefined) throw bad(where, given, rule);
  const range = given[kind];
  if (!isListOf(range, isNumber) || range.length !== 2 || !range.every(Number.isFinite) || range[0] >= range[1]) throw bad(`${where}.${kind}`, range, 'two finite numbers, the lower one first');
  const [low, high] = range;
  if (kind === 'logUniform' && low <= 0) throw bad(`${where}.${kind}`, range, 'numbers above 0');
  if (kind === 'int' && !range.every(Number.isSafeInteger)) throw bad(`${where}.${kind}`, range, 'integers');
  return { kind, low, high };
}

function checked<T>(given: Readonly<Record<string, unknown>>, name: string, fallback: T, rule: string, test: (v: unknown) => v is T): T {
  const value = given[name];
  if (value === undefined) return fallback;
  if (!test(value)) throw bad(name, value, rule);
  return value;
}

function commandOf({ script, command }: Readonly<Record<string, unknown>>, folder: string): readonly string[] {
  if ((script === undefined) === (command === undefined)) {
    throw new ArgumentError(`sweep: ${script === undefined ? 'there is nothing to run' : 'two programs to run'}, got script ${show(script)} and command ${show(command)}; expected one of them`);
  }
  if (script !== undefined) {
    if (!isFilled(script)) throw bad('script', script, 'the name of a file');
    return [process.execPath, resolve(folder, script)];
  }
  if (!isListOf(command, isFilled)) throw bad('command', command, 'a program and its arguments, as texts');
  return command[0] === 'node' ? [process.execPath, ...command.slice(1)] : [...command];
}

/**
 * Checks a sweep as it is written in a file.
 *
 * @param folder - what the script's name is relative to
 * @throws ArgumentError for everything that is wrong, by name
 */
export function readSweep(given: unknown, folder: string): Sweep {
  if (!isPlainObject(given)) throw bad('sweep', given, '{ script, parameters, … }');
  checkOptions('sweep', given, FIELDS);
  if (!isPlainObject(given.parameters ?? {})) throw bad('parameters', given.parameters, '{ name: values, … }');
  const parameters = new Map(Object.entries((given.parameters ?? {}) as Record<string, unknown>).map(([name, value]) => [name, ruleOf(name, value)]));
  const ranges = [...parameters].filter(([, { kind }]) => kind !== 'list').map(([name]) => name);
  const method = checked(given, 'method', ranges.length > 0 ? 'random' : 'grid', "'grid' or 'random'", (v) => v === 'grid' || v === 'random');
  if (method === 'grid' && ranges.length > 0) throw new ArgumentError(`sweep: a grid has no ranges, got ${ranges.join(', ')}; expected lists of values`, { hint: "method: 'random' draws from ranges" });
  const trials = checked(given, 'trials', null, `an integer from 1 to ${MAX_TRIALS}`, (v): v is number | null => isCount(1)(v) && v <= MAX_TRIALS);
  if (method === 'random' && trials === null) throw new ArgumentError('sweep: the number of random trials is missing, got none; expected trials: 20');
  if (method === 'grid' && trials !== null) throw new ArgumentError(`sweep: a grid has a number of trials of its own, got trials ${trials}; expected none`, { hint: "method: 'random' draws from the lists" });
  const seeds = checked<readonly number[] | null>(given, 'seeds', null, 'a list of integers', (v): v is readonly number[] => isListOf(v, isCount(0)));
  if (seeds !== null && parameters.has('seed')) throw new ArgumentError("sweep: seeds are given twice, got seeds and a parameter 'seed'; expected one of them");
  const env = checked<Readonly<Record<string, string>>>(given, 'env', {}, '{ NAME: text }', (v): v is Record<string, string> => isPlainObject(v) && Object.values(v).every((x) => typeof x === 'string'));
  return {
    command: commandOf(given, folder),
    method,
    trials,
    seed: checked(given, 'seed', 0, 'an integer ≥ 0', isCount(0)),
    parameters,
    seeds,
    metric: checked(given, 'metric', 'loss', 'the name of a metric', isFilled),
    goal: checked(given, 'goal', 'min', "'min' or 'max'", (v) => v === 'min' || v === 'max'),
    timeout: checked(given, 'timeout', Infinity, 'seconds above 0', (v): v is number => isNumber(v) && v > 0),
    retries: checked(given, 'retries', 0, 'an integer ≥ 0', isCount(0)),
    parallel: checked(given, 'parallel', 1, 'an integer ≥ 1', isCount(1)),
    flags: checked(given, 'flags', true, 'true or false', (v): v is boolean => typeof v === 'boolean'),
    env,
  };
}

/**
 * Reads a sweep from a JSON file, or from a module that exports it as `sweep` or by default.
 *
 * @throws StateError when the file cannot be read, ArgumentError when it is no sweep
 */
export async function loadSweep(path: string): Promise<Sweep> {
  const file = resolve(path);
  let given: unknown;
  try {
    if (extname(file) === '.json') given = JSON.parse(await readFile(file, 'utf8'));
    else {
      const module = (await import(pathToFileURL(file).href)) as { readonly sweep?: unknown; readonly default?: unknown };
      given = module.sweep ?? module.default;
    }
  } catch (error) {
    throw new StateError(`sweep: the file cannot be read, got ${error instanceof Error ? error.message.split('\n')[0] : String(error)}; expected JSON, or a module that exports 'sweep'`, { values: { path } });
  }
  return readSweep(given, dirname(file));
}

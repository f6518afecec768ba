import { ArgumentError, StateError, checkOptions, show } from '../core/errors.ts';
import type { FileSource, FileTarget } from '../core/io/files.ts';
import { loadSafetensors, saveSafetensors } from '../core/io/safetensors.ts';
import { toSnakeCase } from '../core/names.ts';
import { setTo } from '../core/ops/write.ts';
import { noGrad } from '../core/tape.ts';
import { type StateDict, emptyState } from '../nn/state.ts';
import { BaseAveragedModel } from './averaged.ts';
import { modelsTaken } from './interchange.ts';

/** Plain values, as JSON has them. */
type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

/** What a file says of the average in it. */
export interface AverageInfo {
  /** Name of the rule's class; null in files of other programs. */
  readonly rule: string | null;
  /** The rule's options under their names on disk (`update_buffers`); null in files of other programs. */
  readonly options: Readonly<Record<string, unknown>> | null;
  /** In what the file and the average differ: rule, options, dtypes. Empty unless `onMismatch` was given. */
  readonly differences: readonly string[];
}

/** Options of `loadAverage`. */
export interface LoadAverageOptions {
  /** Called with the differences in rule, options and dtypes, in place of an error, before the average is loaded; say, to print them. */
  readonly onMismatch?: (differences: readonly string[]) => void;
}

const MARK = 'average';
const VERSION = '1';
/** Before names of buffers that state dictionaries leave out, and an average of buffers needs. */
const UNSAVED = 'non_persistent.';
/** Fields that are state, and not options. */
const stateFields: readonly string[] = ['training', 'seeded'];

/** A value of an option as JSON; undefined for what is none. A function is an option, of which only that it is one can be kept. */
function plain(value: unknown): Plain | undefined {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) {
    const items = value.map(plain);
    return items.some((item) => item === undefined) ? undefined : (items as Plain[]);
  }
  if (typeof value !== 'object' || (Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null)) return undefined;
  const entries = Object.entries(value).map(([key, item]): [string, Plain | undefined] => [key, plain(item)]);
  return entries.some(([, item]) => item === undefined) ? undefined : (Object.fromEntries(entries) as Record<string, Plain>);
}

/** The options of an average, from its fields, under their names on disk. */
function optionsOf(average: BaseAveragedModel): Record<string, Plain> {
  const options: Record<string, Plain> = {};
  for (const [field, value] of Object.entries(average) as [string, unknown][]) {
    const written = plain(value);
    if (written !== undefined && !stateFields.includes(field)) options[toSnakeCase(field)] = written;
  }
  return options;
}

/** Buffers that the average has on its own and `stateDict` leaves out. */
function unsaved(average: BaseAveragedModel): StateDict {
  const state = emptyState();
  for (const [name, buffer] of average.module.namedBuffers()) if (!buffer.persistent && average.policyOf(name) !== 'copy') state[UNSAVED + name] = buffer.detach();
  return state;
}

function checkAverage(op: string, average: unknown): asserts average is BaseAveragedModel {
  if (!(average instanceof BaseAveragedModel)) throw new ArgumentError(`${op}: not an average, got ${show(average)}; expected a BaseAveragedModel`);
}

/**
 * Saves an average as it is at the time of the call: a safetensors file with its state, `steps` and `module.*`, and the name of the rule, its options and
 * counters in the metadata. A run that is resumed from it, with `loadAverage`, is bit for bit one that never stopped, as far as the average goes. Functions
 * among the options, schedules and policies, cannot be saved: only that there was one is noted. The path holds either its old bytes or the new ones, also when the process ends midway.
 *
 * @param path - where; an existing file is replaced
 * @param average - an average; that it has taken in a model is not needed
 * @throws StateError while the average is swapped into a model, and when the file cannot be written
 */
export async function saveAverage(path: FileTarget, average: BaseAveragedModel): Promise<void> {
  checkAverage('saveAverage', average);
  const state = average.stateDict();
  const { steps } = average;
  const metadata = {
    format: 'pt',
    polyak: MARK,
    version: VERSION,
    rule: average.constructor.name,
    options: JSON.stringify(optionsOf(average)),
    steps: String(steps.item()),
    n_averaged: String(modelsTaken(state.steps.item(), average.interval)),
    started_from_weights: String(average.startedFromWeights),
  };
  await saveSafetensors(path, { ...state, steps: steps.detach(), ...unsaved(average) }, { metadata });
}

/** The rule and the options in the metadata. */
function readMetadata(op: string, metadata: Readonly<Record<string, string>>): { readonly rule: string; readonly options: Readonly<Record<string, unknown>>; readonly fromWeights: boolean } {
  const damaged = (name: string, rule: string): StateError =>
    new StateError(`${op}: the metadata of an average is damaged, got ${name} ${show(metadata[name])}; expected ${rule}`, { values: { metadata } });
  if (metadata.version !== VERSION) {
    throw new StateError(`${op}: another version of the format, got ${show(metadata.version)}; expected '${VERSION}'`, { values: { version: metadata.version }, hint: 'a newer release of polyak wrote it' });
  }
  if (metadata.rule === undefined) throw damaged('rule', 'the name of a rule');
  let options: unknown;
  try {
    options = JSON.parse(metadata.options ?? '');
  } catch {
    options = null;
  }
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw damaged('options', 'options as JSON');
  if (metadata.started_from_weights !== 'true' && metadata.started_from_weights !== 'false') throw damaged('started_from_weights', "'true' or 'false'");
  return { rule: metadata.rule, options: options as Record<string, unknown>, fromWeights: metadata.started_from_weights === 'true' };
}

/** In what an average differs from the one that was saved. What the file says nothing of did not exist when it was written, or belongs to another rule. */
function differencesOf(average: BaseAveragedModel, rule: string, options: Readonly<Record<string, unknown>>): string[] {
  const differences: string[] = [];
  const { name } = average.constructor;
  const own = optionsOf(average);
  if (rule !== name) differences.push(`rule: '${rule}' in the file, '${name}' here`);
  for (const [key, saved] of Object.entries(options)) {
    const known = Object.hasOwn(own, key);
    if (known ? JSON.stringify(saved) !== JSON.stringify(own[key]) : rule === name) differences.push(`${key}: ${show(saved)} in the file, ${known ? show(own[key]) : 'no such option'} here`);
  }
  return differences;
}

/**
 * Loads an average from a file: everything or nothing. A file of `saveAverage` must be of the same rule with the same options and dtypes, so that averaging goes on as
 * it would have; a safetensors file of another program is taken in any form that `loadStateDict` recognises.
 *
 * @param path - a path, a URL, also of the web, a Blob, or a file handle of a browser
 * @param average - an average of the same architecture
 * @param options - `onMismatch` is called with what differs, in place of an error
 * @returns what the file says of its average
 * @throws StateError for a file that cannot be read or is damaged, for another rule, other options or dtypes, for a state that does not fit, and while the average is
 *   swapped into a model
 */
export async function loadAverage(path: FileSource, average: BaseAveragedModel, options: LoadAverageOptions = {}): Promise<AverageInfo> {
  const op = 'loadAverage';
  checkAverage(op, average);
  checkOptions(op, options, ['onMismatch']);
  const { onMismatch } = options;
  if (onMismatch !== undefined && typeof onMismatch !== 'function') throw new ArgumentError(`${op}: onMismatch is not a function, got ${show(onMismatch)}; expected a function of the differences`);
  const { tensors, metadata } = await loadSafetensors(path);
  if (metadata.polyak === undefined) {
    average.loadStateDict(tensors);
    return { rule: null, options: null, differences: [] };
  }
  if (metadata.polyak !== MARK) {
    throw new StateError(`${op}: another kind of file, got '${metadata.polyak}'; expected '${MARK}'`, metadata.polyak === 'checkpoint' ? { hint: 'loadCheckpoint reads it' } : { hint: 'load reads it' });
  }
  const { rule, options: saved, fromWeights } = readMetadata(op, metadata);
  const differences = differencesOf(average, rule, saved);
  const state = average.stateDict();
  for (const [name, value] of Object.entries(tensors)) {
    const own = state[name];
    if (own !== undefined && own.dtype !== value.dtype) differences.push(`dtype of ${name}: ${value.dtype} in the file, ${own.dtype} here`);
  }
  if (differences.length > 0) {
    if (onMismatch === undefined) {
      throw new StateError(`${op}: the file is of another average, got ${differences.length} difference${differences.length === 1 ? '' : 's'}; expected the same rule, options and dtypes\n  ${differences.join('\n  ')}`, {
        values: { differences },
        hint: 'with { onMismatch } it is loaded all the same',
      });
    }
    onMismatch(differences);
  }
  put(op, average, tensors, fromWeights);
  return { rule, options: saved, differences };
}

/** Loads tensors of a file of ours into the average. */
function put(op: string, average: BaseAveragedModel, tensors: StateDict, fromWeights: boolean): void {
  const extra = unsaved(average);
  const { steps, ...rest } = tensors;
  const hidden = Object.keys(rest).filter((key) => key.startsWith(UNSAVED));
  const problems = [
    ...Object.keys(extra).filter((key) => !hidden.includes(key)).map((key) => `missing: ${key}`),
    ...hidden.filter((key) => extra[key] === undefined && average.updateBuffers).map((key) => `unexpected: ${key}`),
    ...hidden.filter((key) => extra[key] !== undefined && show(extra[key]) !== show(rest[key])).map((key) => `${key}: got ${show(rest[key])}, expected ${show(extra[key])}`),
  ];
  if (steps === undefined || steps.numel() !== 1) problems.push(`steps: got ${show(steps)}, expected a counter`);
  if (problems.length > 0) {
    throw new StateError(`${op}: the file does not fit the average, got ${problems.length} difference${problems.length === 1 ? '' : 's'}; expected the same entries\n  ${problems.join('\n  ')}`, { values: { problems } });
  }
  const state = emptyState();
  for (const [key, value] of Object.entries(rest)) if (!key.startsWith(UNSAVED)) state[key] = value;
  // Without `steps` the average starts from weights, which count as one model.
  average.loadStateDict(fromWeights ? state : { steps, ...state });
  noGrad(() => {
    if (fromWeights) setTo(average.steps, steps.item());
    for (const [key, target] of Object.entries(extra)) target.copy_(rest[key]);
  });
}

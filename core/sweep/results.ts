import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { StateError } from '../errors.ts';
import { isPlainObject } from '../io/tree.ts';
import { parseJsonLines, wholeLines } from '../monitor/jsonLines.ts';
import { jsonOf } from '../monitor/jsonlLogger.ts';
import type { ParameterValue } from './definition.ts';
import type { Trial } from './trials.ts';

/** What came of a trial: one line of the results. */
export interface Result {
  readonly trial: number;
  readonly configuration: number;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** 'ok' for exit code 0, 'timeout' when it took too long, else 'failed'. */
  readonly status: 'ok' | 'failed' | 'timeout';
  /** Exit code of the last attempt; null when a signal ended it or it could not be started. */
  readonly exitCode: number | null;
  /** The signal that ended it, or null. */
  readonly signal: string | null;
  /** Why it could not be started, or null. */
  readonly error: string | null;
  readonly attempts: number;
  /** How long the last attempt took. */
  readonly seconds: number;
  /** When the last attempt began, as ISO 8601. */
  readonly started: string;
  /** What the program reported last; null when it reported nothing. */
  readonly metrics: Readonly<Record<string, unknown>> | null;
  /** The metric that decides; null when it was not reported or is no number. */
  readonly value: number | null;
}

/** The number of a metric, where JSON had to write NaN and infinities as texts. */
export function metricOf(metrics: Readonly<Record<string, unknown>> | null, name: string): number | null {
  const value = metrics !== null && Object.hasOwn(metrics, name) ? metrics[name] : null;
  if (typeof value === 'number') return value;
  return value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : null;
}

const isCount = (x: unknown): boolean => typeof x === 'number' && Number.isSafeInteger(x) && x >= 0;

function isResult(x: unknown): x is Result {
  return isPlainObject(x) && isCount(x.trial) && isPlainObject(x.parameters) && typeof x.status === 'string';
}

const isResultFile = (name: string): boolean => /^results(?:-\d+)?\.jsonl$/.test(name);

/**
 * All results in a folder, by trial: those of a sweep, and those that single trials wrote beside it. The last one of a trial counts; a line that was cut
 * short is left out.
 *
 * @throws StateError when a file has something else
 */
export function readResults(folder: string, metric: string): Map<number, Result> {
  const results = new Map<number, Result>();
  if (!existsSync(folder)) return results;
  for (const name of readdirSync(folder).filter(isResultFile).sort()) {
    for (const line of parseJsonLines('sweep', readFileSync(join(folder, name), 'utf8'))) {
      if (!isResult(line)) throw new StateError(`sweep: a line is no result, got ${JSON.stringify(line).slice(0, 60)} in ${join(folder, name)}; expected what a sweep wrote`);
      const before = results.get(line.trial);
      // A trial that went well is not undone by a later one that did not.
      if (before?.status !== 'ok' || line.status === 'ok') results.set(line.trial, { ...line, value: metricOf(line.metrics, metric) });
    }
  }
  return results;
}

/**
 * Refuses results of other trials: the sweep has changed since.
 *
 * @throws StateError with the first that differs
 */
export function checkResults(results: ReadonlyMap<number, Result>, trials: readonly Trial[], folder: string): void {
  for (const { trial, parameters } of results.values()) {
    if (trial >= trials.length) continue; // there are fewer trials now
    const now = trials[trial].parameters;
    if (JSON.stringify(now) === JSON.stringify(parameters)) continue;
    throw new StateError(`sweep: ${folder} has results of another sweep, got trial ${trial} with ${JSON.stringify(parameters)}; expected ${JSON.stringify(now)}`, {
      hint: 'give another folder with --out, or remove this one',
    });
  }
}

/** Adds lines to a file of results. Each is written at once and flushed to disk, so that a crash cuts at most the last one short. */
export class ResultFile {
  private readonly path: string;

  /** Makes the folder, and cuts off a line that was cut short. */
  constructor(folder: string, name: string) {
    mkdirSync(folder, { recursive: true });
    this.path = join(folder, name);
    if (!existsSync(this.path)) return;
    const bytes = readFileSync(this.path);
    const keep = wholeLines(bytes);
    if (keep < bytes.length) truncateSync(this.path, keep);
  }

  add(result: Result): void {
    const file = openSync(this.path, 'a');
    try {
      writeSync(file, `${jsonOf('sweep', result)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}

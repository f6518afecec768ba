import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Child, type Ending, lastReport } from './child.ts';
import type { ParameterValue, Sweep } from './definition.ts';
import { type Result, metricOf } from './results.ts';
import type { Trial } from './trials.ts';

/** Flags for parameters: `--lr 0.01`; `--flag` for true, nothing for false and null. */
export function flagsOf(parameters: Readonly<Record<string, ParameterValue>>): string[] {
  return Object.entries(parameters).flatMap(([name, value]) => {
    if (value === false || value === null) return [];
    if (value === true) return [`--${name}`];
    const text = String(value);
    return text.startsWith('-') || text === '' ? [`--${name}=${text}`] : [`--${name}`, text];
  });
}

/** Runs trials of a sweep as processes, and can be stopped. */
export class Runner {
  private readonly sweep: Sweep;
  private readonly folder: string;
  private readonly running = new Set<Child>();
  private stoppedBy: NodeJS.Signals | null = null;

  /** @param folder - logs go into `logs` in it */
  constructor(sweep: Sweep, folder: string) {
    this.sweep = sweep;
    this.folder = folder;
    mkdirSync(join(folder, 'logs'), { recursive: true });
  }

  /** The signal that stopped it, or null. */
  get stopped(): NodeJS.Signals | null {
    return this.stoppedBy;
  }

  /** Starts no more trials, and passes a signal on to those that run; the second time they are killed. */
  stop(signal: NodeJS.Signals): void {
    const again = this.stoppedBy !== null;
    this.stoppedBy ??= signal;
    for (const child of this.running) child.stop(again ? 'SIGKILL' : signal);
  }

  /**
   * Runs a trial, again when it fails and the sweep says so. Its log starts anew.
   *
   * @returns what came of it; null when it was stopped before it ended by itself
   */
  async run(trial: Trial): Promise<Result | null> {
    const log = join(this.folder, 'logs', `trial-${String(trial.trial).padStart(4, '0')}.log`);
    // A process of a sweep that was killed may still write to the old file.
    rmSync(log, { force: true });
    for (let attempt = 1; ; attempt++) {
      if (this.stoppedBy !== null) return null;
      const from = attempt === 1 ? 0 : statSync(log).size;
      const ending = await this.start(trial, attempt, log);
      // Even with exit code 0: it may have saved what it had, and ended early.
      if (this.stopped !== null) return null;
      const ok = ending.exitCode === 0 && !ending.timedOut;
      if (ok || attempt > this.sweep.retries) return this.resultOf(trial, attempt, ending, lastReport(log, from));
    }
  }

  /** Runs trials, as many at a time as the sweep says, and gives each result as it comes. */
  async runAll(trials: Iterable<Trial> | AsyncIterable<Trial>, done: (result: Result) => void): Promise<void> {
    const iterator = Symbol.asyncIterator in trials ? trials[Symbol.asyncIterator]() : trials[Symbol.iterator]();
    const work = async (): Promise<void> => {
      while (this.stoppedBy === null) {
        const next = await iterator.next();
        if (next.done === true) return;
        const result = await this.run(next.value);
        if (result !== null) done(result);
      }
    };
    await Promise.all(Array.from({ length: this.sweep.parallel }, work));
  }

  private async start(trial: Trial, attempt: number, log: string): Promise<Ending> {
    const { sweep } = this;
    const info = { trial: trial.trial, configuration: trial.configuration, attempt, parameters: trial.parameters };
    const env = { ...process.env, ...sweep.env, POLYAK_TRIAL: JSON.stringify(info) };
    const child = new Child([...sweep.command, ...(sweep.flags ? flagsOf(trial.parameters) : [])], env, log, sweep.timeout);
    this.running.add(child);
    try {
      return await child.ended;
    } finally {
      this.running.delete(child);
    }
  }

  private resultOf(trial: Trial, attempts: number, ending: Ending, metrics: Record<string, unknown> | null): Result {
    const { exitCode, signal, error, timedOut, seconds, started } = ending;
    const status = timedOut ? 'timeout' : exitCode === 0 ? 'ok' : 'failed';
    return { ...trial, status, exitCode, signal, error, attempts, seconds: Math.round(1000 * seconds) / 1000, started, metrics, value: metricOf(metrics, this.sweep.metric) };
  }
}

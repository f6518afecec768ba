import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readSync, fstatSync, writeSync } from 'node:fs';
import { isPlainObject } from '../io/tree.ts';

/** How a process ended. */
export interface Ending {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Why it could not be started, or null. */
  readonly error: string | null;
  readonly timedOut: boolean;
  readonly seconds: number;
  readonly started: string;
}

/** Milliseconds between a signal that asks a process to end and one that makes it. */
const GRACE_MS = 5000;

/** A process of a trial, in a group of its own, so that what it starts ends with it. */
export class Child {
  readonly ended: Promise<Ending>;
  private readonly process: ChildProcess;
  private killer: NodeJS.Timeout | null = null;
  private timedOut = false;

  /**
   * @param log - output and errors are added to this file
   * @param timeout - seconds until it is ended
   */
  constructor(command: readonly string[], env: Readonly<Record<string, string | undefined>>, log: string, timeout: number) {
    const started = new Date();
    const begin = performance.now();
    const file = openSync(log, 'a');
    writeSync(file, `# ${command.map((part) => (/^[\w./:=+-]+$/.test(part) ? part : JSON.stringify(part))).join(' ')}\n`);
    this.process = spawn(command[0], command.slice(1), { env, stdio: ['ignore', file, file], detached: process.platform !== 'win32' });
    closeSync(file);
    const limit = Number.isFinite(timeout) ? setTimeout(() => this.expire(), Math.min(1000 * timeout, 2 ** 31 - 1)) : null;
    this.ended = new Promise((resolve) => {
      const end = (exitCode: number | null, signal: string | null, error: string | null): void => {
        if (limit !== null) clearTimeout(limit);
        if (this.killer !== null) clearTimeout(this.killer);
        resolve({ exitCode, signal, error, timedOut: this.timedOut, seconds: (performance.now() - begin) / 1000, started: started.toISOString() });
      };
      this.process.once('error', (error) => end(null, null, error.message));
      this.process.once('exit', (code, signal) => end(code, signal, null));
    });
  }

  /** Asks the process and all it has started to end, and makes them a little later. */
  stop(signal: NodeJS.Signals): void {
    this.send(signal);
    this.killer ??= setTimeout(() => this.send('SIGKILL'), GRACE_MS);
  }

  private expire(): void {
    this.timedOut = true;
    this.stop('SIGTERM');
  }

  private send(signal: NodeJS.Signals): void {
    const { pid } = this.process;
    if (pid === undefined || this.process.exitCode !== null || this.process.signalCode !== null) return;
    try {
      if (process.platform === 'win32') this.process.kill(signal);
      else process.kill(-pid, signal);
    } catch {
      // It has just ended.
    }
  }
}

const TAIL = 1 << 20;

/** What a program reported: the last line of its log, behind a position, that is a JSON object; null when there is none. */
export function lastReport(log: string, from: number): Record<string, unknown> | null {
  const file = openSync(log, 'r');
  try {
    const { size } = fstatSync(file);
    const begin = Math.max(from, size - TAIL);
    const bytes = Buffer.alloc(Math.max(0, size - begin));
    readSync(file, bytes, 0, bytes.length, begin);
    for (const line of bytes.toString('utf8').split('\n').toReversed()) {
      if (!line.startsWith('{')) continue;
      try {
        const value: unknown = JSON.parse(line);
        if (isPlainObject(value)) return value;
      } catch {
        // Not JSON after all.
      }
    }
    return null;
  } finally {
    closeSync(file);
  }
}

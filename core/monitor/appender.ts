import { PolyakError, StateError } from '../errors.ts';
import { nodeModules } from './nodeModules.ts';

/** Files that are open: what they hold back is written when the process ends. */
const open = new Set<Appender>();
let watching = false;

/** What one file cannot take is no reason to lose what others hold back. */
function flushAll(): void {
  const failures: unknown[] = [];
  for (const appender of open) {
    try {
      appender.flush();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** The error of a file that cannot be used, in our words. */
export function appendError(who: string, path: string, error: unknown): PolyakError {
  if (error instanceof PolyakError) return error;
  const wrapped = new StateError(`${who}: cannot write the file, got ${error instanceof Error ? error.message : String(error)}; expected a writable path`, { values: { path } });
  wrapped.cause = error;
  return wrapped;
}

/** Settings of an `Appender`. */
export interface AppenderSettings {
  /** Who asks, for messages. */
  readonly who: string;
  /** Go on behind what the file holds ('append'), or start anew ('write'); 'new' refuses a file that exists. */
  readonly mode: 'append' | 'write' | 'new';
  /** Additions that are held back until they are written together. */
  readonly maxQueue: number;
  /** Seconds after which an addition is not held back. */
  readonly flushSeconds: number;
}

/** Adds to the end of a file, synchronously, so that a loop without `await` writes too. Folders are made. */
export class Appender {
  readonly path: string;
  private readonly settings: AppenderSettings;
  private file: number | null;
  private waiting: Uint8Array[] = [];
  private flushed = Date.now();

  /** @throws StateError when the file cannot be opened */
  constructor(path: string, settings: AppenderSettings) {
    const { who, mode } = settings;
    const node = nodeModules(who);
    this.path = path;
    this.settings = settings;
    try {
      node.fs.mkdirSync(node.path.dirname(path), { recursive: true });
      this.file = node.fs.openSync(path, mode === 'append' ? 'a' : mode === 'write' ? 'w' : 'wx');
    } catch (error) {
      throw appendError(who, path, error);
    }
    open.add(this);
    if (!watching) process.on('exit', flushAll);
    watching = true;
  }

  get isOpen(): boolean {
    return this.file !== null;
  }

  /** Adds bytes, now or with later ones. @throws StateError when the file was closed or cannot be written */
  add(bytes: Uint8Array): void {
    const { who, maxQueue, flushSeconds } = this.settings;
    if (this.file === null) throw new StateError(`${who}: the file was closed, got a write to ${this.path}; expected none after close()`);
    this.waiting.push(bytes);
    if (this.waiting.length >= maxQueue || Date.now() - this.flushed >= 1000 * flushSeconds) this.flush();
  }

  /** Writes what was held back. */
  flush(): void {
    const { waiting, file } = this;
    this.flushed = Date.now();
    if (file === null || waiting.length === 0) return;
    this.waiting = [];
    const { fs } = nodeModules(this.settings.who);
    try {
      const bytes = waiting.length === 1 ? waiting[0] : Buffer.concat(waiting);
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(file, bytes, at);
    } catch (error) {
      throw appendError(this.settings.who, this.path, error);
    }
  }

  /** Writes what was held back and closes the file. Does nothing the second time. */
  close(): void {
    if (this.file === null) return;
    this.flush();
    nodeModules(this.settings.who).fs.closeSync(this.file);
    this.file = null;
    open.delete(this);
  }
}

import { ArgumentError, StateError, checkNumber, checkOptions, show } from '../errors.ts';
import { type CheckpointOptions, encodeCheckpoint, partsLoader } from './checkpoint.ts';
import { isDamage, readEnvelope, verifyEnvelope } from './envelope.ts';
import { type FileSource, TEMPORARY, withFile, writeFileAtomic } from './files.ts';
import { type Folder, type FolderPath, openFolder } from './folders.ts';
import type { CheckpointParts } from './parts.ts';
import type { ByteSource } from './source.ts';
import type { StateTree } from './tree.ts';

/** Options of `CheckpointManager`. */
export interface CheckpointManagerOptions {
  /** How many checkpoints stay in the folder, the newest; default 3. */
  readonly keep?: number;
  /** The start of their names: `<name>-<step>.safetensors`; default 'checkpoint'. */
  readonly name?: string;
}

/** A checkpoint that was loaded. */
export interface Restored {
  /** The step it was saved at. */
  readonly step: number;
  /** Plain values by name, as `loadCheckpoint` returns them. */
  readonly values: Record<string, StateTree>;
  /** Newer files that are damaged and were passed over. */
  readonly damaged: readonly string[];
}

/** A complete checkpoint in the folder. */
export interface SavedCheckpoint {
  readonly step: number;
  /** What `loadCheckpoint` takes. */
  readonly file: FileSource;
}

const DIGITS = 10;

/**
 * The checkpoints of one run in a folder of their own: saved at steps, the newest few kept, the newest complete one found again.
 * Whenever the process ends, `SIGKILL` and power failures included, the folder holds the last checkpoint whose `save` was done,
 * and a run that goes on from there ends with the bits of one that was never stopped, if everything that changes is among the parts.
 * Only one process at a time may save into a folder.
 *
 * ```text
 * const { step, values } = (await manager.restore(parts)) ?? { step: 0, values: { epoch: 0 } };
 * … await manager.save(step, { ...parts, epoch });
 * ```
 */
export class CheckpointManager {
  private readonly folder: Folder;
  private readonly keep: number;
  private readonly pattern: RegExp;
  private readonly name: string;
  private readonly broken = new Set<string>();
  /** The save that is under way; the next one waits for it. */
  private last: Promise<void> = Promise.resolve();

  /**
   * @param folder - a path or file URL, or a folder handle of a browser; made when the first checkpoint comes
   * @throws ArgumentError for anything else, and for bad options
   */
  constructor(folder: FolderPath, options: CheckpointManagerOptions = {}) {
    const op = 'CheckpointManager';
    checkOptions(op, options, ['keep', 'name']);
    const { keep = 3, name = 'checkpoint' } = options;
    checkNumber(op, 'keep', keep, 'an integer ≥ 1', (n) => Number.isSafeInteger(n) && n >= 1);
    if (typeof name !== 'string' || !/^\w[\w.-]{0,63}$/.test(name)) throw new ArgumentError(`${op}: invalid name, got ${show(name)}; expected letters, digits, '_', '-' and '.', at most 64`);
    this.folder = openFolder(op, folder);
    this.keep = keep;
    this.name = name;
    this.pattern = new RegExp(`^${name.replaceAll('.', '\\.')}-(\\d{1,16})\\.safetensors$`);
  }

  /**
   * Saves the parts of a run as they are at the time of the call, and then removes checkpoints beyond the newest `keep`.
   * Saves of one manager are done one after the other.
   *
   * @param step - a whole number that grows from save to save; saving at the same step again replaces the checkpoint
   * @param parts - as for `saveCheckpoint`
   * @throws StateError when the file cannot be written, or the folder holds a later checkpoint, so that another run lies there:
   *   nothing is removed then; otherwise as `saveCheckpoint`
   */
  async save(step: number, parts: CheckpointParts): Promise<void> {
    const op = 'CheckpointManager.save';
    checkNumber(op, 'step', step, 'an integer ≥ 0', (n) => Number.isSafeInteger(n) && n >= 0);
    const chunks = encodeCheckpoint(op, parts);
    if (chunks instanceof Promise) chunks.catch(() => undefined); // awaited below, maybe later
    const work = this.last.then(async () => {
      await this.folder.make(op);
      const names = await this.folder.list(op);
      const later = this.stepsOf(names).filter(({ step: other, name }) => other > step && !this.broken.has(name));
      if (later.length > 0) {
        throw new StateError(`${op}: the folder holds later checkpoints, got step ${step}, and ${later[0].step} there; expected a later step`, {
          values: { step, latest: later[0].step },
          hint: 'restore() goes on from there; another run needs another folder or name',
        });
      }
      const file = this.fileOf(step);
      try {
        await writeFileAtomic(op, await this.folder.target(file), await chunks);
      } catch (error) {
        // Browsers make an empty file before there is something to write.
        if (!names.includes(file)) await this.folder.remove(op, [file]).catch(() => undefined);
        throw error;
      }
      this.broken.delete(file);
      const old = this.stepsOf(await this.folder.list(op)).filter(({ name }) => !this.broken.has(name)).slice(this.keep);
      await this.folder.remove(op, [...old.map(({ name }) => name), ...this.broken, ...names.filter((name) => this.isLeftOver(name))]);
      this.broken.clear();
    });
    this.last = work.catch(() => undefined);
    await work;
  }

  /**
   * Loads the newest complete checkpoint into the parts of a run, all of them or, on any error, none. Files that are
   * damaged or cut short are passed over and named in the result; the next `save` removes them.
   *
   * @param parts - as for `loadCheckpoint`
   * @returns null when there is no complete checkpoint
   * @throws StateError when the parts do not fit, or the folder cannot be read; otherwise as `loadCheckpoint`
   */
  async restore(parts: CheckpointParts, options?: CheckpointOptions): Promise<Restored | null> {
    const op = 'CheckpointManager.restore';
    const load = partsLoader(op, parts, options);
    const found = await this.find(op, (source) => readEnvelope(op, 'checkpoint', source));
    return found === null ? null : { step: found.step, values: load(found.content), damaged: found.damaged };
  }

  /** The newest complete checkpoint, or null. @throws StateError when the folder cannot be read */
  async latest(): Promise<SavedCheckpoint | null> {
    const op = 'CheckpointManager.latest';
    const found = await this.find(op, (source) => verifyEnvelope(op, 'checkpoint', source));
    return found === null ? null : { step: found.step, file: found.file };
  }

  /** Steps of the checkpoints in the folder, from the first to the last; damaged ones too. @throws StateError when it cannot be read */
  async steps(): Promise<number[]> {
    await this.last;
    return this.stepsOf(await this.folder.list('CheckpointManager.steps')).map(({ step }) => step).reverse();
  }

  /** The newest file whose checksum is right, and what `read` makes of it. */
  private async find<T>(op: string, read: (source: ByteSource) => Promise<T>): Promise<{ step: number; file: FileSource; content: T; damaged: string[] } | null> {
    await this.last;
    const damaged: string[] = [];
    for (const { step, name } of this.stepsOf(await this.folder.list(op))) {
      const file = await this.folder.source(name);
      let fault: unknown = null;
      const content = await withFile(op, file, (source) =>
        read(source).catch((error: unknown) => {
          if (!isDamage(error)) throw error;
          fault = error;
          return null;
        }),
      );
      if (fault === null) return { step, file, content: content as T, damaged };
      damaged.push(name);
      this.broken.add(name);
    }
    return null;
  }

  private fileOf(step: number): string {
    return `${this.name}-${String(step).padStart(DIGITS, '0')}.safetensors`;
  }

  /** Checkpoints among the names, the newest first. */
  private stepsOf(names: readonly string[]): { readonly step: number; readonly name: string }[] {
    const found = names.flatMap((name) => {
      const step = Number(this.pattern.exec(name)?.[1] ?? NaN);
      return Number.isSafeInteger(step) && name === this.fileOf(step) ? [{ step, name }] : [];
    });
    return found.sort((a, b) => b.step - a.step);
  }

  /** True for what a process left that ended while it saved. */
  private isLeftOver(name: string): boolean {
    return this.pattern.test(TEMPORARY.exec(name)?.[1] ?? '');
  }
}

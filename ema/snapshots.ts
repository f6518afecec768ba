import { ArgumentError, StateError, checkOptions, show } from '../core/errors.ts';
import { type Bytes, checkBytes } from '../core/io/bytes.ts';
import { onHost, readSafetensors, writeSafetensors } from '../core/io/safetensors.ts';
import type { FloatFileDType } from '../core/io/safetensors-dtypes.ts';
import type { Module } from '../nn/module.ts';
import type { StateDict } from '../nn/state.ts';
import { notAveraged, policiesOf } from './policy.ts';
import { PowerFunctionEMA, sigmaRelFromGamma } from './power.ts';
import { anySwapped, refuseSwapped } from './swap.ts';

/** Which average a snapshot holds. */
export interface SnapshotInfo {
  /** Name of the rule: `PowerFunctionEMA`. */
  readonly rule: string;
  /** Calls of `updateParameters` up to the snapshot. */
  readonly steps: number;
  /** Every how many calls a model was taken in. */
  readonly interval: number;
  /** Exponent of the profile. */
  readonly gamma: number;
  /** Width of the profile relative to the length of training. */
  readonly sigmaRel: number;
  /** Names of floating entries that are no average: the source's own at `steps`, or what a policy skips. */
  readonly copied: readonly string[];
}

/**
 * Where snapshots are kept. Write one for anything that holds bytes (IndexedDB, a server): what `put` gets, `list` and `get` give back. A snapshot
 * of the same steps and gamma replaces the one before: `snapshotName(info)` is a name by which to keep it.
 */
export interface SnapshotStore {
  /** Keeps a snapshot: the bytes of a safetensors file, which nobody changes later. */
  put(info: SnapshotInfo, bytes: Uint8Array): void | Promise<void>;
  /** What is there, in any order. */
  list(): readonly SnapshotInfo[] | Promise<readonly SnapshotInfo[]>;
  /** The bytes of a snapshot that `list` named. */
  get(info: SnapshotInfo): Bytes | Promise<Bytes>;
}

/** Options of `putSnapshot`. */
export interface SnapshotOptions {
  /** How floats are written; default as they are. `float16` and `bfloat16` take half the room and cost the digits that they lack. */
  readonly dtype?: FloatFileDType;
}

const FORMAT = 'polyak.snapshot';

/** A name for a snapshot, distinct for each steps and gamma and in the order of steps: `000001024-sigma0.1-gamma6.937203938`. */
export function snapshotName({ steps, gamma }: Pick<SnapshotInfo, 'steps' | 'gamma'>): string {
  return `${String(steps).padStart(9, '0')}-sigma${Number(sigmaRelFromGamma(gamma).toPrecision(4))}-gamma${Number(gamma.toPrecision(10))}`;
}

/**
 * Stores a power-function average as it is at the time of the call: the averaged model's state dictionary, with what it is in the metadata
 * (`rule`, `steps`, `interval`, `gamma`, `sigma_rel`, `copied`). Training may go on before the promise is settled.
 *
 * @param store - where; anything with `put`
 * @throws StateError before the first update; ArgumentError for another rule, whose profile is no power function
 */
export async function putSnapshot(store: Pick<SnapshotStore, 'put'>, average: PowerFunctionEMA, options?: SnapshotOptions): Promise<SnapshotInfo> {
  const op = 'putSnapshot';
  checkOptions(op, options, ['dtype']);
  checkStore(op, store, ['put']);
  if (!(average instanceof PowerFunctionEMA)) throw new ArgumentError(`${op}: no power-function profile, got ${show(average)}; expected a PowerFunctionEMA`);
  if (anySwapped()) refuseSwapped(op, average.module);
  const info = infoOf(average);
  if (info.steps === 0) throw new StateError(`${op}: there is no average yet, got 0 updates; expected updateParameters to have been called`);
  const write = (state: Readonly<StateDict>): Uint8Array => writeSafetensors(state, { ...options, metadata: toMetadata(info) });
  const host = onHost(average.module.stateDict());
  await store.put(info, write(host instanceof Promise ? await host : host));
  return info;
}

/** @throws ArgumentError unless a store has the methods that are needed */
export function checkStore(op: string, store: unknown, methods: readonly (keyof SnapshotStore)[]): void {
  const has = (name: string): boolean => typeof store === 'object' && store !== null && name in store && typeof (store as Readonly<Record<string, unknown>>)[name] === 'function';
  if (!methods.every(has)) throw new ArgumentError(`${op}: not a store of snapshots, got ${show(store)}; expected an object with ${methods.join(', ')}`);
}

/** What a snapshot of the average, taken now, holds. */
function infoOf(average: PowerFunctionEMA): SnapshotInfo {
  const module: Module = average.module;
  const policies = policiesOf(average.constructor.name, module, average.policy, average.updateBuffers);
  return { rule: 'PowerFunctionEMA', steps: average.steps.item(), interval: average.interval, gamma: average.gamma, sigmaRel: average.sigmaRel, copied: notAveraged(module, policies) };
}

function toMetadata(info: SnapshotInfo): Record<string, string> {
  return {
    format: FORMAT,
    rule: info.rule,
    steps: String(info.steps),
    interval: String(info.interval),
    gamma: String(info.gamma),
    sigma_rel: String(info.sigmaRel),
    copied: JSON.stringify(info.copied),
  };
}

/** What the metadata of a safetensors file says, or null when it is no snapshot. @throws StateError when it is one but damaged */
export function fromMetadata(op: string, metadata: Readonly<Record<string, string>>): SnapshotInfo | null {
  if (metadata.format !== FORMAT) return null;
  const damaged = (name: string, rule: string): StateError =>
    new StateError(`${op}: the metadata of a snapshot is damaged, got ${name} ${show(metadata[name])}; expected ${rule}`, { values: { metadata } });
  const number = (name: string, rule: string, test: (v: number) => boolean): number => {
    const value = metadata[name] === undefined || metadata[name].trim() === '' ? NaN : Number(metadata[name]);
    if (!test(value)) throw damaged(name, rule);
    return value;
  };
  const count = (v: number): boolean => Number.isSafeInteger(v) && v >= 1;
  if (metadata.rule === undefined) throw damaged('rule', 'the name of a rule');
  return {
    rule: metadata.rule,
    steps: number('steps', 'an integer ≥ 1', count),
    interval: number('interval', 'an integer ≥ 1', count),
    gamma: number('gamma', 'a number > -1', (v) => v > -1 && v < Infinity),
    sigmaRel: number('sigma_rel', 'a number > 0', (v) => v > 0 && v < 1),
    copied: names(metadata.copied) ?? raise(damaged('copied', 'a JSON array of names')),
  };
}

function names(text: string | undefined): readonly string[] | null {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return Array.isArray(value) && value.every((v) => typeof v === 'string') ? value : null;
  } catch {
    return null;
  }
}

function raise(error: Error): never {
  throw error;
}

/** What is in the bytes of a snapshot. */
export interface Snapshot {
  readonly info: SnapshotInfo;
  /** The averaged model's state dictionary. */
  readonly state: StateDict;
}

/**
 * Reads the bytes of a snapshot.
 *
 * @throws StateError for anything but a snapshot that `putSnapshot` wrote
 */
export function readSnapshot(bytes: Bytes): Snapshot {
  const op = 'readSnapshot';
  const { tensors, metadata } = readSafetensors(checkBytes(op, bytes));
  const info = fromMetadata(op, metadata);
  if (info === null) throw new StateError(`${op}: not a snapshot, got format ${show(metadata.format)} in the metadata; expected '${FORMAT}'`);
  return { info, state: tensors };
}

/** By steps, then by gamma. */
export const byTime = (a: SnapshotInfo, b: SnapshotInfo): number => a.steps - b.steps || a.gamma - b.gamma;

/** Snapshots in memory, as the bytes of safetensors files. */
export class MemorySnapshots implements SnapshotStore {
  private readonly kept = new Map<string, { readonly info: SnapshotInfo; readonly bytes: Uint8Array }>();

  /** Keeps a snapshot, in place of one of the same steps and gamma. */
  put(info: SnapshotInfo, bytes: Uint8Array): void {
    this.kept.set(snapshotName(info), { info, bytes });
  }

  /** What is there, by steps, then by gamma. */
  list(): readonly SnapshotInfo[] {
    return [...this.kept.values()].map(({ info }) => info).sort(byTime);
  }

  /** The bytes of a snapshot. @throws StateError when it is not there */
  get(info: SnapshotInfo): Uint8Array {
    const found = this.kept.get(snapshotName(info));
    if (found === undefined) throw new StateError(`MemorySnapshots.get: no such snapshot, got ${snapshotName(info)}; expected one of ${this.kept.size} in list()`);
    return found.bytes;
  }
}

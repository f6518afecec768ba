import { StateError, checkOptions, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { bareRecord } from './bare.ts';
import { type Bytes, checkBytes } from './bytes.ts';
import { encodeEnvelope, packEnvelope, readEnvelope, unpackEnvelope } from './envelope.ts';
import { type FileSource, type FileTarget, withFile, writeFileAtomic } from './files.ts';
import { type CheckpointParts, type Slot, slotsOf } from './parts.ts';
import { onHost } from './safetensors.ts';
import { type FlatTree, type StateTree, copyTree, flattenTree, isPlainObject } from './tree.ts';

/** Options of `loadCheckpoint` and `unpackCheckpoint`. */
export interface CheckpointOptions {
  /** Whether parts that only the file or only the call has are errors; default true. */
  readonly strict?: boolean;
}

/**
 * The parts of a run as the bytes of one safetensors file. Tensors lie under their paths (`model.conv.weight`,
 * `optimizer.state.0.expAvg`), everything else as JSON in the metadata, numbers exact, with a CRC-32 of the whole file.
 *
 * @param parts - objects with `stateDict()` (models, optimizers, schedulers, averages, loaders) or `getState()`
 *   (generators), arrays or objects of these, and plain values (`epoch: 3`)
 * @throws ArgumentError for a part that cannot be saved, DeviceError for tensors that are not on the CPU
 */
export function packCheckpoint(parts: CheckpointParts): Uint8Array {
  return packEnvelope('packCheckpoint', 'checkpoint', flattenParts('packCheckpoint', parts));
}

/**
 * Loads the bytes of a checkpoint into the parts of a run: all of them or, on any error, none.
 *
 * @param bytes - the whole file
 * @param parts - the objects to load into; names of plain values are demanded of the file. Without `parts` everything is returned
 * @returns plain values by name, and the states of parts that were not asked for
 * @throws StateError when the file is foreign, damaged, cut short or of a newer version, when parts are missing or
 *   unexpected, or when a part refuses its state: those loaded before are put back then
 */
export function unpackCheckpoint(bytes: Bytes, parts?: CheckpointParts, options?: CheckpointOptions): Record<string, StateTree> {
  const op = 'unpackCheckpoint';
  const load = partsLoader(op, parts, options);
  return load(unpackEnvelope(op, 'checkpoint', checkBytes(op, bytes)));
}

/**
 * Saves the parts of a run, as they are at the time of the call, in one file. The path holds either its old bytes or the
 * new ones, also when the process ends midway.
 *
 * @param path - where; an existing file is replaced
 * @param parts - as for `packCheckpoint`
 * @throws StateError when the file cannot be written: the old one is untouched then; otherwise as `packCheckpoint`
 */
export async function saveCheckpoint(path: FileTarget, parts: CheckpointParts): Promise<void> {
  const op = 'saveCheckpoint';
  const chunks = encodeCheckpoint(op, parts);
  await writeFileAtomic(op, path, chunks instanceof Promise ? await chunks : chunks);
}

/** The bytes of a checkpoint, of the parts as they are now; a promise where tensors lie on another device. */
export function encodeCheckpoint(op: string, parts: CheckpointParts): Uint8Array[] | Promise<Uint8Array[]> {
  const { structure, tensors } = flattenParts(op, parts);
  const encode = (host: FlatTree['tensors']): Uint8Array[] => encodeEnvelope(op, 'checkpoint', { structure, tensors: host });
  const host = onHost(tensors);
  return host instanceof Promise ? host.then(encode) : encode(host);
}

/**
 * Loads a checkpoint file into the parts of a run: all of them or, on any error, none.
 *
 * @param path - a path, a URL, also of the web, a Blob, or a file handle of a browser
 * @param parts - as for `unpackCheckpoint`
 * @returns as `unpackCheckpoint`
 * @throws StateError when the file cannot be read; otherwise as `unpackCheckpoint`
 */
export async function loadCheckpoint(path: FileSource, parts?: CheckpointParts, options?: CheckpointOptions): Promise<Record<string, StateTree>> {
  const op = 'loadCheckpoint';
  const load = partsLoader(op, parts, options);
  return load(await withFile(op, path, (source) => readEnvelope(op, 'checkpoint', source)));
}

/** Checks the arguments, and returns what loads the content of a file into the parts. */
export function partsLoader(op: string, parts: CheckpointParts | undefined, options: CheckpointOptions | undefined): (tree: StateTree) => Record<string, StateTree> {
  checkOptions(op, options, ['strict']);
  const slots = parts === undefined ? null : slotsOf(op, parts);
  return (tree) => loadParts(op, tree, slots, options?.strict ?? true);
}

/** Part by part its kind and its content. */
function flattenParts(op: string, parts: CheckpointParts): FlatTree {
  const content = bareRecord<unknown>();
  const kinds: [string, string][] = [];
  for (const [name, slot] of slotsOf(op, parts)) {
    kinds.push([name, slot.kind]);
    content[name] = slot.kind === 'state' ? slot.get() : slot.value;
  }
  const flat = flattenTree(op, content);
  return { tensors: flat.tensors, structure: { kinds, content: flat.structure } };
}

function loadParts(op: string, tree: StateTree, slots: ReadonlyMap<string, Slot> | null, strict: boolean): Record<string, StateTree> {
  const { kinds, content } = openParts(op, tree);
  if (slots !== null) checkParts(op, kinds, slots, strict);
  const rest = bareRecord<StateTree>();
  const pairs: [string, Slot & { readonly kind: 'state' }, StateTree][] = [];
  for (const [name, state] of Object.entries(content)) {
    const slot = slots?.get(name);
    if (slot?.kind === 'state') pairs.push([name, slot, state]);
    else rest[name] = state;
  }
  loadAll(op, pairs);
  return rest;
}

type Kinds = ReadonlyMap<string, Slot['kind']>;

function openParts(op: string, tree: StateTree): { readonly kinds: Kinds; readonly content: Readonly<Record<string, StateTree>> } {
  if (isTree(tree) && isTree(tree.content) && Array.isArray(tree.kinds)) {
    const { content } = tree;
    const kinds = new Map<string, Slot['kind']>();
    for (const pair of tree.kinds) {
      const [name, kind] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
      if (typeof name === 'string' && (kind === 'state' || kind === 'value') && Object.hasOwn(content, name)) kinds.set(name, kind);
    }
    if (kinds.size === tree.kinds.length && kinds.size === Object.keys(content).length) return { kinds, content };
  }
  throw new StateError(`${op}: the structure of the file is wrong, got ${show(tree)}; expected the parts of a checkpoint`);
}

function isTree(tree: StateTree): tree is { readonly [key: string]: StateTree } {
  return isPlainObject(tree) && !(tree instanceof Tensor);
}

/** Compares names and kinds of parts, and reports the whole difference. */
function checkParts(op: string, kinds: Kinds, slots: ReadonlyMap<string, Slot>, strict: boolean): void {
  const missing = strict ? [...slots.keys()].filter((name) => !kinds.has(name)) : [];
  const unexpected = strict ? [...kinds].filter(([name, kind]) => kind === 'state' && !slots.has(name)).map(([name]) => name) : [];
  const wrong = [...slots].filter(([name, slot]) => kinds.has(name) && kinds.get(name) !== slot.kind).map(([name]) => name);
  if (missing.length + unexpected.length + wrong.length === 0) return;
  const lines = [
    ...missing.map((name) => `missing in the file: ${name}`),
    ...unexpected.map((name) => `unexpected in the file: ${name}`),
    ...wrong.map((name) => (kinds.get(name) === 'state' ? `the state of an object in the file, a plain value here: ${name}` : `a plain value in the file, an object here: ${name}`)),
  ];
  throw new StateError(
    `${op}: the parts do not match, got ${[...kinds.keys()].join(', ') || 'none'} in the file; expected ${[...slots.keys()].join(', ') || 'none'}\n${lines.map((line) => `  ${line}`).join('\n')}`,
    { values: { missing, unexpected, wrong }, ...(wrong.length === 0 && { hint: '{ strict: false } loads the parts that both have' }) },
  );
}

/** Loads every part, or puts back those that were loaded before one refused. */
function loadAll(op: string, pairs: readonly (readonly [string, Slot & { readonly kind: 'state' }, StateTree])[]): void {
  const before = pairs.map(([, slot]) => copyTree(slot.get()));
  for (let i = 0; i < pairs.length; i++) {
    const [name, slot, state] = pairs[i];
    try {
      slot.set(state);
    } catch (error) {
      const stuck: string[] = [];
      for (let k = i; k >= 0; k--) {
        try {
          pairs[k][1].set(before[k]);
        } catch {
          stuck.push(pairs[k][0]);
        }
      }
      throw refused(op, name, error, stuck);
    }
  }
}

function refused(op: string, name: string, error: unknown, stuck: readonly string[]): StateError {
  const reason = error instanceof Error ? error.message : String(error);
  const after = stuck.length === 0 ? 'all parts are as they were' : `these could not be put back: ${stuck.join(', ')}`;
  const wrapped = new StateError(`${op}: part '${name}' refused its state (${after}), got the error\n  ${reason.replaceAll('\n', '\n  ')}\n; expected a state that fits`, {
    values: { part: name, stuck },
  });
  wrapped.cause = error;
  return wrapped;
}


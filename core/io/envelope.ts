import { StateError } from '../errors.ts';
import { joinBytes } from './bytes.ts';
import { crc32 } from './crc32.ts';
import type { Tensor } from '../tensor.ts';
import { bareRecord } from './bare.ts';
import { type SafetensorsFile, decodeSafetensors, decodeTensor, readHeader } from './safetensors.ts';
import { encodeSafetensors } from './safetensors-encode.ts';
import { METADATA } from './safetensors-header.ts';
import type { ByteSource } from './source.ts';
import { type FlatTree, type StateTree, unflattenTree } from './tree.ts';

/** What a file of ours holds: the parts of a run, or one state dictionary. */
export type EnvelopeKind = 'checkpoint' | 'state';

const VERSION = '1';
const DIGITS = 8;
const ZEROS = '0'.repeat(DIGITS);
const PREFIX = `{"${METADATA}":{"checksum":"`;
const CHECKSUM_AT = 8 + PREFIX.length;

/** Bytes at the start of a file that tell whether it is one of ours. */
export const SIGNATURE_LENGTH: number = CHECKSUM_AT + DIGITS;

/**
 * A tree as the chunks of a safetensors file. Its metadata begins with a CRC-32 of the whole file in which the checksum
 * itself counts as eight zeros.
 */
export function encodeEnvelope(op: string, kind: EnvelopeKind, { tensors, structure }: FlatTree): Uint8Array[] {
  const metadata = { checksum: ZEROS, format: 'pt', polyak: kind, version: VERSION, structure: JSON.stringify(structure) };
  const chunks = encodeSafetensors(op, tensors, { metadata });
  let sum = 0;
  for (const chunk of chunks) sum = crc32(chunk, sum);
  chunks[0].set(new TextEncoder().encode(hex(sum)), CHECKSUM_AT);
  return chunks;
}

/** `encodeEnvelope` in one array. */
export function packEnvelope(op: string, kind: EnvelopeKind, tree: FlatTree): Uint8Array {
  return joinBytes(encodeEnvelope(op, kind, tree));
}

function hex(sum: number): string {
  return sum.toString(16).padStart(DIGITS, '0');
}

function ascii(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes.slice());
}

/** True when a file starts like one of ours. */
export function isEnvelope(start: Uint8Array): boolean {
  return start.length >= SIGNATURE_LENGTH && ascii(start.subarray(8, CHECKSUM_AT)) === PREFIX;
}

/**
 * The tree in the bytes of a file.
 *
 * @throws StateError when the file is foreign, damaged, cut short, of another kind, or of a newer version
 */
export function unpackEnvelope(op: string, kind: EnvelopeKind, bytes: Uint8Array): StateTree {
  if (!isEnvelope(bytes)) {
    decodeSafetensors(op, bytes);
    throw foreign(op, kind);
  }
  const damage = damageOf(op, bytes.subarray(0, SIGNATURE_LENGTH), [bytes.subarray(SIGNATURE_LENGTH)]);
  if (damage !== null) {
    refuseShort(attempt(() => decodeSafetensors(op, bytes)));
    throw damage;
  }
  return open(op, kind, decodeSafetensors(op, bytes));
}

const PIECE = 2 ** 24;

/**
 * The same of a file: its checksum is taken piece by piece before tensors are read one by one, so that memory holds them once.
 *
 * @throws as `unpackEnvelope`
 */
export async function readEnvelope(op: string, kind: EnvelopeKind, source: ByteSource): Promise<StateTree> {
  const metadata = await verifyEnvelope(op, kind, source);
  const { header, start } = await readHeader(op, source);
  const tensors = bareRecord<Tensor>();
  for (const entry of header.entries) tensors[entry.name] = decodeTensor(op, entry, await source.read(start + entry.begin, entry.end - entry.begin));
  return open(op, kind, { tensors, metadata });
}

/**
 * Reads a whole file, and returns the metadata of one that is complete and of this kind.
 *
 * @throws as `unpackEnvelope`
 */
export async function verifyEnvelope(op: string, kind: EnvelopeKind, source: ByteSource): Promise<SafetensorsFile['metadata']> {
  const start = await source.read(0, Math.min(SIGNATURE_LENGTH, source.size));
  if (!isEnvelope(start)) {
    await readHeader(op, source);
    throw foreign(op, kind);
  }
  let sum = sumOfStart(start);
  for (let at = SIGNATURE_LENGTH; at < source.size; at += PIECE) sum = crc32(await source.read(at, Math.min(PIECE, source.size - at)), sum);
  const damage = compare(op, start, sum);
  if (damage !== null) {
    refuseShort(await readHeader(op, source).catch((error: unknown) => error));
    throw damage;
  }
  const { metadata } = (await readHeader(op, source)).header;
  checkKind(op, kind, metadata);
  return metadata;
}

function open(op: string, kind: EnvelopeKind, { tensors, metadata }: SafetensorsFile): StateTree {
  checkKind(op, kind, metadata);
  let structure: unknown;
  try {
    structure = JSON.parse(metadata.structure);
  } catch {
    throw new StateError(`${op}: the structure of the file is wrong, got no JSON; expected JSON`);
  }
  return unflattenTree(op, { tensors, structure });
}

/** True when a file cannot be read because it is damaged or cut short, and not because it is another one. */
export function isDamage(error: unknown): boolean {
  return error instanceof StateError && !Object.hasOwn(error.values, 'kind') && !Object.hasOwn(error.values, 'version');
}

/** The error for a safetensors file that another program, or `saveSafetensors`, wrote. */
export function foreign(op: string, kind: EnvelopeKind): StateError {
  return new StateError(`${op}: not a ${kind} file, got a safetensors file without polyak's mark; expected a file of polyak`, { values: { kind: null }, hint: 'loadSafetensors reads its tensors' });
}

function sumOfStart(start: Uint8Array): number {
  return crc32(new TextEncoder().encode(ZEROS), crc32(start.subarray(0, CHECKSUM_AT)));
}

function damageOf(op: string, start: Uint8Array, rest: readonly Uint8Array[]): StateError | null {
  return compare(op, start, rest.reduce((sum, piece) => crc32(piece, sum), sumOfStart(start)));
}

/** The error for a checksum that is not the one in the file. */
function compare(op: string, start: Uint8Array, sum: number): StateError | null {
  const stored = ascii(start.subarray(CHECKSUM_AT, SIGNATURE_LENGTH));
  const found = hex(sum);
  if (found === stored) return null;
  return new StateError(`${op}: the file is damaged, got checksum ${found}; expected '${stored}'`, { values: { checksum: found, expected: stored } });
}

function attempt(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
}

/** A file that only lacks its end gets the error that says so. */
function refuseShort(error: unknown): void {
  if (!(error instanceof StateError)) return;
  const { size, expected } = error.values;
  if (typeof size === 'number' && typeof expected === 'number' && size < expected) throw error;
}

function checkKind(op: string, kind: EnvelopeKind, metadata: SafetensorsFile['metadata']): void {
  if (metadata.polyak !== kind) {
    const hints: Readonly<Record<string, string>> = { checkpoint: 'loadCheckpoint reads it', state: 'load reads it' };
    const hint = Object.hasOwn(hints, metadata.polyak) ? { hint: hints[metadata.polyak] } : {};
    throw new StateError(`${op}: another kind of file, got '${metadata.polyak ?? ''}'; expected '${kind}'`, { values: { kind: metadata.polyak }, ...hint });
  }
  if (metadata.version !== VERSION) {
    throw new StateError(`${op}: another version of the format, got '${metadata.version ?? ''}'; expected '${VERSION}'`, {
      values: { version: metadata.version },
      hint: 'a newer release of polyak wrote it',
    });
  }
}


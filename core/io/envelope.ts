import { StateError } from '../errors.ts';
import { joinBytes } from './bytes.ts';
import { crc32 } from './crc32.ts';
import { type SafetensorsFile, decodeSafetensors } from './safetensors.ts';
import { encodeSafetensors } from './safetensors-encode.ts';
import { METADATA } from './safetensors-header.ts';
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
  checkSum(op, bytes);
  const { tensors, metadata } = decodeSafetensors(op, bytes);
  checkKind(op, kind, metadata);
  let structure: unknown;
  try {
    structure = JSON.parse(metadata.structure);
  } catch {
    throw new StateError(`${op}: the structure of the file is wrong, got no JSON; expected JSON`);
  }
  return unflattenTree(op, { tensors, structure });
}

/** The error for a safetensors file that another program, or `saveSafetensors`, wrote. */
export function foreign(op: string, kind: EnvelopeKind): StateError {
  return new StateError(`${op}: not a ${kind} file, got a safetensors file without polyak's mark; expected a file of polyak`, { hint: 'loadSafetensors reads its tensors' });
}

function checkSum(op: string, bytes: Uint8Array): void {
  const stored = ascii(bytes.subarray(CHECKSUM_AT, SIGNATURE_LENGTH));
  let sum = crc32(bytes.subarray(0, CHECKSUM_AT));
  sum = crc32(new TextEncoder().encode(ZEROS), sum);
  const found = hex(crc32(bytes.subarray(SIGNATURE_LENGTH), sum));
  if (found === stored) return;
  refuseShort(op, bytes);
  throw new StateError(`${op}: the file is damaged, got checksum ${found}; expected '${stored}'`, { values: { checksum: found, expected: stored } });
}

/** A file that only lacks its end gets the error that says so. */
function refuseShort(op: string, bytes: Uint8Array): void {
  try {
    decodeSafetensors(op, bytes);
  } catch (error) {
    if (!(error instanceof StateError)) return;
    const { size, expected } = error.values;
    if (typeof size === 'number' && typeof expected === 'number' && size < expected) throw error;
  }
}

function checkKind(op: string, kind: EnvelopeKind, metadata: SafetensorsFile['metadata']): void {
  if (metadata.polyak !== kind) {
    const reader = metadata.polyak === 'checkpoint' ? { hint: 'loadCheckpoint reads it' } : metadata.polyak === 'state' ? { hint: 'load reads it' } : {};
    throw new StateError(`${op}: another kind of file, got '${metadata.polyak ?? ''}'; expected '${kind}'`, reader);
  }
  if (metadata.version !== VERSION) {
    throw new StateError(`${op}: another version of the format, got '${metadata.version ?? ''}'; expected '${VERSION}'`, {
      values: { version: metadata.version },
      hint: 'a newer release of polyak wrote it',
    });
  }
}


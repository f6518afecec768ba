import { type FileSource, type FileTarget, withFile, writeFileAtomic } from './files.ts';
import { encodeEnvelope, isEnvelope, readEnvelope, SIGNATURE_LENGTH } from './envelope.ts';
import { decodeSafetensors, onHost, readHeader } from './safetensors.ts';
import { type StateTree, flattenTree } from './tree.ts';

/**
 * Saves a state dictionary, or any nesting of tensors and plain values, as a safetensors file: tensors under their
 * paths, the rest as JSON in the metadata, and a checksum. The path holds either its old bytes or the new ones, also
 * when the process ends midway. Other programs read the tensors of a model under the keys of its state dictionary.
 *
 * @param path - where; an existing file is replaced
 * @param state - what to save, as it is at the time of the call
 * @throws ArgumentError for what is neither tensor nor plain value, StateError when the file cannot be written
 * @see https://pytorch.org/docs/stable/generated/torch.save.html
 */
export async function save(path: FileTarget, state: unknown): Promise<void> {
  const flat = flattenTree('save', state);
  const tensors = onHost(flat.tensors);
  const ready = { structure: flat.structure, tensors: tensors instanceof Promise ? await tensors : tensors };
  await writeFileAtomic('save', path, encodeEnvelope('save', 'state', ready));
}

/**
 * Reads what `save` wrote, equal in every bit. A safetensors file of another program gives its tensors by name.
 *
 * @param path - a path, a URL, also of the web, a Blob, or a file handle of a browser
 * @throws StateError when the file cannot be read, is damaged or cut short, or is no safetensors file
 * @see https://pytorch.org/docs/stable/generated/torch.load.html
 */
export async function load(path: FileSource): Promise<StateTree> {
  return withFile('load', path, async (source) => {
    if (isEnvelope(await source.read(0, Math.min(SIGNATURE_LENGTH, source.size)))) return readEnvelope('load', 'state', source);
    await readHeader('load', source);
    return decodeSafetensors('load', await source.read(0, source.size)).tensors;
  });
}

// The entry `polyak/io`: reading and writing files and bytes.
import '../ops/methods.ts';
export { type Bytes } from './bytes.ts';
export { type CheckpointOptions, loadCheckpoint, packCheckpoint, saveCheckpoint, unpackCheckpoint } from './checkpoint.ts';
export { download } from './download.ts';
export { type FilePath, type FileSource, type FileTarget, type WebFileHandle, type WebWritable } from './files.ts';
export { type FolderPath, type WebFolderHandle } from './folders.ts';
export { loadIdx, readIdx } from './idx.ts';
export { CheckpointManager, type CheckpointManagerOptions, type Restored, type SavedCheckpoint } from './manager.ts';
export { type CheckpointParts, type Stateful, type StatefulGenerator } from './parts.ts';
export { type SafetensorsFile, loadSafetensors, readSafetensors, saveSafetensors, streamSafetensors, writeSafetensors } from './safetensors.ts';
export { type FileCells, type FileDType, type FloatFileDType } from './safetensors-dtypes.ts';
export { type LazyTensor, type RawTensor, type SafetensorsOptions, type Savable, type Storable } from './safetensors-encode.ts';
export { SafetensorsReader, type SliceRange, type TensorInfo, openSafetensors } from './safetensors-file.ts';
export { load, save } from './state.ts';
export { type StateTree } from './tree.ts';

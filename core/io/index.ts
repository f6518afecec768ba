// The entry `polyak/io`: reading and writing files and bytes.
import '../ops/methods.ts';
export { type Bytes } from './bytes.ts';
export { type CheckpointOptions, loadCheckpoint, packCheckpoint, saveCheckpoint, unpackCheckpoint } from './checkpoint.ts';
export { type FilePath } from './files.ts';
export { loadIdx, readIdx } from './idx.ts';
export { type CheckpointParts, type Stateful, type StatefulGenerator } from './parts.ts';
export { type SafetensorsFile, type SafetensorsOptions, loadSafetensors, readSafetensors, saveSafetensors, writeSafetensors } from './safetensors.ts';
export { type FloatFileDType } from './safetensors-dtypes.ts';
export { load, save } from './state.ts';
export { type StateTree } from './tree.ts';

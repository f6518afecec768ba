// The entry `polyak/data`: datasets, batches of them, and a progress bar.
import '../ops/methods.ts';
export { type Collated, defaultCollate } from './collate.ts';
export { type Dataset, Subset, TensorDataset } from './dataset.ts';
export { type EpochState } from './epoch.ts';
export { DataLoader, type DataLoaderOptions, type DataLoaderState } from './loader.ts';
export { type Progress, type ProgressOptions, type ProgressStream, type ProgressValues, progress } from './progress.ts';
export { BatchSampler, type BatchSamplerOptions, RandomSampler, type RandomSamplerOptions, type Sampler, SequentialSampler, type Sized } from './sampler.ts';
export { randomSplit, type RandomSplitOptions } from './split.ts';

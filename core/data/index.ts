// The entry `polyak/data`: datasets, batches of them, images, and a progress bar.
import '../whole.ts';
export { type MappedDataset, type MappedStream, mapDataset, type PrefetchedStream, prefetch } from './ahead.ts';
export { type Collated, defaultCollate } from './collate.ts';
export { ChainDataset, type IterableDataset } from './iterable.ts';
export { ConcatDataset } from './concat.ts';
export { type Dataset, Subset, TensorDataset } from './dataset.ts';
export { type EpochState } from './epoch.ts';
export { DistributedSampler, type DistributedSamplerOptions } from './distributed.ts';
export { type ImageLike, imageToTensor, type ImageToTensorOptions, tensorToImage, type TensorToImageOptions } from './image.ts';
export { type BatchIndices, DataLoader, type DataLoaderArguments, type DataLoaderOptions, type DataLoaderState } from './loader.ts';
export { type Progress, type ProgressOptions, type ProgressStream, type ProgressValues, progress } from './progress.ts';
export { BatchSampler, type BatchSamplerOptions, RandomSampler, type RandomSamplerOptions, type Sampler, type SamplerState, SequentialSampler, type Sized } from './sampler.ts';
export { shuffleBuffer, type ShuffleBufferOptions, type ShuffledStream, type ShuffleState } from './shuffle.ts';
export { randomSplit, type RandomSplitOptions } from './split.ts';
export { type NamedDatasets, StackDataset, type Stacked } from './stack.ts';
export { type MaybeStateful } from './stateful.ts';
export { SubsetRandomSampler, type SubsetRandomSamplerOptions } from './subsetSampler.ts';
export { WeightedRandomSampler, type WeightedRandomSamplerOptions } from './weightedSampler.ts';

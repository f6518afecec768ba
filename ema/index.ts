export { type AveragedOptions, BaseAveragedModel } from './averaged.ts';
export { type AnnealingOptions, MomentumAnnealingEMA } from './annealing.ts';
export { type EMAOptions, ExponentialMovingAverage } from './ema.ts';
export { StochasticWeightAverage } from './swa.ts';

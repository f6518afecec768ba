import '../core/ops/methods.ts';
export { type AveragedOptions, BaseAveragedModel } from './averaged.ts';
export { type AnnealingOptions, MomentumAnnealingEMA } from './annealing.ts';
export { type EMAOptions, ExponentialMovingAverage } from './ema.ts';
export { momentumFromHalfLife, scaleMomentum } from './momentum.ts';
export { PowerFunctionEMA, type PowerFunctionOptions, gammaFromSigmaRel, sigmaRelFromGamma } from './power.ts';
export { RampUpEMA, type RampUpOptions } from './rampup.ts';
export { StochasticWeightAverage } from './swa.ts';
export { WarmupEMA, type WarmupOptions } from './warmup.ts';

import {
  Adam, AdamW, type BaseAveragedModel, BatchNorm2d, Conv2d, ExponentialMovingAverage, Flatten, GELU, LatestWeightAverage, Linear, MaxPool2d, type Module, MomentumAnnealingEMA,
  type Optimizer, PowerFunctionEMA, RMSprop, ReLU, SGD, Sequential, StochasticWeightAverage, Tanh, type Tensor, WarmupEMA,
} from '../../index.ts';
import type { Settings } from './settings.ts';

/** A net from inputs to logits. */
export type Classifier = Module & { forward(x: Tensor): Tensor };
const activations = { relu: () => new ReLU(), tanh: () => new Tanh(), gelu: () => new GELU() } as const;
const hidden = { points: { small: [8], medium: [16, 16], large: [32, 32, 32] }, digits: { small: [32], medium: [128], large: [] } } as const;

/** The net that the settings name. */
export function netOf({ data, net, activation }: Settings): Classifier {
  const between = activations[activation];
  if (data === 'digits' && net === 'large') {
    const block = (from: number, to: number): Module[] => [new Conv2d(from, to, 3, { padding: 1 }), new BatchNorm2d(to), between(), new MaxPool2d(2)];
    return new Sequential(...([...block(1, 16), ...block(16, 32), new Flatten(), new Linear(128, 10)] as Classifier[]));
  }
  const sizes: readonly number[] = data === 'digits' ? [64, ...hidden.digits[net], 10] : [2, ...hidden.points[net], 2];
  const layers: Classifier[] = data === 'digits' ? [new Flatten()] : [];
  sizes.slice(1).forEach((size, i) => {
    if (i > 0) layers.push(between());
    layers.push(new Linear(sizes[i], size));
  });
  return new Sequential(...layers);
}

/** The optimizer that the settings name. */
export function optimizerOf(model: Module, { optimizer, lr }: Settings): Optimizer {
  const parameters = model.parameters();
  switch (optimizer) {
    case 'sgd': return new SGD(parameters, { lr });
    case 'momentum': return new SGD(parameters, { lr, momentum: 0.9 });
    case 'adam': return new Adam(parameters, { lr });
    case 'adamw': return new AdamW(parameters, { lr });
    case 'rmsprop': return new RMSprop(parameters, { lr });
  }
}

/** The average that the settings name. A step whose weights are not finite is left out. */
export function averageOf<M extends Module>(model: M, { rule, momentum }: Settings): BaseAveragedModel<M> {
  const shared = { updateBuffers: true, nonFinite: 'skip' } as const;
  switch (rule) {
    case 'ema': return new ExponentialMovingAverage(model, { ...shared, momentum });
    case 'warmup': return new WarmupEMA(model, { ...shared, decay: 1 - momentum });
    case 'annealing': return new MomentumAnnealingEMA(model, { ...shared, momentum });
    case 'power': return new PowerFunctionEMA(model, { ...shared, sigmaRel: 0.1 });
    case 'swa': return new StochasticWeightAverage(model, shared);
    case 'latest': return new LatestWeightAverage(model, { ...shared, k: 50 });
  }
}

// An averaging rule of your own: the more a step improved the loss, the more its weights count. node --import tsx examples/customAverage.ts
import { BaseAveragedModel, F, Linear, type Module, ReLU, SGD, Sequential, type Tensor, linspace, manualSeed, noGrad, randn, randperm } from '../index.ts';

/** Mean of all weights so far, each weighted by `exp(-sharpness · loss)`; matching, buffers, intervals and checkpoints come with the base. */
class LossWeightedAverage<M extends Module> extends BaseAveragedModel<M> {
  private total = 0;
  private share = 1;

  /** Says how well the weights do that come next. */
  rate(loss: number, sharpness = 20): this {
    const weight = Math.exp(-sharpness * loss);
    this.total += weight;
    this.share = this.total === 0 ? 1 : weight / this.total;
    return this;
  }

  override avgFunc(averaged: Tensor, source: Tensor, _steps: number): void {
    averaged.lerp_(source, this.share);
  }
}

manualSeed(0);
const x = linspace(-3, 3, 256).unsqueeze(1);
const clean = x.mul(2).sin();
const y = clean.add(randn([256, 1]).mul(0.3)); // noisy: single steps jump about
const model = new Sequential(new Linear(1, 32), new ReLU(), new Linear(32, 32), new ReLU(), new Linear(32, 1));
const optimizer = new SGD(model.parameters(), { lr: 0.05, momentum: 0.9 });
const average = new LossWeightedAverage(model);
const error = (net: { forward(x: Tensor): Tensor }): number => noGrad(() => F.mseLoss(net.forward(x), clean)).item();
for (let step = 1; step <= 1500; step++) {
  const some = randperm(256).narrow(0, 0, 16);
  optimizer.zeroGrad();
  F.mseLoss(model.forward(x.indexSelect(0, some)), y.indexSelect(0, some)).backward();
  optimizer.step();
  if (step > 500) average.rate(noGrad(() => F.mseLoss(model.forward(x), y)).item()).updateParameters(model);
  if (step % 250 === 0 && step > 500) console.log(`step ${step}  error of the net ${error(model).toFixed(4)}  of its average ${error(average).toFixed(4)}`);
}

import { BatchNorm1d, Buffer, ExponentialMovingAverage, Linear, Module, type Tensor, noGrad, ones, randn } from '../../index.ts';

// Nets and comparisons that the tests around averages share.

/** Parameters, buffers, and one that is not saved. */
export class Net extends Module {
  first = new Linear(3, 4);
  norm = new BatchNorm1d(4);
  last = new Linear(4, 2);
  mask = new Buffer(ones([4]), { persistent: false });
  forward(x: Tensor): Tensor {
    return this.last.forward(this.norm.forward(this.first.forward(x)).mul(this.mask));
  }
}

/** Two layers with one weight, or with two. */
export class Tied extends Module {
  first = new Linear(3, 3, { bias: false });
  second = new Linear(3, 3, { bias: false });
  constructor(tie = true) {
    super();
    if (tie) this.second.weight = this.first.weight;
  }
  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x));
  }
}

/** Parameters and buffers. */
export const everything = (m: Module): Tensor[] => [...m.parameters(), ...m.buffers()];
/** Values, layouts, dtypes and modes: what must not change when something is refused. */
export const bits = (...modules: readonly Module[]): string =>
  JSON.stringify(modules.map((m) => everything(m).map((t) => [t.dtype, t.shape, t.strides, t.offset, t.storage.id, t.storage.version, t.requiresGrad, Array.from(t.data())])));
/** The values of all entries. */
export const values = (m: Module): string => JSON.stringify(everything(m).map((t) => Array.from(t.data())));
/** Fills all parameters. */
export const setAll = (m: Module, value: number): void => noGrad(() => m.parameters().forEach((p) => p.fill_(value)));

/** A net after some steps, and its average. */
export function trained<M extends Module>(model: M): { model: M; average: ExponentialMovingAverage<M> } {
  const average = new ExponentialMovingAverage(model, { momentum: 0.25 });
  for (let i = 0; i < 3; i++) {
    noGrad(() => model.parameters().forEach((p) => p.add_(randn(p.shape).to(p))));
    average.updateParameters(model);
  }
  return { model, average };
}

import type { Device } from '../core/storage.ts';
import { getDevice } from '../core/device.ts';
import { ArgumentError, StateError, checkOptions, show } from '../core/errors.ts';
import { noGrad, setGradEnabled } from '../core/tape.ts';
import { Tensor } from '../core/tensor.ts';
import { AnyBatchNorm } from '../nn/layers/batchnorm.ts';
import { Module } from '../nn/module.ts';

/** Options of `updateBN` and `recalibrateBatchNorm`. */
export interface BatchNormUpdateOptions<B = unknown> {
  /** Where inputs are moved before they go into the model; default: they stay where they are. */
  readonly device?: string | Device;
  /** The model's input in a batch; default: the batch itself, or its first entry where it is a list. */
  readonly input?: (batch: B) => Tensor;
}

/** A module of one tensor. */
type Model = Module & { forward(x: Tensor): unknown };

type Batches<B> = Iterable<B> | AsyncIterable<B>;

/** A batch norm layer that has running statistics. */
type Tracking = AnyBatchNorm & { readonly runningMean: Tensor; readonly runningVar: Tensor; readonly numBatchesTracked: Tensor };

const isTracking = (m: Module): m is Tracking => m instanceof AnyBatchNorm && m.runningMean !== null && m.runningVar !== null && m.numBatchesTracked !== null;

/** The layers as they were before, to be put back. */
class Before {
  private readonly modes: readonly (readonly [Module, boolean])[];
  private readonly layers: readonly { readonly layer: Tracking; readonly momentum: number | null; readonly statistics: readonly (readonly [Tensor, Tensor])[] }[];

  constructor(model: Module, layers: readonly Tracking[]) {
    this.modes = model.modules().map((m) => [m, m.training]);
    this.layers = layers.map((layer) => ({
      layer,
      momentum: layer.momentum,
      statistics: [layer.runningMean, layer.runningVar, layer.numBatchesTracked].map((x) => [x, x.detach().clone()]),
    }));
  }

  /** Modes and momenta, whatever happened. */
  settings(): void {
    for (const [m, training] of this.modes) m.training = training;
    for (const { layer, momentum } of this.layers) layer.momentum = momentum;
  }

  /** The statistics too, when something failed. */
  statistics(): void {
    noGrad(() => {
      for (const { statistics } of this.layers) for (const [x, kept] of statistics) x.copy_(kept);
    });
  }
}

/** One pass over batches: what is prepared, done with each batch, and done at the end. */
interface Pass {
  readonly layers: readonly Tracking[];
  prepare(): void;
  finish(batches: number): void;
}

function inputOf<B>(name: string, batch: B, { input, device }: BatchNormUpdateOptions<B>): Tensor {
  const x: unknown = input === undefined ? (Array.isArray(batch) ? batch[0] : batch) : input(batch);
  if (!(x instanceof Tensor)) throw new ArgumentError(`${name}: no input in a batch, got ${show(x)}; expected a tensor, or a list that starts with one`, { hint: 'pass { input: (batch) => … }' });
  return device === undefined ? x : x.to(getDevice(device));
}

function run<B>(name: string, loader: Batches<B>, model: Model, options: BatchNormUpdateOptions<B>, pass: Pass): void | Promise<void> {
  const before = new Before(model, pass.layers);
  let batches = 0;
  const take = (batch: B): void => {
    const x = inputOf(name, batch, options);
    const recording = setGradEnabled(false);
    try {
      model.forward(x);
    } finally {
      setGradEnabled(recording);
    }
    batches++;
  };
  const end = (): void => {
    if (batches === 0) throw new StateError(`${name}: no batches, got an empty loader; expected at least one`);
    noGrad(() => pass.finish(batches));
    before.settings();
  };
  const fail = (error: unknown): never => {
    before.settings();
    before.statistics();
    throw error;
  };
  if (isAsync(loader)) {
    return (async (): Promise<void> => {
      try {
        pass.prepare();
        for await (const batch of loader) take(batch);
        end();
      } catch (error) {
        fail(error);
      }
    })();
  }
  try {
    pass.prepare();
    for (const batch of loader) take(batch);
    end();
  } catch (error) {
    fail(error);
  }
}

/** True for batches that come with `for await` alone; a DataLoader has both ways, and is gone through at once. */
function isAsync<B>(loader: Batches<B>): loader is AsyncIterable<B> {
  return !(Symbol.iterator in loader);
}

function checkArguments(name: string, loader: unknown, model: unknown, options: object | undefined): void {
  if (typeof loader !== 'object' || loader === null || !(Symbol.iterator in loader || Symbol.asyncIterator in loader)) {
    throw new ArgumentError(`${name}: not a loader, got ${show(loader)}; expected an iterable of batches`);
  }
  if (!(model instanceof Module)) throw new ArgumentError(`${name}: not a module, got ${show(model)}; expected a Module`);
  checkOptions(name, options, ['device', 'input']);
}

/**
 * Makes the running statistics of batch norm layers anew for the weights the model has now, as an average's must be before evaluation: one pass over the data in
 * training mode, in which each statistic becomes the mean of the batches' statistics. The count of batches starts at 0. Modes and momenta come back, and where
 * something fails the statistics too. Dropout is active, as in PyTorch. Without batch norm layers the data is not looked at.
 *
 * @param loader - batches: tensors, or lists that start with one; for an asynchronous one a promise is returned
 * @param model - a model, or an average of one
 * @param options - `device`, `input`
 * @throws StateError for an empty loader; ArgumentError for a batch without an input
 * @see https://pytorch.org/docs/stable/optim.html#taking-care-of-batch-normalization
 */
export function updateBN<B>(loader: Iterable<B>, model: Model, options?: BatchNormUpdateOptions<B>): void;
export function updateBN<B>(loader: AsyncIterable<B>, model: Model, options?: BatchNormUpdateOptions<B>): Promise<void>;
export function updateBN<B>(loader: Batches<B>, model: Model, options: BatchNormUpdateOptions<B> = {}): void | Promise<void> {
  checkArguments('updateBN', loader, model, options);
  const layers = model.modules().filter(isTracking);
  if (layers.length === 0) return isAsync(loader) ? Promise.resolve() : undefined;
  return run('updateBN', loader, model, options, {
    layers,
    prepare: () => {
      model.train();
      for (const layer of layers) {
        noGrad(() => layer.resetRunningStats());
        layer.momentum = null;
      }
    },
    finish: () => {},
  });
}

/** Mean and sum of squared deviations of values that come batch by batch, per channel, in doubles where the device has them. */
class Pooled {
  /** Values so far, per channel. */
  count = 0;
  private mean: Tensor | null = null;
  private squares: Tensor | null = null;

  /**
   * @param x - (N, C, …)
   * @returns how many values each channel got
   */
  add(x: Tensor): number {
    const values = x.device.name === 'cpu' ? x.detach().to('float64') : x.detach();
    const dims = values.shape.map((_, d) => d).filter((d) => d !== 1);
    const count = values.numel() / values.shape[1];
    if (count === 0) return 0;
    const mean = values.mean(dims, { keepdim: true });
    this.merge(count, mean.reshape([-1]), values.sub(mean).square().sum(dims));
    return count;
  }

  /** Two sets of values as one (Chan, Golub and LeVeque 1979). */
  private merge(count: number, mean: Tensor, squares: Tensor): void {
    if (this.mean === null || this.squares === null) [this.count, this.mean, this.squares] = [count, mean, squares];
    else {
      const total = this.count + count;
      const step = mean.sub(this.mean);
      this.mean = this.mean.add(step.mul(count / total));
      this.squares = this.squares.add(squares).add(step.square().mul((this.count * count) / total));
      this.count = total;
    }
  }

  /** Writes mean and unbiased variance into a layer; the variance of a single value is 0. */
  write({ runningMean, runningVar }: Tracking): void {
    const { count, mean, squares } = this;
    if (mean === null || squares === null) return;
    runningMean.copy_(mean);
    runningVar.copy_(squares.div(Math.max(1, count - 1)));
  }
}

/**
 * Makes the running statistics of batch norm layers those of all data together: exact mean and unbiased variance over every value a layer gets, whatever the
 * sizes of the batches, in doubles. (`updateBN` takes the mean of the batches' variances, which leaves out how their means differ.)
 *
 * All layers are done in one pass: meanwhile each normalises with the statistics of the batch at hand, as in training and as `updateBN` does, so what a layer
 * behind another gets depends on how the data is cut. A batch of one value per channel, which has no variance, is normalised with what was pooled so far. All
 * other modules are in evaluation mode, as they will be when the statistics are used; layers that were in evaluation mode take part. Modes and momenta come
 * back, and where something fails the statistics too. A layer that the model does not use keeps its statistics.
 *
 * @param loader - batches: tensors, or lists that start with one; for an asynchronous one a promise is returned
 * @param model - a model, or an average of one
 * @param options - `device`, `input`
 * @throws StateError for an empty loader, and where a layer gets a single value per channel in all; ArgumentError for a batch without an input
 * @see Chan, Golub and LeVeque 1979, Updating formulae and a pairwise algorithm for computing sample variances
 * @see Wu and Johnson 2021, Rethinking "Batch" in BatchNorm, https://arxiv.org/abs/2105.07576 (PreciseBN)
 */
export function recalibrateBatchNorm<B>(loader: Iterable<B>, model: Model, options?: BatchNormUpdateOptions<B>): void;
export function recalibrateBatchNorm<B>(loader: AsyncIterable<B>, model: Model, options?: BatchNormUpdateOptions<B>): Promise<void>;
export function recalibrateBatchNorm<B>(loader: Batches<B>, model: Model, options: BatchNormUpdateOptions<B> = {}): void | Promise<void> {
  const name = 'recalibrateBatchNorm';
  checkArguments(name, loader, model, options);
  const layers = model.modules().filter(isTracking);
  if (layers.length === 0) return isAsync(loader) ? Promise.resolve() : undefined;
  const pools = layers.map(() => new Pooled());
  const hooks: (() => void)[] = [];
  const removeHooks = (): void => hooks.forEach((remove) => remove());
  const pass: Pass = {
    layers,
    prepare: () => {
      model.eval();
      layers.forEach((layer, i) => {
        layer.momentum = 0;
        hooks.push(layer.registerForwardPreHook((_, [x]) => {
          if (!(x instanceof Tensor) || x.ndim < 2 || x.shape[1] !== layer.numFeatures) return;
          layer.training = pools[i].add(x) !== 1;
          if (!layer.training) pools[i].write(layer);
        }));
      });
    },
    finish: (batches) => {
      pools.forEach(({ count }, i) => {
        if (count !== 1) return;
        const path = model.namedModules().find(([, m]) => m === layers[i])?.[0];
        throw new StateError(`${name}: a single value has no variance, got one for each channel of batch norm '${path}'; expected more data`);
      });
      layers.forEach((layer, i) => {
        if (pools[i].count === 0) return;
        pools[i].write(layer);
        layer.numBatchesTracked.fill_(batches);
      });
    },
  };
  try {
    const result = run(name, loader, model, options, pass);
    if (result instanceof Promise) return result.finally(removeHooks);
    removeHooks();
  } catch (error) {
    removeHooks();
    throw error;
  }
}

import { ShapeError, show } from '../../core/errors.ts';
import { Tensor } from '../../core/tensor.ts';
import { BatchNorm1d, BatchNorm2d, BatchNorm3d, type BatchNormOptions, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d } from './batchnorm.ts';
import { type FactoryOptions, factoryOptions } from './check.ts';
import { type LayerArguments, given } from '../../core/given.ts';
import { channelsOf, postpone, settle } from './lazy.ts';
import { Linear, type LinearOptions } from './linear.ts';

// A linear map and normalisations that take their size from their first input.

/**
 * `Linear` with as many input features as the first input has; it then is a `Linear`. Weight and bias have no shape before.
 *
 * @throws ShapeError for an input without dimensions; the layer stays lazy then
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyLinear.html
 */
export class LazyLinear extends Linear {
  static override readonly keepsNothing: boolean = false;
  constructor(...args: LayerArguments<[outFeatures: number], ['outFeatures'], LinearOptions> | [outFeatures: number, bias: boolean, options?: FactoryOptions]) {
    super({ ...given('LazyLinear', ['outFeatures', 'bias'], args, factoryOptions), inFeatures: 1 });
    postpone<LazyLinear>(this, 'inFeatures');
  }

  /** Does nothing: there are no weights yet. */
  override resetParameters(): void {}

  override forward(x: Tensor): Tensor {
    if (!(x instanceof Tensor) || x.ndim === 0) throw new ShapeError(`LazyLinear: no features, got ${show(x)}; expected (*, inFeatures)`);
    const features = x.shape[x.ndim - 1];
    settle<Linear>(this, Linear.prototype, (factory) => new Linear(features, this.outFeatures, { bias: this.bias !== null, ...factory }));
    return super.forward(x);
  }
}

/** The number of channels, the second dimension. */
function secondOf(name: string, x: unknown, ranks: readonly number[]): number {
  if (!(x instanceof Tensor) || !ranks.includes(x.ndim)) throw new ShapeError(`${name}: wrong number of dimensions, got ${show(x)}; expected ${ranks.join(' or ')}`);
  return x.shape[1];
}

/**
 * `BatchNorm1d` with as many channels as the first input has; it then is a `BatchNorm1d`. Parameters and statistics have no shape before.
 *
 * @throws ShapeError for an input of another rank; the layer stays lazy then
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyBatchNorm1d.html
 */
export class LazyBatchNorm1d extends BatchNorm1d {
  static override readonly keepsNothing: boolean = false;
  constructor(options: BatchNormOptions = {}) {
    super(1, options);
    postpone<LazyBatchNorm1d>(this, 'numFeatures');
  }

  /** Does nothing: there is nothing to reset yet. */
  override resetParameters(): void {}

  override forward(x: Tensor): Tensor {
    const { eps, momentum, affine, trackRunningStats } = this;
    const channels = secondOf('LazyBatchNorm1d', x, [2, 3]);
    settle<BatchNorm1d>(this, BatchNorm1d.prototype, (factory) => new BatchNorm1d(channels, { eps, momentum, affine, trackRunningStats, ...factory }));
    return super.forward(x);
  }
}

/**
 * `BatchNorm2d` with as many channels as the first input has; it then is a `BatchNorm2d`. Parameters and statistics have no shape before.
 *
 * @throws ShapeError for an input of another rank; the layer stays lazy then
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyBatchNorm2d.html
 */
export class LazyBatchNorm2d extends BatchNorm2d {
  static override readonly keepsNothing: boolean = false;
  constructor(options: BatchNormOptions = {}) {
    super(1, options);
    postpone<LazyBatchNorm2d>(this, 'numFeatures');
  }

  /** Does nothing: there is nothing to reset yet. */
  override resetParameters(): void {}

  override forward(x: Tensor): Tensor {
    const { eps, momentum, affine, trackRunningStats } = this;
    const channels = secondOf('LazyBatchNorm2d', x, [4]);
    settle<BatchNorm2d>(this, BatchNorm2d.prototype, (factory) => new BatchNorm2d(channels, { eps, momentum, affine, trackRunningStats, ...factory }));
    return super.forward(x);
  }
}

/**
 * `BatchNorm3d` with as many channels as the first input has; it then is a `BatchNorm3d`. Parameters and statistics have no shape before.
 *
 * @throws ShapeError for an input of another rank; the layer stays lazy then
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyBatchNorm3d.html
 */
export class LazyBatchNorm3d extends BatchNorm3d {
  static override readonly keepsNothing: boolean = false;
  constructor(options: BatchNormOptions = {}) {
    super(1, options);
    postpone<LazyBatchNorm3d>(this, 'numFeatures');
  }

  /** Does nothing: there is nothing to reset yet. */
  override resetParameters(): void {}

  override forward(x: Tensor): Tensor {
    const { eps, momentum, affine, trackRunningStats } = this;
    const channels = secondOf('LazyBatchNorm3d', x, [5]);
    settle<BatchNorm3d>(this, BatchNorm3d.prototype, (factory) => new BatchNorm3d(channels, { eps, momentum, affine, trackRunningStats, ...factory }));
    return super.forward(x);
  }
}

/**
 * `InstanceNorm1d` with as many channels as the first input has; it then is an `InstanceNorm1d`. Parameters and statistics, which
 * as in PyTorch are there by default, unlike in `InstanceNorm1d`, have no shape before.
 *
 * @throws ShapeError for an input of another rank; the layer stays lazy then
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyInstanceNorm1d.html
 */
export class LazyInstanceNorm1d extends InstanceNorm1d {
  static override readonly keepsNothing: boolean = false;
  constructor(options: BatchNormOptions = {}) {
    super(1, { affine: true, trackRunningStats: true, ...options });
    postpone<LazyInstanceNorm1d>(this, 'numFeatures');
  }

  /** Does nothing: there is nothing to reset yet. */
  override resetParameters(): void {}

  override forward(x: Tensor): Tensor {
    const { eps, momentum, affine, trackRunningStats } = this;
    const channels = channelsOf('LazyInstanceNorm1d', x, 1);
    settle<InstanceNorm1d>(this, InstanceNorm1d.prototype, (factory) => new InstanceNorm1d(channels, { eps, momentum, affine, trackRunningStats, ...factory }));
    return super.forward(x);
  }
}

/**
 * `InstanceNorm2d` with as many channels as the first input has; it then is an `InstanceNorm2d`. Parameters and statistics, which
 * as in PyTorch are there by default, unlike in `InstanceNorm2d`, have no shape before.
 *
 * @throws ShapeError for an input of another rank; the layer stays lazy then
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyInstanceNorm2d.html
 */
export class LazyInstanceNorm2d extends InstanceNorm2d {
  static override readonly keepsNothing: boolean = false;
  constructor(options: BatchNormOptions = {}) {
    super(1, { affine: true, trackRunningStats: true, ...options });
    postpone<LazyInstanceNorm2d>(this, 'numFeatures');
  }

  /** Does nothing: there is nothing to reset yet. */
  override resetParameters(): void {}

  override forward(x: Tensor): Tensor {
    const { eps, momentum, affine, trackRunningStats } = this;
    const channels = channelsOf('LazyInstanceNorm2d', x, 2);
    settle<InstanceNorm2d>(this, InstanceNorm2d.prototype, (factory) => new InstanceNorm2d(channels, { eps, momentum, affine, trackRunningStats, ...factory }));
    return super.forward(x);
  }
}

/**
 * `InstanceNorm3d` with as many channels as the first input has; it then is an `InstanceNorm3d`. Parameters and statistics, which
 * as in PyTorch are there by default, unlike in `InstanceNorm3d`, have no shape before.
 *
 * @throws ShapeError for an input of another rank; the layer stays lazy then
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyInstanceNorm3d.html
 */
export class LazyInstanceNorm3d extends InstanceNorm3d {
  static override readonly keepsNothing: boolean = false;
  constructor(options: BatchNormOptions = {}) {
    super(1, { affine: true, trackRunningStats: true, ...options });
    postpone<LazyInstanceNorm3d>(this, 'numFeatures');
  }

  /** Does nothing: there is nothing to reset yet. */
  override resetParameters(): void {}

  override forward(x: Tensor): Tensor {
    const { eps, momentum, affine, trackRunningStats } = this;
    const channels = channelsOf('LazyInstanceNorm3d', x, 3);
    settle<InstanceNorm3d>(this, InstanceNorm3d.prototype, (factory) => new InstanceNorm3d(channels, { eps, momentum, affine, trackRunningStats, ...factory }));
    return super.forward(x);
  }
}

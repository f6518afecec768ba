import { ArgumentError, show } from '../../core/errors.ts';
import { flatten, unflatten } from '../../core/ops/view.ts';
import { checkShape } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { python } from '../repr.ts';
import { type LayerArguments, given } from '../../core/given.ts';

function checkDim(layer: string, name: string, value: unknown): asserts value is number {
  if (!Number.isInteger(value)) throw new ArgumentError(`${layer}: ${name} is not an integer, got ${show(value)}; expected a dimension`);
}

/** Options of `Flatten`, which may also stand by themselves. */
export interface FlattenOptions {
  /** The first of the dimensions that become one; default 1. */
  readonly startDim?: number;
  /** The last of them; default -1. */
  readonly endDim?: number;
}

/**
 * Joins dimensions `startDim` (default 1) to `endDim` (default -1, the last) into one; the batch dimension stays.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Flatten.html
 */
export class Flatten extends Module {
  static override readonly keepsNothing: boolean = true;
  readonly startDim: number;
  readonly endDim: number;

  constructor(first?: number | FlattenOptions, second?: number | FlattenOptions) {
    super();
    const options = given<FlattenOptions>('Flatten', ['startDim', 'endDim'], [first, second]);
    const { startDim = 1, endDim = -1 } = options;
    checkDim('Flatten', 'startDim', startDim);
    checkDim('Flatten', 'endDim', endDim);
    this.startDim = startDim;
    this.endDim = endDim;
  }

  forward(x: Tensor): Tensor {
    return flatten(x, this.startDim, this.endDim);
  }

  override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`;
  }
}

/**
 * Splits dimension `dim` into the given sizes, one of which may be -1.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Unflatten.html
 */
export class Unflatten extends Module {
  static override readonly keepsNothing: boolean = true;
  readonly dim: number;
  readonly unflattenedSize: readonly number[];

  constructor(...args: LayerArguments<[dim: number, unflattenedSize: readonly number[]], ['dim', 'unflattenedSize']>) {
    super();
    const { dim, unflattenedSize } = given('Unflatten', ['dim', 'unflattenedSize'], args);
    checkDim('Unflatten', 'dim', dim);
    checkShape('Unflatten', Array.isArray(unflattenedSize) ? unflattenedSize.map((n: unknown) => (n === -1 ? 1 : n)) : unflattenedSize);
    this.dim = dim;
    this.unflattenedSize = [...unflattenedSize];
  }

  forward(x: Tensor): Tensor {
    return unflatten(x, this.dim, this.unflattenedSize);
  }

  override extraRepr(): string {
    return `dim=${this.dim}, unflattened_size=${python(this.unflattenedSize)}`;
  }
}

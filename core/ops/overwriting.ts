import type { Tensor } from '../tensor.ts';
import { relu } from './activation.ts';
import type { Named } from './parametric.ts';
import { celu, elu, hardtanh, leakyRelu, selu, threshold } from './piecewise.ts';
import { type RreluOptions, rrelu } from './rrelu.ts';

// Activations that write over their input, as functions: nn.functional has them beside those with the option `inplace`.

/** Calls an activation with the option `inplace` beside the others. */
function overwrite(activation: (x: Tensor, ...rest: never[]) => Tensor, x: Tensor, ...given: readonly unknown[]): Tensor {
  const numbers = given.filter((item) => item !== undefined && typeof item !== 'object');
  const options = given.find((item) => typeof item === 'object');
  return activation(x, ...([...numbers, { ...options, inplace: true }] as never[]));
}

/** `relu` in place. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.relu_.html */
export function relu_(x: Tensor): Tensor {
  return relu(x, { inplace: true });
}

/** `selu` in place. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.selu.html */
export function selu_(x: Tensor): Tensor {
  return selu(x, { inplace: true });
}

/** `elu` in place; `alpha` defaults to 1. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.elu_.html */
export function elu_(x: Tensor, alpha?: number | Named<'alpha'>): Tensor {
  return overwrite(elu, x, alpha);
}

/** `celu` in place; `alpha` defaults to 1. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.celu.html */
export function celu_(x: Tensor, alpha?: number | Named<'alpha'>): Tensor {
  return overwrite(celu, x, alpha);
}

/** `leakyRelu` in place; `negativeSlope` defaults to 0.01. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.leaky_relu_.html */
export function leakyRelu_(x: Tensor, negativeSlope?: number | Named<'negativeSlope'>): Tensor {
  return overwrite(leakyRelu, x, negativeSlope);
}

/** `hardtanh` in place, to `minVal` (default -1) … `maxVal` (default 1). @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardtanh_.html */
export function hardtanh_(x: Tensor, minVal?: number | Named<'minVal' | 'maxVal'>, maxVal?: number | Named<'minVal' | 'maxVal'>): Tensor {
  return overwrite(hardtanh, x, minVal, maxVal);
}

/** `threshold` in place. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.threshold_.html */
export function threshold_(x: Tensor, limit: number, value: number): Tensor {
  return threshold(x, limit, value, { inplace: true });
}

/** `rrelu` in place. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.rrelu_.html */
export function rrelu_(x: Tensor, lower?: number | RreluOptions, upper?: number | RreluOptions, options?: RreluOptions): Tensor {
  return overwrite(rrelu, x, lower, upper, options);
}

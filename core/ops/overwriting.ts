import type { Tensor } from '../tensor.ts';
import { relu } from './activation.ts';
import type { Named } from './parametric.ts';
import { celu, elu, hardtanh, leakyRelu, selu, threshold } from './piecewise.ts';
import { type RreluOptions, rrelu } from './rrelu.ts';

// Activations that write over their input, as functions: nn.functional has them beside those with the option `inplace`.

/** The options in the end, or new ones, with `inplace`. */
function overwriting<O extends object>(options: number | O | undefined): O & { readonly inplace: true } {
  return { ...((typeof options === 'object' ? options : {}) as O), inplace: true };
}

const numberIn = (value: unknown): number | undefined => (typeof value === 'object' ? undefined : (value as number | undefined));

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
  return elu(x, numberIn(alpha), overwriting(alpha));
}

/** `celu` in place; `alpha` defaults to 1. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.celu.html */
export function celu_(x: Tensor, alpha?: number | Named<'alpha'>): Tensor {
  return celu(x, numberIn(alpha), overwriting(alpha));
}

/** `leakyRelu` in place; `negativeSlope` defaults to 0.01. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.leaky_relu_.html */
export function leakyRelu_(x: Tensor, negativeSlope?: number | Named<'negativeSlope'>): Tensor {
  return leakyRelu(x, numberIn(negativeSlope), overwriting(negativeSlope));
}

/** `hardtanh` in place, to `minVal` (default -1) … `maxVal` (default 1). @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardtanh_.html */
export function hardtanh_(x: Tensor, minVal?: number | Named<'minVal' | 'maxVal'>, maxVal?: number | Named<'minVal' | 'maxVal'>): Tensor {
  return hardtanh(x, numberIn(minVal), numberIn(maxVal), overwriting(typeof minVal === 'object' ? minVal : maxVal));
}

/** `threshold` in place. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.threshold_.html */
export function threshold_(x: Tensor, limit: number, value: number): Tensor {
  return threshold(x, limit, value, { inplace: true });
}

/** `rrelu` in place. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.rrelu_.html */
export function rrelu_(x: Tensor, lower?: number | RreluOptions, upper?: number | RreluOptions, options?: RreluOptions): Tensor {
  return rrelu(x, numberIn(lower), numberIn(upper), overwriting([lower, upper, options].find((v) => typeof v === 'object')));
}

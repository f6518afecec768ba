import { ArgumentError, ShapeError, show } from '../../core/errors.ts';
import { glu, logsigmoid, mish, relu, sigmoid, silu, softsign, tanh, tanhshrink } from '../../core/ops/activation.ts';
import { gelu } from '../../core/ops/gelu.ts';
import { hardsigmoid, hardswish, relu6, selu } from '../../core/ops/piecewise.ts';
import { logSoftmax, softmax, softmin } from '../../core/ops/softmax.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { python } from '../repr.ts';
import { Inplace, type InplaceArguments, Plain } from './check.ts';
import { type LayerArguments, type PlacedOrNamed, given } from '../../core/given.ts';

/** Elementwise `max(0, x)`. @see https://pytorch.org/docs/stable/generated/torch.nn.ReLU.html */
export class ReLU extends Inplace {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: InplaceArguments) {
    super('ReLU', ...args);
  }

  forward(x: Tensor): Tensor {
    return relu(x, { inplace: this.inplace });
  }
}

/** Elementwise `min(max(0, x), 6)`. @see https://pytorch.org/docs/stable/generated/torch.nn.ReLU6.html */
export class ReLU6 extends Inplace {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: InplaceArguments) {
    super('ReLU6', ...args);
  }

  forward(x: Tensor): Tensor {
    return relu6(x, { inplace: this.inplace });
  }
}

/** Self-normalising exponential linear unit, with its two fixed constants. @see https://pytorch.org/docs/stable/generated/torch.nn.SELU.html */
export class SELU extends Inplace {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: InplaceArguments) {
    super('SELU', ...args);
  }

  forward(x: Tensor): Tensor {
    return selu(x, { inplace: this.inplace });
  }
}

/** Elementwise `x·σ(x)`, also known as swish. @see https://pytorch.org/docs/stable/generated/torch.nn.SiLU.html */
export class SiLU extends Inplace {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: InplaceArguments) {
    super('SiLU', ...args);
  }

  forward(x: Tensor): Tensor {
    return silu(x, { inplace: this.inplace });
  }
}

/** Elementwise `x·tanh(softplus(x))`. @see https://pytorch.org/docs/stable/generated/torch.nn.Mish.html */
export class Mish extends Inplace {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: InplaceArguments) {
    super('Mish', ...args);
  }

  forward(x: Tensor): Tensor {
    return mish(x, { inplace: this.inplace });
  }
}

/** Elementwise `1/(1 + exp(−x))`. @see https://pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html */
export class Sigmoid extends Plain {
  static override readonly keepsNothing: boolean = true;
  forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

/** Elementwise hyperbolic tangent. @see https://pytorch.org/docs/stable/generated/torch.nn.Tanh.html */
export class Tanh extends Plain {
  static override readonly keepsNothing: boolean = true;
  forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

/** Elementwise `x/(1 + |x|)`. @see https://pytorch.org/docs/stable/generated/torch.nn.Softsign.html */
export class Softsign extends Plain {
  static override readonly keepsNothing: boolean = true;
  forward(x: Tensor): Tensor {
    return softsign(x);
  }
}

/** Elementwise `x − tanh(x)`. @see https://pytorch.org/docs/stable/generated/torch.nn.Tanhshrink.html */
export class Tanhshrink extends Plain {
  static override readonly keepsNothing: boolean = true;
  forward(x: Tensor): Tensor {
    return tanhshrink(x);
  }
}

/** Elementwise `log(1/(1 + exp(−x)))`. @see https://pytorch.org/docs/stable/generated/torch.nn.LogSigmoid.html */
export class LogSigmoid extends Plain {
  static override readonly keepsNothing: boolean = true;
  forward(x: Tensor): Tensor {
    return logsigmoid(x);
  }
}

/** Elementwise `min(max(x/6 + 1/2, 0), 1)`. @see https://pytorch.org/docs/stable/generated/torch.nn.Hardsigmoid.html */
export class Hardsigmoid extends Inplace {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: InplaceArguments) {
    super('Hardsigmoid', ...args);
  }

  forward(x: Tensor): Tensor {
    return hardsigmoid(x, { inplace: this.inplace });
  }
}

/** Elementwise `x·hardsigmoid(x)`. @see https://pytorch.org/docs/stable/generated/torch.nn.Hardswish.html */
export class Hardswish extends Inplace {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: InplaceArguments) {
    super('Hardswish', ...args);
  }

  forward(x: Tensor): Tensor {
    return hardswish(x, { inplace: this.inplace });
  }
}

/** Options of `GELU`. */
export interface GELUOptions {
  /** 'none' for the exact form, 'tanh' for the approximation; default 'none'. */
  readonly approximate?: 'none' | 'tanh';
}

/**
 * Elementwise `x·Φ(x)` with the normal distribution's Φ.
 *
 * @throws ArgumentError for an unknown `approximate`
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GELU.html
 */
export class GELU extends Module {
  static override readonly keepsNothing: boolean = true;
  readonly approximate: 'none' | 'tanh';

  constructor(...args: PlacedOrNamed<GELUOptions, ['approximate']>) {
    super();
    const { approximate = 'none' } = given<GELUOptions>('GELU', ['approximate'], args);
    if (approximate !== 'none' && approximate !== 'tanh') {
      throw new ArgumentError(`GELU: unknown approximate, got ${show(approximate)}; expected 'none' or 'tanh'`);
    }
    this.approximate = approximate;
  }

  forward(x: Tensor): Tensor {
    return gelu(x, { approximate: this.approximate });
  }

  override extraRepr(): string {
    return `approximate=${python(this.approximate)}`;
  }
}

/** Options of `GLU`; the dimension may also stand by itself. */
export interface DimOptions {
  /** Along which dimension; default the last. */
  readonly dim?: number;
}

/** What works along one dimension. */
abstract class Along extends Module {
  readonly dim: number;

  constructor(name: string, args: LayerArguments<[dim: number | undefined], ['dim'], DimOptions>, byDefault?: number) {
    super();
    const { dim = byDefault } = given(name, ['dim'], args);
    if (typeof dim !== 'number' || !Number.isInteger(dim)) throw new ArgumentError(`${name}: dim is not an integer, got ${show(dim)}; expected a dimension`);
    this.dim = dim;
  }

  override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}

/** `exp(x)/Σ exp(x)` along `dim`. @see https://pytorch.org/docs/stable/generated/torch.nn.Softmax.html */
export class Softmax extends Along {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: LayerArguments<[dim: number], ['dim']>) {
    super('Softmax', args);
  }

  forward(x: Tensor): Tensor {
    return softmax(x, this.dim);
  }
}

/** `log(softmax(x))` along `dim`. @see https://pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html */
export class LogSoftmax extends Along {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: LayerArguments<[dim: number], ['dim']>) {
    super('LogSoftmax', args);
  }

  forward(x: Tensor): Tensor {
    return logSoftmax(x, this.dim);
  }
}

/** `softmax(−x)` along `dim`. @see https://pytorch.org/docs/stable/generated/torch.nn.Softmin.html */
export class Softmin extends Along {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: LayerArguments<[dim: number], ['dim']>) {
    super('Softmin', args);
  }

  forward(x: Tensor): Tensor {
    return softmin(x, this.dim);
  }
}

/** Gated linear unit `a·σ(b)` for the two halves of `dim` (default the last). @see https://pytorch.org/docs/stable/generated/torch.nn.GLU.html */
export class GLU extends Along {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: LayerArguments<[dim: number | undefined], ['dim'], DimOptions>) {
    super('GLU', args, -1);
  }

  forward(x: Tensor): Tensor {
    return glu(x, this.dim);
  }
}

/** Softmax over the channels at every place of (N, C, H, W) or (C, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.Softmax2d.html */
export class Softmax2d extends Plain {
  static override readonly keepsNothing: boolean = true;
  forward(x: Tensor): Tensor {
    if (x.ndim !== 3 && x.ndim !== 4) throw new ShapeError(`Softmax2d: no channels of images, got ${show(x)}; expected (N, C, H, W) or (C, H, W)`);
    return softmax(x, -3);
  }
}

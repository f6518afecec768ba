import { type DType, getDefaultDtype } from '../core/dtype.ts';
import { StateError, checkOptions } from '../core/errors.ts';
import { empty } from '../core/ops/creation.ts';
import { type Shape, checkShape } from '../core/shape.ts';
import type { Device } from '../core/storage.ts';
import { noGrad } from '../core/tape.ts';
import type { Tensor } from '../core/tensor.ts';
import { type Cloneable, cloneHook } from './copy.ts';
import { Buffer, type BufferOptions, Parameter, type ParameterOptions } from './parameter.ts';
import { type Shapeless, shapeless } from './shapeless.ts';

/** Where a tensor without shape will live. */
interface Place {
  /** Element type; default float32. */
  readonly dtype?: DType;
  /** Default 'cpu'. */
  readonly device?: string | Device;
}

/** Options of `UninitializedParameter`. */
export interface UninitializedParameterOptions extends ParameterOptions, Place {}

/** Options of `UninitializedBuffer`. */
export interface UninitializedBufferOptions extends BufferOptions, Place {}

function blank({ dtype = getDefaultDtype(), device = 'cpu' }: Place): Tensor {
  return empty([0], { dtype, device });
}

/** Makes every use of the shape an error, and with it every use of the tensor but for moving it. */
function hideShape(name: string, x: Tensor): void {
  Object.defineProperty(x, 'shape', {
    configurable: true,
    enumerable: true,
    get(): never {
      throw new StateError(`${name}: a tensor is used before it has a shape, got no shape; expected the first forward pass of its layer before`, {
        hint: 'run one batch through the model',
      });
    },
  });
}

/** Gives a tensor its place in memory, and makes it an ordinary Parameter or Buffer. */
function settle(x: Tensor, source: Tensor, prototype: object): void {
  Object.defineProperty(x, 'shape', { configurable: true, enumerable: true, writable: true, value: [0] });
  Object.setPrototypeOf(x, prototype);
  x.assign_(source);
}

/** Memory of a shape, where `options` and the tensor itself say. */
function memory(op: string, x: Tensor, shape: Shape, options: Place | undefined): Tensor {
  checkOptions(op, options, ['dtype', 'device']);
  checkShape(op, shape);
  return noGrad(() => empty([...shape], { dtype: options?.dtype ?? x.dtype, device: options?.device ?? x.device }));
}

/**
 * A Parameter that has no shape yet: those of lazy layers before their first input. It can be moved, copied, listed, given to an optimizer and loaded into;
 * every other use throws. `materialize` makes it an ordinary Parameter, the same object.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.parameter.UninitializedParameter.html
 */
export class UninitializedParameter extends Parameter implements Cloneable, Shapeless {
  constructor(options: UninitializedParameterOptions = {}) {
    checkOptions('UninitializedParameter', options, ['requiresGrad', 'dtype', 'device']);
    const { requiresGrad = true, ...place } = options;
    super(blank(place), { requiresGrad });
    hideShape('UninitializedParameter', this);
  }

  /** Gives it a shape, and unfilled memory on its device and in its dtype, or in those of the options. */
  materialize(shape: Shape, options?: Place): void {
    this.adopt(memory('materialize', this, shape, options));
  }

  /** Gives it the memory of a tensor. */
  adopt(source: Tensor): void {
    settle(this, source, Parameter.prototype);
  }

  get [shapeless](): true {
    return true;
  }

  /** A copy without shape, too. */
  [cloneHook](): UninitializedParameter {
    const { requiresGrad, dtype, device } = this;
    return new UninitializedParameter({ requiresGrad, dtype, device });
  }

  /** PyTorch's print form. */
  override toString(): string {
    return '<UninitializedParameter>';
  }
}

/**
 * A Buffer that has no shape yet; see `UninitializedParameter`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.parameter.UninitializedBuffer.html
 */
export class UninitializedBuffer extends Buffer implements Cloneable, Shapeless {
  constructor(options: UninitializedBufferOptions = {}) {
    checkOptions('UninitializedBuffer', options, ['persistent', 'dtype', 'device']);
    const { persistent = true, ...place } = options;
    super(blank(place), { persistent });
    hideShape('UninitializedBuffer', this);
  }

  /** Gives it a shape, and unfilled memory on its device and in its dtype, or in those of the options. */
  materialize(shape: Shape, options?: Place): void {
    this.adopt(memory('materialize', this, shape, options));
  }

  /** Gives it the memory of a tensor. */
  adopt(source: Tensor): void {
    settle(this, source, Buffer.prototype);
  }

  get [shapeless](): true {
    return true;
  }

  /** A copy without shape, too. */
  [cloneHook](): UninitializedBuffer {
    const { persistent, dtype, device } = this;
    return new UninitializedBuffer({ persistent, dtype, device });
  }

  /** PyTorch's print form. */
  override toString(): string {
    return '<UninitializedBuffer>';
  }
}

import { ArgumentError, checkOptions, show } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';

function checkSource(name: string, tensor: unknown): asserts tensor is Tensor {
  if (!(tensor instanceof Tensor)) throw new ArgumentError(`${name}: not a tensor, got ${show(tensor)}; expected a Tensor`);
}

function checkFlag(name: string, option: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new ArgumentError(`${name}: ${option} is not a boolean, got ${show(value)}; expected true or false`);
}

/** Options of `Parameter`. */
export interface ParameterOptions {
  /** Whether operations on it are recorded; default true. */
  readonly requiresGrad?: boolean;
}

/**
 * A tensor that a Module lists among its parameters: what training changes. It shares the memory of the tensor it is made from and has no
 * history.
 *
 * @throws ArgumentError for anything but a tensor; DTypeError when it requires grad and is no float
 * @see https://pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html
 */
export class Parameter extends Tensor {
  constructor(tensor: Tensor, options?: ParameterOptions) {
    checkSource('Parameter', tensor);
    checkOptions('Parameter', options, ['requiresGrad']);
    super(tensor.storage, tensor.shape, tensor.strides, tensor.offset);
    tensor.storage.pinned = true;
    this.requiresGrad = options?.requiresGrad ?? true;
  }

  /** The print form of the tensor under a heading. */
  override toString(): string {
    return `Parameter containing:\n${super.toString()}`;
  }
}

/** Options of `Buffer`. */
export interface BufferOptions {
  /** Whether it is part of state dictionaries; default true. */
  readonly persistent?: boolean;
}

/**
 * A tensor that belongs to a Module's state and is not trained: running statistics, counters, masks. It shares the memory of the tensor it is
 * made from and has no history.
 *
 * @throws ArgumentError for anything but a tensor
 * @see https://pytorch.org/docs/stable/generated/torch.nn.parameter.Buffer.html
 */
export class Buffer extends Tensor {
  /** Whether it is part of state dictionaries. */
  readonly persistent: boolean;

  constructor(tensor: Tensor, options?: BufferOptions) {
    checkSource('Buffer', tensor);
    checkOptions('Buffer', options, ['persistent']);
    checkFlag('Buffer', 'persistent', options?.persistent ?? true);
    super(tensor.storage, tensor.shape, tensor.strides, tensor.offset);
    tensor.storage.pinned = true;
    this.persistent = options?.persistent ?? true;
  }
}

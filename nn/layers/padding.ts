import { ArgumentError, show } from '../../core/errors.ts';
import { type PadMode, pad } from '../../core/ops/pad.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { python } from '../repr.ts';

/** What all paddings share: one number for every end, or a pair per dimension, those of the last dimension first. */
abstract class Padding extends Module {
  readonly padding: readonly number[];
  protected readonly mode: PadMode;
  readonly value: number;

  constructor(name: string, rank: number, padding: number | readonly number[], mode: PadMode, value = 0) {
    super();
    const list: unknown[] = Array.isArray(padding) ? padding : new Array<unknown>(2 * rank).fill(padding);
    if (list.length !== 2 * rank || !list.every(Number.isInteger)) {
      throw new ArgumentError(`${name}: invalid padding, got ${show(padding)}; expected an integer, or ${2 * rank} of them`);
    }
    if (typeof value !== 'number') throw new ArgumentError(`${name}: value is not a number, got ${show(value)}; expected a number`);
    this.padding = list.slice() as number[];
    this.mode = mode;
    this.value = value;
  }

  forward(x: Tensor): Tensor {
    return this.mode === 'constant' ? pad(x, this.padding, 'constant', this.value) : pad(x, this.padding, this.mode);
  }

  override extraRepr(): string {
    return python(this.padding);
  }
}

/** Zeros around the last dimension of (…, C, L). @see https://pytorch.org/docs/stable/generated/torch.nn.ZeroPad1d.html */
export class ZeroPad1d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(padding: number | readonly number[]) {
    super('ZeroPad1d', 1, padding, 'constant');
  }
}

/** Zeros around the last two dimensions of (…, C, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.ZeroPad2d.html */
export class ZeroPad2d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(padding: number | readonly number[]) {
    super('ZeroPad2d', 2, padding, 'constant');
  }
}

/** Zeros around the last three dimensions of (…, C, D, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.ZeroPad3d.html */
export class ZeroPad3d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(padding: number | readonly number[]) {
    super('ZeroPad3d', 3, padding, 'constant');
  }
}

/** A constant around the last dimension of (…, C, L). @see https://pytorch.org/docs/stable/generated/torch.nn.ConstantPad1d.html */
export class ConstantPad1d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(padding: number | readonly number[], value: number) {
    super('ConstantPad1d', 1, padding, 'constant', value);
  }

  override extraRepr(): string {
    return `padding=${python(this.padding)}, value=${this.value}`;
  }
}

/** A constant around the last two dimensions of (…, C, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.ConstantPad2d.html */
export class ConstantPad2d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(padding: number | readonly number[], value: number) {
    super('ConstantPad2d', 2, padding, 'constant', value);
  }

  override extraRepr(): string {
    return `padding=${python(this.padding)}, value=${this.value}`;
  }
}

/** A constant around the last three dimensions of (…, C, D, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.ConstantPad3d.html */
export class ConstantPad3d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(padding: number | readonly number[], value: number) {
    super('ConstantPad3d', 3, padding, 'constant', value);
  }

  override extraRepr(): string {
    return `padding=${python(this.padding)}, value=${this.value}`;
  }
}

/** The inside, mirrored at the edge, around the last dimension of (…, C, L). @see https://pytorch.org/docs/stable/generated/torch.nn.ReflectionPad1d.html */
export class ReflectionPad1d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(padding: number | readonly number[]) {
    super('ReflectionPad1d', 1, padding, 'reflect');
  }
}

/** The inside, mirrored at the edge, around the last two dimensions of (…, C, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.ReflectionPad2d.html */
export class ReflectionPad2d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(padding: number | readonly number[]) {
    super('ReflectionPad2d', 2, padding, 'reflect');
  }
}

/** The inside, mirrored at the edge, around the last three dimensions of (…, C, D, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.ReflectionPad3d.html */
export class ReflectionPad3d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(padding: number | readonly number[]) {
    super('ReflectionPad3d', 3, padding, 'reflect');
  }
}

/** The value at the edge around the last dimension of (…, C, L). @see https://pytorch.org/docs/stable/generated/torch.nn.ReplicationPad1d.html */
export class ReplicationPad1d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(padding: number | readonly number[]) {
    super('ReplicationPad1d', 1, padding, 'replicate');
  }
}

/** The value at the edge around the last two dimensions of (…, C, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.ReplicationPad2d.html */
export class ReplicationPad2d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(padding: number | readonly number[]) {
    super('ReplicationPad2d', 2, padding, 'replicate');
  }
}

/** The value at the edge around the last three dimensions of (…, C, D, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.ReplicationPad3d.html */
export class ReplicationPad3d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(padding: number | readonly number[]) {
    super('ReplicationPad3d', 3, padding, 'replicate');
  }
}

/** The other end around the last dimension of (…, C, L). @see https://pytorch.org/docs/stable/generated/torch.nn.CircularPad1d.html */
export class CircularPad1d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(padding: number | readonly number[]) {
    super('CircularPad1d', 1, padding, 'circular');
  }
}

/** The other end around the last two dimensions of (…, C, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.CircularPad2d.html */
export class CircularPad2d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(padding: number | readonly number[]) {
    super('CircularPad2d', 2, padding, 'circular');
  }
}

/** The other end around the last three dimensions of (…, C, D, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.CircularPad3d.html */
export class CircularPad3d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(padding: number | readonly number[]) {
    super('CircularPad3d', 3, padding, 'circular');
  }
}

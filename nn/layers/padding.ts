import { ArgumentError, show } from '../../core/errors.ts';
import { type PadMode, pad } from '../../core/ops/pad.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { python } from '../repr.ts';
import { type ByName, type LayerArguments, given } from '../../core/given.ts';

/** What paddings are made from, by position or by name: one number for every end, or a pair per dimension, those of the last dimension first. */
export type PaddingArguments = LayerArguments<[padding: number | readonly number[]], ['padding']>;
/** What paddings with a constant are made from, by position or by name. */
export type ConstantPadArguments = LayerArguments<[padding: number | readonly number[], value: number], ['padding', 'value']>;

/** What all paddings share. */
abstract class Padding extends Module {
  readonly padding: readonly number[];
  protected readonly mode: PadMode;
  readonly value: number;

  constructor(name: string, rank: number, { padding, value = 0 }: { readonly padding: number | readonly number[]; readonly value?: number }, mode: PadMode) {
    super();
    const list: unknown[] = Array.isArray(padding) ? padding : new Array<unknown>(2 * rank).fill(padding);
    if (list.length !== 2 * rank || !list.every(Number.isInteger)) {
      throw new ArgumentError(`${name}: invalid padding, got ${show(padding)}; expected an integer, or ${2 * rank} of them`);
    }
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
  constructor(...args: PaddingArguments) {
    super('ZeroPad1d', 1, given('ZeroPad1d', ['padding'], args), 'constant');
  }
}

/** Zeros around the last two dimensions of (…, C, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.ZeroPad2d.html */
export class ZeroPad2d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: PaddingArguments) {
    super('ZeroPad2d', 2, given('ZeroPad2d', ['padding'], args), 'constant');
  }
}

/** Zeros around the last three dimensions of (…, C, D, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.ZeroPad3d.html */
export class ZeroPad3d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: PaddingArguments) {
    super('ZeroPad3d', 3, given('ZeroPad3d', ['padding'], args), 'constant');
  }
}

function readConstant(name: string, args: ConstantPadArguments): ByName<ConstantPadArguments> {
  const settings = given(name, ['padding', 'value'], args);
  if (typeof settings.value !== 'number') throw new ArgumentError(`${name}: value is not a number, got ${show(settings.value)}; expected a number`);
  return settings;
}

/** A constant around the last dimension of (…, C, L). @see https://pytorch.org/docs/stable/generated/torch.nn.ConstantPad1d.html */
export class ConstantPad1d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: ConstantPadArguments) {
    super('ConstantPad1d', 1, readConstant('ConstantPad1d', args), 'constant');
  }

  override extraRepr(): string {
    return `padding=${python(this.padding)}, value=${this.value}`;
  }
}

/** A constant around the last two dimensions of (…, C, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.ConstantPad2d.html */
export class ConstantPad2d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: ConstantPadArguments) {
    super('ConstantPad2d', 2, readConstant('ConstantPad2d', args), 'constant');
  }

  override extraRepr(): string {
    return `padding=${python(this.padding)}, value=${this.value}`;
  }
}

/** A constant around the last three dimensions of (…, C, D, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.ConstantPad3d.html */
export class ConstantPad3d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: ConstantPadArguments) {
    super('ConstantPad3d', 3, readConstant('ConstantPad3d', args), 'constant');
  }

  override extraRepr(): string {
    return `padding=${python(this.padding)}, value=${this.value}`;
  }
}

/** The inside, mirrored at the edge, around the last dimension of (…, C, L). @see https://pytorch.org/docs/stable/generated/torch.nn.ReflectionPad1d.html */
export class ReflectionPad1d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: PaddingArguments) {
    super('ReflectionPad1d', 1, given('ReflectionPad1d', ['padding'], args), 'reflect');
  }
}

/** The inside, mirrored at the edge, around the last two dimensions of (…, C, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.ReflectionPad2d.html */
export class ReflectionPad2d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: PaddingArguments) {
    super('ReflectionPad2d', 2, given('ReflectionPad2d', ['padding'], args), 'reflect');
  }
}

/** The inside, mirrored at the edge, around the last three dimensions of (…, C, D, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.ReflectionPad3d.html */
export class ReflectionPad3d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: PaddingArguments) {
    super('ReflectionPad3d', 3, given('ReflectionPad3d', ['padding'], args), 'reflect');
  }
}

/** The value at the edge around the last dimension of (…, C, L). @see https://pytorch.org/docs/stable/generated/torch.nn.ReplicationPad1d.html */
export class ReplicationPad1d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: PaddingArguments) {
    super('ReplicationPad1d', 1, given('ReplicationPad1d', ['padding'], args), 'replicate');
  }
}

/** The value at the edge around the last two dimensions of (…, C, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.ReplicationPad2d.html */
export class ReplicationPad2d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: PaddingArguments) {
    super('ReplicationPad2d', 2, given('ReplicationPad2d', ['padding'], args), 'replicate');
  }
}

/** The value at the edge around the last three dimensions of (…, C, D, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.ReplicationPad3d.html */
export class ReplicationPad3d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: PaddingArguments) {
    super('ReplicationPad3d', 3, given('ReplicationPad3d', ['padding'], args), 'replicate');
  }
}

/** The other end around the last dimension of (…, C, L). @see https://pytorch.org/docs/stable/generated/torch.nn.CircularPad1d.html */
export class CircularPad1d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: PaddingArguments) {
    super('CircularPad1d', 1, given('CircularPad1d', ['padding'], args), 'circular');
  }
}

/** The other end around the last two dimensions of (…, C, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.CircularPad2d.html */
export class CircularPad2d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: PaddingArguments) {
    super('CircularPad2d', 2, given('CircularPad2d', ['padding'], args), 'circular');
  }
}

/** The other end around the last three dimensions of (…, C, D, H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.CircularPad3d.html */
export class CircularPad3d extends Padding {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: PaddingArguments) {
    super('CircularPad3d', 3, given('CircularPad3d', ['padding'], args), 'circular');
  }
}

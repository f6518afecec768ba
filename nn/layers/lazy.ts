import { ShapeError, show } from '../../core/errors.ts';
import { sameShape } from '../../core/shape.ts';
import { Tensor } from '../../core/tensor.ts';
import { withoutInit } from '../initializing.ts';
import type { Module } from '../module.ts';
import { Buffer, Parameter } from '../parameter.ts';
import { isUninitialized } from '../shapeless.ts';
import { UninitializedBuffer, UninitializedParameter } from '../uninitialized.ts';
import type { FactoryOptions } from './check.ts';

// How a layer learns the size of its input from the first one.

/** Takes the shapes of a layer's tensors away again, scalars excepted, and sets its size to 0. */
export function postpone<M extends Module>(layer: M, size: keyof M & string): void {
  for (const [field, value] of Object.entries(layer) as [string, unknown][]) {
    if (!(value instanceof Parameter || value instanceof Buffer) || value.ndim === 0) continue;
    const { dtype, device } = value;
    Reflect.set(layer, field, value instanceof Parameter ? new UninitializedParameter({ dtype, device }) : new UninitializedBuffer({ dtype, device }));
  }
  Reflect.set(layer, size, 0);
}

/**
 * Makes a lazy layer the ordinary one that `make` gives for the size: tensors without values take over its tensors and stay the same objects; what was
 * loaded stays, and then nothing is drawn.
 *
 * @throws ShapeError when what was loaded has other shapes, before anything is changed
 */
export function settle<M extends Module>(layer: M, prototype: object, make: (factory: FactoryOptions) => M): void {
  const own = Object.entries(layer) as [string, unknown][];
  const tensors = own.flatMap(([, value]) => (value instanceof Parameter || value instanceof Buffer ? [value] : []));
  const waiting = tensors.some(isUninitialized);
  const like = tensors.find(isUninitialized) ?? tensors[0];
  const factory = like === undefined ? {} : { dtype: like.dtype, device: like.device };
  const made = waiting ? make(factory) : withoutInit(() => make(factory));
  const fresh = Object.entries(made) as [string, unknown][];
  for (const [field, value] of fresh) {
    const present: unknown = Reflect.get(layer, field);
    if (value instanceof Tensor && present instanceof Tensor && !isUninitialized(present) && !sameShape(value.shape, present.shape)) {
      throw new ShapeError(`${made.constructor.name}: the input does not fit what was loaded, got ${field} ${show(present)}; expected ${show(value)}`);
    }
  }
  for (const [field, value] of fresh) {
    const present: unknown = Reflect.get(layer, field);
    if (isUninitialized(present) && value instanceof Tensor) present.adopt(value);
    else if (!(value instanceof Tensor) && field !== 'training') Reflect.set(layer, field, value);
  }
  Object.setPrototypeOf(layer, prototype);
}

/** The number of channels of an input, with or without a batch before them. */
export function channelsOf(name: string, x: unknown, rank: number): number {
  if (!(x instanceof Tensor) || (x.ndim !== rank + 2 && x.ndim !== rank + 1)) {
    throw new ShapeError(`${name}: wrong number of dimensions, got ${show(x)}; expected ${rank + 1} or ${rank + 2}`);
  }
  return x.shape[x.ndim - rank - 1];
}

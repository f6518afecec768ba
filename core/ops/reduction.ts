import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, show } from '../errors.ts';
import { broadcastShapes, sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { checkTensor } from './define.ts';
import { mean, sum } from './reduce.ts';

/** What becomes of the losses of single elements: their mean, their sum, or nothing. */
export type Reduction = 'none' | 'mean' | 'sum';

/** The option of every loss. */
export interface ReductionOptions {
  /** What becomes of the losses of single elements; default 'mean'. */
  readonly reduction?: Reduction;
}

/** The reduction of the options. @throws ArgumentError for a name that is none */
export function reductionOf(name: string, options: ReductionOptions | undefined): Reduction {
  const reduction = options?.reduction ?? 'mean';
  if (reduction !== 'none' && reduction !== 'mean' && reduction !== 'sum') {
    throw new ArgumentError(`${name}: unknown reduction, got ${show(reduction)}; expected 'none', 'mean' or 'sum'`);
  }
  return reduction;
}

/** Losses of single elements, which nobody else has, reduced. */
export function reduceLoss(losses: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'none') return losses;
  const reduced = reduction === 'mean' ? mean(losses) : sum(losses);
  losses.storage.discard();
  return reduced;
}

/** Refuses anything but a float tensor as the input of a loss. */
export function checkInput(name: string, x: unknown, what = 'input'): asserts x is Tensor {
  checkTensor(name, x, what);
  if (!isFloat(x.dtype)) throw new DTypeError(`${name}: ${what} is not a float tensor, got ${show(x)}; expected float32 or float64`);
}

/** Refuses anything but a tensor of numbers, whole ones too, as the input of a loss. */
export function checkNumbers(name: string, x: unknown, what = 'input'): asserts x is Tensor {
  checkTensor(name, x, what);
  if (x.dtype === 'bool') throw new DTypeError(`${name}: ${what} is bool, got ${show(x)}; expected numbers`);
}

/** Refuses operands that do not broadcast. */
export function checkBroadcasting(name: string, input: unknown, target: unknown, check: typeof checkInput = checkInput): asserts input is Tensor {
  check(name, input);
  checkTensor(name, target, 'target');
  broadcastShapes(name, input.shape, target.shape);
}

/** Refuses a target of another shape than the input: broadcasting would compare every element with every other. */
export function checkPair(name: string, input: unknown, target: unknown, what = 'target'): asserts input is Tensor {
  checkInput(name, input);
  checkAlike(name, input, target, what);
}

/** Refuses operands of different shapes. */
export function checkAlike(name: string, input: unknown, target: unknown, what: string): asserts input is Tensor {
  checkTensor(name, input);
  checkTensor(name, target, what);
  if (!sameShape(input.shape, target.shape)) {
    throw new ShapeError(`${name}: input and ${what} differ in shape, got ${show(input)} and ${show(target)}; expected one shape`, {
      values: { input: input.shape, [what]: target.shape },
    });
  }
}

/** The first element that fails a test, or undefined; elements that are not in JavaScript's reach are not looked at. */
export function findElement(x: Tensor, low: number, high: number): number | undefined {
  if (x.device.name !== 'cpu') return undefined;
  const cells = x.isContiguous() ? x.storage.cells : x.data();
  const start = x.isContiguous() ? x.offset : 0;
  const end = start + x.numel();
  for (let i = start; i < end; i++) if (!(cells[i] >= low && cells[i] <= high)) return cells[i];
  return undefined;
}

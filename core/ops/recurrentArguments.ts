import { isFloat } from '../dtype.ts';
import { DTypeError, ShapeError, show } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { checkTensor } from './define.ts';
import { checkDTypes } from './matmul.ts';

/** Operands of one step: input, hidden state, weights and biases of input and state. */
export interface StepOperands {
  readonly x: Tensor;
  readonly hidden: Tensor;
  readonly weightIh: Tensor;
  readonly weightHh: Tensor;
  readonly biasIh: Tensor | null | undefined;
  readonly biasHh: Tensor | null | undefined;
}

/** Refuses operands of one step that do not fit; `more` are further ones of their dtype. */
export function checkStep(name: string, gates: number, { x, hidden, weightIh, weightHh, biasIh, biasHh }: StepOperands, ...more: readonly Tensor[]): void {
  checkTensor(name, x);
  checkTensor(name, hidden, 'hx');
  checkTensor(name, weightIh, 'weightIh');
  checkTensor(name, weightHh, 'weightHh');
  const biases = Object.entries({ biasIh, biasHh }).filter((entry): entry is [string, Tensor] => entry[1] !== null && entry[1] !== undefined);
  for (const [what, b] of biases) checkTensor(name, b, what);
  checkDTypes(name, x, hidden, ...more, weightIh, weightHh, ...biases.map(([, b]) => b));
  if (!isFloat(x.dtype)) throw new DTypeError(`${name}: not floats, got ${show(x)}; expected float32 or float64`);
  if (x.ndim !== 2 || hidden.ndim !== 2 || hidden.shape[0] !== x.shape[0]) {
    throw new ShapeError(`${name}: input and state do not fit, got ${show(x)} and ${show(hidden)}; expected (batch, in) and (batch, hidden)`);
  }
  const [size, inputs] = [hidden.shape[1], x.shape[1]];
  for (const [what, w, columns] of [['weightIh', weightIh, inputs], ['weightHh', weightHh, size]] as const) {
    if (w.ndim === 2 && w.shape[0] === gates * size && w.shape[1] === columns) continue;
    throw new ShapeError(`${name}: ${what} does not fit, got ${show(w)}; expected [${gates * size}, ${columns}]`);
  }
  for (const [what, b] of biases) {
    if (b.ndim === 1 && b.shape[0] === gates * size) continue;
    throw new ShapeError(`${name}: ${what} does not fit, got ${show(b)}; expected [${gates * size}]`);
  }
}

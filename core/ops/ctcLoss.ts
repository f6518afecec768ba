import { type CtcAttrs, ctcBackwardKernel, ctcKernel } from '../cpu/ctc.ts';
import { ArgumentError, DTypeError, ShapeError, StateError, checkOptions, show } from '../errors.ts';
import { type Primitive, apply, applyMany, primitive } from '../op.ts';
import { Tensor } from '../tensor.ts';
import { tensor } from './creation.ts';
import { type Free, checkTensor, free } from './define.ts';
import { type ReductionOptions, checkInput, reductionOf } from './reduction.ts';

const name = 'ctcLoss';

const backwardOp: Primitive<CtcAttrs> = primitive<CtcAttrs>({
  name: 'ctcLossBackward',
  infer: ([, logProbs]) => logProbs as Tensor,
  cpu: ctcBackwardKernel,
  backward: () => {
    throw new StateError(`${name}: no second derivative, got a gradient of its gradient; expected first derivatives only`);
  },
});

const ctcOp: Primitive<CtcAttrs> = primitive<CtcAttrs>({
  name,
  infer: ([input], { targetLengths }) => {
    const { shape, dtype } = input as Tensor;
    return [{ shape: [shape[1]], dtype }, { shape: [shape[1], shape[0], 2 * Math.max(0, ...targetLengths) + 1], dtype }];
  },
  cpu: ctcKernel,
  saves: 'both',
  backward: (node, g) => [g === null ? null : apply(backwardOp, [g.contiguous(), node.input(0), node.input(1), node.output(0), node.output(1)], node.attrs as CtcAttrs)],
});

/** Options of `ctcLoss`. */
export interface CtcLossOptions extends ReductionOptions {
  /** The label that stands for nothing; default 0. */
  readonly blank?: number;
  /** Losses of targets that do not fit into their sequence are 0 instead of Infinity; default false. */
  readonly zeroInfinity?: boolean;
}

/** Lengths: whole numbers, as an array or an integer tensor. */
export type Lengths = Tensor | readonly number[];

function lengthsOf(what: string, given: unknown, count: number, most: number): number[] {
  if (given instanceof Tensor && given.dtype !== 'int64' && given.dtype !== 'int32' && given.dtype !== 'uint8') {
    throw new DTypeError(`${name}: ${what} are not whole numbers, got ${show(given)}; expected int64 or int32`);
  }
  if (!(given instanceof Tensor) && !Array.isArray(given)) throw new ArgumentError(`${name}: ${what} are no lengths, got ${show(given)}; expected an integer tensor or an array`);
  const lengths: unknown[] = given instanceof Tensor ? [...given.data()] : given;
  if (lengths.length !== count) throw new ShapeError(`${name}: wrong number of ${what}, got ${lengths.length}; expected ${count}, one per sequence`);
  for (const n of lengths) {
    if (!(typeof n === 'number' && Number.isInteger(n) && n >= 0 && n <= most)) throw new ArgumentError(`${name}: invalid length among the ${what}, got ${show(n)}; expected an integer from 0 to ${most}`);
  }
  return lengths as number[];
}

/** Where the labels of each sequence begin, in rows of a padded tensor or one behind the other. */
function startsOf(targets: Tensor, batch: number, lengths: readonly number[]): number[] {
  const total = lengths.reduce((a, b) => a + b, 0);
  if (targets.ndim === 1 && targets.shape[0] === total) {
    let at = 0;
    return lengths.map((n) => (at += n) - n);
  }
  if (targets.ndim !== 2 || targets.shape[0] !== batch) {
    throw new ShapeError(`${name}: targets do not fit, got ${show(targets)}; expected [${batch}, S] padded, or [${total}] one behind the other`, { values: { targets: targets.shape } });
  }
  return lengths.map((_, b) => b * targets.shape[1]);
}

function checkTargets(targets: Tensor, starts: readonly number[], lengths: readonly number[], classes: number): void {
  const labels = targets.data();
  starts.forEach((start, b) => {
    for (let i = start; i < start + lengths[b]; i++) {
      if (!(labels[i] >= 0 && labels[i] < classes)) throw new ArgumentError(`${name}: no such class, got label ${labels[i]}; expected 0 to ${classes - 1}`, { values: { label: labels[i], classes } });
    }
  });
}

/**
 * Connectionist temporal classification: `-log Σ Π p` over all ways to spread the labels over the steps, with blanks between them. The mean divides
 * each loss by the number of its labels first. As in PyTorch the gradient is that of log-probabilities which come out of `logSoftmax`, and there is no
 * second one.
 *
 * @param logProbs - (T, N, C) or (T, C)
 * @param targets - int64 or int32: labels padded to (N, S), or one behind the other
 * @param inputLengths - steps of each sequence, at most T
 * @param targetLengths - labels of each sequence
 * @throws ShapeError, DTypeError or ArgumentError for what does not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.ctc_loss.html and Graves et al., 2006
 */
export const ctcLoss: Free<(logProbs: Tensor, targets: Tensor, inputLengths: Lengths, targetLengths: Lengths, options?: CtcLossOptions) => Tensor> = free(
  {
    name,
    family: 'loss',
    torch: 'nn.functional.ctc_loss',
    samples: (s) => [
      [s.float([5, 2, 3], -3, 0), s.values([1, 2, 2, 0], [2, 2], 'int64'), s.values([5, 4], [2], 'int64'), s.values([2, 1], [2], 'int64')],
      [s.float([4, 2, 3], -3, 0), s.values([1, 0, 1], [3], 'int64'), [4, 3], [1, 2], { blank: 2, reduction: 'sum' }],
      [s.float([4, 3], -3, 0), s.values([1, 1], [2], 'int64'), [4], [2], { reduction: 'none' }],
      [s.float([2, 2, 3], -3, 0), s.values([1, 1, 2, 1], [2, 2], 'int64'), [2, 2], [2, 0], { zeroInfinity: true, reduction: 'none' }],
    ],
  },
  (logProbs: Tensor, targets: Tensor, inputLengths: Lengths, targetLengths: Lengths, options: CtcLossOptions = {}): Tensor => {
    checkInput(name, logProbs, 'logProbs');
    checkTensor(name, targets, 'targets');
    checkOptions(name, options, ['blank', 'reduction', 'zeroInfinity']);
    const reduction = reductionOf(name, options);
    const { blank = 0, zeroInfinity = false } = options;
    if (typeof zeroInfinity !== 'boolean') throw new ArgumentError(`${name}: zeroInfinity is not a boolean, got ${show(zeroInfinity)}; expected true or false`);
    if (targets.dtype !== 'int64' && targets.dtype !== 'int32') throw new DTypeError(`${name}: labels are not whole numbers, got ${show(targets)}; expected int64 or int32`);
    if (logProbs.ndim !== 2 && logProbs.ndim !== 3) throw new ShapeError(`${name}: no sequences, got ${show(logProbs)}; expected (T, N, C) or (T, C)`);
    const batched = logProbs.ndim === 3 ? logProbs : logProbs.unsqueeze(1);
    const [steps, batch, classes] = batched.shape;
    if (!Number.isInteger(blank) || blank < 0 || blank >= classes) throw new ArgumentError(`${name}: no such class, got blank ${show(blank)}; expected 0 to ${classes - 1}`);
    const ins = lengthsOf('inputLengths', inputLengths, batch, steps);
    const outs = lengthsOf('targetLengths', targetLengths, batch, targets.ndim === 2 ? targets.shape[1] : targets.numel());
    const starts = startsOf(targets, batch, outs);
    checkTargets(targets, starts, outs, classes);
    const [losses, alpha] = applyMany(ctcOp, [batched.contiguous(), targets.contiguous()], { inputLengths: ins, targetLengths: outs, starts, blank, zeroInfinity });
    alpha.storage.discard();
    const known = zeroInfinity ? losses.maskedFill(losses.eq(Infinity), 0) : losses;
    if (reduction === 'none') return logProbs.ndim === 3 ? known : known.squeeze(0);
    if (reduction === 'sum') return known.sum();
    return known.div(tensor(outs.map((n) => Math.max(n, 1)), { dtype: losses.dtype, device: losses.device })).mean();
  },
);

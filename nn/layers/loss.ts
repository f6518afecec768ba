import { checkNumber } from '../../core/errors.ts';
import { type ClassLossOptions, type CrossEntropyOptions, crossEntropy, nllLoss } from '../../core/ops/crossEntropy.ts';
import {
  type BinaryCrossEntropyOptions, type BinaryCrossEntropyWithLogitsOptions, binaryCrossEntropy, binaryCrossEntropyWithLogits,
} from '../../core/ops/loss.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { Buffer } from '../parameter.ts';
import { Loss, weightBuffer } from './reduction.ts';
import { type PlacedOrNamed, given } from '../../core/given.ts';

function checkIgnoreIndex(loss: string, value: unknown): void {
  checkNumber(loss, 'ignoreIndex', value, 'an integer', Number.isInteger);
}

/**
 * Softmax cross-entropy of logits and classes (integers) or class probabilities (floats).
 *
 * Shape: (N, C, …) and (N, …), or (C) and () → a scalar, or the target's shape without reduction.
 *
 * @throws ArgumentError for options out of range
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
 */
export class CrossEntropyLoss extends Loss {
  readonly ignoreIndex: number;
  readonly labelSmoothing: number;
  weight: Buffer | null;

  constructor(...args: PlacedOrNamed<CrossEntropyOptions, ['weight']>) {
    const options = given<CrossEntropyOptions>('CrossEntropyLoss', ['weight'], args, ['reduction', 'ignoreIndex', 'labelSmoothing']);
    super('CrossEntropyLoss', options, ['weight', 'ignoreIndex', 'labelSmoothing']);
    const { ignoreIndex = -100, labelSmoothing = 0 } = options;
    checkIgnoreIndex('CrossEntropyLoss', ignoreIndex);
    checkNumber('CrossEntropyLoss', 'labelSmoothing', labelSmoothing, 'a number from 0 to 1', (v) => v >= 0 && v <= 1);
    this.ignoreIndex = ignoreIndex;
    this.labelSmoothing = labelSmoothing;
    this.weight = weightBuffer('CrossEntropyLoss', 'weight', options.weight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, labelSmoothing, reduction } = this;
    return crossEntropy(input, target, { weight, ignoreIndex, labelSmoothing, reduction });
  }
}

/**
 * Negative log-likelihood of log-probabilities and classes (integers).
 *
 * Shape: (N, C, …) and (N, …), or (C) and () → a scalar, or the target's shape without reduction.
 *
 * @throws ArgumentError for options out of range
 * @see https://pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html
 */
export class NLLLoss extends Loss {
  readonly ignoreIndex: number;
  weight: Buffer | null;

  constructor(...args: PlacedOrNamed<ClassLossOptions, ['weight']>) {
    const options = given<ClassLossOptions>('NLLLoss', ['weight'], args, ['reduction', 'ignoreIndex']);
    super('NLLLoss', options, ['weight', 'ignoreIndex']);
    const { ignoreIndex = -100 } = options;
    checkIgnoreIndex('NLLLoss', ignoreIndex);
    this.ignoreIndex = ignoreIndex;
    this.weight = weightBuffer('NLLLoss', 'weight', options.weight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction } = this;
    return nllLoss(input, target, { weight, ignoreIndex, reduction });
  }
}

/**
 * Binary cross-entropy of probabilities, `−(y·log x + (1−y)·log(1−x))`; logarithms are cut off at -100.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BCELoss.html
 */
export class BCELoss extends Loss {
  weight: Buffer | null;

  constructor(...args: PlacedOrNamed<BinaryCrossEntropyOptions, ['weight']>) {
    const options = given<BinaryCrossEntropyOptions>('BCELoss', ['weight'], args, ['reduction']);
    super('BCELoss', options, ['weight']);
    this.weight = weightBuffer('BCELoss', 'weight', options.weight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, reduction } = this;
    return binaryCrossEntropy(input, target, { weight, reduction });
  }
}

/**
 * Binary cross-entropy of logits: a sigmoid and `BCELoss` in one stable formula.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html
 */
export class BCEWithLogitsLoss extends Loss {
  weight: Buffer | null;
  posWeight: Buffer | null;

  constructor(...args: PlacedOrNamed<BinaryCrossEntropyWithLogitsOptions, ['weight']>) {
    const options = given<BinaryCrossEntropyWithLogitsOptions>('BCEWithLogitsLoss', ['weight'], args, ['reduction', 'posWeight']);
    super('BCEWithLogitsLoss', options, ['weight', 'posWeight']);
    this.weight = weightBuffer('BCEWithLogitsLoss', 'weight', options.weight);
    this.posWeight = weightBuffer('BCEWithLogitsLoss', 'posWeight', options.posWeight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, posWeight, reduction } = this;
    return binaryCrossEntropyWithLogits(input, target, { weight, posWeight, reduction });
  }
}

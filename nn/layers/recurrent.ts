import { ArgumentError, ShapeError, checkOptions, show } from '../../core/errors.ts';
import { zeros } from '../../core/ops/creation.ts';
import { lstmCell } from '../../core/ops/lstmCell.ts';
import { Tensor } from '../../core/tensor.ts';
import { uniform_ } from '../init.ts';
import { Module } from '../module.ts';
import type { Parameter } from '../parameter.ts';
import { type FactoryOptions, checkBoolean, checkInteger, factoryOptions, newParameter } from './check.ts';

/** Options of recurrent cells. */
export interface RNNCellOptions extends FactoryOptions {
  /** Add learned biases, one for the input and one for the state; default true. */
  readonly bias?: boolean;
}

/**
 * One step of a long short-term memory: `i, f, o = σ(·)`, `g = tanh(·)` of `x·W_ihᵀ + b_ih + h·W_hhᵀ + b_hh`; `c' = f·c + i·g`; `h' = o·tanh(c')`.
 * Weights (4·hiddenSize, inputSize) and (4·hiddenSize, hiddenSize) and biases (4·hiddenSize) start uniform in `±1/√hiddenSize`.
 *
 * Shape: (batch, inputSize) and `[h, c]` of (batch, hiddenSize) → `[h', c']`; all without the batch, too. Without a state it starts from zeros.
 *
 * @throws ArgumentError when a size is not an integer ≥ 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html and Hochreiter & Schmidhuber, 1997
 */
export class LSTMCell extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  weightIh: Parameter;
  weightHh: Parameter;
  biasIh: Parameter | null;
  biasHh: Parameter | null;

  constructor(inputSize: number, hiddenSize: number, options: RNNCellOptions = {}) {
    super();
    checkInteger('LSTMCell', 'inputSize', inputSize);
    checkInteger('LSTMCell', 'hiddenSize', hiddenSize);
    checkOptions('LSTMCell', options, ['bias', ...factoryOptions]);
    const { bias = true } = options;
    checkBoolean('LSTMCell', 'bias', bias);
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.weightIh = newParameter([4 * hiddenSize, inputSize], options);
    this.weightHh = newParameter([4 * hiddenSize, hiddenSize], options);
    this.biasIh = bias ? newParameter([4 * hiddenSize], options) : null;
    this.biasHh = bias ? newParameter([4 * hiddenSize], options) : null;
    this.resetParameters();
  }

  /** Draws weights and biases anew. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    for (const p of this.parameters()) uniform_(p, -bound, bound);
  }

  forward(x: Tensor, state?: readonly [Tensor, Tensor]): [Tensor, Tensor] {
    const { inputSize, hiddenSize } = this;
    if (!(x instanceof Tensor)) throw new ArgumentError(`LSTMCell: input is not a tensor, got ${show(x)}; expected a Tensor`);
    if ((x.ndim !== 1 && x.ndim !== 2) || x.shape[x.ndim - 1] !== inputSize) {
      throw new ShapeError(`LSTMCell: the input does not fit, got ${show(x)}; expected [${inputSize}] or [batch, ${inputSize}]`);
    }
    const batch = x.ndim === 2 ? x : x.unsqueeze(0);
    const [h, c] = state ?? [zeros([batch.shape[0], hiddenSize], { dtype: x.dtype, device: x.device }), zeros([batch.shape[0], hiddenSize], { dtype: x.dtype, device: x.device })];
    if (state !== undefined && (h.ndim !== x.ndim || c.ndim !== x.ndim)) {
      throw new ShapeError(`LSTMCell: the state has another number of dimensions than the input, got ${show(h)} and ${show(c)} for ${show(x)}; expected ${x.ndim}`);
    }
    const rows = (s: Tensor): Tensor => (s.ndim === 2 ? s : s.unsqueeze(0));
    const [hidden, cell] = lstmCell(batch, [rows(h), rows(c)], this.weightIh, this.weightHh, this.biasIh, this.biasHh);
    return x.ndim === 2 ? [hidden, cell] : [hidden.squeeze(0), cell.squeeze(0)];
  }

  override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.biasIh === null ? ', bias=False' : ''}`;
  }
}

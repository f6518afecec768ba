import { ArgumentError, ShapeError, show } from '../../core/errors.ts';
import { gruCell } from '../../core/ops/gruCell.ts';
import { zeros } from '../../core/ops/creation.ts';
import { lstmCell } from '../../core/ops/lstmCell.ts';
import { rnnReluCell, rnnTanhCell } from '../../core/ops/rnnCell.ts';
import { Tensor } from '../../core/tensor.ts';
import { uniform_ } from '../init.ts';
import { Module } from '../module.ts';
import type { Parameter } from '../parameter.ts';
import { type FactoryOptions, checkBoolean, checkInteger, factoryOptions, newParameter } from './check.ts';
import { type LayerArguments, given } from '../../core/given.ts';
import { checkNonlinearity } from './rnn.ts';

/** Options of recurrent cells. */
export interface RNNCellOptions extends FactoryOptions {
  /** Add learned biases, one for the input and one for the state; default true. */
  readonly bias?: boolean;
}

/** Options of `RNNCell`. */
export interface ElmanCellOptions extends RNNCellOptions {
  /** What is applied to the sum; default 'tanh'. */
  readonly nonlinearity?: 'tanh' | 'relu';
}

/** What cells are made from. */
export type RNNCellArguments<O extends RNNCellOptions = RNNCellOptions> = LayerArguments<[inputSize: number, hiddenSize: number], ['inputSize', 'hiddenSize'], O>;

const options_ = ['bias', ...factoryOptions] as const;

/** What recurrent cells share. */
export abstract class RNNCellBase extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  weightIh: Parameter;
  weightHh: Parameter;
  biasIh: Parameter | null;
  biasHh: Parameter | null;

  constructor(layer: string, gates: number, options: RNNCellOptions & { readonly inputSize: number; readonly hiddenSize: number }) {
    super();
    const { inputSize, hiddenSize, bias = true } = options;
    checkInteger(layer, 'inputSize', inputSize, 0);
    checkInteger(layer, 'hiddenSize', hiddenSize, 0);
    checkBoolean(layer, 'bias', bias);
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.weightIh = newParameter([gates * hiddenSize, inputSize], options);
    this.weightHh = newParameter([gates * hiddenSize, hiddenSize], options);
    this.biasIh = bias ? newParameter([gates * hiddenSize], options) : null;
    this.biasHh = bias ? newParameter([gates * hiddenSize], options) : null;
    this.resetParameters();
  }

  /** Draws weights and biases anew. */
  resetParameters(): void {
    const bound = this.hiddenSize > 0 ? 1 / Math.sqrt(this.hiddenSize) : 0;
    for (const p of this.parameters()) uniform_(p, -bound, bound);
  }

  /** Runs a step on rows: what has no batch gets one of 1 and loses it again, and a state that was not given is zeros. */
  protected step(x: Tensor, states: readonly (Tensor | undefined)[], run: (x: Tensor, states: readonly Tensor[]) => readonly Tensor[]): Tensor[] {
    const { inputSize, hiddenSize } = this;
    const layer = this.constructor.name;
    if (!(x instanceof Tensor)) throw new ArgumentError(`${layer}: input is not a tensor, got ${show(x)}; expected a Tensor`);
    if ((x.ndim !== 1 && x.ndim !== 2) || x.shape[x.ndim - 1] !== inputSize) {
      throw new ShapeError(`${layer}: the input does not fit, got ${show(x)}; expected [${inputSize}] or [batch, ${inputSize}]`);
    }
    const batch = x.ndim === 2 ? x : x.unsqueeze(0);
    const rows = states.map((s) => {
      if (s === undefined) return zeros([batch.shape[0], hiddenSize], { dtype: x.dtype, device: x.device });
      if (!(s instanceof Tensor)) throw new ArgumentError(`${layer}: the state is not a tensor, got ${show(s)}; expected a Tensor`);
      if (s.ndim !== x.ndim) throw new ShapeError(`${layer}: the state has another number of dimensions than the input, got ${show(s)} for ${show(x)}; expected ${x.ndim}`);
      return s.ndim === 2 ? s : s.unsqueeze(0);
    });
    const made = run(batch, rows);
    return made.map((s) => (x.ndim === 2 ? s : s.squeeze(0)));
  }

  override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.biasIh === null ? ', bias=False' : ''}`;
  }
}

/**
 * One step of Elman's recurrent network: `h' = tanh(x·W_ihᵀ + b_ih + h·W_hhᵀ + b_hh)`, or relu. Weights (hiddenSize, inputSize) and (hiddenSize, hiddenSize) and
 * biases (hiddenSize) start uniform in `±1/√hiddenSize`.
 *
 * Shape: (batch, inputSize) and (batch, hiddenSize) → (batch, hiddenSize); all without the batch, too. Without a state it starts from zeros.
 *
 * @throws ArgumentError when a size is not an integer ≥ 0, or for an unknown nonlinearity
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RNNCell.html
 */
export class RNNCell extends RNNCellBase {
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(...args: RNNCellArguments<ElmanCellOptions>) {
    const { nonlinearity = 'tanh', ...options } = given('RNNCell', ['inputSize', 'hiddenSize'], args, ['nonlinearity', ...options_]);
    super('RNNCell', 1, options);
    checkNonlinearity('RNNCell', nonlinearity);
    this.nonlinearity = nonlinearity;
  }

  forward(x: Tensor, hx?: Tensor | null): Tensor {
    const cell = this.nonlinearity === 'tanh' ? rnnTanhCell : rnnReluCell;
    return this.step(x, [hx ?? undefined], (rows, [h]) => [cell(rows, h, this.weightIh, this.weightHh, this.biasIh, this.biasHh)])[0];
  }

  override extraRepr(): string {
    return `${super.extraRepr()}${this.nonlinearity === 'tanh' ? '' : `, nonlinearity=${this.nonlinearity}`}`;
  }
}

/**
 * One step of a gated recurrent unit: `r = σ(x_r + h_r)`, `z = σ(x_z + h_z)`, `n = tanh(x_n + r·h_n)`, `h' = (1−z)·n + z·h`, with parts of `x·W_ihᵀ + b_ih` and
 * `h·W_hhᵀ + b_hh`. Weights (3·hiddenSize, inputSize) and (3·hiddenSize, hiddenSize) and biases (3·hiddenSize) start uniform in `±1/√hiddenSize`.
 *
 * Shape: (batch, inputSize) and (batch, hiddenSize) → (batch, hiddenSize); all without the batch, too. Without a state it starts from zeros.
 *
 * @throws ArgumentError when a size is not an integer ≥ 0
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GRUCell.html and Cho et al., 2014
 */
export class GRUCell extends RNNCellBase {
  constructor(...args: RNNCellArguments) {
    super('GRUCell', 3, given('GRUCell', ['inputSize', 'hiddenSize'], args, options_));
  }

  forward(x: Tensor, hx?: Tensor | null): Tensor {
    return this.step(x, [hx ?? undefined], (rows, [h]) => [gruCell(rows, h, this.weightIh, this.weightHh, this.biasIh, this.biasHh)])[0];
  }
}

/**
 * One step of a long short-term memory: `i, f, o = σ(·)`, `g = tanh(·)` of `x·W_ihᵀ + b_ih + h·W_hhᵀ + b_hh`; `c' = f·c + i·g`; `h' = o·tanh(c')`.
 * Weights (4·hiddenSize, inputSize) and (4·hiddenSize, hiddenSize) and biases (4·hiddenSize) start uniform in `±1/√hiddenSize`.
 *
 * Shape: (batch, inputSize) and `[h, c]` of (batch, hiddenSize) → `[h', c']`; all without the batch, too. Without a state it starts from zeros.
 *
 * @throws ArgumentError when a size is not an integer ≥ 0
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html and Hochreiter & Schmidhuber, 1997
 */
export class LSTMCell extends RNNCellBase {
  constructor(...args: RNNCellArguments) {
    super('LSTMCell', 4, given('LSTMCell', ['inputSize', 'hiddenSize'], args, options_));
  }

  forward(x: Tensor, state?: readonly [Tensor, Tensor] | null): [Tensor, Tensor] {
    if (state !== undefined && state !== null && (!Array.isArray(state) || state.length !== 2)) throw new ArgumentError(`LSTMCell: not a state, got ${show(state)}; expected [h, c]`);
    const [h, c] = this.step(x, state ?? [undefined, undefined], (rows, [hidden, cell]) => lstmCell(rows, [hidden, cell], this.weightIh, this.weightHh, this.biasIh, this.biasHh));
    return [h, c];
  }
}

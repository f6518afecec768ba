import { ArgumentError, show } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { PackedSequence } from '../packed.ts';
import { type LayerArguments, given } from '../../core/given.ts';
import { RNNBase, type RNNBaseOptions, type RecurrentOutput, recurrentOutput, rnnOptions } from './rnnBase.ts';

/** Options of `RNN`. */
export interface RNNOptions extends RNNBaseOptions {
  /** What is applied to the sum; default 'tanh'. */
  readonly nonlinearity?: 'tanh' | 'relu';
}

/** Options of `LSTM`. */
export interface LSTMOptions extends RNNBaseOptions {
  /** Project hidden states to so many features, fewer than `hiddenSize`; default 0, which is none. */
  readonly projSize?: number;
}

/** What recurrent layers are made from: sizes and the number of layers by position or by name, and options. */
export type RNNArguments<O extends RNNBaseOptions = RNNBaseOptions> = LayerArguments<[inputSize: number, hiddenSize: number, numLayers: number | undefined], ['inputSize', 'hiddenSize', 'numLayers'], O>;

const positions = ['inputSize', 'hiddenSize', 'numLayers'] as const;

/** Refuses what is no nonlinearity of a recurrent network. */
export function checkNonlinearity(layer: string, value: unknown): asserts value is 'tanh' | 'relu' {
  if (value !== 'tanh' && value !== 'relu') throw new ArgumentError(`${layer}: unknown nonlinearity, got ${show(value)}; expected 'tanh' or 'relu'`);
}

/**
 * Elman's recurrent network over sequences: `h_t = tanh(x_t·W_ihᵀ + b_ih + h_{t−1}·W_hhᵀ + b_hh)`, or relu, in one or more layers, forwards or in both directions.
 * Parameters `weightIhL0` (hidden, in), `weightHhL0` (hidden, hidden), `biasIhL0`, `biasHhL0` (hidden), with the number of the layer and `Reverse` behind the names of
 * the other direction, start uniform in `±1/√hiddenSize`.
 *
 * Shape: (length, batch, in), with `batchFirst` (batch, length, in), (length, in), or a PackedSequence → `[output, hn]`: like the input with directions·hidden
 * features, and (layers·directions, batch, hidden). The number of layers may also stand before the options.
 *
 * @throws ArgumentError for sizes < 1, a dropout outside 0 to 1, or an unknown nonlinearity
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RNN.html
 */
export class RNN extends RNNBase {
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(...args: RNNArguments<RNNOptions>) {
    const { nonlinearity = 'tanh', ...settings } = given('RNN', positions, args, ['nonlinearity', ...rnnOptions]);
    checkNonlinearity('RNN', nonlinearity);
    super('RNN', nonlinearity === 'tanh' ? 'rnnTanh' : 'rnnRelu', settings);
    this.nonlinearity = nonlinearity;
  }

  /** @param hx - the state to start from (layers·directions, batch, hidden); zeros by default */
  forward(input: Tensor, hx?: Tensor | null): RecurrentOutput<Tensor, Tensor>;
  forward(input: PackedSequence, hx?: Tensor | null): RecurrentOutput<PackedSequence, Tensor>;
  forward(input: Tensor | PackedSequence, hx?: Tensor | null): RecurrentOutput<Tensor | PackedSequence, Tensor> {
    const { output, states } = this.run(input, hx === undefined || hx === null ? undefined : [hx], 1);
    return recurrentOutput(output, states[0]);
  }
}

/**
 * Gated recurrent units over sequences (see `gruCell`), in one or more layers, forwards or in both directions. Parameters `weightIhL0` (3·hidden, in), `weightHhL0`
 * (3·hidden, hidden), `biasIhL0`, `biasHhL0` (3·hidden), in the order r, z, n, with the number of the layer and `Reverse` behind the names of the other direction,
 * start uniform in `±1/√hiddenSize`.
 *
 * Shape: (length, batch, in), with `batchFirst` (batch, length, in), (length, in), or a PackedSequence → `[output, hn]`: like the input with directions·hidden
 * features, and (layers·directions, batch, hidden). The number of layers may also stand before the options.
 *
 * @throws ArgumentError for sizes < 1 or a dropout outside 0 to 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GRU.html and Cho et al., 2014
 */
export class GRU extends RNNBase {
  constructor(...args: RNNArguments) {
    super('GRU', 'gru', given('GRU', positions, args, rnnOptions));
  }

  /** @param hx - the state to start from (layers·directions, batch, hidden); zeros by default */
  forward(input: Tensor, hx?: Tensor | null): RecurrentOutput<Tensor, Tensor>;
  forward(input: PackedSequence, hx?: Tensor | null): RecurrentOutput<PackedSequence, Tensor>;
  forward(input: Tensor | PackedSequence, hx?: Tensor | null): RecurrentOutput<Tensor | PackedSequence, Tensor> {
    const { output, states } = this.run(input, hx === undefined || hx === null ? undefined : [hx], 1);
    return recurrentOutput(output, states[0]);
  }
}

/** Hidden states and cells. */
type LSTMState = [h: Tensor, c: Tensor];

/**
 * Long short-term memory over sequences (see `lstmCell`), in one or more layers, forwards or in both directions; with `projSize`, hidden states are
 * `(o·tanh(c))·W_hrᵀ`. Parameters `weightIhL0` (4·hidden, in), `weightHhL0` (4·hidden, out), `biasIhL0`, `biasHhL0` (4·hidden), in the order i, f, g, o, and
 * `weightHrL0` (projSize, hidden), with the number of the layer and `Reverse` behind the names of the other direction, start uniform in `±1/√hiddenSize`.
 *
 * Shape: (length, batch, in), with `batchFirst` (batch, length, in), (length, in), or a PackedSequence → `[output, [h, c]]`: like the input with directions·out
 * features, (layers·directions, batch, out), and (layers·directions, batch, hidden). The number of layers may also stand before the options.
 *
 * @throws ArgumentError for sizes < 1, a dropout outside 0 to 1, or a `projSize` that is not below `hiddenSize`
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LSTM.html and Hochreiter & Schmidhuber, 1997
 */
export class LSTM extends RNNBase {
  constructor(...args: RNNArguments<LSTMOptions>) {
    super('LSTM', 'lstm', given('LSTM', positions, args, ['projSize', ...rnnOptions]));
  }

  /** @param hx - `[h, c]` to start from: (layers·directions, batch, out) and (layers·directions, batch, hidden); zeros by default */
  forward(input: Tensor, hx?: readonly [Tensor, Tensor] | null): RecurrentOutput<Tensor, LSTMState>;
  forward(input: PackedSequence, hx?: readonly [Tensor, Tensor] | null): RecurrentOutput<PackedSequence, LSTMState>;
  forward(input: Tensor | PackedSequence, hx?: readonly [Tensor, Tensor] | null): RecurrentOutput<Tensor | PackedSequence, LSTMState> {
    if (hx !== undefined && hx !== null && (!Array.isArray(hx) || hx.length !== 2)) throw new ArgumentError(`LSTM: not a state, got ${show(hx)}; expected [h, c]`);
    const { output, states } = this.run(input, hx ?? undefined, 2);
    return recurrentOutput(output, [states[0], states[1]]);
  }
}

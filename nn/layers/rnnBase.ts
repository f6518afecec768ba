import { ArgumentError, DTypeError, ShapeError, checkNumber, show } from '../../core/errors.ts';
import { zeros } from '../../core/ops/creation.ts';
import { dropout } from '../../core/ops/dropout.ts';
import { cat, stack } from '../../core/ops/join.ts';
import { indexSelect } from '../../core/ops/lookup.ts';
import { type RecurrenceName, type RunWeights, gatesOf, recurrence } from '../../core/ops/recurrence.ts';
import type { Generator } from '../../core/random.ts';
import { sameShape } from '../../core/shape.ts';
import { Tensor } from '../../core/tensor.ts';
import { uniform_ } from '../init.ts';
import { Module } from '../module.ts';
import { PackedSequence, batchSizesOf } from '../packed.ts';
import type { Parameter } from '../parameter.ts';
import { pythonFloat } from '../repr.ts';
import { type FactoryOptions, checkBoolean, checkInteger, factoryOptions, newParameter } from './check.ts';

/** Options of recurrent layers. */
export interface RNNBaseOptions extends FactoryOptions {
  /** Layers, each of which takes the outputs of the one before; default 1. */
  readonly numLayers?: number;
  /** Add learned biases, one for the input and one for the state; default true. */
  readonly bias?: boolean;
  /** Input and output are (batch, length, features) instead of (length, batch, features); default false. */
  readonly batchFirst?: boolean;
  /** With which probability outputs of all layers but the last are zeroed in training; default 0. */
  readonly dropout?: number;
  /** Go through the sequence backwards, too, and give both outputs beside each other; default false. */
  readonly bidirectional?: boolean;
  /** Where the random numbers of the dropout come from; default the global generator. */
  readonly generator?: Generator;
}

/** The names in `RNNBaseOptions` that have no position. */
export const rnnOptions = ['bias', 'batchFirst', 'dropout', 'bidirectional', 'generator', ...factoryOptions] as const;

/** Outputs of all steps and the state after the last one, also in this order: `const [output, hn] = rnn.forward(x)`. */
export type RecurrentOutput<O, H> = readonly [output: O, hn: H] & {
  /** Hidden states of the last layer, like the input: (length, batch, directions·out), or packed. */
  readonly output: O;
  /** The state after the last step of every layer and direction: (layers·directions, batch, out). */
  readonly hn: H;
};

/** Outputs and last state, as a pair with names. */
export function recurrentOutput<O, H>(output: O, hn: H): RecurrentOutput<O, H> {
  const pair: [output: O, hn: H] = [output, hn];
  Object.defineProperties(pair, { output: { value: output }, hn: { value: hn } });
  return pair as [output: O, hn: H] & { readonly output: O; readonly hn: H };
}

/** Rows of all steps, how many each step has, and how results get back into the form of the input. */
interface Rows {
  readonly x: Tensor;
  readonly sizes: readonly number[];
  /** Whether there is no dimension for the batch. */
  readonly unbatched: boolean;
  readonly output: (rows: Tensor) => Tensor | PackedSequence;
  readonly stateIn: (state: Tensor) => Tensor;
  readonly stateOut: (state: Tensor) => Tensor;
}

type Direction = '' | 'Reverse';

/** What RNN, LSTM and GRU share. */
export abstract class RNNBase extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  /** Features that hidden states are projected to; 0 for none. */
  readonly projSize: number;
  readonly generator: Generator | undefined;
  private readonly kind: RecurrenceName;

  [weight: `weight${'Ih' | 'Hh' | 'Hr'}L${number}${Direction}`]: Parameter;
  [bias: `bias${'Ih' | 'Hh'}L${number}${Direction}`]: Parameter;

  constructor(layer: string, kind: RecurrenceName, options: RNNBaseOptions & { readonly inputSize: number; readonly hiddenSize: number; readonly projSize?: number }) {
    super();
    const { inputSize, hiddenSize, numLayers = 1, projSize = 0, bias = true, batchFirst = false, dropout: p = 0, bidirectional = false, generator } = options;
    checkInteger(layer, 'inputSize', inputSize, 0);
    checkInteger(layer, 'hiddenSize', hiddenSize);
    checkInteger(layer, 'numLayers', numLayers);
    checkInteger(layer, 'projSize', projSize, 0);
    if (projSize >= hiddenSize) throw new ArgumentError(`${layer}: projSize is not smaller than hiddenSize, got ${projSize} for ${hiddenSize}; expected less than ${hiddenSize}, or 0 for no projection`);
    checkBoolean(layer, 'bias', bias);
    checkBoolean(layer, 'batchFirst', batchFirst);
    checkBoolean(layer, 'bidirectional', bidirectional);
    checkNumber(layer, 'dropout', p, 'a probability from 0 to 1', (v) => v >= 0 && v <= 1);
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.numLayers = numLayers;
    this.bias = bias;
    this.batchFirst = batchFirst;
    this.dropout = p;
    this.bidirectional = bidirectional;
    this.projSize = projSize;
    this.generator = generator;
    this.kind = kind;
    const rows = gatesOf(kind) * hiddenSize;
    for (let k = 0; k < numLayers; k++) {
      for (const direction of this.directions) {
        this[`weightIhL${k}${direction}`] = newParameter([rows, k === 0 ? inputSize : this.outSize * this.directions.length], options);
        this[`weightHhL${k}${direction}`] = newParameter([rows, this.outSize], options);
        if (bias) {
          this[`biasIhL${k}${direction}`] = newParameter([rows], options);
          this[`biasHhL${k}${direction}`] = newParameter([rows], options);
        }
        if (projSize > 0) this[`weightHrL${k}${direction}`] = newParameter([projSize, hiddenSize], options);
      }
    }
    this.resetParameters();
  }

  private get directions(): readonly Direction[] {
    return this.bidirectional ? ['', 'Reverse'] : [''];
  }

  /** Features of a hidden state. */
  private get outSize(): number {
    return this.projSize > 0 ? this.projSize : this.hiddenSize;
  }

  /** Draws weights and biases anew, uniform in `±1/√hiddenSize`. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    for (const p of this.parameters()) uniform_(p, -bound, bound);
  }

  /** Does nothing: the weights of one layer need not lie side by side. */
  flattenParameters(): void {}

  /** The parameters by layer and direction. */
  get allWeights(): Parameter[][] {
    return Array.from({ length: this.numLayers }, (_, k) => this.directions.map((direction) => {
      const { input, hidden, inputBias, hiddenBias, projection } = this.weightsOf(k, direction);
      return [input, hidden, inputBias, hiddenBias, projection].filter((p): p is Parameter => p !== null);
    })).flat();
  }

  private weightsOf(k: number, direction: Direction): RunWeights {
    return {
      input: this[`weightIhL${k}${direction}`],
      hidden: this[`weightHhL${k}${direction}`],
      inputBias: this.bias ? this[`biasIhL${k}${direction}`] : null,
      hiddenBias: this.bias ? this[`biasHhL${k}${direction}`] : null,
      projection: this.projSize > 0 ? this[`weightHrL${k}${direction}`] : null,
    };
  }

  /** Outputs and last states from an input and first states: hidden states, and cells where there are any. */
  protected run(input: Tensor | PackedSequence, states: readonly Tensor[] | undefined, parts: 1 | 2): { readonly output: Tensor | PackedSequence; readonly states: Tensor[] } {
    const rows = this.rowsOf(input);
    const { sizes } = rows;
    const started = this.startingStates(rows, states, parts);
    const last: Tensor[][] = [[], []];
    let { x } = rows;
    let own = !(input instanceof PackedSequence) && x.storage !== input.storage;
    for (let k = 0; k < this.numLayers; k++) {
      const outputs = this.directions.map((direction, d) => {
        const at = k * this.directions.length + d;
        const [h, c] = started.map((state) => state.select(0, at));
        const made = recurrence(this.kind, x, h, parts === 2 ? c : null, this.weightsOf(k, direction), sizes, direction === 'Reverse');
        last[0].push(made.hidden);
        if (made.cell !== null) last[1].push(made.cell);
        return made.output;
      });
      const whole = outputs.length === 1 ? outputs[0] : cat(outputs, 1);
      if (outputs.length > 1) for (const { storage } of outputs) storage.discard();
      const passed = k < this.numLayers - 1 && this.dropout > 0 ? this.dropped(whole) : whole;
      // What lies between layers is nobody else's.
      if (passed !== whole) whole.storage.discard();
      if (own) x.storage.discard();
      [x, own] = [passed, true];
    }
    const joined = last.slice(0, parts).map((list) => rows.stateOut(list.length === 1 ? list[0].unsqueeze(0) : stack(list)));
    return { output: rows.output(x), states: joined };
  }

  private dropped(x: Tensor): Tensor {
    const { training, generator } = this;
    return dropout(x, this.dropout, { training, ...(generator !== undefined && { generator }) });
  }

  private rowsOf(input: Tensor | PackedSequence): Rows {
    const layer = this.constructor.name;
    const { inputSize } = this;
    if (input instanceof PackedSequence) {
      const { data, batchSizes, sortedIndices, unsortedIndices } = input;
      if (data.ndim !== 2 || data.shape[1] !== inputSize) throw new ShapeError(`${layer}: the packed input does not fit, got ${show(data)}; expected [entries, ${inputSize}]`);
      const permuted = (state: Tensor, order: Tensor | null): Tensor => (order === null ? state : indexSelect(state, 1, order));
      return {
        x: data,
        sizes: batchSizesOf(layer, input),
        unbatched: false,
        output: (rows) => new PackedSequence(rows, batchSizes, sortedIndices, unsortedIndices),
        stateIn: (state) => permuted(state, sortedIndices),
        stateOut: (state) => permuted(state, unsortedIndices),
      };
    }
    if (!(input instanceof Tensor)) throw new ArgumentError(`${layer}: input is neither tensor nor packed, got ${show(input)}; expected a Tensor or a PackedSequence`);
    const { ndim, shape } = input;
    const batched = ndim === 3;
    if ((ndim !== 2 && !batched) || shape[ndim - 1] !== inputSize) {
      const form = this.batchFirst ? 'batch, length' : 'length, batch';
      throw new ShapeError(`${layer}: the input does not fit, got ${show(input)}; expected [${form}, ${inputSize}] or [length, ${inputSize}]`);
    }
    const turned = batched && this.batchFirst;
    const stepwise = turned ? input.transpose(0, 1) : input;
    const [length, batch] = batched ? stepwise.shape : [shape[0], 1];
    if (length === 0) throw new ShapeError(`${layer}: the sequence is empty, got ${show(input)}; expected a length of at least 1`);
    return {
      x: batched ? stepwise.reshape([length * batch, inputSize]) : input,
      sizes: new Array<number>(length).fill(batch),
      unbatched: !batched,
      output: (rows) => {
        if (!batched) return rows;
        const whole = rows.reshape([length, batch, rows.shape[1]]);
        return turned ? whole.transpose(0, 1) : whole;
      },
      stateIn: (state) => (batched ? state : state.unsqueeze(1)),
      stateOut: (state) => (batched ? state : state.squeeze(1)),
    };
  }

  private startingStates(rows: Rows, states: readonly Tensor[] | undefined, parts: number): Tensor[] {
    const layer = this.constructor.name;
    const count = this.numLayers * this.directions.length;
    const widths = [this.outSize, this.hiddenSize].slice(0, parts);
    const [batch] = rows.sizes;
    const { dtype, device } = rows.x;
    if (dtype !== this.weightIhL0.dtype) {
      throw new DTypeError(`${layer}: dtypes differ, got ${show(rows.x)} for weights of ${this.weightIhL0.dtype}; expected one dtype`, { hint: `convert the input with .to('${this.weightIhL0.dtype}')` });
    }
    if (states === undefined) return widths.map((width) => zeros([count, batch, width], { dtype, device }));
    return widths.map((width, i) => {
      const [state, expected] = [states[i], rows.unbatched ? [count, width] : [count, batch, width]];
      if (!(state instanceof Tensor)) throw new ArgumentError(`${layer}: the state is not a tensor, got ${show(state)}; expected a Tensor [${expected.join(', ')}]`);
      if (!sameShape(state.shape, expected)) throw new ShapeError(`${layer}: ${i === 0 ? 'the hidden state' : 'the cell'} does not fit, got ${show(state)}; expected [${expected.join(', ')}]`);
      if (state.dtype !== dtype) throw new DTypeError(`${layer}: dtypes differ, got ${show(state)} for ${show(rows.x)}; expected one dtype`);
      return rows.stateIn(state);
    });
  }

  override extraRepr(): string {
    const { inputSize, hiddenSize, projSize, numLayers, bias, batchFirst, dropout: p, bidirectional } = this;
    const parts = [`${inputSize}, ${hiddenSize}`];
    if (projSize !== 0) parts.push(`proj_size=${projSize}`);
    if (numLayers !== 1) parts.push(`num_layers=${numLayers}`);
    if (!bias) parts.push('bias=False');
    if (batchFirst) parts.push('batch_first=True');
    if (p !== 0) parts.push(`dropout=${pythonFloat(p)}`);
    if (bidirectional) parts.push('bidirectional=True');
    return parts.join(', ');
  }
}

import type { RunAttrs } from '../../../../cpu/recurrence.ts';
import type { GraphValue } from '../../../../trace/merge.ts';
import type { Rule, Rules, StepWriter } from '../step.ts';

// Recurrent layers as nodes of their own. The gates of the input are a product that the node makes itself.

interface Cell {
  readonly type: string;
  /** Which of our gates each of ONNX's is. */
  readonly gates: readonly number[];
  readonly attributes: Readonly<Record<string, number | readonly string[]>>;
}

const cells: Readonly<Record<string, Cell>> = {
  lstmRun: { type: 'LSTM', gates: [0, 3, 1, 2], attributes: {} },
  gruRun: { type: 'GRU', gates: [1, 0, 2], attributes: { linear_before_reset: 1 } },
  rnnTanhRun: { type: 'RNN', gates: [0], attributes: {} },
  rnnReluRun: { type: 'RNN', gates: [0], attributes: { activations: ['Relu'] } },
};

/** The rows of a weight or bias in the order of ONNX. */
function reordered(s: StepWriter, x: string, gates: readonly number[], width: number): string {
  if (gates.length === 1) return x;
  const parts = s.many('Split', [x, s.b.ints(gates.map(() => width))], { axis: 0 }, gates.length);
  return s.node('Concat', gates.map((g) => parts[g]), { axis: 0 });
}

/** Input, weight and bias of the product that made the gates. */
function productOf(s: StepWriter, gates: GraphValue): { readonly x: GraphValue; readonly weight: string; readonly bias: string | null } {
  const { origin } = gates;
  if (origin.kind !== 'step' || origin.step.op !== 'linear') throw s.refuse('got gates that no linear map made', 'the gates of a recurrent layer');
  const [x, weight, bias] = origin.step.inputs as readonly GraphValue[];
  return { x, weight: s.b.value(weight), bias: bias === undefined ? null : s.b.value(bias) };
}

const run: Rule = (s) => {
  const { type, gates, attributes } = cells[s.step.op];
  const all = s.step.variants as readonly RunAttrs[];
  const { reverse, bias, projected } = all[0];
  if (projected) throw s.refuse('has a projection, got projSize', 'an LSTM without projSize');
  if (all.some(({ sizes }) => sizes.some((n) => n !== sizes[0]))) throw s.refuse('has a packed sequence, got steps of different sizes', 'a padded sequence');
  const { x, weight, bias: inputBias } = productOf(s, s.tensor(0));
  const width = s.shape(1)[1] as number;
  const [batch, features] = [s.shape(2)[0], x.shape[1]];
  const length = all.every(({ sizes }) => sizes.length === all[0].sizes.length) ? all[0].sizes.length : -1;
  // (length·batch, features) → (length, batch, features)
  const shape = typeof batch === 'number' || length === -1 ? [length, batch, features] : [length, -1, features];
  const sequence = s.node('Reshape', [s.b.value(x), s.b.sizes(shape)]);
  const one = (name: string): string => s.node('Unsqueeze', [name, s.b.ints([0])]);
  const hasCell = type === 'LSTM';
  const stateBias = bias ? s.in(hasCell ? 4 : 3) : null;
  const zeros = (): string => s.b.vector(new Array<number>(gates.length * width).fill(0), s.out.dtype);
  const biases = inputBias === null && stateBias === null ? '' : one(s.node('Concat', [inputBias, stateBias].map((b) => (b === null ? zeros() : reordered(s, b, gates, width))), { axis: 0 }));
  const inputs = [sequence, one(reordered(s, weight, gates, width)), one(reordered(s, s.in(1), gates, width)), biases, '', one(s.in(2)), ...(hasCell ? [one(s.in(3))] : [])];
  const [y, ...last] = s.many(type, inputs, { hidden_size: width, direction: reverse ? 'reverse' : 'forward', ...attributes }, hasCell ? 3 : 2);
  // (length, 1, batch, width) → (length·batch, width)
  const rows = s.node('Reshape', [y, s.b.ints([-1, width])]);
  return [rows, ...last.map((state) => s.node('Squeeze', [state, s.b.ints([0])]))];
};

const chunks = (s: StepWriter, x: string, count: number): string[] => {
  const width = (s.shape(0)[1] as number) / count;
  return s.many('Split', [x, s.b.ints(new Array<number>(count).fill(width))], { axis: 1 }, count);
};

/** Rules of recurrent layers and cells. */
export const recurrentRules: Rules = {
  lstmRun: run,
  gruRun: run,
  rnnTanhRun: run,
  rnnReluRun: run,
  lstmCell: (s) => {
    const [i, f, g, o] = chunks(s, s.node('Add', [s.in(0), s.in(1)]), 4);
    const sigmoid = (x: string): string => s.node('Sigmoid', [x]);
    const cell = s.node('Add', [s.node('Mul', [sigmoid(f), s.in(2)]), s.node('Mul', [sigmoid(i), s.node('Tanh', [g])])]);
    return [s.node('Mul', [sigmoid(o), s.node('Tanh', [cell])]), cell];
  },
  gruCell: (s) => {
    const [[ir, iz, inew], [sr, sz, part]] = [chunks(s, s.in(0), 3), chunks(s, s.in(1), 3)];
    const [r, z] = [s.node('Sigmoid', [s.node('Add', [ir, sr])]), s.node('Sigmoid', [s.node('Add', [iz, sz])])];
    const n = s.node('Tanh', [s.node('Add', [inew, s.node('Mul', [r, part])])]);
    return [s.node('Add', [s.node('Mul', [s.node('Sub', [s.in(2), n]), z]), n])];
  },
};

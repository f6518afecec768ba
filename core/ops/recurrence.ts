import { type RunAttrs, type RunBackwardAttrs, runBackwardKernel, runInputs, runKernel, stepsOf } from '../cpu/recurrence.ts';
import { type Primitive, type Spec, applyMany, isRecorded, primitive } from '../op.ts';
import { type Node, isGradEnabled } from '../tape.ts';
import { type Tensor, emptyTensor } from '../tensor.ts';
import { cat } from './join.ts';
import { linear } from './linear.ts';
import { matmul } from './matmul.ts';
import { type RecurrentCell, gru, lstm, rnnRelu, rnnTanh } from './recurrentCells.ts';

/** The first rows of a state replaced. */
const renewed = (state: Tensor, first: Tensor): Tensor => {
  const [size, batch] = [first.shape[0], state.shape[0]];
  return size === batch ? first : cat([first, state.narrow(0, size, batch - size)]);
};

/** What one step of a replayed run had. */
interface Replayed {
  readonly at: number;
  readonly size: number;
  readonly input: Tensor;
  readonly state: Tensor;
  readonly hidden: Tensor;
  readonly before: Tensor;
  /** The hidden state before projection. */
  readonly raw: Tensor;
  readonly out: Tensor;
}

/** A run in tensor operations. */
function replay(cell: RecurrentCell, inputs: readonly Tensor[], attrs: RunAttrs): { readonly steps: Replayed[]; readonly hidden: Tensor; readonly cell: Tensor | null } {
  const run = runInputs(cell, inputs, attrs);
  let [hidden, carried] = [run.hidden, run.cell];
  const steps = stepsOf(attrs).map(({ at, size }): Replayed => {
    const first = hidden.narrow(0, 0, size);
    const [input, state] = [run.gates.narrow(0, at, size), linear(first, run.weight, run.bias)];
    const before = carried === null ? first : carried.narrow(0, 0, size);
    const [raw, made] = cell.step(input, state, before);
    const out = run.projection === null ? raw : linear(raw, run.projection);
    hidden = renewed(hidden, out);
    if (carried !== null && made !== null) carried = renewed(carried, made);
    return { at, size, input, state, hidden: first, before, raw, out };
  });
  return { steps, hidden, cell: carried };
}

/** Values of the steps, one after another as the rows are. */
const inOrder = <T extends { readonly at: number }>(steps: readonly T[], value: (step: T) => Tensor): Tensor => cat([...steps].sort((a, b) => a.at - b.at).map(value));

/** Gradients in tensor operations, from the inputs alone. */
function gradients(cell: RecurrentCell, node: Node, fromOut: Tensor | null, fromHidden: Tensor, fromCell: Tensor | null): (Tensor | null)[] {
  const attrs = node.attrs as RunAttrs;
  const inputs = node.inputs.map((_, i) => node.input(i));
  const run = runInputs(cell, inputs, attrs);
  let [hidden, carried] = [fromHidden, fromCell];
  const steps = replay(cell, inputs, attrs).steps.reverse().map((step) => {
    const { at, size } = step;
    const rest = hidden.narrow(0, 0, size);
    const dh = fromOut === null ? rest : rest.add(fromOut.narrow(0, at, size));
    const dc = carried === null ? null : carried.narrow(0, 0, size);
    const slope = cell.slope(run.projection === null ? dh : matmul(dh, run.projection), dc, step.input, step.state, step.before);
    const product = matmul(slope.state, run.weight);
    if (carried !== null && slope.before !== null) carried = renewed(carried, slope.before);
    hidden = renewed(hidden, carried === null && slope.before !== null ? product.add(slope.before) : product);
    return { ...step, dh, slope };
  });
  const ofState = inOrder(steps, ({ slope }) => slope.state);
  return [
    inOrder(steps, ({ slope }) => slope.input),
    matmul(ofState.mT, inOrder(steps, (step) => step.hidden)),
    hidden,
    ...(cell.hasCell ? [carried] : []),
    ...(run.bias === null ? [] : [ofState.sum(0)]),
    ...(run.projection === null ? [] : [matmul(inOrder(steps, ({ dh }) => dh).mT, inOrder(steps, ({ raw }) => raw))]),
  ];
}

/** The primitive that takes a cell through a whole sequence. */
function runOf(cell: RecurrentCell): Primitive<RunAttrs> {
  const { name, gates, kept, hasCell, splits } = cell;
  const backwardOp = primitive<RunBackwardAttrs>({
    name: `${name}RunBackward`,
    infer: ([weight, first, , way, , , ...more], { projected, weights }) => {
      const [w, h] = [weight as Tensor, first as Tensor];
      const { dtype } = h;
      const [total, width] = [(way as Tensor).shape[0], w.shape[0] / gates];
      const of = (shape: readonly number[]): Spec => ({ shape, dtype });
      const maybe = (x: Tensor): Spec => of(weights ? x.shape : [0, 0]);
      return [
        of([total, w.shape[0]]), of(h.shape), maybe(w),
        ...(splits ? [of([total, w.shape[0]])] : []),
        ...(hasCell ? [of([h.shape[0], width])] : []),
        ...(projected ? [maybe(more.at(-2) as Tensor)] : []),
      ];
    },
    cpu: runBackwardKernel(cell),
  });

  const fused = (node: Node, fromOut: Tensor | null, fromHidden: Tensor, fromCell: Tensor | null): (Tensor | null)[] => {
    const attrs = node.attrs as RunAttrs;
    const run = runInputs(cell, node.inputs.map((_, i) => node.input(i)), attrs);
    const way = node.output(hasCell ? 3 : 2);
    const [last, out] = [fromHidden.contiguous(), node.output()];
    const nothing = fromOut === null ? emptyTensor([1, out.shape[1]], out.dtype, out.device) : fromOut.contiguous();
    const weights = node.needs(1) || (attrs.projected && node.needs(node.inputs.length - 1));
    const operands = [run.weight, run.hidden, out, way, last, nothing];
    if (fromCell !== null) operands.push(fromCell.contiguous());
    if (run.projection !== null) operands.push(run.projection, node.output(node.outputs - 1));
    const [ofGates, hidden, weight, ...more] = applyMany(backwardOp, operands, { ...attrs, hasOut: fromOut !== null, weights });
    return [
      ofGates,
      weights ? weight : null,
      hidden,
      ...(hasCell ? [more[0]] : []),
      ...(run.bias === null ? [] : [more[0].sum(0)]),
      ...(run.projection === null ? [] : [weights ? more[more.length - 1] : null]),
    ];
  };

  return primitive<RunAttrs>({
    name: `${name}Run`,
    infer: (inputs, attrs) => {
      const { gates: asked, hidden: h, cell: c } = runInputs(cell, inputs as readonly Tensor[], attrs);
      const { dtype } = asked;
      const [total, width] = [asked.shape[0], asked.shape[1] / gates];
      const of = (shape: readonly number[]): Spec => ({ shape, dtype });
      return [
        of([total, h.shape[1]]), of(h.shape),
        ...(c === null ? [] : [of(c.shape)]),
        ...(attrs.keep ? [of([total, kept * width])] : []),
        ...(attrs.projected ? [of([total, width])] : []),
      ];
    },
    cpu: runKernel(cell),
    saves: 'both',
    backward: (node, fromOut, hidden, carried) => {
      const run = runInputs(cell, node.inputs.map((_, i) => node.input(i)), node.attrs as RunAttrs);
      const zero = (x: Tensor): Tensor => emptyTensor(x.shape, x.dtype, x.device);
      const fromHidden = hidden ?? zero(run.hidden);
      const fromCell = run.cell === null ? null : (carried ?? zero(run.cell));
      return isGradEnabled() ? gradients(cell, node, fromOut, fromHidden, fromCell) : fused(node, fromOut, fromHidden, fromCell);
    },
  });
}

/** The recurrences that layers choose from, by name. */
export type RecurrenceName = 'lstm' | 'gru' | 'rnnTanh' | 'rnnRelu';

interface Recurrence {
  readonly cell: RecurrentCell;
  readonly op: Primitive<RunAttrs>;
}

const recurrences: Readonly<Record<RecurrenceName, Recurrence>> = {
  lstm: { cell: lstm, op: runOf(lstm) },
  gru: { cell: gru, op: runOf(gru) },
  rnnTanh: { cell: rnnTanh, op: runOf(rnnTanh) },
  rnnRelu: { cell: rnnRelu, op: runOf(rnnRelu) },
};

/** Gates of a recurrence: how often its width the rows of its weights are. */
export const gatesOf = (name: RecurrenceName): number => recurrences[name].cell.gates;

/** Weights of one layer in one direction. */
export interface RunWeights {
  /** (gates·hidden, in) */
  readonly input: Tensor;
  /** (gates·hidden, out) */
  readonly hidden: Tensor;
  /** (gates·hidden) */
  readonly inputBias: Tensor | null;
  /** (gates·hidden) */
  readonly hiddenBias: Tensor | null;
  /** (out, hidden), for hidden states that are projected to fewer features */
  readonly projection: Tensor | null;
}

/** What a run gives. */
export interface RunResult {
  /** Hidden states of all rows (rows, out). */
  readonly output: Tensor;
  /** The last hidden state of each sequence (batch, out). */
  readonly hidden: Tensor;
  /** The last cell of each sequence (batch, hidden), for an LSTM. */
  readonly cell: Tensor | null;
}

/**
 * One layer of a recurrent network over whole sequences, in one direction: the input's gates are one product; each step then is the product of the hidden state and one
 * pass over the gates. The gradient of the weights is one product again.
 *
 * @param x - rows of all steps, one step after another: (rows, in)
 * @param hidden - hidden state before the first step (batch, out)
 * @param cell - cell before the first step (batch, hidden), for an LSTM
 * @param sizes - how many rows each step has: those of the first so many sequences; none more than the step before
 * @param reverse - take the steps from the last to the first
 */
export function recurrence(name: RecurrenceName, x: Tensor, hidden: Tensor, cell: Tensor | null, weights: RunWeights, sizes: readonly number[], reverse: boolean): RunResult {
  const chosen = recurrences[name];
  const { inputBias, hiddenBias, projection } = weights;
  // Where both biases go into one sum they are added once.
  const joined = chosen.cell.splits || inputBias === null || hiddenBias === null ? null : inputBias.add(hiddenBias);
  const gates = linear(x, weights.input, joined ?? inputBias);
  const inputs = [gates, weights.hidden, hidden];
  if (cell !== null) inputs.push(cell);
  const bias = joined === null && hiddenBias !== null;
  if (bias) inputs.push(hiddenBias);
  if (projection !== null) inputs.push(projection);
  const attrs = { sizes, reverse, keep: isRecorded(inputs), bias, projected: projection !== null };
  if (!chosen.op.kernels.has(x.device.name)) {
    const { steps, hidden: last, cell: lastCell } = replay(chosen.cell, inputs, attrs);
    return { output: inOrder(steps, ({ out }) => out), hidden: last, cell: lastCell };
  }
  const [output, last, ...more] = applyMany(chosen.op, inputs, attrs);
  const lastCell = cell === null ? null : more[0];
  for (const { storage } of [gates, ...more.slice(cell === null ? 0 : 1), ...(joined === null ? [] : [joined])]) storage.discard();
  return { output, hidden: last, cell: lastCell };
}

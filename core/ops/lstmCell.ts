import { joined } from '../batching.ts';
import { rowsOfFormula } from '../cpu/rows.ts';
import { ArgumentError, ShapeError, show } from '../errors.ts';
import { arg } from '../expr.ts';
import { type Primitive, applyMany, primitive } from '../op.ts';
import { sameShape } from '../shape.ts';
import { isGradEnabled } from '../tape.ts';
import { type Tensor, emptyTensor } from '../tensor.ts';
import { type Free, checkTensor, free } from './define.ts';
import { linear } from './linear.ts';
import { checkStep } from './recurrentArguments.ts';
import { lstmBackward, lstmForward, lstmGradients } from './recurrentCells.ts';

const slopes = { inputs: [1, 1, 5, 1], outputs: [4, 1], body: lstmBackward(arg(0), arg(1), [2, 3, 4, 5, 6, 7].map(arg)) };

const backwardOp: Primitive<undefined> = primitive({
  name: 'lstmCellBackward',
  infer: ([, , way, before]) => {
    const { shape, dtype } = before as Tensor;
    return [{ shape: [shape[0], ((way as Tensor).shape[1] / 5) * 4], dtype }, { shape, dtype }];
  },
  cpu: rowsOfFormula(slopes),
  formula: { kind: 'rows', ...slopes },
  batching: joined(() => true),
});

const made = lstmForward();
const step = { inputs: [4, 4, 1], outputs: [1, 1, 5], body: made, early: made.slice(2, 6) };

const cellOp: Primitive<undefined> = primitive({
  name: 'lstmCell',
  infer: ([, , before]) => {
    const { shape, dtype } = before as Tensor;
    const same = { shape, dtype };
    return [same, same, { shape: [shape[0], 5 * shape[1]], dtype }];
  },
  cpu: rowsOfFormula(step),
  formula: { kind: 'rows', ...step },
  batching: joined(() => true),
  saves: 'both',
  backward: (node, hidden, cell) => {
    const before = node.input(2);
    const none = hidden === null || cell === null ? emptyTensor(before.shape, before.dtype, before.device) : before;
    const [dh, dc] = [hidden ?? none, cell ?? none];
    const [gates, previous] = isGradEnabled()
      ? lstmGradients(dh, dc, node.input(0).add(node.input(1)), before)
      : applyMany(backwardOp, [dh.contiguous(), dc.contiguous(), node.output(2), before], undefined);
    return [gates, gates, previous];
  },
});

type State = readonly [Tensor, Tensor];

function checkState(name: string, state: unknown): asserts state is State {
  if (!Array.isArray(state) || state.length !== 2) throw new ArgumentError(`${name}: not a state, got ${show(state)}; expected [h, c]`);
  checkTensor(name, state[0], 'h');
  checkTensor(name, state[1], 'c');
}

/**
 * One step of a long short-term memory:
 * `i, f, o = σ(·)`, `g = tanh(·)` of `x·W_ihᵀ + b_ih + h·W_hhᵀ + b_hh` in the order i, f, g, o; `c' = f·c + i·g`; `h' = o·tanh(c')`.
 *
 * @param x - (batch, in)
 * @param state - `[h, c]`, each (batch, hidden)
 * @param weightIh - (4·hidden, in)
 * @param weightHh - (4·hidden, hidden)
 * @param biasIh - (4·hidden); none by default
 * @param biasHh - (4·hidden); none by default
 * @returns `[h', c']`
 * @throws ShapeError when sizes do not fit; DTypeError for operands of different dtypes
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html and Hochreiter & Schmidhuber, 1997
 */
export const lstmCell: Free<(x: Tensor, state: State, weightIh: Tensor, weightHh: Tensor, biasIh?: Tensor | null, biasHh?: Tensor | null) => [Tensor, Tensor]> = free(
  {
    name: 'lstmCell',
    family: 'recurrent',
    torch: 'lstm_cell',
    samples: (s) => [
      [s.float([2, 3]), [s.float([2, 4]), s.float([2, 4])], s.float([16, 3]), s.float([16, 4]), s.float([16]), s.float([16])],
      [s.float([3, 2]), [s.float([3, 1]), s.float([3, 1])], s.float([4, 2]), s.float([4, 1])],
      [s.float([0, 2]), [s.float([0, 3]), s.float([0, 3])], s.float([12, 2]), s.float([12, 3]), s.float([12]), s.float([12])],
    ],
  },
  (x: Tensor, state: State, weightIh: Tensor, weightHh: Tensor, biasIh?: Tensor | null, biasHh?: Tensor | null): [Tensor, Tensor] => {
    checkState('lstmCell', state);
    const [h, c] = state;
    checkStep('lstmCell', 4, { x, hidden: h, weightIh, weightHh, biasIh, biasHh }, c);
    if (!sameShape(h.shape, c.shape)) throw new ShapeError(`lstmCell: hidden state and cell do not fit, got ${show(h)} and ${show(c)}; expected one shape`);
    const [fromInput, fromState] = [linear(x, weightIh, biasIh), linear(h, weightHh, biasHh)];
    const [hidden, cell, way] = applyMany(cellOp, [fromInput, fromState, c.contiguous()], undefined);
    for (const { storage } of [fromInput, fromState, way]) storage.discard();
    return [hidden, cell];
  },
);

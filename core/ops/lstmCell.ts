import { joined } from '../batching.ts';
import { rowsOfFormula } from '../cpu/fast/rows.ts';
import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, show } from '../errors.ts';
import { type Expr, arg, e } from '../expr.ts';
import { type Primitive, applyMany, primitive } from '../op.ts';
import { isGradEnabled } from '../tape.ts';
import { type Tensor, emptyTensor } from '../tensor.ts';
import { type Free, checkTensor, free } from './define.ts';
import { cat } from './join.ts';
import { linear } from './linear.ts';
import { checkDTypes } from './matmul.ts';

const sigmoid = (x: Expr): Expr => e.div(1, e.add(1, e.exp(e.neg(x))));

/** From the gates that the input and the state before ask for, and the cell before: hidden state, cell, and what the gradient needs of the way there. */
function forward(): readonly Expr[] {
  const [i, f, g, o] = [sigmoid(e.add(arg(0), arg(4))), sigmoid(e.add(arg(1), arg(5))), e.tanh(e.add(arg(2), arg(6))), sigmoid(e.add(arg(3), arg(7)))];
  const cell = e.add(e.mul(f, arg(8)), e.mul(i, g));
  const squashed = e.tanh(cell);
  return [e.mul(o, squashed), cell, i, f, g, o, squashed];
}

/** From the gradients of hidden state and cell, i, f, g, o, tanh(cell), and the cell before: gradients of the gates and of the cell before. */
function backward(): readonly Expr[] {
  const [dh, dc, i, f, g, o, squashed, before] = [0, 1, 2, 3, 4, 5, 6, 7].map(arg);
  const slope = (s: Expr): Expr => e.mul(s, e.sub(1, s));
  const cell = e.add(dc, e.mul(e.mul(dh, o), e.sub(1, e.mul(squashed, squashed))));
  return [
    e.mul(e.mul(cell, g), slope(i)),
    e.mul(e.mul(cell, before), slope(f)),
    e.mul(e.mul(cell, i), e.sub(1, e.mul(g, g))),
    e.mul(e.mul(dh, squashed), slope(o)),
    e.mul(cell, f),
  ];
}

const backwardOp: Primitive<undefined> = primitive({
  name: 'lstmCellBackward',
  infer: ([, , way, before]) => {
    const { shape, dtype } = before as Tensor;
    return [{ shape: [shape[0], ((way as Tensor).shape[1] / 5) * 4], dtype }, { shape, dtype }];
  },
  cpu: rowsOfFormula({ inputs: [1, 1, 5, 1], outputs: [4, 1], body: backward() }),
  batching: joined(() => true),
});

/** The same in tensor operations, from the inputs alone: what second derivatives go through. */
function gradients(dh: Tensor, dc: Tensor, gates: Tensor, before: Tensor): readonly [Tensor, Tensor] {
  const [a, b, c, d] = gates.chunk(4, 1);
  const [i, f, g, o] = [a.sigmoid(), b.sigmoid(), c.tanh(), d.sigmoid()];
  const squashed = f.mul(before).add(i.mul(g)).tanh();
  const slope = (s: Tensor): Tensor => s.mul(s.rsub(1));
  const cell = dc.add(dh.mul(o).mul(squashed.square().rsub(1)));
  return [cat([cell.mul(g).mul(slope(i)), cell.mul(before).mul(slope(f)), cell.mul(i).mul(g.square().rsub(1)), dh.mul(squashed).mul(slope(o))], 1), cell.mul(f)];
}

const cellOp: Primitive<undefined> = primitive({
  name: 'lstmCell',
  infer: ([, , before]) => {
    const { shape, dtype } = before as Tensor;
    const same = { shape, dtype };
    return [same, same, { shape: [shape[0], 5 * shape[1]], dtype }];
  },
  cpu: rowsOfFormula({ inputs: [4, 4, 1], outputs: [1, 1, 5], body: forward() }),
  batching: joined(() => true),
  saves: 'both',
  backward: (node, hidden, cell) => {
    const before = node.input(2);
    const none = hidden === null || cell === null ? emptyTensor(before.shape, before.dtype, before.device) : before;
    const [dh, dc] = [hidden ?? none, cell ?? none];
    const [gates, previous] = isGradEnabled()
      ? gradients(dh, dc, node.input(0).add(node.input(1)), before)
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

function checkShapes(x: Tensor, h: Tensor, c: Tensor, weights: readonly [Tensor, Tensor], biases: readonly (Tensor | null | undefined)[]): void {
  const [hidden, inputs] = [h.shape[h.ndim - 1], x.shape[x.ndim - 1]];
  if (x.ndim !== 2 || h.ndim !== 2 || c.ndim !== 2 || h.shape[0] !== x.shape[0] || c.shape[0] !== x.shape[0] || c.shape[1] !== hidden) {
    throw new ShapeError(`lstmCell: input and state do not fit, got ${show(x)}, h ${show(h)} and c ${show(c)}; expected (batch, in), (batch, hidden) and (batch, hidden)`);
  }
  weights.forEach((w, i) => {
    const columns = i === 0 ? inputs : hidden;
    if (w.ndim === 2 && w.shape[0] === 4 * hidden && w.shape[1] === columns) return;
    throw new ShapeError(`lstmCell: ${i === 0 ? 'weightIh' : 'weightHh'} does not fit, got ${show(w)}; expected [${4 * hidden}, ${columns}]`);
  });
  biases.forEach((b, i) => {
    if (b === null || b === undefined || (b.ndim === 1 && b.shape[0] === 4 * hidden)) return;
    throw new ShapeError(`lstmCell: ${i === 0 ? 'biasIh' : 'biasHh'} does not fit, got ${show(b)}; expected [${4 * hidden}]`);
  });
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
    checkTensor('lstmCell', x);
    checkState('lstmCell', state);
    checkTensor('lstmCell', weightIh, 'weightIh');
    checkTensor('lstmCell', weightHh, 'weightHh');
    const [h, c] = state;
    const biases = [biasIh, biasHh];
    for (const b of biases) if (b !== undefined && b !== null) checkTensor('lstmCell', b, 'bias');
    checkDTypes('lstmCell', x, h, c, weightIh, weightHh, ...biases.filter((b) => b !== undefined && b !== null));
    if (!isFloat(x.dtype)) throw new DTypeError(`lstmCell: not floats, got ${show(x)}; expected float32 or float64`);
    checkShapes(x, h, c, [weightIh, weightHh], biases);
    const [fromInput, fromState] = [linear(x, weightIh, biasIh), linear(h, weightHh, biasHh)];
    const [hidden, cell, way] = applyMany(cellOp, [fromInput, fromState, c.contiguous()], undefined);
    for (const { storage } of [fromInput, fromState, way]) storage.discard();
    return [hidden, cell];
  },
);

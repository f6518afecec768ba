import type { CellFormula } from '../cpu/recurrence.ts';
import { type Expr, arg, e } from '../expr.ts';
import type { Tensor } from '../tensor.ts';
import { cat } from './join.ts';

/** Gradients of one step. */
export interface StepGradients {
  /** Of the input's gates. */
  readonly input: Tensor;
  /** Of the state's gates. */
  readonly state: Tensor;
  /** Of the cell or hidden state before, apart from what goes through the gates; null for nothing. */
  readonly before: Tensor | null;
}

/** A recurrent cell: formulas for the kernels, and the same in tensor operations, which second derivatives go through. */
export interface RecurrentCell extends CellFormula {
  /** From the input's gates, the state's gates, and cell or hidden state before: hidden state, and cell where there is one. */
  readonly step: (input: Tensor, state: Tensor, before: Tensor) => readonly [Tensor, Tensor | null];
  /** Gradients from those of hidden state and cell. */
  readonly slope: (dh: Tensor, dc: Tensor | null, input: Tensor, state: Tensor, before: Tensor) => StepGradients;
}

const sigmoid = (x: Expr): Expr => e.div(1, e.add(1, e.exp(e.neg(x))));
const slopeOfSigmoid = (s: Expr): Expr => e.mul(s, e.sub(1, s));
const slopeOfTanh = (y: Expr): Expr => e.sub(1, e.mul(y, y));
const args = (from: number, count: number): Expr[] => Array.from({ length: count }, (_, i) => arg(from + i));

/** What a step of a long short-term memory gives: hidden state, cell, and what the gradient needs of the way there: i, f, g, o, tanh(cell). */
export function lstmForward(): readonly [hidden: Expr, cell: Expr, ...way: Expr[]] {
  const [i, f, g, o] = [sigmoid(e.add(arg(0), arg(4))), sigmoid(e.add(arg(1), arg(5))), e.tanh(e.add(arg(2), arg(6))), sigmoid(e.add(arg(3), arg(7)))];
  const cell = e.add(e.mul(f, arg(8)), e.mul(i, g));
  const squashed = e.tanh(cell);
  return [e.mul(o, squashed), cell, i, f, g, o, squashed];
}

/** From the gradients of hidden state and cell, and i, f, g, o, tanh(cell), and the cell before: gradients of the gates and of the cell before. */
export function lstmBackward(dh: Expr, dc: Expr, [i, f, g, o, squashed, before]: readonly Expr[]): readonly Expr[] {
  const cell = e.add(dc, e.mul(e.mul(dh, o), slopeOfTanh(squashed)));
  return [
    e.mul(e.mul(cell, g), slopeOfSigmoid(i)),
    e.mul(e.mul(cell, before), slopeOfSigmoid(f)),
    e.mul(e.mul(cell, i), slopeOfTanh(g)),
    e.mul(e.mul(dh, squashed), slopeOfSigmoid(o)),
    e.mul(cell, f),
  ];
}

/** The same in tensor operations, from the inputs alone. */
export function lstmGradients(dh: Tensor, dc: Tensor, gates: Tensor, before: Tensor): readonly [Tensor, Tensor] {
  const [a, b, c, d] = gates.chunk(4, 1);
  const [i, f, g, o] = [a.sigmoid(), b.sigmoid(), c.tanh(), d.sigmoid()];
  const squashed = f.mul(before).add(i.mul(g)).tanh();
  const slope = (s: Tensor): Tensor => s.mul(s.rsub(1));
  const cell = dc.add(dh.mul(o).mul(squashed.square().rsub(1)));
  return [cat([cell.mul(g).mul(slope(i)), cell.mul(before).mul(slope(f)), cell.mul(i).mul(g.square().rsub(1)), dh.mul(squashed).mul(slope(o))], 1), cell.mul(f)];
}

const lstmMade = lstmForward();

/** Long short-term memory. */
export const lstm: RecurrentCell = {
  name: 'lstm',
  gates: 4,
  kept: 6,
  hasCell: true,
  splits: false,
  forward: [...lstmMade, arg(8)],
  early: lstmMade.slice(2, 6),
  backward: lstmBackward(e.add(arg(0), arg(1)), arg(2), args(3, 6)),
  step: (input, state, before) => {
    const [i, f, g, o] = input.add(state).chunk(4, 1);
    const cell = f.sigmoid().mul(before).add(i.sigmoid().mul(g.tanh()));
    return [o.sigmoid().mul(cell.tanh()), cell];
  },
  slope: (dh, dc, input, state, before) => {
    const [gates, cell] = lstmGradients(dh, dc ?? dh.mul(0), input.add(state), before);
    return { input: gates, state: gates, before: cell };
  },
};

/** What a step of a gated recurrent unit gives: hidden state, and what the gradient needs of the way there: r, z, n and the state's part of n. */
export function gruForward(): readonly Expr[] {
  const [r, z] = [sigmoid(e.add(arg(0), arg(3))), sigmoid(e.add(arg(1), arg(4)))];
  const n = e.tanh(e.add(arg(2), e.mul(r, arg(5))));
  return [e.add(e.mul(e.sub(arg(6), n), z), n), r, z, n, arg(5)];
}

/** From the gradient of the hidden state, and r, z, n, the state's part of n, and the state before: gradients of the input's gates, the state's gates, the state before. */
export function gruBackward(dh: Expr, [r, z, n, part, before]: readonly Expr[]): readonly Expr[] {
  const dn = e.mul(e.mul(dh, e.sub(1, z)), slopeOfTanh(n));
  const dz = e.mul(e.mul(dh, e.sub(before, n)), slopeOfSigmoid(z));
  const dr = e.mul(e.mul(dn, part), slopeOfSigmoid(r));
  return [dr, dz, dn, dr, dz, e.mul(dn, r), e.mul(dh, z)];
}

/** The same in tensor operations, from the inputs alone. */
export function gruGradients(dh: Tensor, input: Tensor, state: Tensor, before: Tensor): readonly [Tensor, Tensor, Tensor] {
  const [ir, iz, inew] = input.chunk(3, 1);
  const [sr, sz, part] = state.chunk(3, 1);
  const [r, z] = [ir.add(sr).sigmoid(), iz.add(sz).sigmoid()];
  const n = inew.add(r.mul(part)).tanh();
  const slope = (s: Tensor): Tensor => s.mul(s.rsub(1));
  const dn = dh.mul(z.rsub(1)).mul(n.square().rsub(1));
  const dz = dh.mul(before.sub(n)).mul(slope(z));
  const dr = dn.mul(part).mul(slope(r));
  return [cat([dr, dz, dn], 1), cat([dr, dz, dn.mul(r)], 1), dh.mul(z)];
}

const gruMade = gruForward();

/** Gated recurrent unit. */
export const gru: RecurrentCell = {
  name: 'gru',
  gates: 3,
  kept: 5,
  hasCell: false,
  splits: true,
  forward: [...gruMade, arg(6)],
  early: gruMade.slice(1, 3),
  backward: gruBackward(e.add(arg(0), arg(1)), args(2, 5)),
  step: (input, state, before) => {
    const [ir, iz, inew] = input.chunk(3, 1);
    const [sr, sz, part] = state.chunk(3, 1);
    const n = inew.add(ir.add(sr).sigmoid().mul(part)).tanh();
    return [before.sub(n).mul(iz.add(sz).sigmoid()).add(n), null];
  },
  slope: (dh, _, input, state, before) => {
    const [ofInput, ofState, rest] = gruGradients(dh, input, state, before);
    return { input: ofInput, state: ofState, before: rest };
  },
};

/** A cell whose state is one function of a sum. */
function plain(name: string, value: (x: Expr) => Expr, slope: (g: Expr, y: Expr) => Expr, ops: Pick<RecurrentCell, 'step' | 'slope'>): RecurrentCell {
  const hidden = value(e.add(arg(0), arg(1)));
  return { name, gates: 1, kept: 1, hasCell: false, splits: false, forward: [hidden, hidden], early: [], backward: [slope(e.add(arg(0), arg(1)), arg(2))], ...ops };
}

const same = (gates: Tensor): StepGradients => ({ input: gates, state: gates, before: null });

/** Elman's network with tanh. */
export const rnnTanh: RecurrentCell = plain('rnnTanh', e.tanh, (g, y) => e.mul(g, slopeOfTanh(y)), {
  step: (input, state) => [input.add(state).tanh(), null],
  slope: (dh, _, input, state) => same(dh.mul(input.add(state).tanh().square().rsub(1))),
});

/** Elman's network with relu. */
export const rnnRelu: RecurrentCell = plain('rnnRelu', (x) => e.select(e.le(x, 0), 0, x), (g, y) => e.select(e.le(y, 0), 0, g), {
  step: (input, state) => [input.add(state).relu(), null],
  slope: (dh, _, input, state) => same(dh.maskedFill(input.add(state).le(0), 0)),
});

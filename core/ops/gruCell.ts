import { joined } from '../batching.ts';
import { rowsOfFormula } from '../cpu/rows.ts';
import { arg } from '../expr.ts';
import { type Primitive, applyMany, primitive } from '../op.ts';
import { isGradEnabled } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { type Free, free } from './define.ts';
import { linear } from './linear.ts';
import { checkStep } from './recurrentArguments.ts';
import { gruBackward, gruForward, gruGradients } from './recurrentCells.ts';

const slopes = { inputs: [1, 4, 1], outputs: [3, 3, 1], body: gruBackward(arg(0), [1, 2, 3, 4, 5].map(arg)) };

const backwardOp: Primitive<undefined> = primitive({
  name: 'gruCellBackward',
  infer: ([, , before]) => {
    const { shape, dtype } = before as Tensor;
    const gates = { shape: [shape[0], 3 * shape[1]], dtype };
    return [gates, gates, { shape, dtype }];
  },
  cpu: rowsOfFormula(slopes),
  formula: { kind: 'rows', ...slopes },
  batching: joined(() => true),
});

const made = gruForward();
const step = { inputs: [3, 3, 1], outputs: [1, 4], body: made, early: made.slice(1, 3) };

const cellOp: Primitive<undefined> = primitive({
  name: 'gruCell',
  infer: ([, , before]) => {
    const { shape, dtype } = before as Tensor;
    return [{ shape, dtype }, { shape: [shape[0], 4 * shape[1]], dtype }];
  },
  cpu: rowsOfFormula(step),
  formula: { kind: 'rows', ...step },
  batching: joined(() => true),
  saves: 'both',
  backward: (node, dh) => {
    if (dh === null) return [null, null, null];
    if (isGradEnabled()) return gruGradients(dh, node.input(0), node.input(1), node.input(2));
    return applyMany(backwardOp, [dh.contiguous(), node.output(1), node.input(2)], undefined);
  },
});

/**
 * One step of a gated recurrent unit: `r = σ(x_r + h_r)`, `z = σ(x_z + h_z)`, `n = tanh(x_n + r·h_n)`, `h' = (1−z)·n + z·h`, where `x_r, x_z, x_n` are parts of
 * `x·W_ihᵀ + b_ih` and `h_r, h_z, h_n` parts of `h·W_hhᵀ + b_hh`.
 *
 * @param x - (batch, in)
 * @param hx - hidden state (batch, hidden)
 * @param weightIh - (3·hidden, in)
 * @param weightHh - (3·hidden, hidden)
 * @param biasIh - (3·hidden); none by default
 * @param biasHh - (3·hidden); none by default
 * @returns the next hidden state
 * @throws ShapeError when sizes do not fit; DTypeError for operands of different dtypes
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GRUCell.html and Cho et al., 2014
 */
export const gruCell: Free<(x: Tensor, hx: Tensor, weightIh: Tensor, weightHh: Tensor, biasIh?: Tensor | null, biasHh?: Tensor | null) => Tensor> = free(
  {
    name: 'gruCell',
    family: 'recurrent',
    torch: 'gru_cell',
    samples: (s) => [
      [s.float([2, 3]), s.float([2, 4]), s.float([12, 3]), s.float([12, 4]), s.float([12]), s.float([12])],
      [s.float([3, 2]), s.float([3, 1]), s.float([3, 2]), s.float([3, 1])],
      [s.float([0, 2]), s.float([0, 3]), s.float([9, 2]), s.float([9, 3]), s.float([9]), s.float([9])],
    ],
  },
  (x: Tensor, hx: Tensor, weightIh: Tensor, weightHh: Tensor, biasIh?: Tensor | null, biasHh?: Tensor | null): Tensor => {
    checkStep('gruCell', 3, { x, hidden: hx, weightIh, weightHh, biasIh, biasHh });
    const [fromInput, fromState] = [linear(x, weightIh, biasIh), linear(hx, weightHh, biasHh)];
    const [hidden, way] = applyMany(cellOp, [fromInput, fromState, hx.contiguous()], undefined);
    for (const { storage } of [fromInput, fromState, way]) storage.discard();
    return hidden;
  },
);

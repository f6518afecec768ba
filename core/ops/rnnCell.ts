import type { Tensor } from '../tensor.ts';
import { relu, tanh } from './activation.ts';
import { type Free, free } from './define.ts';
import { linear } from './linear.ts';
import { add } from './pointwise.ts';
import { checkStep } from './recurrentArguments.ts';

type RnnCell = Free<(x: Tensor, hx: Tensor, weightIh: Tensor, weightHh: Tensor, biasIh?: Tensor | null, biasHh?: Tensor | null) => Tensor>;

function rnnCell(name: string, torch: string, activation: (x: Tensor) => Tensor): RnnCell {
  return free(
    {
      name,
      family: 'recurrent',
      torch,
      samples: (s) => [
        [s.float([2, 3]), s.float([2, 4]), s.float([4, 3]), s.float([4, 4]), s.float([4]), s.float([4])],
        [s.float([3, 2]), s.float([3, 1]), s.float([1, 2]), s.float([1, 1])],
        [s.float([0, 2]), s.float([0, 3]), s.float([3, 2]), s.float([3, 3]), s.float([3]), s.float([3])],
      ],
    },
    (x: Tensor, hx: Tensor, weightIh: Tensor, weightHh: Tensor, biasIh?: Tensor | null, biasHh?: Tensor | null): Tensor => {
      checkStep(name, 1, { x, hidden: hx, weightIh, weightHh, biasIh, biasHh });
      const [fromInput, fromState] = [linear(x, weightIh, biasIh), linear(hx, weightHh, biasHh)];
      const sum = add(fromInput, fromState);
      const hidden = activation(sum);
      for (const { storage } of [fromInput, fromState, sum]) storage.discard();
      return hidden;
    },
  );
}

/**
 * One step of Elman's recurrent network: `h' = tanh(x·W_ihᵀ + b_ih + h·W_hhᵀ + b_hh)`.
 *
 * @param x - (batch, in)
 * @param hx - hidden state (batch, hidden)
 * @param weightIh - (hidden, in)
 * @param weightHh - (hidden, hidden)
 * @param biasIh - (hidden); none by default
 * @param biasHh - (hidden); none by default
 * @returns the next hidden state
 * @throws ShapeError when sizes do not fit; DTypeError for operands of different dtypes
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RNNCell.html
 */
export const rnnTanhCell: RnnCell = rnnCell('rnnTanhCell', 'rnn_tanh_cell', tanh);

/**
 * One step of Elman's recurrent network with relu: `h' = max(0, x·W_ihᵀ + b_ih + h·W_hhᵀ + b_hh)`; parameters as those of `rnnTanhCell`.
 *
 * @throws ShapeError when sizes do not fit; DTypeError for operands of different dtypes
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RNNCell.html
 */
export const rnnReluCell: RnnCell = rnnCell('rnnReluCell', 'rnn_relu_cell', (x) => relu(x));

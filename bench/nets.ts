import {
  Adam, AdamW, Conv2d, Embedding, F, Flatten, LSTM, LayerNorm, Linear, MaxPool2d, Module, type Optimizer, Parameter, ReLU, SGD, Sequential, type Tensor, lstmCell, noGrad, tensor, zeros,
} from '../index.ts';
import type { Filled, Numbers } from './data.ts';
import type { OptimizerSpec } from './workloads.ts';

// The nets of the workloads in polyak's words.

/** Floats as a tensor. */
export const floatsOf = ({ data, shape }: Filled<Float32Array>): Tensor => tensor(data).reshape(shape);
/** Whole numbers as a tensor. */
export const integersOf = ({ data, shape }: Filled<Int32Array>): Tensor => tensor(data, { dtype: 'int64' }).reshape(shape);

/** Puts the workload's weights into a model. */
export function fill(model: Module, weights: Numbers['weights']): void {
  const parameters = model.parameters();
  if (parameters.length !== weights.length) throw new RangeError(`the model has ${parameters.length} parameters; expected ${weights.length}`);
  noGrad(() => parameters.forEach((p, i) => {
    if (String(p.shape) !== String(weights[i].shape)) throw new RangeError(`${weights[i].name} is [${p.shape.join(', ')}]; expected [${weights[i].shape.join(', ')}]`);
    p.copy_(floatsOf(weights[i]));
  }));
}

/** The rule of the workload over a model's parameters. */
export function optimizerOf(model: Module, { kind, lr, momentum, weightDecay }: OptimizerSpec): Optimizer {
  const parameters = model.parameters();
  switch (kind) {
    case 'sgd': return new SGD(parameters, { lr, momentum });
    case 'adam': return new Adam(parameters, { lr });
    case 'adamw': return new AdamW(parameters, { lr, weightDecay });
  }
}

/** Linear layers of the workload's sizes with an activation between them. */
export function mlp({ weights }: Numbers, activation: () => Module & { forward(x: Tensor): Tensor }): Sequential {
  const linears = weights.filter(({ shape }) => shape.length === 2).map(({ shape: [outputs, inputs] }) => new Linear(inputs, outputs));
  return new Sequential(...linears.flatMap((layer, i) => (i === 0 ? [layer] : [activation(), layer])));
}

/** Two convolutions with pools, and a linear layer. */
export function leNet(): Sequential {
  return new Sequential(new Conv2d(1, 8, 5), new ReLU(), new MaxPool2d(2), new Conv2d(8, 16, 5), new ReLU(), new MaxPool2d(2), new Flatten(), new Linear(256, 10));
}

/** Length of a sequence. */
export const T = 64;
const [D, HEADS] = [128, 4];

class Block extends Module {
  norm1 = new LayerNorm(D);
  qkv = new Linear(D, 3 * D);
  proj = new Linear(D, D);
  norm2 = new LayerNorm(D);
  up = new Linear(D, 4 * D);
  down = new Linear(4 * D, D);

  forward(x: Tensor): Tensor {
    const y = x.add(this.attend(this.norm1.forward(x)));
    return y.add(this.down.forward(F.gelu(this.up.forward(this.norm2.forward(y)))));
  }

  private attend(x: Tensor): Tensor {
    const [q, k, v] = this.qkv.forward(x).chunk(3, -1).map((p) => p.reshape([-1, T, HEADS, D / HEADS]).transpose(1, 2)); // (B, heads, T, D / heads)
    const mixed = F.scaledDotProductAttention(q, k, v, { isCausal: true });
    return this.proj.forward(mixed.transpose(1, 2).reshape([-1, T, D]));
  }
}

/** Two blocks over tokens: (B, T) → (B·T, 64). */
export class Transformer extends Module {
  token = new Embedding(64, D);
  position = new Parameter(zeros([T, D]));
  blocks = [new Block(), new Block()];
  norm = new LayerNorm(D);
  head = new Linear(D, 64);

  forward(tokens: Tensor): Tensor {
    let x = this.token.forward(tokens).add(this.position);
    for (const block of this.blocks) x = block.forward(x);
    return this.head.forward(this.norm.forward(x)).reshape([-1, 64]);
  }
}

/** Cell by cell, as the peers write it. */
export class Lstm extends Module {
  input = new Linear(64, 128 * 4);
  hidden = new Linear(128, 128 * 4);
  head = new Linear(128, 10);

  forward(x: Tensor): Tensor {
    let [h, c] = [zeros([x.shape[0], 128]), zeros([x.shape[0], 128])];
    for (let t = 0; t < x.shape[1]; t++) {
      [h, c] = lstmCell(x.select(1, t), [h, c], this.input.weight, this.hidden.weight, this.input.bias, this.hidden.bias);
    }
    return this.head.forward(h);
  }
}

/** The same net with the library's layer: one product for the inputs of all steps. */
export class LayerLstm extends Module {
  lstm = new LSTM(64, 128, { batchFirst: true });
  head = new Linear(128, 10);

  forward(x: Tensor): Tensor {
    return this.head.forward(this.lstm.forward(x).output.select(1, -1));
  }
}

import {
  Adam, AdamW, Conv2d, Embedding, ExponentialMovingAverage, F, Flatten, LayerNorm, Linear, MaxPool2d, Module, type Optimizer, Parameter, ReLU, SGD, Sequential, type Tensor, noGrad, tensor, zeros,
} from '../../index.ts';
import { type Numbers, numbersOf } from '../data.ts';
import { type OptimizerSpec, type WorkloadId, chooseWorkloads } from '../workloads.ts';

// The training workloads on any device: the model, its optimizer and an average beside it.

const [T, D, HEADS] = [64, 128, 4];

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

class Transformer extends Module {
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

type Model = Module & { forward(x: Tensor): Tensor };

function modelOf(id: WorkloadId, { weights }: Numbers): Model {
  if (id === 'W5') return new Transformer();
  if (id === 'W4') return new Sequential(new Conv2d(1, 8, 5), new ReLU(), new MaxPool2d(2), new Conv2d(8, 16, 5), new ReLU(), new MaxPool2d(2), new Flatten(), new Linear(256, 10));
  const linears = weights.filter(({ shape }) => shape.length === 2).map(({ shape: [outputs, inputs] }) => new Linear(inputs, outputs));
  return new Sequential(...linears.flatMap((layer, i) => (i === 0 ? [layer] : [new ReLU(), layer])));
}

function optimizerOf(model: Module, { kind, lr, momentum, weightDecay }: OptimizerSpec): Optimizer {
  const parameters = model.parameters();
  switch (kind) {
    case 'sgd': return new SGD(parameters, { lr, momentum });
    case 'adam': return new Adam(parameters, { lr });
    case 'adamw': return new AdamW(parameters, { lr, weightDecay });
  }
}

/** A workload that trains on a device. */
export interface Training {
  /** One step: gradients, update, average. */
  readonly step: () => Tensor;
  readonly model: Model;
  readonly average: ExponentialMovingAverage<Model>;
}

/** A workload on a device, from the same numbers on every device. */
export function trainingOf(id: 'W1' | 'W3' | 'W4' | 'W5', device: string): Training {
  const [workload] = chooseWorkloads([id]);
  const numbers = numbersOf(workload);
  const model = modelOf(id, numbers);
  noGrad(() => model.parameters().forEach((p, i) => p.copy_(tensor(numbers.weights[i].data).reshape(numbers.weights[i].shape))));
  model.to(device);
  const labels = tensor(numbers.integers[0].data, { dtype: 'int64' }).reshape(numbers.integers[0].shape);
  const [input, target] = id === 'W5'
    ? [labels.narrow(1, 0, T).contiguous(), labels.narrow(1, 1, T).reshape([-1])]
    : [tensor(numbers.floats[0].data).reshape(numbers.floats[0].shape), labels];
  const [x, y] = [input.to(device), target.to(device)];
  const optimizer = optimizerOf(model, workload.optimizer);
  const average = new ExponentialMovingAverage(model, { momentum: 0.1 });
  return {
    model,
    average,
    step: () => {
      optimizer.zeroGrad();
      const loss = F.crossEntropy(model.forward(x), y);
      loss.backward();
      optimizer.step();
      average.updateParameters(model);
      return loss;
    },
  };
}

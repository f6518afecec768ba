import * as polyak from '../../index.ts';
import {
  Adam, AdamW, Conv2d, Embedding, ExponentialMovingAverage, F, Flatten, LSTM, LayerNorm, Linear, MaxPool2d, Module, type Optimizer, Parameter, ReLU, SGD, Sequential, Tanh,
  type Tensor, lstmCell, noGrad, ones, scope, tensor, zeros,
} from '../../index.ts';
import { type Filled, type Numbers, probe } from '../data.ts';
import { type Opened, type SideOptions, type Task, type Tasks, family } from '../side.ts';
import { CHAIN, MOMENTUM, type OptimizerSpec } from '../workloads.ts';

const floatsOf = ({ data, shape }: Filled<Float32Array>): Tensor => tensor(data).reshape(shape);
const integersOf = ({ data, shape }: Filled<Int32Array>): Tensor => tensor(data, { dtype: 'int64' }).reshape(shape);

/** Puts the workload's weights into a model. */
function fill(model: Module, weights: Numbers['weights']): void {
  const parameters = model.parameters();
  if (parameters.length !== weights.length) throw new RangeError(`the model has ${parameters.length} parameters; expected ${weights.length}`);
  noGrad(() => parameters.forEach((p, i) => {
    if (String(p.shape) !== String(weights[i].shape)) throw new RangeError(`${weights[i].name} is [${p.shape.join(', ')}]; expected [${weights[i].shape.join(', ')}]`);
    p.copy_(floatsOf(weights[i]));
  }));
}

function optimizerOf(model: Module, { kind, lr, momentum, weightDecay }: OptimizerSpec): Optimizer {
  const parameters = model.parameters();
  switch (kind) {
    case 'sgd': return new SGD(parameters, { lr, momentum });
    case 'adam': return new Adam(parameters, { lr });
    case 'adamw': return new AdamW(parameters, { lr, weightDecay });
  }
}

function train(model: Module, { weights, workload }: Numbers, lossOf: () => Tensor): Task {
  fill(model, weights);
  const optimizer = optimizerOf(model, workload.optimizer);
  return {
    step: () => {
      optimizer.zeroGrad();
      const loss = lossOf();
      loss.backward();
      optimizer.step();
      return loss.item();
    },
  };
}

/** Linear layers of the workload's sizes with an activation between them. */
function mlp({ weights }: Numbers, activation: () => Module & { forward(x: Tensor): Tensor }): Sequential {
  const linears = weights.filter(({ shape }) => shape.length === 2).map(({ shape: [outputs, inputs] }) => new Linear(inputs, outputs));
  return new Sequential(...linears.flatMap((layer, i) => (i === 0 ? [layer] : [activation(), layer])));
}

function classify(model: Module & { forward(x: Tensor): Tensor }, numbers: Numbers): Task {
  const [x, y] = [floatsOf(numbers.floats[0]), integersOf(numbers.integers[0])];
  return train(model, numbers, () => F.crossEntropy(model.forward(x), y));
}

function regress(numbers: Numbers): Task {
  const model = mlp(numbers, () => new Tanh());
  const [x, y] = numbers.floats.map(floatsOf);
  return train(model, numbers, () => F.mseLoss(model.forward(x), y));
}

function leNet(numbers: Numbers): Task {
  return classify(new Sequential(
    new Conv2d(1, 8, 5), new ReLU(), new MaxPool2d(2), new Conv2d(8, 16, 5), new ReLU(), new MaxPool2d(2), new Flatten(), new Linear(256, 10),
  ), numbers);
}

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
    return this.head.forward(this.norm.forward(x));
  }
}

function transformer(numbers: Numbers): Task {
  const model = new Transformer();
  const tokens = integersOf(numbers.integers[0]);
  const [x, y] = [tokens.narrow(1, 0, T).contiguous(), tokens.narrow(1, 1, T).reshape([-1])];
  return train(model, numbers, () => F.crossEntropy(model.forward(x).reshape([-1, 64]), y));
}

class Lstm extends Module {
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
class LayerLstm extends Module {
  lstm = new LSTM(64, 128, { batchFirst: true });
  head = new Linear(128, 10);

  forward(x: Tensor): Tensor {
    return this.head.forward(this.lstm.forward(x).output.select(1, -1));
  }
}

/** PyTorch's layer has the weights before the biases. */
function layerLstm(numbers: Numbers): Task {
  const [wi, bi, wh, bh, ...head] = numbers.weights;
  return classify(new LayerLstm(), { ...numbers, weights: [wi, wh, bi, bh, ...head] });
}

class Weights extends Module {
  list: Parameter[];
  constructor(weights: Numbers['weights']) {
    super();
    this.list = weights.map((w) => new Parameter(floatsOf(w)));
  }
  forward(): void {}
}

/** The average takes what it gets, as the peers do, or looks first whether all numbers are finite, as it does by default. */
const average = (nonFinite: 'propagate' | 'throw') => ({ weights, floats }: Numbers): Task => {
  const [first, model] = [new Weights(weights), new Weights(floats)];
  const ema = new ExponentialMovingAverage(first, { momentum: MOMENTUM, nonFinite });
  ema.updateParameters(first); // the first update copies
  const step = (): void => ema.updateParameters(model);
  return {
    step,
    check: () => {
      for (let i = 0; i < 3; i++) step();
      return probe(ema.module.list[9].data());
    },
  };
};

/** A result nobody keeps: operations are done when they return. Without a scope its memory is not known to be free. */
const compute = (scoped: boolean) => (run: (a: Tensor, b: Tensor) => Tensor) => {
  return ({ floats }: Numbers): Task => {
    const [a, b] = floats.map(floatsOf);
    const once = (): void => void run(a, b);
    return { step: scoped ? () => scope(once) : once, check: () => probe(run(a, b).data()) };
  };
};

function chain({ floats }: Numbers): Task {
  const [x, add, mul] = floats.map(floatsOf);
  x.requiresGrad = true;
  const one = ones([16]);
  const step = (): Tensor => {
    x.grad = null;
    let y = x;
    for (let i = 0; i < CHAIN; i++) y = i % 3 === 0 ? y.relu() : i % 3 === 1 ? y.add(add) : y.mul(mul);
    y.backward({ gradient: one });
    return y;
  };
  return { step: () => void step(), check: () => [...probe(step().data()), ...probe(x.grad?.data() ?? [])] };
}

export async function open({ threads, mode }: SideOptions): Promise<Opened> {
  const setNumThreads: unknown = Reflect.get(polyak, 'setNumThreads');
  if (typeof setNumThreads === 'function') (setNumThreads as (n: number) => void)(threads);
  const alone = compute(mode === 'scope');
  const tasks: Tasks = {
    ...family({ mlp: (n) => classify(mlp(n, () => new ReLU()), n), average: average(mode === 'checked' ? 'throw' : 'propagate'), product: alone((a, b) => a.matmul(b)) }),
    W2: regress, W4: leNet, W5: transformer, W6: mode === 'nn.LSTM' ? layerLstm : (n) => classify(new Lstm(), n),
    'W8-add': alone((a, b) => a.add(b)), 'W8-exp': alone((a) => a.exp()), 'W8-relu': alone((a) => a.relu()),
    autograd: chain,
  };
  return { tasks, threads: typeof setNumThreads === 'function' ? threads : 1 };
}

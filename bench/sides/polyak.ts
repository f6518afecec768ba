import * as polyak from '../../index.ts';
import { ExponentialMovingAverage, F, Module, Parameter, ReLU, Tanh, type Tensor, ones, scope } from '../../index.ts';
import { type Numbers, probe } from '../data.ts';
import { LayerLstm, Lstm, T, Transformer, fill, floatsOf, integersOf, leNet, mlp, optimizerOf } from '../nets.ts';
import { type Opened, type SideOptions, type Task, type Tasks, family } from '../side.ts';
import { CHAIN, MOMENTUM } from '../workloads.ts';

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

function classify(model: Module & { forward(x: Tensor): Tensor }, numbers: Numbers): Task {
  const [x, y] = [floatsOf(numbers.floats[0]), integersOf(numbers.integers[0])];
  return train(model, numbers, () => F.crossEntropy(model.forward(x), y));
}

function regress(numbers: Numbers): Task {
  const model = mlp(numbers, () => new Tanh());
  const [x, y] = numbers.floats.map(floatsOf);
  return train(model, numbers, () => F.mseLoss(model.forward(x), y));
}

function transformer(numbers: Numbers): Task {
  const model = new Transformer();
  const tokens = integersOf(numbers.integers[0]);
  const [x, y] = [tokens.narrow(1, 0, T).contiguous(), tokens.narrow(1, 1, T).reshape([-1])];
  return train(model, numbers, () => F.crossEntropy(model.forward(x), y));
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
  const scoped = mode === 'scope';
  const alone = compute(scoped);
  /** A training step within a scope, which its gradients outlive. */
  const training = (prepare: (numbers: Numbers) => Task) => (numbers: Numbers): Task => {
    const { step } = prepare(numbers);
    return { step: scoped ? () => scope(step) : step };
  };
  const tasks: Tasks = {
    ...family({ mlp: training((n) => classify(mlp(n, () => new ReLU()), n)), average: average(mode === 'checked' ? 'throw' : 'propagate'), product: alone((a, b) => a.matmul(b)) }),
    W2: training(regress), W4: training((n) => classify(leNet(), n)), W5: training(transformer), W6: training(mode === 'nn.LSTM' ? layerLstm : (n) => classify(new Lstm(), n)),
    'W8-add': alone((a, b) => a.add(b)), 'W8-exp': alone((a) => a.exp()), 'W8-relu': alone((a) => a.relu()),
    autograd: chain,
  };
  return { tasks, threads: typeof setNumThreads === 'function' ? threads : 1 };
}

import {
  Adam, Conv2d, ExponentialMovingAverage, F, Flatten, Linear, MaxPool2d, Module, ReLU, SGD, Sequential, Tanh, type Tensor, manualSeed, rand, randint, randn, tensor,
} from '../index.ts';

/** Something to time: `step` does one unit of work and returns a number that must stay finite. */
export interface Workload {
  readonly name: string;
  /** What one step is. */
  readonly unit: string;
  /** Floating-point operations or bytes of one step, where a rate is meant. */
  readonly work?: { readonly amount: number; readonly unit: string };
  readonly prepare: () => () => number;
}

interface Optimizer {
  zeroGrad(): void;
  step(): unknown;
}

function trainer(model: Sequential, optimizer: Optimizer, x: Tensor, loss: (out: Tensor) => Tensor): () => number {
  return () => {
    optimizer.zeroGrad();
    const value = loss(model.forward(x));
    value.backward();
    optimizer.step();
    return value.item();
  };
}

function matmul(n: number): Workload {
  return {
    name: `W8 matmul ${n}³`,
    unit: 'product',
    work: { amount: (2 * n ** 3) / 1e9, unit: 'GFLOP/s' },
    prepare: () => {
      const [a, b] = [rand([n, n]), rand([n, n])];
      return () => a.matmul(b).storage.length;
    },
  };
}

function pointwise(name: string, run: (x: Tensor, y: Tensor) => Tensor): Workload {
  return {
    name: `W8 ${name} of 1M`,
    unit: 'call',
    work: { amount: 1e-3, unit: 'Gelem/s' },
    prepare: () => {
      const [x, y] = [randn([1_000_000]), randn([1_000_000])];
      return () => run(x, y).storage.length;
    },
  };
}

class Weights extends Module {
  layer: Linear;
  constructor(n: number) {
    super();
    this.layer = new Linear(1000, n / 1000, { bias: false });
  }
  forward(x: Tensor): Tensor {
    return this.layer.forward(x);
  }
}

function averaging(n: number): Workload {
  return {
    name: `W7 average ${n / 1e6}M`,
    unit: 'update',
    work: { amount: (12 * n) / 1e9, unit: 'GB/s' },
    prepare: () => {
      const model = new Weights(n);
      const ema = new ExponentialMovingAverage(model, { momentum: 0.001 });
      ema.updateParameters(model);
      return () => {
        ema.updateParameters(model);
        return ema.steps.item();
      };
    },
  };
}

/** The workloads by their letters. */
export const workloads: readonly Workload[] = [
  {
    name: 'W1 MLP 784-128-10, batch 64, Adam',
    unit: 'step',
    prepare: () => {
      manualSeed(0);
      const model = new Sequential(new Linear(784, 128), new ReLU(), new Linear(128, 10));
      const [x, y] = [rand([64, 784]), randint(0, 10, [64])];
      return trainer(model, new Adam(model.parameters(), { lr: 1e-3 }), x, (out) => F.crossEntropy(out, y));
    },
  },
  {
    name: 'W2 MLP 2-16-16-1 tanh, batch 32, SGD',
    unit: 'step',
    prepare: () => {
      manualSeed(0);
      const model = new Sequential(new Linear(2, 16), new Tanh(), new Linear(16, 16), new Tanh(), new Linear(16, 1));
      const [x, y] = [rand([32, 2]), rand([32, 1])];
      return trainer(model, new SGD(model.parameters(), { lr: 1e-2 }), x, (out) => F.mseLoss(out, y));
    },
  },
  {
    name: 'W4 LeNet, batch 32, SGD momentum',
    unit: 'step',
    prepare: () => {
      manualSeed(0);
      const model = new Sequential(
        new Conv2d(1, 8, 5), new ReLU(), new MaxPool2d(2), new Conv2d(8, 16, 5), new ReLU(), new MaxPool2d(2), new Flatten(), new Linear(256, 10),
      );
      const [x, y] = [rand([32, 1, 28, 28]), randint(0, 10, [32])];
      return trainer(model, new SGD(model.parameters(), { lr: 1e-2, momentum: 0.9 }), x, (out) => F.crossEntropy(out, y));
    },
  },
  averaging(1_000_000),
  averaging(10_000_000),
  matmul(128),
  matmul(256),
  matmul(512),
  pointwise('add', (x, y) => x.add(y)),
  pointwise('exp', (x) => x.exp()),
  pointwise('relu', (x) => x.relu()),
  {
    name: 'autograd: 16 floats, mul and sum, forward and backward',
    unit: 'round',
    prepare: () => {
      const x = tensor(Array.from({ length: 16 }, (_, i) => i / 16), { requiresGrad: true });
      return () => {
        x.grad = null;
        const y = x.mul(x).sum();
        y.backward();
        return y.item();
      };
    },
  },
];

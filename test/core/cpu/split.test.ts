import { test } from 'uvu';
import {
  Adam, ExponentialMovingAverage, F, LSTMCell, Linear, Parameter, SGD, Sequential, type Tensor, bernoulli, getNumThreads, grad, lstmCell, manualSeed, noGrad, normal, rand, randint, randn, setNumThreads, zeros,
} from '../../../index.ts';
import { equal, is } from '../../assert.ts';

// Operations large enough to be split, on one thread and on several: the same bits, whoever computes which part.

/** A result with the gradients of all that went in. */
const through = (inputs: readonly Tensor[], f: (...x: Tensor[]) => Tensor): Tensor[] => {
  const leaves = inputs.map((x) => (x.dtype === 'float32' ? x.detach().requiresGrad_() : x));
  const y = f(...leaves);
  const weights = randn(y.shape);
  return [y, ...grad(y.mul(weights).sum(), leaves.filter((x) => x.requiresGrad))];
};

const cases: Readonly<Record<string, () => readonly Tensor[]>> = {
  'pointwise, flat': () => through([randn([300, 400]), randn([300, 400])], (a, b) => a.mul(b).tanh().add(a.sigmoid())),
  'pointwise, broadcast': () => through([randn([300, 400]), randn([400]), randn([300, 1])], (a, b, c) => a.mul(b).sub(c)),
  'pointwise, strided': () => through([randn([300, 400]), randn([400, 300])], (a, b) => a.maximum(b.t())),
  'comparison and where': () => through([randn([400, 400]), randn([400, 400])], (a, b) => a.gt(b).where(a, b)),
  'copies': () => through([randn([200, 3, 300])], (a) => a.transpose(0, 2).contiguous()),
  'sum of all': () => through([randn([700, 500])], (a) => a.square().sum()),
  'sum of rows': () => through([randn([700, 500])], (a) => a.mul(3).sum(1)),
  'sum of columns': () => through([randn([700, 500])], (a) => a.mul(3).sum(0)),
  'mean, variance, norm': () => [...through([randn([700, 500])], (a) => a.var(1)), ...through([randn([700, 500])], (a) => a.norm())],
  'largest': () => {
    const x = randn([400, 600]);
    const { values, indices } = x.max(1);
    return [values, indices, x.amax(0), x.argmin(1)];
  },
  'product': () => through([randn([150, 170]), randn([170, 190])], (a, b) => a.matmul(b)),
  'transposed product': () => through([randn([170, 150]), randn([190, 170])], (a, b) => a.t().matmul(b.t())),
  'batched product': () => through([randn([6, 80, 90]), randn([6, 90, 70])], (a, b) => a.matmul(b)),
  'product with few rows': () => through([randn([3, 700]), randn([700, 600])], (a, b) => a.matmul(b)),
  'linear': () => through([randn([130, 200]), randn([170, 200]), randn([170])], (x, w, b) => F.linear(x, w, b)),
  'convolution': () => through([randn([6, 5, 30, 30]), randn([9, 5, 3, 3]), randn([9])], (x, w, b) => F.conv2d(x, w, b, { padding: 1 })),
  'convolution by Winograd': () => through([randn([3, 20, 34, 34]), randn([24, 20, 3, 3])], (x, w) => F.conv2d(x, w, null, { padding: 1 })),
  'strided, grouped convolution': () => through([randn([4, 8, 40, 40]), randn([12, 4, 5, 5])], (x, w) => F.conv2d(x, w, null, { stride: 2, groups: 2, dilation: 2 })),
  'transposed convolution': () => through([randn([4, 8, 20, 20]), randn([8, 6, 4, 4])], (x, w) => F.convTranspose2d(x, w, null, { stride: 2 })),
  'convolution of lines': () => through([randn([8, 16, 500]), randn([20, 16, 5])], (x, w) => F.conv1d(x, w)),
  'pools': () => [...through([randn([8, 8, 40, 40])], (x) => F.maxPool2d(x, 2)), ...through([randn([8, 8, 40, 40])], (x) => F.avgPool2d(x, 3, { stride: 2 }))],
  'softmax': () => [...through([randn([500, 300])], (x) => x.softmax(1)), ...through([randn([500, 300])], (x) => x.logSoftmax(0))],
  'cross entropy': () => through([randn([900, 200]), randint(0, 200, [900])], (x, y) => F.crossEntropy(x, y)),
  'layer norm': () => through([randn([500, 300]), randn([300]), randn([300])], (x, w, b) => F.layerNorm(x, [300], w, b)),
  'group norm': () => through([randn([16, 12, 20, 30]), randn([12]), randn([12])], (x, w, b) => F.groupNorm(x, 3, w, b)),
  'batch norm': () => through([randn([16, 12, 20, 30]), randn([12]), randn([12])], (x, w, b) => F.batchNorm(x, null, null, w, b, { training: true })),
  'gelu': () => through([randn([400, 400])], (x) => F.gelu(x)),
  'lookup': () => through([randn([500, 256])], (w) => F.embedding(randint(0, 500, [1200]), w)),
  'gather and scatter': () => through([randn([600, 400])], (x) => x.gather(1, randint(0, 400, [600, 300]))),
  'LSTM step': () => {
    const cell = new LSTMCell(100, 128);
    return through([randn([200, 100]), randn([200, 128]), randn([200, 128]), cell.weightIh, cell.weightHh, cell.biasIh ?? zeros([512]), cell.biasHh ?? zeros([512])], (x, h, c, a, b, d, e) => lstmCell(x, [h, c], a, b, d, e)[0]);
  },
  'attention': () => through([randn([8, 4, 64, 32]), randn([8, 4, 64, 32]), randn([8, 4, 64, 32])], (q, k, v) => F.scaledDotProductAttention(q, k, v, { isCausal: true })),
  'sort': () => {
    const { values, indices } = randn([500, 300]).sort(1);
    return [values, indices, randn([500, 300]).topk(5).values];
  },
  'random numbers': () => [rand([500, 400]), randn([500, 400]), normal(zeros([300, 400]), rand([300, 400])), bernoulli(rand([400, 400]))],
  'optimizers and averages': () => {
    const model = new Sequential(new Linear(300, 400), new Linear(400, 200));
    const ema = new ExponentialMovingAverage(model, { momentum: 0.1 });
    const parameters = model.parameters();
    const optimizers = [new Adam(parameters, { lr: 0.1 }), new SGD(parameters, { lr: 0.1, momentum: 0.9 })];
    for (let step = 0; step < 3; step++) {
      noGrad(() => parameters.forEach((p) => (p.grad = randn(p.shape))));
      for (const optimizer of optimizers) optimizer.step();
      ema.updateParameters(model);
    }
    return [...parameters, ...ema.module.parameters()];
  },
  'writes in place': () => {
    const x = new Parameter(randn([400, 500]), { requiresGrad: false });
    x.add_(1).mul_(randn([500])).clamp_(-1, 2).lerp_(randn([400, 500]), 0.3);
    return [x];
  },
};

function run(f: () => readonly Tensor[]): unknown[] {
  manualSeed(11);
  return f().map((x) => x.data());
}

test('with two and three threads, every operation has the bits that it has with one', async () => {
  const alone = Object.entries(cases).map(([name, f]) => [name, run(f)] as const);
  try {
    for (const threads of [2, 3]) {
      setNumThreads(threads);
      // Workers start while the event loop has its turn.
      await new Promise((resolve) => setTimeout(resolve, 300));
      is(getNumThreads(), threads);
      for (const [name, expected] of alone) equal(run(cases[name]), expected, `${name}, ${threads} threads`);
    }
  } finally {
    setNumThreads(1);
  }
});

test.run();

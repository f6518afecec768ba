import { type Filled, type Numbers, probe } from '../data.ts';
import { type Opened, type SideOptions, type Task, type Tasks, family, loadPeer } from '../side.ts';
import { CHAIN, MOMENTUM, type OptimizerSpec } from '../workloads.ts';

// TensorFlow.js, on its plain JavaScript backend (cpu) or its Wasm backend. Convolutions are channels-last there, so images and
// filters are turned round once, beforehand. In Node the Wasm backend has one thread.

/** What is used of a tensor or variable. */
interface X {
  readonly shape: readonly number[];
  add(other: X | number): X;
  sub(other: X | number): X;
  mul(other: X | number): X;
  div(other: X | number): X;
  matMul(other: X, transposeA?: boolean, transposeB?: boolean): X;
  reshape(shape: readonly number[]): X;
  transpose(perm: readonly number[]): X;
  mean(axis?: number, keepDims?: boolean): X;
  square(): X;
  sqrt(): X;
  erf(): X;
  exp(): X;
  relu(): X;
  sigmoid(): X;
  tanh(): X;
  toFloat(): X;
  softmax(): X;
  slice(begin: readonly number[], size: readonly number[]): X;
  assign(value: X): void;
  dispose(): void;
  dataSync(): ArrayLike<number>;
}

type Named = Readonly<Record<string, X>>;

/** What is used of the module. */
interface Tf {
  setBackend(name: string): Promise<boolean>;
  tensor(values: Float32Array | Int32Array, shape: readonly number[], dtype: 'float32' | 'int32'): X;
  variable(value: X, trainable?: boolean): X & { readonly name: string };
  tidy<R extends X | void>(f: () => R): R;
  variableGrads(f: () => X, variables: readonly X[]): { readonly value: X; readonly grads: Named };
  valueAndGrad(f: (x: X) => X): (x: X, dy: X) => { readonly value: X; readonly grad: X };
  zeros(shape: readonly number[]): X;
  ones(shape: readonly number[]): X;
  dispose(tensors: Named): void;
  split(x: X, sections: number, axis: number): X[];
  matMul(a: X, b: X, transposeA?: boolean, transposeB?: boolean): X;
  oneHot(indices: X, depth: number): X;
  conv2d(x: X, filter: X, strides: number, padding: 'valid'): X;
  maxPool(x: X, size: number, strides: number, padding: 'valid'): X;
  readonly losses: { softmaxCrossEntropy(labels: X, logits: X): X };
  readonly train: {
    sgd(lr: number): Optimizer;
    momentum(lr: number, momentum: number): Optimizer;
    adam(lr: number, beta1: number, beta2: number, epsilon: number): Optimizer;
  };
}

interface Optimizer {
  applyGradients(grads: Named): void;
}

const functions = [
  'setBackend', 'tensor', 'variable', 'tidy', 'variableGrads', 'valueAndGrad', 'zeros', 'ones', 'dispose', 'split', 'matMul', 'oneHot', 'conv2d', 'maxPool',
  'losses.softmaxCrossEntropy', 'train.sgd', 'train.momentum', 'train.adam',
];

function tasksOf(tf: Tf, mode: string): Tasks {
  const floatsOf = ({ data, shape }: Filled<Float32Array>): X => tf.tensor(data, shape, 'float32');
  const integersOf = ({ data, shape }: Filled<Int32Array>): X => tf.tensor(data, shape, 'int32');

  /** As integers first: asked for floats, the Wasm backend writes the bits of integers. */
  const oneHot = (indices: X, classes: number): X => tf.oneHot(indices, classes).toFloat();

  function optimizerOf({ kind, lr, momentum }: OptimizerSpec): Optimizer {
    if (kind !== 'sgd') return tf.train.adam(lr, 0.9, 0.999, 1e-8);
    return momentum > 0 ? tf.train.momentum(lr, momentum) : tf.train.sgd(lr);
  }

  /** `arrange` turns PyTorch's weights into this library's layout. */
  function train({ weights, workload: { optimizer: spec } }: Numbers, loss: (p: readonly X[]) => X, arrange: (w: X, i: number) => X = (w) => w): Task {
    const variables = weights.map((w, i) => tf.variable(arrange(floatsOf(w), i)));
    const optimizer = optimizerOf(spec);
    return {
      step: () => {
        const { value, grads } = tf.variableGrads(() => loss(variables), variables);
        if (spec.weightDecay > 0) tf.tidy(() => variables.forEach((v) => v.assign(v.mul(1 - spec.lr * spec.weightDecay))));
        optimizer.applyGradients(grads);
        const [number] = Array.from(value.dataSync());
        value.dispose();
        tf.dispose(grads);
        return number;
      },
    };
  }

  /** `x·Wᵀ + b` of the last dimension. */
  function linear(x: X, w: X, b: X): X {
    const rows = x.shape.length === 2 ? x : x.reshape([-1, x.shape[x.shape.length - 1]]);
    const y = rows.matMul(w, false, true).add(b);
    return x.shape.length === 2 ? y : y.reshape([...x.shape.slice(0, -1), w.shape[0]]);
  }

  function mlp(activation: (x: X) => X): (p: readonly X[], x: X) => X {
    return (p, x) => {
      let y = linear(x, p[0], p[1]);
      for (let i = 2; i < p.length; i += 2) y = linear(activation(y), p[i], p[i + 1]);
      return y;
    };
  }

  function classify(numbers: Numbers, model: (p: readonly X[], x: X) => X, x: X = floatsOf(numbers.floats[0]), arrange?: (w: X, i: number) => X): Task {
    const target = oneHot(integersOf(numbers.integers[0]), 10);
    return train(numbers, (p) => tf.losses.softmaxCrossEntropy(target, model(p, x)), arrange);
  }

  function regress(numbers: Numbers): Task {
    const [x, y] = numbers.floats.map(floatsOf);
    const model = mlp((h) => h.tanh());
    return train(numbers, (p) => model(p, x).sub(y).square().mean());
  }

  const leNet = (p: readonly X[], x: X): X => {
    const first = tf.maxPool(tf.conv2d(x, p[0], 1, 'valid').add(p[1]).relu(), 2, 2, 'valid');
    const second = tf.maxPool(tf.conv2d(first, p[2], 1, 'valid').add(p[3]).relu(), 2, 2, 'valid');
    return linear(second.reshape([-1, 256]), p[4], p[5]);
  };

  /** Filters (out, in, h, w) to (h, w, in, out); the last layer's inputs from (channel, h, w) to (h, w, channel). */
  function channelsLast(w: X, i: number): X {
    if (i === 4) return w.reshape([10, 16, 4, 4]).transpose([0, 2, 3, 1]).reshape([10, 256]);
    return w.shape.length === 4 ? w.transpose([2, 3, 1, 0]) : w;
  }

  const [T, D, HEADS] = [64, 128, 4];

  function layerNorm(x: X, w: X, b: X): X {
    const centred = x.sub(x.mean(-1, true));
    return centred.div(centred.square().mean(-1, true).add(1e-5).sqrt()).mul(w).add(b);
  }

  const gelu = (x: X): X => x.mul(x.mul(Math.SQRT1_2).erf().add(1)).mul(0.5);

  function attend(x: X, [qkv, qkvBias, proj, projBias]: readonly X[], mask: X): X {
    const [q, k, v] = tf.split(linear(x, qkv, qkvBias), 3, -1).map((p) => p.reshape([-1, T, HEADS, D / HEADS]).transpose([0, 2, 1, 3]));
    const scores = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(D / HEADS)).add(mask);
    return linear(tf.matMul(scores.softmax(), v).transpose([0, 2, 1, 3]).reshape([-1, T, D]), proj, projBias);
  }

  function transformer(numbers: Numbers): Task {
    const tokens = integersOf(numbers.integers[0]);
    // The Wasm backend has no gradient of a lookup: the embedding is a product with a one-hot matrix.
    const x = oneHot(tokens.slice([0, 0], [8, T]).reshape([-1]), 64);
    const y = oneHot(tokens.slice([0, 1], [8, T]).reshape([-1]), 64);
    const future = tf.tensor(Float32Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? -1e9 : 0)), [T, T], 'float32');
    return train(numbers, ([position, token, ...p]) => {
      let h = tf.matMul(x, token).reshape([-1, T, D]).add(position);
      for (let i = 0; i < 24; i += 12) {
        const b = p.slice(i, i + 12);
        h = h.add(attend(layerNorm(h, b[0], b[1]), b.slice(2, 6), future));
        h = h.add(linear(gelu(linear(layerNorm(h, b[6], b[7]), b[8], b[9])), b[10], b[11]));
      }
      return tf.losses.softmaxCrossEntropy(y, linear(layerNorm(h, p[24], p[25]), p[26], p[27]).reshape([-1, 64]));
    });
  }

  const lstm = ([wi, bi, wh, bh, w, b]: readonly X[], x: X): X => {
    const [n, steps, size] = x.shape;
    let [h, c] = [tf.zeros([n, 128]), tf.zeros([n, 128])];
    for (let t = 0; t < steps; t++) {
      const now = x.slice([0, t, 0], [n, 1, size]).reshape([n, size]);
      const [i, f, g, o] = tf.split(linear(now, wi, bi).add(linear(h, wh, bh)), 4, 1);
      c = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
      h = o.sigmoid().mul(c.tanh());
    }
    return linear(h, w, b);
  };

  function average({ weights, floats }: Numbers): Task {
    const averaged = weights.map((w) => tf.variable(floatsOf(w), false));
    const source = floats.map(floatsOf);
    const step = (): void => tf.tidy(() => averaged.forEach((a, i) => a.assign(a.add(source[i].sub(a).mul(MOMENTUM)))));
    return {
      step,
      check: () => {
        for (let i = 0; i < 3; i++) step();
        return probe(averaged[9].dataSync());
      },
    };
  }

  function compute(run: (a: X, b: X) => X): (numbers: Numbers) => Task {
    return ({ floats }) => {
      const [a, b] = floats.map(floatsOf);
      return { step: () => run(a, b).dispose(), check: () => probe(run(a, b).dataSync()) };
    };
  }

  function chain({ floats }: Numbers): Task {
    const [x, add, mul] = floats.map(floatsOf);
    const one = tf.ones([16]);
    const run = tf.valueAndGrad((input) => {
      let y = input;
      for (let i = 0; i < CHAIN; i++) y = i % 3 === 0 ? y.relu() : i % 3 === 1 ? y.add(add) : y.mul(mul);
      return y;
    });
    const step = (): number[] => {
      const { value, grad } = run(x, one);
      const numbers = [...probe(value.dataSync()), ...probe(grad.dataSync())];
      value.dispose();
      grad.dispose();
      return numbers;
    };
    return { step: () => void step(), check: step };
  }

  return {
    ...family({ mlp: (n) => classify(n, mlp((x) => x.relu())), average, product: compute((a, b) => tf.matMul(a, b)) }),
    W2: regress,
    W4: mode === 'wasm' ? 'no gradient of conv2d on this backend' : (n) => classify(n, leNet, floatsOf(n.floats[0]).reshape([-1, 28, 28, 1]), channelsLast),
    W5: transformer,
    W6: (n) => classify(n, lstm),
    'W8-add': compute((a, b) => a.add(b)), 'W8-exp': compute((a) => a.exp()), 'W8-relu': compute((a) => a.relu()),
    autograd: chain,
  };
}

export async function open({ peers, mode, threads }: SideOptions): Promise<Opened> {
  const tf = loadPeer<Tf>(peers, '@tensorflow/tfjs', functions);
  if (mode === 'wasm') loadPeer<{ setThreadsCount(n: number): void }>(peers, '@tensorflow/tfjs-backend-wasm', ['setThreadsCount']).setThreadsCount(threads);
  if (!(await tf.setBackend(mode))) throw new Error(`the backend ${mode} does not start`);
  return { tasks: tasksOf(tf, mode), threads: 1 };
}

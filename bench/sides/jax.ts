import { type Filled, type Numbers, probe } from '../data.ts';
import { type Opened, type SideOptions, type Task, type Tasks, family, loadPeer } from '../side.ts';
import { CHAIN, MOMENTUM, type OptimizerSpec } from '../workloads.ts';

// jax-js on its Wasm backend. Every call consumes its array arguments; `x.ref` keeps x for another use. Arrays are computed when they
// are read, so a step reads its loss, and other tasks read an element of each result. In Node it has one thread.

/** What is used of an array of jax-js. */
interface A {
  readonly ref: A;
  readonly shape: readonly number[];
  add(other: A | number): A;
  sub(other: A | number): A;
  mul(other: A | number): A;
  div(other: A | number): A;
  reshape(shape: readonly number[]): A;
  transpose(perm?: readonly number[]): A;
  mean(axis?: number, options?: { readonly keepdims: boolean }): A;
  sum(axis?: number): A;
  max(axis?: number | readonly number[]): A;
  slice(...index: readonly (number | readonly number[])[]): A;
  dispose(): void;
  item(): number;
  dataSync(): ArrayLike<number>;
}

type Loss = (parameters: readonly A[], ...inputs: readonly A[]) => A;
type Tree = A | number | readonly Tree[];

/** What is used of the module. */
interface Jax {
  init(device: string): Promise<readonly string[]>;
  jit<F extends (...args: never[]) => Tree>(f: F): F;
  valueAndGrad(f: Loss): (parameters: readonly A[], ...inputs: readonly A[]) => readonly [A, readonly A[]];
  grad(f: (x: A, ...others: readonly A[]) => A): (x: A, ...others: readonly A[]) => A;
  readonly numpy: {
    array(values: ArrayLike<number>, options?: { readonly dtype: string }): A;
    zeros(shape: readonly number[]): A;
    matmul(a: A, b: A): A;
    split(a: A, sections: number, axis: number): readonly A[];
    sqrt(a: A): A;
    square(a: A): A;
    tanh(a: A): A;
    exp(a: A): A;
  };
  readonly nn: {
    relu(a: A): A;
    sigmoid(a: A): A;
    gelu(a: A, options: { readonly approximate: boolean }): A;
    softmax(a: A, axis: number): A;
    logSoftmax(a: A, axis: number): A;
    oneHot(a: A, classes: number): A;
  };
  readonly lax: { conv(x: A, w: A, strides: readonly number[], padding: string): A };
}

const functions = [
  'init', 'jit', 'valueAndGrad', 'grad', 'numpy.array', 'numpy.zeros', 'numpy.matmul', 'numpy.split', 'numpy.sqrt', 'numpy.square', 'numpy.tanh', 'numpy.exp', 'nn.relu',
  'nn.sigmoid', 'nn.gelu', 'nn.softmax', 'nn.logSoftmax', 'nn.oneHot', 'lax.conv',
];

const refs = (list: readonly A[]): A[] => list.map((a) => a.ref);

function tasksOf(jax: Jax, jitted: boolean): Tasks {
  const { numpy: np, nn, lax } = jax;
  const compiled = <F extends (...args: never[]) => Tree>(f: F): F => (jitted ? jax.jit(f) : f);
  const floatsOf = ({ data, shape }: Filled<Float32Array>): A => np.array(data).reshape(shape);
  const integersOf = ({ data, shape }: Filled<Int32Array>): A => np.array(data, { dtype: 'int32' }).reshape(shape);

  const linear = (x: A, w: A, b: A): A => np.matmul(x, w.transpose([1, 0])).add(b);

  /** Mean negative log likelihood; the targets are one-hot. */
  const crossEntropy = (logits: A, target: A): A => nn.logSoftmax(logits, -1).mul(target).sum().div(-target.shape[0]);

  /** One step of the optimizer on one parameter: new parameter, new state. `scale` and `eps` carry Adam's bias corrections. */
  function update(spec: OptimizerSpec, p: A, g: A, state: readonly A[], scale: A, eps: A): readonly A[] {
    if (spec.kind === 'sgd' && spec.momentum === 0) {
      scale.dispose();
      eps.dispose();
      return [p.sub(g.mul(spec.lr))];
    }
    if (spec.kind === 'sgd') {
      scale.dispose();
      eps.dispose();
      const momentum = state[0].mul(spec.momentum).add(g);
      return [p.sub(momentum.ref.mul(spec.lr)), momentum];
    }
    const m = state[0].mul(0.9).add(g.ref.mul(0.1));
    const v = state[1].mul(0.999).add(np.square(g).mul(0.001));
    const change = m.ref.mul(scale).div(np.sqrt(v.ref).add(eps));
    return [p.mul(1 - spec.lr * spec.weightDecay).sub(change), m, v];
  }

  function train({ weights, workload: { optimizer } }: Numbers, loss: Loss, inputs: readonly A[]): Task {
    const states = optimizer.kind !== 'sgd' ? 2 : optimizer.momentum > 0 ? 1 : 0;
    let parameters = weights.map(floatsOf);
    let state = weights.map(({ shape }) => Array.from({ length: states }, () => np.zeros(shape)));
    let t = 0;
    const valueAndGrad = jax.valueAndGrad(loss);
    const whole = compiled((p: readonly A[], s: readonly (readonly A[])[], scale: A, eps: A, ...x: readonly A[]): Tree => {
      const [value, grads] = valueAndGrad(refs(p), ...x);
      const next = p.map((param, i) => update(optimizer, param, grads[i], s[i], scale.ref, eps.ref));
      scale.dispose();
      eps.dispose();
      return [value, next];
    });
    return {
      step: () => {
        t++;
        const root = Math.sqrt(1 - 0.999 ** t);
        const [scale, eps] = [np.array([(optimizer.lr * root) / (1 - 0.9 ** t)]), np.array([1e-8 * root])];
        const [value, next] = whole(parameters, state, scale, eps, ...refs(inputs)) as readonly [A, readonly (readonly A[])[]];
        parameters = next.map(([p]) => p);
        state = next.map(([, ...s]) => s);
        return value.item();
      },
    };
  }

  function mlp(activation: (x: A) => A): (p: readonly A[], x: A) => A {
    return (p, x) => {
      let y = linear(x, p[0], p[1]);
      for (let i = 2; i < p.length; i += 2) y = linear(activation(y), p[i], p[i + 1]);
      return y;
    };
  }

  function classify(numbers: Numbers, model: (p: readonly A[], x: A) => A): Task {
    const target = nn.oneHot(integersOf(numbers.integers[0]), 10);
    return train(numbers, (p, x, y) => crossEntropy(model(p, x), y), [floatsOf(numbers.floats[0]), target]);
  }

  const regress = (numbers: Numbers): Task => train(numbers, (p, x, y) => np.square(mlp((h) => np.tanh(h))(p, x).sub(y)).mean(), numbers.floats.map(floatsOf));

  const pool = (x: A): A => {
    const [n, c, h, w] = x.shape;
    return x.reshape([n, c, h / 2, 2, w / 2, 2]).max([3, 5]);
  };
  const convolve = (x: A, w: A, b: A): A => lax.conv(x, w, [1, 1], 'VALID').add(b.reshape([-1, 1, 1]));

  const leNet = (p: readonly A[], x: A): A => {
    const first = pool(nn.relu(convolve(x, p[0], p[1])));
    return linear(pool(nn.relu(convolve(first, p[2], p[3]))).reshape([-1, 256]), p[4], p[5]);
  };

  const [T, D, HEADS] = [64, 128, 4];

  function layerNorm(x: A, w: A, b: A): A {
    const centred = x.ref.sub(x.mean(-1, { keepdims: true }));
    const variance = np.square(centred.ref).mean(-1, { keepdims: true });
    return centred.div(np.sqrt(variance.add(1e-5))).mul(w).add(b);
  }

  function transformer(numbers: Numbers): Task {
    const [{ data, shape }] = numbers.integers;
    const tokens = integersOf({ name: 'tokens', shape, data });
    const x = nn.oneHot(tokens.ref.slice([], [0, T]), 64); // a product with a one-hot matrix is the faster embedding here
    const y = nn.oneHot(tokens.slice([], [1, T + 1]).reshape([-1]), 64);
    const future = np.array(Float32Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? -1e9 : 0))).reshape([T, T]);
    const heads = (a: A): A => a.reshape([-1, T, HEADS, D / HEADS]).transpose([0, 2, 1, 3]);
    const attend = (h: A, [qkv, qkvBias, proj, projBias]: readonly A[], mask: A): A => {
      const [q, k, v] = np.split(linear(h, qkv, qkvBias), 3, -1).map(heads);
      const scores = np.matmul(q, k.transpose([0, 1, 3, 2])).mul(1 / Math.sqrt(D / HEADS)).add(mask);
      return linear(np.matmul(nn.softmax(scores, -1), v).transpose([0, 2, 1, 3]).reshape([-1, T, D]), proj, projBias);
    };
    const loss: Loss = ([position, token, ...p], input, target, mask) => {
      let h = np.matmul(input, token).add(position);
      for (let i = 0; i < 24; i += 12) {
        const b = p.slice(i, i + 12);
        h = h.ref.add(attend(layerNorm(h, b[0], b[1]), b.slice(2, 6), mask.ref));
        const up = nn.gelu(linear(layerNorm(h.ref, b[6], b[7]), b[8], b[9]), { approximate: false });
        h = h.add(linear(up, b[10], b[11]));
      }
      mask.dispose();
      return crossEntropy(linear(layerNorm(h, p[24], p[25]), p[26], p[27]).reshape([-1, 64]), target);
    };
    return train(numbers, loss, [x, y, future]);
  }

  const lstm = ([wi, bi, wh, bh, w, b]: readonly A[], x: A): A => {
    let [h, c] = [np.zeros([x.shape[0], 128]), np.zeros([x.shape[0], 128])];
    for (let t = 0; t < x.shape[1]; t++) {
      const [i, f, g, o] = np.split(linear(x.ref.slice([], t), wi.ref, bi.ref).add(linear(h, wh.ref, bh.ref)), 4, 1);
      c = nn.sigmoid(f).mul(c).add(nn.sigmoid(i).mul(np.tanh(g)));
      h = nn.sigmoid(o).mul(np.tanh(c.ref));
    }
    for (const used of [c, x, wi, bi, wh, bh]) used.dispose();
    return linear(h, w, b);
  };

  /** Reads one element, so that the array is really computed. */
  const settle = (a: A): number => a.slice(...a.shape.map(() => 0)).item();

  function average({ weights, floats }: Numbers): Task {
    let averaged = weights.map(floatsOf);
    const source = floats.map(floatsOf);
    const lerp = compiled((avg: readonly A[], src: readonly A[]): Tree => avg.map((a, i) => a.ref.add(src[i].sub(a).mul(MOMENTUM))));
    const step = (): void => {
      averaged = lerp(averaged, refs(source)) as A[];
      for (const a of averaged) settle(a.ref);
    };
    return {
      step,
      check: () => {
        for (let i = 0; i < 3; i++) step();
        return probe(averaged[9].ref.dataSync());
      },
    };
  }

  function compute(run: (a: A, b: A) => A): (numbers: Numbers) => Task {
    return ({ floats }) => {
      const [a, b] = floats.map(floatsOf);
      const f = compiled(run);
      const call = (): A => f(a.ref, b?.ref);
      return { step: () => void settle(call()), check: () => probe(call().dataSync()) };
    };
  }

  function chain({ floats }: Numbers): Task {
    const [x, add, mul] = floats.map(floatsOf);
    const ops = (input: A, plus: A, times: A): A => {
      let y = input;
      for (let i = 0; i < CHAIN; i++) y = i % 3 === 0 ? nn.relu(y) : i % 3 === 1 ? y.add(plus.ref) : y.mul(times.ref);
      plus.dispose();
      times.dispose();
      return y;
    };
    const forward = compiled(ops);
    const backward = compiled(jax.grad((input, plus, times) => ops(input, plus, times).sum()));
    return {
      step: () => void settle(backward(x.ref, add.ref, mul.ref)),
      check: () => [...probe(forward(x.ref, add.ref, mul.ref).dataSync()), ...probe(backward(x.ref, add.ref, mul.ref).dataSync())],
    };
  }

  return {
    ...family({ mlp: (n) => classify(n, mlp((x) => nn.relu(x))), average, product: compute((a, b) => np.matmul(a, b)) }),
    W2: regress, W4: (n) => classify(n, leNet), W5: transformer, W6: (n) => classify(n, lstm),
    'W8-add': compute((a, b) => a.add(b)), 'W8-exp': compute((a, b) => (b.dispose(), np.exp(a))), 'W8-relu': compute((a, b) => (b.dispose(), nn.relu(a))),
    autograd: chain,
  };
}

export async function open({ peers, mode }: SideOptions): Promise<Opened> {
  const jax = loadPeer<Jax>(peers, '@jax-js/jax', functions);
  await jax.init('wasm');
  return { tasks: tasksOf(jax, mode === 'jit'), threads: 1 };
}

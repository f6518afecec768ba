import { type Filled, type Numbers, probe } from '../data.ts';
import { type Opened, type SideOptions, type Task, type Tasks, family, loadPeer } from '../side.ts';
import { CHAIN, MOMENTUM } from '../workloads.ts';

// js-pytorch keeps tensors as nested arrays of numbers, in double precision. Its ReLU leaks 0.001 below 0 and its Adam corrects no bias,
// so ReLU is its masked_fill here, and Adam gets the corrections through its learning rate and epsilon. Its MSELoss divides by the
// batch twice. It has no SGD: plain steps are written with its operations.

type Nested = readonly (number | Nested)[];

/** What is used of a tensor. */
interface X {
  readonly shape: readonly number[];
  readonly data: Nested;
  readonly grad: Nested;
  _data: Nested;
  add(other: X | number): X;
  sub(other: X): X;
  mul(other: X | number): X;
  div(other: X): X;
  exp(): X;
  matmul(other: X): X;
  masked_fill(mask: X, condition: (x: number) => boolean, value: number): X;
  backward(): void;
  zero_grad(): void;
}

interface Loss {
  forward(z: X, y: X): X;
}

/** What is used of the module. */
interface JsPytorch {
  readonly torch: {
    tensor(data: Nested, requiresGrad?: boolean): X;
    readonly nn: {
      readonly Linear: new (inputs: number, outputs: number) => { W: X; b: X; forward(x: X): X };
      readonly CrossEntropyLoss: new () => Loss;
      readonly MSELoss: new () => Loss;
    };
    readonly optim: { readonly Adam: new (parameters: readonly X[], lr: number, reg: number, betas: readonly number[], eps: number) => { lr: number; eps: number; step(): void; zero_grad(): void } };
  };
}

const functions = ['torch.tensor', 'torch.nn.Linear', 'torch.nn.CrossEntropyLoss', 'torch.nn.MSELoss', 'torch.optim.Adam'];

/** Flat numbers as nested arrays. */
function nest(data: ArrayLike<number>, shape: readonly number[]): Nested {
  const [size, ...rest] = shape;
  if (rest.length === 0) return Array.from(data);
  const part = data.length / size;
  return Array.from({ length: size }, (_, i) => nest(Array.from({ length: part }, (__, j) => data[i * part + j]), rest));
}

const flat = (data: Nested): number[] => data.flatMap((x) => (typeof x === 'number' ? x : flat(x)));

function tasksOf({ torch }: JsPytorch): Tasks {
  const tensorOf = ({ data, shape }: Filled<Float32Array | Int32Array>): X => torch.tensor(nest(data, shape));
  const relu = (x: X): X => x.masked_fill(x, (v) => v <= 0, 0);

  /** It has no tanh. */
  function tanh(x: X): X {
    const e = x.mul(2).exp();
    return e.add(-1).div(e.add(1));
  }

  function train({ weights, floats, integers, workload: { optimizer: spec } }: Numbers, activation: (x: X) => X): Task {
    const layers = Array.from({ length: weights.length / 2 }, (_, i) => {
      const [w, b] = [weights[2 * i], weights[2 * i + 1]];
      const [outputs, inputs] = w.shape;
      const layer = new torch.nn.Linear(inputs, outputs);
      layer.W._data = nest(Float32Array.from(w.data, (_v, j) => w.data[(j % outputs) * inputs + Math.floor(j / outputs)]), [inputs, outputs]);
      layer.b._data = nest(b.data, b.shape);
      return layer;
    });
    const parameters = layers.flatMap(({ W, b }) => [W, b]);
    const [x, y] = [...floats, ...integers].map(tensorOf);
    const [crossEntropy, mse] = [new torch.nn.CrossEntropyLoss(), new torch.nn.MSELoss()];
    const adam = new torch.optim.Adam(parameters, spec.lr, 0, [0.9, 0.999], 1e-8);
    let t = 0;
    const update = (): void => {
      if (spec.kind === 'sgd') {
        for (const p of parameters) p._data = torch.tensor(p.data).sub(torch.tensor(p.grad).mul(spec.lr)).data;
        return;
      }
      const root = Math.sqrt(1 - 0.999 ** ++t);
      adam.lr = (spec.lr * root) / (1 - 0.9 ** t);
      adam.eps = 1e-8 * root;
      adam.step();
    };
    return {
      step: () => {
        const out = layers.reduce((h, layer, i) => layer.forward(i === 0 ? h : activation(h)), x);
        const value = integers.length > 0 ? crossEntropy.forward(out, y) : mse.forward(out, y).mul(y.shape[0]);
        value.backward();
        update();
        for (const p of parameters) p.zero_grad();
        return flat(value.data)[0];
      },
    };
  }

  function average({ weights, floats }: Numbers): Task {
    const averaged = weights.map(tensorOf);
    const source = floats.map(tensorOf);
    const step = (): void => averaged.forEach((a, i) => (a._data = a.mul(1 - MOMENTUM).add(source[i].mul(MOMENTUM)).data));
    return {
      step,
      check: () => {
        for (let i = 0; i < 3; i++) step();
        return probe(flat(averaged[9].data));
      },
    };
  }

  function compute(run: (a: X, b: X) => X): (numbers: Numbers) => Task {
    return ({ floats }) => {
      const [a, b] = floats.map(tensorOf);
      return { step: () => void run(a, b), check: () => probe(flat(run(a, b).data)) };
    };
  }

  function chain({ floats }: Numbers): Task {
    const [{ data, shape }] = floats;
    const x = torch.tensor(nest(data, shape), true);
    const [, add, mul] = floats.map(tensorOf);
    const step = (): X => {
      x.zero_grad();
      let y = x;
      for (let i = 0; i < CHAIN; i++) y = i % 3 === 0 ? relu(y) : i % 3 === 1 ? y.add(add) : y.mul(mul);
      y.backward();
      return y;
    };
    return { step: () => void step(), check: () => [...probe(flat(step().data)), ...probe(flat(x.grad))] };
  }

  return {
    ...family({ mlp: (n) => train(n, relu), average, product: compute((a, b) => a.matmul(b)) }),
    W2: (n) => train(n, tanh),
    W4: 'no conv2d',
    W5: 'no gelu, no erf',
    W6: 'no chunk, no slices',
    'W8-add': compute((a, b) => a.add(b)), 'W8-exp': compute((a) => a.exp()), 'W8-relu': compute(relu),
    autograd: chain,
  };
}

export async function open({ peers }: SideOptions): Promise<Opened> {
  return { tasks: tasksOf(loadPeer<JsPytorch>(peers, 'js-pytorch', functions)), threads: 1 };
}

import { test } from 'uvu';
import {
  AvgPool2d, Bilinear, Conv1d, Conv2d, ConvTranspose2d, Dropout, ELU, Embedding, Flatten, GELU, GRU, GroupNorm, InstanceNorm2d, LSTM, LayerNorm, Linear, MaxPool2d, type Module, MultiheadAttention, PReLU, RMSNorm, RNN,
  ReLU, Sequential, type StateDict, Tensor, TransformerEncoderLayer, func, manualSeed, randint, randn, vmap,
} from '../../index.ts';
import { allClose, equal, ok } from '../assert.ts';

// Layers under vmap: results and gradients of each example against one example after the other, and of models of an ensemble.

type Layer = Module & { forward(...args: never[]): unknown };

const f64 = { dtype: 'float64' } as const;

const layers: Readonly<Record<string, readonly [build: () => Layer, inputs: () => readonly Tensor[]]>> = {
  Linear: [() => new Linear(3, 2), () => [randn([4, 3], f64)]],
  Bilinear: [() => new Bilinear(3, 2, 2), () => [randn([4, 3], f64), randn([4, 2], f64)]],
  'Conv1d, padded': [() => new Conv1d(2, 3, 3, { padding: 1, stride: 2 }), () => [randn([4, 2, 7], f64)]],
  'Conv2d and pools': [() => new Sequential(new Conv2d(1, 2, 3), new ReLU(), new MaxPool2d(2), new AvgPool2d(2), new Flatten()), () => [randn([4, 2, 1, 10, 10], f64)]],
  ConvTranspose2d: [() => new ConvTranspose2d(2, 1, 2, { stride: 2 }), () => [randn([3, 2, 3, 3], f64)]],
  Embedding: [() => new Embedding(5, 3), () => [randint(0, 5, [4, 2])]],
  'norms and activations': [() => new Sequential(new LayerNorm(4), new GELU(), new RMSNorm(4), new ELU(), new PReLU()), () => [randn([3, 2, 4], f64)]],
  'norms of channels': [() => new Sequential(new GroupNorm(2, 4), new InstanceNorm2d(4, { affine: true })), () => [randn([3, 2, 4, 3, 3], f64)]],
  RNN: [() => new RNN(3, 4, { bidirectional: true }), () => [randn([4, 5, 2, 3], f64)]],
  GRU: [() => new GRU(3, 4, { numLayers: 2 }), () => [randn([4, 5, 2, 3], f64)]],
  LSTM: [() => new LSTM(3, 4, { batchFirst: true }), () => [randn([4, 2, 5, 3], f64)]],
  MultiheadAttention: [() => new MultiheadAttention(4, 2), () => [randn([3, 5, 2, 4], f64), randn([3, 6, 2, 4], f64), randn([3, 6, 2, 4], f64)]],
  TransformerEncoderLayer: [() => new TransformerEncoderLayer(4, 2, { dimFeedforward: 8, dropout: 0 }), () => [randn([3, 5, 2, 4], f64)]],
};

const firstOf = (value: unknown): Tensor => {
  if (value instanceof Tensor) return value;
  const [first] = value as Iterable<unknown>;
  return firstOf(first);
};

for (const [name, [build, draw]] of Object.entries(layers)) {
  test(`${name}: each example and each gradient as alone`, () => {
    manualSeed(4);
    const model = build().double();
    const inputs = draw();
    const params: StateDict = Object.fromEntries([...model.namedParameters()].map(([key, p]) => [key, p.detach()]));
    const run = (p: StateDict, ...xs: Tensor[]): Tensor => firstOf(func.functionalCall(model, p, xs));
    const loss = (p: StateDict, ...xs: Tensor[]): Tensor => {
      const y = run(p, ...xs);
      return y.mul(y.detach().mul(0.5).add(1)).sum();
    };
    const inDims = [null, ...inputs.map(() => 0)];
    const values = vmap(run, { inDims })(params, ...inputs);
    const gradients = vmap(func.grad(loss), { inDims })(params, ...inputs);
    for (let i = 0; i < inputs[0].shape[0]; i++) {
      const alone = inputs.map((x) => x.select(0, i));
      allClose(values.select(0, i), run(params, ...alone), { rtol: 1e-9, atol: 1e-11 });
      const expected = func.grad(loss)(params, ...alone);
      for (const key of Object.keys(params)) allClose(gradients[key].select(0, i), expected[key], { rtol: 1e-8, atol: 1e-10 });
    }
  });

  test(`${name}: an ensemble as its models`, () => {
    manualSeed(5);
    const models = [build(), build(), build()].map((m) => m.double());
    const inputs = draw().map((x) => x.select(0, 0));
    const [params, buffers] = func.stackModuleState(models);
    const all = vmap((p: StateDict, b: StateDict, ...xs: Tensor[]) => firstOf(func.functionalCall(models[0], { ...p, ...b }, xs)), { inDims: [0, Object.keys(buffers).length === 0 ? null : 0, ...inputs.map(() => null)] });
    const y = all(params, buffers, ...inputs);
    models.forEach((m, i) => allClose(y.select(0, i), firstOf(m.forward(...(inputs as never[]))), { rtol: 1e-9, atol: 1e-11 }));
  });
}

test('dropout draws for each example or once for all', () => {
  const model = new Sequential(new Linear(3, 50), new Dropout(0.5));
  const x = randn([3]).expand([4, 3]);
  const [different, same] = (['different', 'same'] as const).map((randomness) => vmap((row: Tensor) => model.forward(row), { randomness })(x));
  equal(same.select(0, 0).array(), same.select(0, 3).array());
  ok(different.select(0, 0).ne(different.select(0, 1)).any().item());
});

test.run();

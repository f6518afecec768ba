import { test } from 'uvu';
import {
  BatchNorm1d, BatchNorm2d, Bilinear, Conv1d, Conv2d, Conv3d, ConvTranspose2d, Embedding, EmbeddingBag, Flatten, GRU, GroupNorm, InstanceNorm2d, LSTM, LSTMCell, LazyLinear, LayerNorm, Linear, type Module, MaxPool2d,
  MultiheadAttention, PReLU, RMSNorm, ReLU, Sequential, Tensor, TransformerDecoderLayer, TransformerEncoderLayer, manualSeed, randint, randn, spectralNorm, updateBN, recalibrateBatchNorm, weightNorm,
} from '../../index.ts';
import { useGpu } from '../../gpu/index.ts';
import { allClose, equal, is, ok } from '../assert.ts';

// Layers of the examples, and others that are made of many operations: outputs, gradients and what they keep, on the device against the CPU.

type Layer = Module & { forward(...inputs: never[]): unknown };

const images = (): Tensor[] => [randn([2, 4, 6, 6])];
const rows = (): Tensor[] => [randn([5, 8])];
const sequences = (): Tensor[] => [randn([5, 3, 8])];
const words = (): Tensor[] => [randint(0, 10, [3, 5])];

const layers: Readonly<Record<string, readonly [make: () => Layer, inputs: () => Tensor[]]>> = {
  Linear: [() => new Linear(8, 3), rows],
  Bilinear: [() => new Bilinear(8, 8, 3), () => [...rows(), ...rows()]],
  'Conv1d, padded to the same size': [() => new Conv1d(4, 6, 3, { padding: 'same' }), () => [randn([2, 4, 9])]],
  'Conv2d with stride, groups and dilation': [() => new Conv2d(4, 8, 3, { stride: 2, padding: 1, groups: 2, dilation: 2 }), images],
  'Conv2d with reflected borders': [() => new Conv2d(4, 8, 3, { padding: 1, paddingMode: 'reflect' }), images],
  Conv3d: [() => new Conv3d(2, 2, 2, { padding: 1 }), () => [randn([1, 2, 3, 4, 3])]],
  'ConvTranspose2d with stride': [() => new ConvTranspose2d(4, 6, 3, { stride: 2, padding: 1, outputPadding: 1 }), images],
  'ConvTranspose2d with stride and dilation': [() => new ConvTranspose2d(4, 6, 3, { stride: 3, dilation: 2 }), images],
  'a convolutional net': [() => new Sequential(new Conv2d(4, 8, 3, { padding: 1, bias: false }), new BatchNorm2d(8), new ReLU(), new MaxPool2d(2), new Flatten(), new Linear(72, 10)), images],
  'BatchNorm1d with the mean over all batches': [() => new BatchNorm1d(8, { momentum: null }), rows],
  'InstanceNorm2d with statistics': [() => new InstanceNorm2d(4, { affine: true, trackRunningStats: true }), images],
  GroupNorm: [() => new GroupNorm(2, 4), images],
  LayerNorm: [() => new LayerNorm([6, 6]), images],
  RMSNorm: [() => new RMSNorm(8), rows],
  PReLU: [() => new PReLU({ numParameters: 4 }), images],
  Embedding: [() => new Embedding(10, 4, { paddingIdx: 0, scaleGradByFreq: true }), words],
  EmbeddingBag: [() => new EmbeddingBag(10, 4, { mode: 'mean' }), words],
  'LSTM of two layers and directions': [() => new LSTM(8, 6, { numLayers: 2, bidirectional: true }), sequences],
  GRU: [() => new GRU(8, 6), sequences],
  'LSTMCell, one step': [() => new LSTMCell(8, 6), rows],
  MultiheadAttention: [() => new MultiheadAttention(8, 2, { batchFirst: true }), () => [randn([2, 5, 8]), randn([2, 5, 8]), randn([2, 5, 8])]],
  'a block of a transformer': [() => new TransformerEncoderLayer(8, 2, { dimFeedforward: 16, dropout: 0, batchFirst: true, activation: 'gelu' }), () => [randn([2, 5, 8])]],
  'a block with a memory': [() => new TransformerDecoderLayer(8, 2, { dimFeedforward: 16, dropout: 0, normFirst: true }), () => [randn([2, 5, 8]), randn([3, 5, 8])]],
  'a weight of unit length': [() => weightNorm(new Linear(8, 3)), rows],
  'a weight of bounded norm': [() => spectralNorm(new Linear(8, 3)), rows],
  'a lazy layer': [() => new LazyLinear(3), rows],
};

/** The tensors in what a layer gives. */
function tensorsOf(x: unknown): Tensor[] {
  if (x instanceof Tensor) return [x];
  return typeof x === 'object' && x !== null && Symbol.iterator in x ? [...(x as Iterable<unknown>)].flatMap(tensorsOf) : [];
}

interface Run {
  readonly outputs: readonly Tensor[];
  readonly gradients: readonly (Tensor | null)[];
  readonly state: Readonly<Record<string, Tensor>>;
}

function run(make: () => Layer, inputs: () => Tensor[], device: string): Run {
  manualSeed(3);
  const args = inputs().map((x) => x.to(device));
  for (const x of args) if (x.dtype === 'float32') x.requiresGrad_();
  const layer = make().to(device);
  const outputs = tensorsOf(Reflect.apply(layer.forward, layer, args));
  outputs.filter((y) => y.requiresGrad).map((y) => y.sin().sum()).reduce((a, b) => a.add(b)).backward();
  return { outputs, gradients: [...args, ...layer.parameters()].map((x) => x.grad), state: layer.stateDict() };
}

async function agree(got: Tensor | null, expected: Tensor | null): Promise<void> {
  is(got === null, expected === null);
  if (got === null || expected === null) return;
  is(got.device.name, 'gpu');
  allClose(await got.detach().cpu(), expected.detach(), { rtol: 1e-4, atol: 1e-5 });
}

for (const [name, [make, inputs]] of Object.entries(layers)) {
  test(`${name} on the device`, async () => {
    await useGpu({ backend: 'webasm' });
    const [here, there] = [run(make, inputs, 'cpu'), run(make, inputs, 'gpu')];
    is(there.outputs.length, here.outputs.length);
    for (const [i, y] of here.outputs.entries()) await agree(there.outputs[i], y);
    for (const [i, g] of here.gradients.entries()) await agree(there.gradients[i], g);
    equal(Object.keys(there.state), Object.keys(here.state));
    for (const [key, x] of Object.entries(here.state)) await agree(there.state[key], x);
  });
}

test('statistics of batch norm are made anew on the device', async () => {
  await useGpu({ backend: 'webasm' });
  for (const renew of [updateBN, recalibrateBatchNorm]) {
    const found = ['cpu', 'gpu'].map((device) => {
      manualSeed(0);
      const model = new Sequential(new Linear(8, 4), new BatchNorm1d(4)).to(device);
      renew([randn([6, 8]).to(device), randn([4, 8]).to(device).mul(3)], model);
      return model.buffers();
    });
    ok(found[0][0].abs().sum().item() > 0);
    for (const [i, x] of found[0].entries()) await agree(found[1][i], x);
  }
});

test.run();

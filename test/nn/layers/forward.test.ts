// Layers hand their settings on to the functional forms, which have their own tests against PyTorch.
import { test } from 'uvu';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';
import { ArgumentError, Generator, ShapeError, type Tensor, arange, manualSeed, ones, tensor } from '../../../index.ts';
import * as nn from '../../../nn/index.ts';
import { F } from '../../../nn/index.ts';

/** Numbers without pattern from -2 to 2. */
const some = (shape: readonly number[]): Tensor =>
  arange(shape.reduce((a, b) => a * b, 1), { dtype: 'float32' }).mul(2.399963).sin().mul(2).reshape(shape);

const rows = some([3, 4]);
const signal = some([2, 4, 9]);
const image = some([2, 4, 6, 5]);

const unary: readonly (readonly [nn.TensorModule, Tensor, (x: Tensor) => Tensor])[] = [
  [new nn.Identity(), rows, (x) => x],
  [new nn.Flatten(), image, (x) => x.flatten(1)],
  [new nn.Flatten(0, 1), image, (x) => x.flatten(0, 1)],
  [new nn.Unflatten(1, [2, -1]), image, (x) => x.unflatten(1, [2, 2])],
  [new nn.MaxPool1d(2), signal, (x) => F.maxPool1d(x, 2)],
  [new nn.MaxPool1d(3, 1, { padding: 1, dilation: 2 }), signal, (x) => F.maxPool1d(x, 3, { stride: 1, padding: 1, dilation: 2 })],
  [new nn.MaxPool2d(2, 1), image, (x) => F.maxPool2d(x, 2, { stride: 1 })],
  [new nn.MaxPool2d([2, 3], { padding: [1, 0], ceilMode: true }), image, (x) => F.maxPool2d(x, [2, 3], { padding: [1, 0], ceilMode: true })],
  [new nn.AvgPool1d(2, { stride: 1 }), signal, (x) => F.avgPool1d(x, 2, { stride: 1 })],
  [new nn.AvgPool2d(2, { padding: 1, countIncludePad: false }), image, (x) => F.avgPool2d(x, 2, { padding: 1, countIncludePad: false })],
  [new nn.AvgPool2d(2, 2, { divisorOverride: 3 }), image, (x) => F.avgPool2d(x, 2, { divisorOverride: 3 })],
  [new nn.AdaptiveAvgPool1d(4), signal, (x) => F.adaptiveAvgPool1d(x, 4)],
  [new nn.AdaptiveAvgPool2d([2, null]), image, (x) => F.adaptiveAvgPool2d(x, [2, 5])],
  [new nn.AdaptiveMaxPool1d(4), signal, (x) => F.adaptiveMaxPool1d(x, 4)],
  [new nn.AdaptiveMaxPool2d(2), image, (x) => F.adaptiveMaxPool2d(x, 2)],
  [new nn.LayerNorm(4), rows, (x) => F.layerNorm(x, [4])],
  [new nn.LayerNorm([6, 5], { eps: 0.1, elementwiseAffine: false }), image, (x) => F.layerNorm(x, [6, 5], null, null, { eps: 0.1 })],
  [new nn.RMSNorm(4, { eps: 0.1 }), rows, (x) => F.rmsNorm(x, [4], null, { eps: 0.1 })],
  [new nn.RMSNorm(4), rows, (x) => x.div(x.square().mean(-1, { keepdim: true }).add(1.1920929e-7).sqrt())],
  [new nn.GroupNorm(2, 4, { eps: 0.1 }), image, (x) => F.groupNorm(x, 2, null, null, { eps: 0.1 })],
  [new nn.ReLU(), rows, (x) => F.relu(x)],
  [new nn.ReLU6(), rows, (x) => F.relu6(x)],
  [new nn.SELU(), rows, (x) => F.selu(x)],
  [new nn.SiLU(), rows, (x) => F.silu(x)],
  [new nn.Mish(), rows, (x) => F.mish(x)],
  [new nn.Sigmoid(), rows, (x) => F.sigmoid(x)],
  [new nn.Tanh(), rows, (x) => F.tanh(x)],
  [new nn.Softsign(), rows, (x) => F.softsign(x)],
  [new nn.Tanhshrink(), rows, (x) => F.tanhshrink(x)],
  [new nn.LogSigmoid(), rows, (x) => F.logsigmoid(x)],
  [new nn.Hardsigmoid(), rows, (x) => F.hardsigmoid(x)],
  [new nn.Hardswish(), rows, (x) => F.hardswish(x)],
  [new nn.GELU(), rows, (x) => F.gelu(x)],
  [new nn.GELU({ approximate: 'tanh' }), rows, (x) => F.gelu(x, { approximate: 'tanh' })],
  [new nn.LeakyReLU(0.2), rows, (x) => F.leakyRelu(x, 0.2)],
  [new nn.ELU(0.5), rows, (x) => F.elu(x, 0.5)],
  [new nn.CELU(0.5), rows, (x) => F.celu(x, 0.5)],
  [new nn.Softplus(2, 1), rows, (x) => F.softplus(x, 2, 1)],
  [new nn.Hardtanh(-0.5, 0.25), rows, (x) => F.hardtanh(x, -0.5, 0.25)],
  [new nn.Hardshrink(0.7), rows, (x) => F.hardshrink(x, 0.7)],
  [new nn.Softshrink(0.7), rows, (x) => F.softshrink(x, 0.7)],
  [new nn.Threshold(0.1, -7), rows, (x) => F.threshold(x, 0.1, -7)],
  [new nn.PReLU(4, { init: 0.1 }), rows, (x) => F.leakyRelu(x, 0.1)],
  [new nn.GLU(0), image, (x) => F.glu(x, 0)],
  [new nn.Softmax(1), rows, (x) => F.softmax(x, 1)],
  [new nn.LogSoftmax(0), rows, (x) => F.logSoftmax(x, 0)],
  [new nn.Softmin(-1), rows, (x) => F.softmin(x, -1)],
  [new nn.Dropout().eval(), rows, (x) => x],
  [new nn.Dropout2d().eval(), image, (x) => x],
];

for (const [layer, x, expected] of unary) {
  test(layer.toString(), () => {
    const y = layer.forward(x);
    const e = expected(x);
    equal(y.shape, e.shape);
    allClose(y, e.data(), { rtol: 1e-5, atol: 1e-6 });
  });
}

test('the linear layers hand on their weights', () => {
  const linear = new nn.Linear(4, 2);
  allClose(linear.forward(rows), F.linear(rows, linear.weight, linear.bias));
  const conv1 = new nn.Conv1d(4, 6, 3, { stride: 2, padding: 1, dilation: 2, groups: 2 });
  allClose(conv1.forward(signal), F.conv1d(signal, conv1.weight, conv1.bias, { stride: 2, padding: 1, dilation: 2, groups: 2 }));
  const same = new nn.Conv2d(4, 2, [3, 2], { padding: 'same', bias: false });
  equal(same.forward(image).shape, [2, 2, 6, 5]);
  const up1 = new nn.ConvTranspose1d(4, 2, 3, { stride: 3, padding: 1, outputPadding: 2 });
  equal(up1.forward(signal).shape, [2, 2, 27]);
  const up2 = new nn.ConvTranspose2d(4, 2, 2, { stride: 2 });
  equal(up2.forward(image).shape, [2, 2, 12, 10]);
  const single = new nn.Conv2d(4, 2, 3);
  equal(single.forward(image.select(0, 0)).shape, [2, 4, 3]);
});

test('every parameter of a net gets a gradient', () => {
  manualSeed(2); // with few numbers, a slope may see none below 0
  const net = new nn.Sequential(
    new nn.Conv2d(4, 8, 3, { padding: 1 }), new nn.BatchNorm2d(8), new nn.PReLU(8), new nn.MaxPool2d(2), new nn.GroupNorm(2, 8), new nn.Flatten(),
    new nn.LayerNorm(48), new nn.Dropout(0.1), new nn.Linear(48, 3), new nn.LogSoftmax(1),
  );
  net.forward(image).square().sum().backward();
  for (const [name, p] of net.namedParameters()) ok(p.grad !== null && p.grad.abs().sum().item() > 0, name);
});

test('activations write over their input only when told', () => {
  for (const inplace of [false, true]) {
    const options = { inplace };
    for (const layer of [new nn.ReLU(options), new nn.SiLU(options), new nn.ELU(1, options), new nn.Hardtanh(-1, 1, options), new nn.Threshold(0, 1, options)]) {
      const x = rows.clone();
      const y = layer.forward(x);
      is(y.storage === x.storage, inplace, layer.toString());
      is(layer.toString().includes('inplace=True'), inplace);
    }
  }
});

test('dropout is active in training only, and takes a generator', () => {
  const layer = new nn.Dropout(0.5);
  manualSeed(1);
  const y = layer.forward(ones([1000]));
  const kept = y.data().filter((v) => v !== 0);
  ok(kept.length > 400 && kept.length < 600);
  ok(kept.every((v) => v === 2));
  is(layer.eval().forward(rows), rows);
  equal(new nn.Dropout2d(0.5).forward(ones([2, 3, 4, 4])).sum([2, 3]).data().every((v) => v === 0 || v === 32), true);
  equal([...new nn.Dropout(1).forward(ones([3])).data()], [0, 0, 0]);
});

test('a deep copy of a layer has a generator of its own, in the same state', () => {
  const layer = new nn.Dropout(0.5, { generator: new Generator(3) });
  const copy = nn.deepCopy(layer);
  const drawn = [...layer.forward(ones([40])).data()];
  equal([...copy.forward(ones([40])).data()], drawn);
});

test('Embedding', () => {
  const layer = new nn.Embedding(5, 2, { paddingIdx: -1 });
  is(layer.paddingIdx, 4);
  const index = tensor([[0, 4], [2, 0]], { dtype: 'int64' });
  const y = layer.forward(index);
  equal(y.shape, [2, 2, 2]);
  y.sum().backward();
  equal(layer.weight.grad?.array(), [[2, 2], [0, 0], [1, 1], [0, 0], [0, 0]]);
  const table = ones([3, 2]);
  const fixed = nn.Embedding.fromPretrained(table);
  is(fixed.weight.storage, table.storage);
  is(fixed.weight.requiresGrad, false);
  is(nn.Embedding.fromPretrained(table, { freeze: false }).weight.requiresGrad, true);
  throwsError(() => nn.Embedding.fromPretrained(ones([3])), ShapeError, /not a table/);
});

test('state keys are those of PyTorch', () => {
  equal(Object.keys(new nn.Conv2d(1, 1, 1).stateDict()), ['weight', 'bias']);
  equal(Object.keys(new nn.GroupNorm(1, 1).stateDict()), ['weight', 'bias']);
  equal(Object.keys(new nn.LayerNorm(1, { bias: false }).stateDict()), ['weight']);
  equal(Object.keys(new nn.PReLU().stateDict()), ['weight']);
  equal(Object.keys(new nn.Embedding(1, 1).stateDict()), ['weight']);
});

test('dtype of parameters', () => {
  equal(new nn.Conv2d(1, 1, 1, { dtype: 'float64' }).parameters().map((p) => p.dtype), ['float64', 'float64']);
  equal(new nn.LayerNorm(2, { dtype: 'float64' }).parameters().map((p) => p.dtype), ['float64', 'float64']);
});

test('bad arguments are refused', () => {
  throwsError(() => new nn.Linear(0, 2), ArgumentError, /Linear: invalid inFeatures, got 0; expected an integer ≥ 1/);
  throwsError(() => new nn.Linear(2, NaN), ArgumentError, /Linear: invalid outFeatures, got NaN/);
  throwsError(() => Reflect.construct(nn.Linear, [2, 2, { biass: false }]), ArgumentError, /did you mean 'bias'/);
  throwsError(() => Reflect.construct(nn.Linear, [2, 2, 'no']), ArgumentError, /Linear: bias is not a boolean, got 'no'/);
  throwsError(() => Reflect.construct(nn.Linear, [2, 2, false, 1]), ArgumentError, /options are not an object, got 1/);
  throwsError(() => new nn.Conv2d(3, 4, 3, { groups: 2 }), ArgumentError, /Conv2d: groups do not divide the channels, got 2 for 3 and 4/);
  throwsError(() => new nn.Conv2d(3, 4, [3, 3, 3]), ArgumentError, /invalid kernelSize, got \[3, 3, 3\]; expected an integer ≥ 1, or 2 of them/);
  throwsError(() => new nn.Conv2d(3, 4, 3, { padding: -1 }), ArgumentError, /invalid padding/);
  throwsError(() => Reflect.construct(nn.Conv2d, [3, 4, 3, { padding: 'full' }]), ArgumentError, /unknown padding, got 'full'/);
  throwsError(() => new nn.Conv2d(3, 4, 3, { padding: 'same', stride: 2 }), ArgumentError, /'same' needs stride 1/);
  throwsError(() => new nn.ConvTranspose2d(3, 4, 3, { outputPadding: 1 }), ArgumentError, /outputPadding is too large/);
  throwsError(() => new nn.MaxPool2d(2, { padding: 2 }), ArgumentError, /MaxPool2d: padding is too large/);
  throwsError(() => new nn.MaxPool2d(0), ArgumentError, /invalid kernelSize/);
  throwsError(() => new nn.AdaptiveAvgPool2d([1, -1]), ArgumentError, /invalid outputSize/);
  throwsError(() => new nn.Dropout(1.5), ArgumentError, /Dropout: invalid p, got 1\.5; expected a probability from 0 to 1/);
  throwsError(() => new nn.Embedding(3, 2, { paddingIdx: 3 }), ArgumentError, /invalid paddingIdx, got 3/);
  throwsError(() => new nn.GroupNorm(3, 4), ArgumentError, /GroupNorm: groups do not divide/);
  throwsError(() => new nn.LayerNorm([]), ArgumentError, /normalizedShape/);
  throwsError(() => Reflect.construct(nn.Sigmoid, [{ inplace: true }]), ArgumentError, /Sigmoid: unknown option, got 'inplace'; expected no options/);
  throwsError(() => Reflect.construct(nn.ReLU, [1]), ArgumentError, /ReLU: inplace is not a boolean, got 1/);
  throwsError(() => Reflect.construct(nn.Softmax, []), ArgumentError, /Softmax: dim is not an integer/);
  throwsError(() => Reflect.construct(nn.GELU, [{ approximate: 'erf' }]), ArgumentError, /unknown approximate/);
  throwsError(() => new nn.Hardtanh(1, -1), ArgumentError, /empty range/);
  throwsError(() => new nn.LeakyReLU(NaN), ArgumentError, /negativeSlope/);
});

test.run();

// Settings stand by position or by name.
import { test } from 'uvu';
import { equal, is, throwsError } from '../assert.ts';
import {
  ArgumentError, BCELoss, BCEWithLogitsLoss, BatchNorm2d, Bilinear, CELU, Conv2d, ConvTranspose1d, CosineSimilarity, CrossEntropyLoss, DataLoader, Dropout, ELU, Embedding, Flatten, GELU, GLU, GroupNorm, Hardtanh, InstanceNorm2d,
  LayerNorm, LazyLinear, LeakyReLU, Linear, LocalResponseNorm, type Module, NLLLoss, PReLU, PairwiseDistance, Parameter, RReLU, ReLU, SiLU, Softmax, Softplus, type Tensor, TensorDataset, Threshold, Transformer, Upsample, UpsamplingBilinear2d,
  UpsamplingNearest2d, arange, clipGradNorm_, func, gradcheck, gradgradcheck, manualSeed, tensor, vmap,
} from '../../index.ts';
import { given } from '../../core/given.ts';

interface Settings {
  readonly a?: number;
  readonly b?: readonly number[];
  readonly c?: boolean;
}

test('positions come first, options last', () => {
  const read = (...args: readonly unknown[]): Settings => given<Settings>('layer', ['a', 'b'], args, ['c']);
  equal(read(), {});
  equal(read(1, [2]), { a: 1, b: [2] });
  equal(read(1, { c: true }), { a: 1, c: true });
  equal(read({ a: 1, b: [2], c: true }), { a: 1, b: [2], c: true });
  equal(read(1, undefined, { b: [3] }), { a: 1, b: [3] });
  throwsError(() => read(1, { a: 2 }), ArgumentError, /layer: a was given twice, got 1 and an option/);
  throwsError(() => read({ d: 1 }), ArgumentError, /layer: unknown option, got 'd'/);
  throwsError(() => read(1, [2], 3), ArgumentError, /layer: options are not an object, got 3/);
  throwsError(() => read({ c: true }, 1), ArgumentError, /options last/);
});

test('layers take both forms', () => {
  const pairs = [
    [new Dropout(0.2), new Dropout({ p: 0.2 })],
    [new Softmax(1), new Softmax({ dim: 1 })],
    [new GLU(0), new GLU({ dim: 0 })],
    [new LeakyReLU(0.2, { inplace: true }), new LeakyReLU({ negativeSlope: 0.2, inplace: true })],
    [new ELU(0.5), new ELU({ alpha: 0.5 })],
    [new Softplus(2, 3), new Softplus(2, { threshold: 3 })],
    [new Hardtanh(-2, 2), new Hardtanh({ minVal: -2, maxVal: 2 })],
    [new PReLU(3), new PReLU({ numParameters: 3 })],
    [new RReLU(0.1, 0.2), new RReLU({ lower: 0.1, upper: 0.2 })],
    [new Flatten(0, 1), new Flatten({ startDim: 0, endDim: 1 })],
    [new Conv2d(2, 4, 3, 2, 1, { groups: 2 }), new Conv2d(2, 4, 3, { stride: 2, padding: 1, groups: 2 })],
    [new ConvTranspose1d(2, 4, 3, [2], { padding: 1 }), new ConvTranspose1d(2, 4, 3, { stride: 2, padding: 1 })],
    [new Transformer(4, 2, 1, { numDecoderLayers: 1, dimFeedforward: 3 }), new Transformer({ dModel: 4, nhead: 2, numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 3 })],
  ];
  for (const [one, other] of pairs) is(one.toString(), other.toString());
  // @ts-expect-error: no dimension
  throwsError(() => new Softmax({}), ArgumentError, /Softmax: dim is not an integer/);
  throwsError(() => Reflect.construct(Softplus, [{ betta: 2 }]), ArgumentError, /did you mean 'beta'/);
});

test("layers take by place what PyTorch's do, and print as they do", () => {
  // The calls and print forms of PyTorch 1.13.
  const layers: Readonly<Record<string, Module>> = {
    'Linear(in_features=2, out_features=3, bias=False)': new Linear(2, 3, false),
    'Bilinear(in1_features=2, in2_features=3, out_features=4, bias=False)': new Bilinear(2, 3, 4, false),
    'LazyLinear(in_features=0, out_features=3, bias=False)': new LazyLinear(3, false),
    'LayerNorm((4,), eps=1e-06, elementwise_affine=False)': new LayerNorm([4], 1e-6, false),
    'GroupNorm(2, 4, eps=0.001, affine=False)': new GroupNorm(2, 4, 1e-3, false),
    'BatchNorm2d(3, eps=0.001, momentum=0.2, affine=False, track_running_stats=False)': new BatchNorm2d(3, 1e-3, 0.2, false, false),
    'InstanceNorm2d(3, eps=0.001, momentum=0.1, affine=False, track_running_stats=False)': new InstanceNorm2d(3, 1e-3),
    'Embedding(4, 3, padding_idx=0)': new Embedding(4, 3, 0),
    'LocalResponseNorm(2, alpha=0.001, beta=0.5, k=2.5)': new LocalResponseNorm(2, 1e-3, 0.5, 2.5),
    'Dropout(p=0.3, inplace=True)': new Dropout(0.3, true),
    'LeakyReLU(negative_slope=0.2, inplace=True)': new LeakyReLU(0.2, true),
    'ELU(alpha=0.5, inplace=True)': new ELU(0.5, true),
    'CELU(alpha=0.5, inplace=True)': new CELU(0.5, true),
    'Hardtanh(min_val=-0.5, max_val=2.5, inplace=True)': new Hardtanh(-0.5, 2.5, true),
    'RReLU(lower=0.1, upper=0.3, inplace=True)': new RReLU(0.1, 0.3, true),
    'PReLU(num_parameters=1)': new PReLU(1, 0.1),
    'Threshold(threshold=0.1, value=20, inplace=True)': new Threshold(0.1, 20, true),
    'ReLU(inplace=True)': new ReLU(true),
    'SiLU(inplace=True)': new SiLU(true),
    "GELU(approximate='tanh')": new GELU('tanh'),
    "Upsample(size=(2, 2), mode='nearest')": new Upsample([2, 2]),
    "Upsample(scale_factor=2.0, mode='bilinear')": new Upsample(null, 2, 'bilinear', true),
    "UpsamplingNearest2d(size=(4, 4), mode='nearest')": new UpsamplingNearest2d([4, 4]),
    "UpsamplingBilinear2d(scale_factor=2.0, mode='bilinear')": new UpsamplingBilinear2d(null, 2),
  };
  for (const [form, layer] of Object.entries(layers)) is(String(layer), form);
  for (const Loss of [CrossEntropyLoss, NLLLoss, BCELoss, BCEWithLogitsLoss]) equal(new Loss(tensor([1, 2]), { reduction: 'sum' }).weight?.array(), [1, 2]);
  equal([new CosineSimilarity(0, 0.5).eps, new PairwiseDistance(1, 0.5, true).keepdim], [0.5, true]);
  throwsError(() => new Linear(2, 3, Object('no')), ArgumentError, /Linear: (bias is not|options are not)/);
  throwsError(() => void Reflect.construct(ReLU, [true, {}, 3]), ArgumentError, /ReLU: options are not an object, got 3/);
  throwsError(() => new Dropout(0.5, true, Object({ inplace: true })), ArgumentError, /inplace was given twice/);
});

test('functions take by place what PyTorch\'s do', () => {
  const xs = new TensorDataset(arange(10));
  equal([...new DataLoader(xs, 4)].length, 3);
  equal([...new DataLoader(xs, 4, { dropLast: true })].length, 2);
  manualSeed(0);
  const shuffled = [...new DataLoader(xs, 10, true)].map(([batch]) => batch.array());
  manualSeed(0);
  equal([...new DataLoader(xs, { batchSize: 10, shuffle: true })].map(([batch]) => batch.array()), shuffled);
  const x = tensor([[1, 2], [3, 4]]);
  equal(vmap((v: Tensor) => v.sum(), 1)(x).array(), [4, 6]);
  equal(vmap((v: Tensor) => v.mul(2), 0, 1)(x).array(), [[2, 6], [4, 8]]);
  const product = (a: Tensor, b: Tensor): Tensor => a.mul(b).sum();
  equal(func.grad(product, 1)(x, x.mul(10)).array(), x.array());
  equal(func.grad(product, [0, 1])(x, x.mul(10)).map((g) => g.array()), [x.mul(10).array(), x.array()]);
  equal(func.jacrev((v: Tensor, w: Tensor) => v.mul(w), 1)(tensor([1, 2]), tensor([3, 4])).array(), [[1, 0], [0, 2]]);
  is(gradcheck((v) => v.square(), tensor([1, 2], { dtype: 'float64', requiresGrad: true })), true);
  is(gradgradcheck((v) => v.pow(3), tensor([1, 2], { dtype: 'float64', requiresGrad: true })), true);
  const p = new Parameter(tensor([3, 4]));
  p.grad = tensor([3, -4]);
  is(clipGradNorm_([p], 100, 1).item(), 7);
});

test.run();

import * as P from '../../index.ts';
import { utils } from '../../nn/index.ts';
import type { DynamicAxes } from '../../nn/export/trace.ts';

/** A model that is exported, with examples; `other` are arguments of other sizes along the dynamic axes. */
export interface OnnxCase {
  readonly name: string;
  readonly model: () => P.Module;
  readonly inputs: () => readonly P.Tensor[];
  readonly other?: () => readonly P.Tensor[];
  readonly dynamicAxes?: DynamicAxes;
  /** Largest difference that is allowed; default 1e-5. */
  readonly tolerance?: number;
}

type Fn = (...xs: P.Tensor[]) => unknown;

/** A function as a module. */
export class Lambda extends P.Module {
  private readonly fn: Fn;

  constructor(fn: Fn) {
    super();
    this.fn = fn;
  }

  forward(...xs: P.Tensor[]): unknown {
    return this.fn(...xs);
  }
}

const { F } = P;
const image = (n: number, c = 4, h = 8, w = 6): P.Tensor => P.randn([n, c, h, w]);
const batch: DynamicAxes = [{ 0: 'batch' }];

/** A layer on images, with a batch of any size. */
const images = (name: string, model: () => P.Module, shape: readonly number[] = [4, 8, 6]): OnnxCase => ({
  name, model, inputs: () => [P.randn([2, ...shape])], other: () => [P.randn([5, ...shape])], dynamicAxes: batch,
});

/** A function of tensors of one batch. */
const fn = (name: string, f: Fn, ...shapes: readonly (readonly number[])[]): OnnxCase => {
  const make = (n: number) => (): P.Tensor[] => (shapes.length === 0 ? [[3, 4]] : shapes).map((shape) => P.rand([n, ...shape]).mul(2).sub(0.9));
  return { name, model: () => new Lambda(f), inputs: make(2), other: make(5), dynamicAxes: (shapes.length === 0 ? [[3, 4]] : shapes).map(() => ({ 0: 'batch' })) };
};

/** A function of whole numbers from 0 to 6. */
const whole = (name: string, f: Fn, shape: readonly number[] = [4]): OnnxCase => ({
  name, model: () => new Lambda(f), inputs: () => [P.randint(7, [2, ...shape])], other: () => [P.randint(7, [5, ...shape])], dynamicAxes: batch,
});

/** A layer on sequences (length, batch, features). */
const sequence = (name: string, model: () => P.Module, axes: DynamicAxes = [{ 0: 'time', 1: 'batch' }]): OnnxCase => ({
  name, model, inputs: () => [P.randn([5, 3, 8])], other: () => [P.randn([7, 4, 8])], dynamicAxes: axes,
});

/** Batch norm whose statistics are not those of the start. */
function used<M extends P.Module>(layer: M): M {
  for (const [name, b] of layer.namedBuffers()) {
    if (name.endsWith('running_mean')) b.copy_(P.randn(b.shape).mul(0.3));
    if (name.endsWith('running_var')) b.copy_(P.rand(b.shape).add(0.5));
  }
  for (const [name, p] of layer.namedParameters()) if (p.ndim === 1 && name.includes('weight')) p.copy_(P.rand(p.shape).add(0.5));
  return layer;
}

class SelfAttention extends P.Module {
  attention = new P.MultiheadAttention(8, 2, { batchFirst: true });
  forward(x: P.Tensor): unknown {
    return this.attention.forward(x, x, x);
  }
}

class SmallNet extends P.Module {
  conv1 = new P.Conv2d(1, 4, 3, { padding: 1 });
  norm = used(new P.BatchNorm2d(4));
  conv2 = new P.Conv2d(4, 8, 3, { stride: 2 });
  dropout = new P.Dropout(0.5);
  head = new P.Linear(8, 3);
  forward(x: P.Tensor): P.Tensor {
    const y = F.maxPool2d(this.norm.forward(this.conv1.forward(x)).relu(), 2);
    return this.head.forward(this.dropout.forward(F.adaptiveAvgPool2d(this.conv2.forward(y).relu(), 1).flatten(1)));
  }
}

class Residual extends P.Module {
  first = new P.Sequential(new P.Conv2d(4, 4, 3, { padding: 1, bias: false }), used(new P.BatchNorm2d(4)), new P.ReLU());
  second = new P.Conv2d(4, 4, 3, { padding: 1, groups: 2 });
  forward(x: P.Tensor): P.Tensor {
    return x.add(this.second.forward(this.first.forward(x))).relu();
  }
}

class Tied extends P.Module {
  embedding = new P.Embedding(7, 8);
  positions = new P.Parameter(P.randn([16, 8]));
  encoder = new P.TransformerEncoder(new P.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true, normFirst: true }), 2);
  head = new P.Linear(8, 7, { bias: false });
  constructor() {
    super();
    this.head.weight = this.embedding.weight;
  }
  forward(tokens: P.Tensor): P.Tensor {
    const length = tokens.shape[1];
    const mask = P.triu(P.full([length, length], -Infinity), 1);
    return this.head.forward(this.encoder.forward(this.embedding.forward(tokens).add(this.positions.narrow(0, 0, length)), { mask }));
  }
}

class SequenceClassifier extends P.Module {
  rnn = new P.LSTM(8, 6, { batchFirst: true });
  head = new P.Linear(6, 3);
  forward(x: P.Tensor): P.Tensor {
    const [output] = this.rnn.forward(x);
    return this.head.forward(output.select(1, output.shape[1] - 1)).logSoftmax(1);
  }
}

const layers: readonly OnnxCase[] = [
  images('Linear', () => new P.Linear(6, 3)),
  images('Linear of a matrix', () => new P.Linear(6, 3, { bias: false }), [6]),
  fn('Bilinear', (() => { const layer = new P.Bilinear(4, 3, 2); return (x: P.Tensor, y: P.Tensor) => layer.forward(x, y); })(), [4], [3]),
  images('Conv1d same', () => new P.Conv1d(4, 6, 4, { padding: 'same' }), [4, 9]),
  images('Conv2d', () => new P.Conv2d(4, 6, 3, { padding: 1, stride: 2, groups: 2, dilation: [1, 2] })),
  { name: 'Conv2d of any size', model: () => new P.Conv2d(4, 6, 3, { padding: 1, stride: 2 }), inputs: () => [image(2)], other: () => [image(3, 4, 11, 9)], dynamicAxes: [{ 0: 'batch', 2: 'height', 3: 'width' }] },
  images('Conv2d reflect', () => new P.Conv2d(4, 6, 3, { padding: 1, paddingMode: 'reflect' })),
  images('Conv3d', () => new P.Conv3d(2, 3, [2, 3, 3], { padding: 1, stride: [1, 2, 1] }), [2, 4, 5, 5]),
  images('ConvTranspose1d', () => new P.ConvTranspose1d(4, 6, 3, { stride: 2 }), [4, 7]),
  images('ConvTranspose2d', () => new P.ConvTranspose2d(4, 6, 3, { padding: 1, stride: 2, outputPadding: 1, groups: 2 })),
  images('ConvTranspose3d', () => new P.ConvTranspose3d(2, 3, 2, { stride: 2 }), [2, 3, 3, 3]),
  images('MaxPool1d', () => new P.MaxPool1d(3, { stride: 2, padding: 1 }), [4, 9]),
  images('MaxPool2d', () => new P.MaxPool2d(3, { stride: 2, padding: 1, ceilMode: true })),
  { name: 'MaxPool2d of any size', model: () => new P.MaxPool2d(2), inputs: () => [image(2)], other: () => [image(3, 4, 11, 9)], dynamicAxes: [{ 0: 'batch', 2: 'height', 3: 'width' }] },
  images('MaxPool2d dilated', () => new P.MaxPool2d(2, { stride: 1, dilation: 2 })),
  images('MaxPool2d with places', () => new Lambda((x) => { const { output, indices } = F.maxPool2d(x, 2, { returnIndices: true }); return [output, indices]; })),
  images('MaxPool3d', () => new P.MaxPool3d(2), [2, 4, 4, 4]),
  images('AvgPool1d', () => new P.AvgPool1d(2), [4, 9]),
  images('AvgPool2d', () => new P.AvgPool2d(3, { stride: 2, padding: 1 })),
  images('AvgPool2d without padding', () => new P.AvgPool2d(3, { stride: 2, padding: 1, countIncludePad: false })),
  images('AvgPool2d cut off', () => new P.AvgPool2d(3, { stride: 2, ceilMode: true, padding: 1 }), [4, 8, 7]),
  images('AvgPool2d divided', () => new P.AvgPool2d(2, { divisorOverride: 3 })),
  images('AvgPool3d', () => new P.AvgPool3d(2), [2, 4, 4, 4]),
  images('AdaptiveAvgPool2d to 1', () => new P.AdaptiveAvgPool2d(1)),
  images('AdaptiveAvgPool2d uneven', () => new P.AdaptiveAvgPool2d(3)),
  images('AdaptiveMaxPool2d uneven', () => new P.AdaptiveMaxPool2d([3, 4])),
  images('AdaptiveAvgPool1d', () => new P.AdaptiveAvgPool1d(2), [4, 9]),
  images('AdaptiveAvgPool3d', () => new P.AdaptiveAvgPool3d(2), [2, 4, 4, 5]),
  images('LPPool2d', () => new P.LPPool2d(2, 2)),
  images('MaxUnpool2d', () => new Lambda((x) => { const { output, indices } = F.maxPool2d(x, 2, { returnIndices: true }); return F.maxUnpool2d(output, indices, 2); })),
  images('BatchNorm1d', () => used(new P.BatchNorm1d(4)), [4]),
  images('BatchNorm2d', () => used(new P.BatchNorm2d(4))),
  images('BatchNorm2d without statistics', () => new P.BatchNorm2d(4, { trackRunningStats: false })),
  images('BatchNorm3d', () => used(new P.BatchNorm3d(2)), [2, 3, 4, 2]),
  images('InstanceNorm2d', () => used(new P.InstanceNorm2d(4, { affine: true }))),
  images('InstanceNorm1d', () => new P.InstanceNorm1d(4), [4, 9]),
  images('GroupNorm', () => used(new P.GroupNorm(2, 4))),
  images('LayerNorm', () => used(new P.LayerNorm([8, 6]))),
  images('LayerNorm without weights', () => new P.LayerNorm([6], { elementwiseAffine: false })),
  images('RMSNorm', () => used(new P.RMSNorm([6]))),
  images('localResponseNorm', () => new Lambda((x) => F.localResponseNorm(x, 3))),
  images('normalize', () => new Lambda((x) => F.normalize(x))),
  whole('Embedding', (() => { const layer = new P.Embedding(7, 3); return (x: P.Tensor) => layer.forward(x); })()),
  whole('EmbeddingBag', (() => { const layer = new P.EmbeddingBag(7, 3); return (x: P.Tensor) => layer.forward(x); })()),
  sequence('LSTM', () => new P.LSTM(8, 4, { numLayers: 2, bidirectional: true })),
  sequence('LSTM without bias', () => new P.LSTM(8, 4, { bias: false, batchFirst: true }), [{ 0: 'batch', 1: 'time' }]),
  sequence('GRU', () => new P.GRU(8, 4, { batchFirst: true, bidirectional: true }), [{ 0: 'batch', 1: 'time' }]),
  sequence('RNN', () => new P.RNN(8, 4)),
  sequence('RNN relu', () => new P.RNN(8, 4, { nonlinearity: 'relu' })),
  images('LSTMCell', () => new P.LSTMCell(8, 4), [8]),
  images('GRUCell', () => new P.GRUCell(8, 4), [8]),
  images('RNNCell', () => new P.RNNCell(8, 4), [8]),
  sequence('MultiheadAttention', () => new SelfAttention(), [{ 0: 'batch', 1: 'time' }]),
  sequence('TransformerEncoderLayer', () => new P.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true }), [{ 0: 'batch', 1: 'time' }]),
  { name: 'TransformerDecoderLayer', model: () => new P.TransformerDecoderLayer(8, 2, { dimFeedforward: 16, activation: 'gelu' }), inputs: () => [P.randn([5, 3, 8]), P.randn([6, 3, 8])], other: () => [P.randn([4, 2, 8]), P.randn([8, 2, 8])], dynamicAxes: [{ 0: 'target', 1: 'batch' }, { 0: 'source', 1: 'batch' }] },
  { name: 'Transformer', model: () => new P.Transformer({ dModel: 8, nhead: 2, numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 16 }), inputs: () => [P.randn([5, 3, 8]), P.randn([6, 3, 8])], other: () => [P.randn([4, 2, 8]), P.randn([8, 2, 8])], dynamicAxes: [{ 0: 'source', 1: 'batch' }, { 0: 'target', 1: 'batch' }] },
  images('causal attention', () => new Lambda((x) => F.scaledDotProductAttention(x, x, x, { isCausal: true }))),
  images('Upsample bilinear', () => new P.Upsample({ scaleFactor: 2, mode: 'bilinear' })),
  images('Upsample aligned', () => new P.Upsample({ size: [11, 9], mode: 'bilinear', alignCorners: true })),
  images('Upsample bicubic', () => new P.Upsample({ scaleFactor: 1.5, mode: 'bicubic' })),
  images('Upsample nearest', () => new P.UpsamplingNearest2d({ scaleFactor: 2 })),
  images('ReflectionPad2d', () => new P.ReflectionPad2d([1, 2, 0, 1])),
  images('ReplicationPad2d', () => new P.ReplicationPad2d(2)),
  images('CircularPad2d', () => new P.CircularPad2d(1)),
  images('ConstantPad2d', () => new P.ConstantPad2d([1, 2, 0, 1], 1.5)),
  images('ZeroPad2d cropping', () => new P.ZeroPad2d([-1, 2, 1, -1])),
  images('PixelShuffle', () => new P.PixelShuffle(2)),
  images('PixelUnshuffle', () => new P.PixelUnshuffle(2)),
  images('ChannelShuffle', () => new P.ChannelShuffle(2)),
  images('Unfold', () => new P.Unfold(3, { padding: 1 })),
  images('Fold', () => new P.Fold([4, 4], 2), [8, 9]),
  { name: 'gridSample', model: () => new Lambda((x) => F.gridSample(x, F.affineGrid(P.tensor([[[0.8, 0.1, 0], [-0.2, 0.9, 0.1]]]).expand([2, 2, 3]), [2, 4, 5, 5], { alignCorners: false }), { alignCorners: false })), inputs: () => [image(2)] },
  ...[P.Softmax, P.LogSoftmax, P.Softmin, P.GLU].map((layer) => images(layer.name, () => new layer(1))),
  ...[
    P.GELU, P.Hardsigmoid, P.Hardswish, P.LogSigmoid, P.Mish, P.ReLU, P.ReLU6, P.SELU, P.SiLU, P.Sigmoid, P.Softsign, P.Tanh, P.Tanhshrink, P.CELU, P.ELU, P.Hardshrink, P.Hardtanh, P.LeakyReLU, P.PReLU, P.Softplus, P.Softshrink, P.Dropout, P.AlphaDropout, P.Dropout2d, P.RReLU, P.Identity, P.Flatten, P.Softmax2d,
  ].map((layer: { readonly name: string } & (new () => P.Module)) => images(layer.name, () => new layer())),
  images('GELU tanh', () => new P.GELU({ approximate: 'tanh' })),
  images('Threshold', () => new P.Threshold(0.1, -3)),
  images('Unflatten', () => new P.Unflatten(1, [2, 2])),
  fn('CosineSimilarity', (x, y) => new P.CosineSimilarity().forward(x, y), [4], [4]),
  fn('PairwiseDistance', (x, y) => new P.PairwiseDistance().forward(x, y), [4], [4]),
  { name: 'CrossEntropyLoss', model: () => new P.CrossEntropyLoss(), inputs: () => [P.randn([3, 7]), P.randint(7, [3])], other: () => [P.randn([5, 7]), P.randint(7, [5])], dynamicAxes: [{ 0: 'batch' }, { 0: 'batch' }] },
  fn('MSELoss', (x, y) => F.mseLoss(x, y), [4], [4]),
  fn('SmoothL1Loss', (x, y) => F.smoothL1Loss(x, y), [4], [4]),
  fn('HuberLoss', (x, y) => F.huberLoss(x, y), [4], [4]),
  fn('BCEWithLogitsLoss', (x, y) => F.binaryCrossEntropyWithLogits(x, y.sigmoid()), [4], [4]),
  fn('KLDivLoss', (x, y) => F.klDiv(x.logSoftmax(1), y.softmax(1)), [4], [4]),
];

const unaries = [
  'neg', 'abs', 'sign', 'floor', 'ceil', 'trunc', 'round', 'square', 'exp', 'exp2', 'expm1', 'sin', 'cos', 'tan', 'atan', 'sinh', 'cosh', 'tanh', 'erf', 'erfc', 'asinh', 'reciprocal', 'frac', 'sinc', 'deg2rad', 'rad2deg', 'nanToNum', 'isnan', 'isfinite', 'isinf',
] as const;
const positives = ['sqrt', 'rsqrt', 'log', 'log2', 'log10', 'log1p', 'logit'] as const;

const operations: readonly OnnxCase[] = [
  ...unaries.map((name) => fn(name, (x) => x[name]())),
  ...positives.map((name) => fn(name, (x) => x.abs().mul(0.4).add(0.1)[name]())),
  fn('asin acos atanh', (x) => [x.mul(0.5).asin(), x.mul(0.5).acos(), x.mul(0.5).atanh()]),
  fn('arithmetic', (x, y) => [x.add(y, { alpha: 2 }), x.sub(y), x.mul(y), x.div(y.abs().add(1)), x.rsub(1), x.pow(2), y.abs().add(0.5).pow(x)], [3, 4], [3, 4]),
  fn('broadcasting', (x, y) => [x.add(y.unsqueeze(-1)), x.maximum(y.unsqueeze(-1)), x.minimum(0.2), x.clamp(-0.3, 0.4), x.hypot(2), x.logaddexp(y.unsqueeze(-1))], [3, 4], [3]),
  fn('division', (x, y) => [x.div(y.abs().add(0.5), { roundingMode: 'floor' }), x.div(y.abs().add(0.5), { roundingMode: 'trunc' }), x.remainder(0.4), x.fmod(0.4), x.floorDivide(0.3)], [3, 4], [3, 4]),
  fn('comparisons', (x, y) => [x.eq(y), x.ne(0), x.lt(y), x.le(0.1), x.gt(y), x.ge(0.2), x.gt(0).logicalAnd(y.gt(0)), x.gt(0).logicalOr(y.gt(0)).logicalNot(), x.gt(0).logicalXor(y.gt(0))], [3, 4], [3, 4]),
  fn('selection', (x, y) => [P.where(x.gt(0), x, y), x.maskedFill(x.lt(0), -1), x.where(y.gt(0), 0), x.to('int32'), x.gt(0).to('float32'), x.lerp(y, 0.3), x.addcmul(y, y, { value: 0.5 })], [3, 4], [3, 4]),
  whole('integers', (x) => [x.add(1), x.mul(3), x.sub(9).div(4, { roundingMode: 'floor' }), x.sub(9).remainder(4), x.floorDivide(2), x.div(2), x.eq(3), x.clamp(1, 4), x.to('float32').sqrt(), x.sum(1)]),
  fn('reductions', (x) => [x.sum(), x.sum(1), x.mean([1, 2]), x.mean(-1, { keepdim: true }), x.prod(2), x.amax(1), x.amin([1, 2]), x.max(), x.logsumexp(2), x.gt(0).any(1), x.gt(-1).all(2), x.countNonzero(1)]),
  fn('moments', (x) => [x.var(1), x.std(2), x.var([1, 2], { correction: 0 }), x.std(2, { keepdim: true }), x.norm(), x.norm(1, 2), x.norm(3, 1), x.norm(Infinity, 1)]),
  fn('extrema', (x) => [x.max(1).values, x.max(1).indices, x.min(2, { keepdim: true }).values, x.argmax(2), x.argmin(), x.sort(2).values, x.sort(1, { descending: true }).indices, x.topk(2, 1).values, x.cumsum(1), x.argsort(2)]),
  fn('views', (x) => [x.reshape([-1, 2, 6]), x.flatten(1), x.transpose(1, 2), x.permute([2, 0, 1]), x.unsqueeze(0).squeeze(0), x.select(1, 1), x.narrow(2, 1, 2), x.index(P.slice(), 1, P.slice(null, null, 2)), x.unsqueeze(1).expand([-1, 2, -1, -1]), x.movedim(0, 1)]),
  fn('joining', (x, y) => [P.cat([x, y], 1), P.stack([x, y], 1), ...x.split([1, 2], 1), ...x.chunk(2, 2), ...x.unbind(1), P.cat([x, y])], [3, 4], [3, 4]),
  fn('arrangements', (x) => [x.flip([1, 2]), x.roll(1, 1), x.repeat([1, 2, 1]), x.tile([2]), x.tril(), x.triu(1), x.diagonal(0, 1, 2), F.pad(x, [1, 2]), x.repeatInterleave(2, 1)]),
  fn('indexing', (x) => [x.indexSelect(1, P.tensor([2, 0], { dtype: 'int64' })), x.index(P.slice(), P.tensor([0, 2], { dtype: 'int64' }), P.tensor([1, 3], { dtype: 'int64' })), x.gather(2, x.argsort(2)), x.scatter(2, x.argsort(2), x), x.indexAdd(1, P.tensor([0, 0], { dtype: 'int64' }), x.narrow(1, 0, 2))]),
  whole('oneHot', (x) => F.oneHot(x, 7)),
  fn('products', (x, y) => [x.matmul(y), P.einsum('bij,bjk->bki', x, y), x.bmm(y), P.einsum('bij,bjk->ik', x, y), x.select(1, 0).matmul(y.select(0, 0))], [3, 4], [4, 2]),
  fn('addmm', (x, y) => [P.addmm(y.select(1, 0), x.select(1, 0), y.select(0, 1), { beta: 0.5, alpha: 2 }), P.baddbmm(x.select(2, 0).unsqueeze(-1), x, y)], [3, 4], [4, 2]),
  fn('writes in place', (x) => { const y = x.clone(); y.add_(1); y.select(1, 0).mul_(2); y.narrow(2, 1, 2).fill_(3); return y.sub_(x); }, [3, 4]),
  fn('constants that depend on sizes', (x) => { const n = x.shape[0]; return [x.add(P.arange(n).reshape([n, 1, 1])), x.mul(P.ones([n, 1, 1])), x.div(n), P.tril(P.ones([n, n])).matmul(x.select(1, 0))]; }),
];

const nets: readonly OnnxCase[] = [
  images('MLP', () => new P.Sequential(new P.Linear(6, 16), new P.Tanh(), new P.Linear(16, 16), new P.GELU(), new P.Dropout(0.3), new P.Linear(16, 3), new P.Softmax(-1)), [6]),
  images('a small net', () => new SmallNet(), [1, 16, 16]),
  { name: 'a small net of any size', model: () => new SmallNet(), inputs: () => [image(2, 1, 16, 16)], other: () => [image(3, 1, 20, 18)], dynamicAxes: [{ 0: 'batch', 2: 'height', 3: 'width' }] },
  images('a residual block', () => new Residual()),
  { name: 'a tied transformer', model: () => new Tied(), inputs: () => [P.randint(7, [2, 6])], other: () => [P.randint(7, [3, 9])], dynamicAxes: [{ 0: 'batch', 1: 'time' }] },
  { name: 'an LSTM classifier', model: () => new SequenceClassifier(), inputs: () => [P.randn([2, 6, 8])], other: () => [P.randn([3, 9, 8])], dynamicAxes: [{ 0: 'batch', 1: 'time' }] },
  { name: 'weight norm', model: () => utils.weightNorm(new P.Linear(6, 3)), inputs: () => [P.randn([2, 6])], other: () => [P.randn([4, 6])], dynamicAxes: batch },
];

/** Everything that is exported and compared. */
export const cases: readonly OnnxCase[] = [...layers, ...operations, ...nets];

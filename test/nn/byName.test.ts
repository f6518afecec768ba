// What a layer needs stands by position, by name, or partly so: the same layer comes out.
import { test } from 'uvu';
import {
  ArgumentError, AdaptiveMaxPool2d, Conv2d, FractionalMaxPool2d, LayerNorm, LazyConv2d, Linear, LSTM, MaxPool2d, Module, MultiheadAttention, PixelShuffle, PolyakError, type Tensor, TransformerDecoderLayer,
  TransformerEncoder, TransformerEncoderLayer, deepCopy, manualSeed, randn,
} from '../../index.ts';
import * as nn from '../../nn/index.ts';
import { isUninitialized } from '../../nn/shapeless.ts';
import { equal, is, ok, throwsError } from '../assert.ts';

interface Row {
  /** What must be given, in order. */
  readonly needed: readonly string[];
  /** What may stand behind it by position. */
  readonly more: readonly string[];
  readonly values: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** A row: names, with a bar before those that may be left out, a value for each, and options. */
function row(names: string, values: readonly unknown[], options: Readonly<Record<string, unknown>> = {}): Row {
  const [needed, more = []] = names.split(' | ').map((part) => part.split(' '));
  return { needed, more, values, options };
}

const ranks = (...kinds: readonly string[]): readonly string[] => kinds.flatMap((kind) => [1, 2, 3].map((rank) => `${kind}${rank}d`));
const each = (names: readonly string[], made: Row): readonly (readonly [string, Row])[] => names.map((name) => [name, made]);
const encoder = new TransformerEncoderLayer(4, 2, { dimFeedforward: 3 });
const decoder = new TransformerDecoderLayer(4, 2, { dimFeedforward: 3 });
const norm = new LayerNorm(4);
const cell = row('inputSize hiddenSize', [3, 4], { bias: false });
const recurrent = (options: Readonly<Record<string, unknown>>): Row => row('inputSize hiddenSize | numLayers', [3, 4, 2], { bidirectional: true, ...options });
const transformerLayer = row('dModel nhead | dimFeedforward dropout', [4, 2, 3, 0.5], { normFirst: true });

const table: Readonly<Record<string, Row>> = Object.fromEntries([
  ...each(['Linear'], row('inFeatures outFeatures', [4, 2], { bias: false })),
  ...each(['LazyLinear'], row('outFeatures', [2], { bias: false })),
  ...each(['Bilinear'], row('in1Features in2Features outFeatures', [3, 4, 2], { dtype: 'float64' })),
  ...each(ranks('Conv'), row('inChannels outChannels kernelSize | stride padding', [2, 4, 3, 2, 1], { groups: 2, paddingMode: 'reflect' })),
  ...each(ranks('ConvTranspose'), row('inChannels outChannels kernelSize | stride padding', [2, 4, 3, 2, 1], { outputPadding: 1, paddingMode: 'zeros' })),
  ...each(ranks('LazyConv'), row('outChannels kernelSize | stride padding', [4, 3, 2, 1], { bias: false })),
  ...each(ranks('LazyConvTranspose'), row('outChannels kernelSize | stride padding', [4, 3, 2, 1], { outputPadding: 1 })),
  ...each(ranks('AvgPool'), row('kernelSize | stride padding', [3, 2, 1], { countIncludePad: false })),
  ...each(ranks('MaxPool'), row('kernelSize | stride padding dilation', [3, null, 1, 2], { returnIndices: true })),
  ...each(ranks('LPPool'), row('normType kernelSize | stride ceilMode', [2, 3, 2, true])),
  ...each(ranks('MaxUnpool'), row('kernelSize | stride padding', [3, 2, 1])),
  ...each(['FractionalMaxPool2d', 'FractionalMaxPool3d'], row('kernelSize', [2], { outputSize: 3, returnIndices: true })),
  ...each(ranks('AdaptiveAvgPool'), row('outputSize', [2])),
  ...each(ranks('AdaptiveMaxPool'), row('outputSize', [null], { returnIndices: true })),
  ...each(ranks('ZeroPad', 'ReflectionPad', 'ReplicationPad', 'CircularPad'), row('padding', [1])),
  ...each(ranks('ConstantPad'), row('padding value', [1, 0.5])),
  ...each(ranks('BatchNorm', 'InstanceNorm'), row('numFeatures', [4], { eps: 1e-3, affine: true })),
  ...each(['GroupNorm'], row('numGroups numChannels', [2, 4], { affine: false })),
  ...each(['LayerNorm', 'RMSNorm'], row('normalizedShape', [[3, 4]], { eps: 1e-3 })),
  ...each(['LocalResponseNorm'], row('size', [3], { alpha: 0.1 })),
  ...each(['Embedding'], row('numEmbeddings embeddingDim', [5, 3], { paddingIdx: 1 })),
  ...each(['EmbeddingBag'], row('numEmbeddings embeddingDim', [5, 3], { mode: 'max' })),
  ...each(['RNN'], recurrent({ nonlinearity: 'relu' })),
  ...each(['LSTM'], recurrent({ projSize: 2 })),
  ...each(['GRU'], recurrent({ batchFirst: true })),
  ...each(['LSTMCell', 'GRUCell'], cell),
  ...each(['RNNCell'], row('inputSize hiddenSize', [3, 4], { nonlinearity: 'relu' })),
  ...each(['MultiheadAttention'], row('embedDim numHeads | dropout', [4, 2, 0.5], { batchFirst: true })),
  ...each(['TransformerEncoderLayer', 'TransformerDecoderLayer'], transformerLayer),
  ...each(['TransformerEncoder'], row('encoderLayer numLayers | norm', [encoder, 2, norm])),
  ...each(['TransformerDecoder'], row('decoderLayer numLayers | norm', [decoder, 2, norm])),
  ...each(['AdaptiveLogSoftmaxWithLoss'], row('inFeatures nClasses cutoffs', [16, 6, [2, 4]], { headBias: true })),
  ...each(['Threshold'], row('threshold value', [0.5, 1], { inplace: true })),
  ...each(['Softmax', 'LogSoftmax', 'Softmin'], row('dim', [1])),
  ...each(['Unflatten'], row('dim unflattenedSize', [1, [2, -1]])),
  ...each(['PixelShuffle'], row('upscaleFactor', [2])),
  ...each(['PixelUnshuffle'], row('downscaleFactor', [2])),
  ...each(['ChannelShuffle'], row('groups', [2])),
  ...each(['Unfold'], row('kernelSize | dilation padding stride', [3, 2, 1, [1, 2]])),
  ...each(['Fold'], row('outputSize kernelSize | dilation padding stride', [[6, 5], 3, 2, 1, 1])),
]);

/** Made by code rather than from settings. */
const without = new Set(['Module', 'RNNBase', 'RNNCellBase', 'OnnxModule', 'ParametrizationList']);

function make(name: string, args: readonly unknown[]): Module {
  const kind: unknown = Reflect.get(nn, name);
  if (typeof kind !== 'function') throw new Error(`no layer ${name}`);
  manualSeed(0);
  return Reflect.construct(kind, args) as Module;
}

const named = (names: readonly string[], values: readonly unknown[]): Record<string, unknown> => Object.fromEntries(names.map((name, i) => [name, values[i]]));

/** Print form, settings, and state. */
function described(layer: Module): unknown {
  const isPlain = (v: unknown): boolean => typeof v !== 'object' || v === null || (Array.isArray(v) && v.every((x) => typeof x !== 'object'));
  const settings = Object.entries(layer).filter(([, v]) => isPlain(v));
  const state = Object.entries(layer.stateDict()).map(([key, x]) => [key, isUninitialized(x) ? 'later' : x.array()]);
  return [layer.toString(), settings, state];
}

test('every layer that needs something is in the table', () => {
  for (const [name, kind] of Object.entries(nn)) {
    if (typeof kind !== 'function' || !(kind.prototype instanceof Module) || name in table || without.has(name)) continue;
    is(make(name, []).constructor, kind, name);
  }
  for (const name of Object.keys(table)) ok(name in nn, `${name} is no layer`);
});

for (const [name, { needed, more, values, options }] of Object.entries(table)) {
  const names = [...needed, ...more];
  test(name, () => {
    const wanted = described(make(name, Object.keys(options).length > 0 ? [...values, options] : values));
    for (let k = 0; k < names.length; k++) {
      const rest = { ...named(names.slice(k), values.slice(k)), ...options };
      equal(described(make(name, [...values.slice(0, k), rest])), wanted, `${k} by position`);
    }
    const all = { ...named(names, values), ...options };
    for (const missing of needed) {
      const some = Object.fromEntries(Object.entries(all).filter(([key]) => key !== missing));
      throwsError(() => make(name, [some]), PolyakError, new RegExp(`${name.replace('Lazy', '')}: .*got undefined; expected`));
    }
    throwsError(() => make(name, []), PolyakError, /got undefined; expected/);
    throwsError(() => make(name, [{ ...all, nosuch: 1 }]), ArgumentError, new RegExp(`${name}: unknown option, got 'nosuch'`));
    throwsError(() => make(name, [values[0], all]), ArgumentError, new RegExp(`${name}: ${names[0]} was given twice`));
    throwsError(() => make(name, [all, 1]), ArgumentError, new RegExp(`${name}: options are not an object, got 1; expected options last`));
    throwsError(() => make(name, [...values, 'nosuch']), PolyakError, new RegExp(`${name.replace('Lazy', '')}: .*got 'nosuch'; expected`)); // no options, or no value for the next place
  });
}

test('types', () => {
  const image = randn([1, 1, 8, 8]);
  const indices = [
    new MaxPool2d(2, { returnIndices: true }).forward(image).indices,
    new MaxPool2d(2, 2, 0, 1, { returnIndices: true }).forward(image).indices,
    new MaxPool2d({ kernelSize: 2, returnIndices: true }).forward(image).indices,
    new AdaptiveMaxPool2d({ outputSize: [2, null], returnIndices: true }).forward(image).indices,
    new FractionalMaxPool2d({ kernelSize: 2, outputSize: 3, returnIndices: true }).forward(image).indices,
  ];
  for (const x of indices) is(x.dtype, 'int64');
  const pooled: Tensor = new MaxPool2d({ kernelSize: 2, stride: 2 }).forward(image);
  equal(pooled.shape, [1, 1, 4, 4]);
  equal(new Conv2d(1, 8, 3, undefined, { padding: 1 }).padding, [1, 1]);
  // @ts-expect-error: no size
  throwsError(() => new Linear(2), ArgumentError, /invalid outFeatures, got undefined/);
  // @ts-expect-error: no size
  throwsError(() => new Linear({ inFeatures: 2 }), ArgumentError, /invalid outFeatures, got undefined/);
  // @ts-expect-error: no such option
  throwsError(() => new Linear(2, 3, { biass: true }), ArgumentError, /did you mean 'bias'/);
  // @ts-expect-error: no such name
  throwsError(() => new Linear({ inFeatures: 2, outFeature: 3 }), ArgumentError, /did you mean 'outFeatures'/);
  // @ts-expect-error: not a number
  throwsError(() => new Linear('2', 3), ArgumentError, /invalid inFeatures, got '2'/);
  // @ts-expect-error: not a number
  throwsError(() => new Linear({ inFeatures: '2', outFeatures: 3 }), ArgumentError, /invalid inFeatures, got '2'/);
  // @ts-expect-error: no kernel
  throwsError(() => new Conv2d(1, 8, { padding: 1 }), ArgumentError, /invalid kernelSize, got undefined/);
  // @ts-expect-error: no such name
  throwsError(() => new MaxPool2d({ kernelSize: 2, strid: 2 }), ArgumentError, /did you mean 'stride'/);
  // @ts-expect-error: no such name
  throwsError(() => new LSTM({ inputSize: 3, hiddenSize: 4, layers: 2 }), ArgumentError, /unknown option/);
  // @ts-expect-error: no such option
  throwsError(() => new PixelShuffle(2, { factor: 2 }), ArgumentError, /unknown option/);
  // @ts-expect-error: no heads
  throwsError(() => new MultiheadAttention(4, { dropout: 0.5 }), ArgumentError, /invalid numHeads, got undefined/);
  // @ts-expect-error: no number of layers
  throwsError(() => new TransformerEncoder(encoder), ArgumentError, /invalid numLayers, got undefined/);
});

test('subclasses, copies, and lazy layers by name', () => {
  class Mine extends Linear {
    constructor() {
      super(2, 3, { bias: false });
    }
  }
  class Passing extends Linear {
    constructor(...args: ConstructorParameters<typeof Linear>) {
      super(...args);
    }
  }
  class Named extends Conv2d {
    constructor(inChannels: number, outChannels: number) {
      super({ inChannels, outChannels, kernelSize: 3 });
    }
  }
  is(new Mine().toString(), 'Mine(in_features=2, out_features=3, bias=False)');
  is(new Passing({ inFeatures: 2, outFeatures: 3 }).toString(), 'Passing(in_features=2, out_features=3, bias=True)');
  is(deepCopy(new Named(1, 2)).toString(), 'Named(1, 2, kernel_size=(3, 3), stride=(1, 1))');
  is(nn.skipInit(Linear, { inFeatures: 2, outFeatures: 3 }).inFeatures, 2);
  is(nn.skipInit(Linear, 2, 3).outFeatures, 3);
  const lazy = new LazyConv2d({ outChannels: 4, kernelSize: 3, groups: 2 });
  equal(lazy.forward(randn([1, 2, 5, 5])).shape, [1, 4, 3, 3]);
  is(lazy.toString(), 'Conv2d(2, 4, kernel_size=(3, 3), stride=(1, 1), groups=2)');
});

test.run();

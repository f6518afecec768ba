import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { type DType, F, type Tensor, manualSeed, noGrad, ones, randn, tensor, zeros } from '../../../index.ts';
import { type OnnxModule, exportOnnx, importOnnx, Linear, ReLU, Sequential, deepCopy } from '../../../nn/index.ts';
import { encodeModel } from '../../../core/io/onnx/encode.ts';
import { type OnnxModel, type OnnxNode, elementTypes, rawOf } from '../../../core/io/onnx/model.ts';
import { PolyakError } from '../../../core/errors.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';
import { run, single } from './oneOperator.ts';

interface Recorded {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: readonly number[];
}

interface Case {
  readonly file: string;
  readonly keys: readonly string[];
  readonly inputs: readonly Recorded[];
  readonly outputs: readonly Recorded[];
}

const folder = new URL('../../fixtures/onnx/', import.meta.url);
const cases = JSON.parse(readFileSync(new URL('cases.json', folder), 'utf8')) as Case[];
const tensorOf = ({ shape, dtype, data }: Recorded): Tensor => tensor(data, { dtype }).reshape(shape);
const read = (file: string): Uint8Array => new Uint8Array(readFileSync(new URL(file, folder)));

for (const { file, keys, inputs, outputs } of cases) {
  test(`${file}, written by PyTorch, computes what PyTorch does`, () => {
    const model = importOnnx(read(file));
    const results = run(model, ...inputs.map(tensorOf));
    outputs.forEach((y, i) => {
      equal(results[i].shape, y.shape);
      allClose(results[i], tensorOf(y), { atol: 1e-5, rtol: 1e-5 });
    });
    ok(keys.length > 0 && Object.keys(model.stateDict()).length > 0);
  });
}

test('an imported model has its weights under their names, trains, and is saved and copied as others are', () => {
  const model = importOnnx(read('mlp-16.onnx'));
  equal(Object.keys(model.stateDict()).sort(), ['0.bias', '0.weight', '2.bias', '2.weight', '5.bias', '5.weight']);
  const x = randn([4, 4]);
  const before = run(model, x)[0];
  const copy = deepCopy(model);
  (model.forward(x) as Tensor).square().sum().backward();
  for (const p of model.parameters()) {
    ok(p.grad !== null, 'a parameter without gradient');
    noGrad(() => p.sub_((p.grad as Tensor).mul(0.01)));
  }
  ok(run(model, x)[0].square().sum().item() < before.square().sum().item());
  allClose(run(copy, x)[0], before);
  copy.loadStateDict(model.stateDict());
  allClose(run(copy, x)[0], run(model, x)[0]);
  equal([model.inputNames, model.outputNames.length, String(model)], [['input'], 1, `OnnxModule(input -> ${model.outputNames[0]})`]);
});

test('statistics of batch norm are buffers', () => {
  const model = importOnnx(read('cnn-9.onnx'));
  ok(model.buffers().length === 0 || model.namedBuffers().every(([name]) => /running/.test(name)));
  const own = importOnnx(exportOnnx(new Sequential(new Linear(4, 3), new ReLU()), randn([1, 4])));
  is(own.buffers().length, 0);
});

test('an imported model is exported again, also with a batch of any size', () => {
  for (const file of ['cnn-16.onnx', 'attention-16.onnx']) {
    const [{ inputs }] = cases.filter((c) => c.file === file);
    const x = tensorOf(inputs[0]);
    const model = importOnnx(read(file));
    const again = importOnnx(exportOnnx(model, x.narrow(0, 0, 2), { dynamicAxes: [{ 0: 'batch' }] }));
    allClose(run(again, x)[0], run(model, x)[0], { atol: 1e-6, rtol: 1e-6 });
  }
});

// ---- single operators ----

const grid = tensor(Array.from({ length: 25 }, (_, i) => i)).reshape([1, 1, 5, 5]);

test('auto_pad, ceil_mode and uneven pads follow the specification', () => {
  const kernel = { kernel_shape: [3, 3], strides: [2, 2] };
  equal(single('MaxPool', [grid], { ...kernel, auto_pad: 'SAME_UPPER' })[0].array(), [[[[6, 8, 9], [16, 18, 19], [21, 23, 24]]]]);
  equal(single('MaxPool', [grid.narrow(3, 0, 4)], { ...kernel, ceil_mode: 1 })[0].shape, [1, 1, 2, 2]);
  equal(single('MaxPool', [grid], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 })[0].array(), [[[[6, 8, 9], [16, 18, 19], [21, 23, 24]]]]);
  equal(single('AveragePool', [ones([1, 1, 4, 4])], { kernel_shape: [3, 3], pads: [1, 1, 0, 0] })[0].array(), ones([1, 1, 3, 3]).array());
  allClose(single('AveragePool', [ones([1, 1, 2, 2])], { kernel_shape: [2, 2], pads: [1, 1, 0, 0], count_include_pad: 1 })[0], tensor([[[[0.25, 0.5], [0.5, 1]]]]));
  const weight = ones([1, 1, 3, 3]);
  equal(single('Conv', [grid, weight], { auto_pad: 'SAME_LOWER', strides: [2, 2] })[0].shape, [1, 1, 3, 3]);
  allClose(single('Conv', [grid, weight], { pads: [1, 0, 0, 1] })[0], F.conv2d(F.pad(grid, [0, 1, 1, 0]), weight));
  equal(single('ConvTranspose', [grid, weight], { strides: [2, 2], auto_pad: 'SAME_UPPER' })[0].shape, [1, 1, 10, 10]);
  equal(single('MaxPool', [grid], { kernel_shape: [2, 2], strides: [2, 2] }, 17, 2)[1].array(), [[[[6, 8], [16, 18]]]]);
});

test('what is an attribute in one operator set is an input in another', () => {
  const x = randn([2, 3, 4]);
  for (const [type, opset] of [['ReduceSum', 11], ['ReduceMean', 17], ['Squeeze', 11]] as const) {
    const y = type === 'Squeeze' ? x.narrow(1, 0, 1) : x;
    allClose(single(type, [y], { axes: [1] }, opset)[0], single(type, [y, [1]], {}, 18)[0]);
  }
  allClose(single('Clip', [x], { min: { float: -0.1 }, max: { float: 0.2 } }, 6)[0], x.clamp(-0.1, 0.2));
  allClose(single('Softmax', [x], {}, 11)[0], x.reshape([2, 12]).softmax(1).reshape([2, 3, 4]));
  allClose(single('Softmax', [x])[0], x.softmax(-1));
  allClose(single('Slice', [x], { starts: [1, 0], ends: [9, 2], axes: [2, 0] }, 9)[0], x.narrow(2, 1, 3));
  allClose(single('Slice', [x, [-1], [-5], [2], [-2]])[0], x.flip([2]).index(0).unsqueeze(0).narrow(0, 0, 0).shape[0] === 0 ? x.indexSelect(2, tensor([3, 1], { dtype: 'int64' })) : x);
  allClose(single('Unsqueeze', [x], { axes: [0, -1] }, 11)[0], x.reshape([1, 2, 3, 4, 1]));
  allClose(single('Add', [x, tensor([1, 2, 3])], { broadcast: 1, axis: 1 }, 6)[0], x.add(tensor([1, 2, 3]).reshape([3, 1])));
});

test('arithmetic of whole numbers drops fractions and keeps signs as the specification says', () => {
  const [a, b] = [tensor([-7, 7, -7, 7], { dtype: 'int32' }), tensor([2, 2, -2, -2], { dtype: 'int32' })];
  equal(single('Div', [a, b])[0].array(), [-3, 3, 3, -3]);
  equal(single('Mod', [a, b])[0].array(), [1, 1, -1, -1]);
  equal(single('Mod', [a, b], { fmod: 1 })[0].array(), [-1, 1, -1, 1]);
});

// ---- refusals ----

const throws = (fn: () => unknown, message: RegExp): void => throwsError(fn, PolyakError, message);

const plain = (): OnnxModel => ({
  irVersion: 8, producer: '', producerVersion: '', opset: 17, domains: new Map(),
  graph: {
    name: 'g',
    nodes: [{ name: 'n', type: 'Add', domain: '', inputs: ['x', 'w'], outputs: ['y'], attributes: new Map() }],
    initializers: [{ name: 'w', dims: [2], type: elementTypes.FLOAT, raw: rawOf(Float32Array.of(1, 2), elementTypes.FLOAT) }],
    inputs: [{ name: 'x', type: elementTypes.FLOAT, shape: [2] }],
    outputs: [{ name: 'y', type: elementTypes.FLOAT, shape: [2] }],
  },
});

test('models that do not fit together are refused before anything runs', () => {
  const m = plain();
  const { graph } = m;
  const [node] = graph.nodes;
  const wrong = (g: Partial<OnnxModel['graph']>, more: Partial<OnnxModel> = {}): (() => OnnxModule) => () => importOnnx(encodeModel({ ...m, ...more, graph: { ...graph, ...g } }));
  equal(run(importOnnx(encodeModel(m)), zeros([2]))[0].array(), [1, 2]);
  throws(wrong({ nodes: [{ ...node, type: 'SequenceAt' }, { ...node, type: 'StringConcat', outputs: ['z'] }] }), /importOnnx: operators that polyak does not run, got SequenceAt, StringConcat/);
  throws(wrong({ nodes: [{ ...node, type: 'constructor' }] }), /does not run, got constructor/);
  throws(wrong({ nodes: [{ ...node, domain: 'com.example' }] }), /got com\.example\.Add/);
  throws(wrong({ nodes: [{ ...node, inputs: ['x', 'y'] }] }), /reads a value that no earlier node makes, got 'y'/);
  throws(wrong({ nodes: [node, node] }), /a name is given twice, got 'y'/);
  throws(wrong({ outputs: [{ name: 'z', type: 1, shape: null }] }), /an output that no node makes, got 'z'/);
  throws(wrong({ initializers: [{ ...graph.initializers[0], dims: [3] }] }), /elements of tensor 'w' do not fit, got 8 bytes for 3; expected 12 bytes/);
  throws(wrong({ initializers: [{ ...graph.initializers[0], dims: [-1, -2] }] }), /invalid size, got -1/);
  throws(wrong({ initializers: [{ ...graph.initializers[0], dims: [2 ** 40, 2 ** 40] }] }), /got 8 bytes for/);
  throws(wrong({ initializers: [{ ...graph.initializers[0], type: 8 }] }), /elements of another kind, got type 8/);
  throws(wrong({}, { opset: 99 }), /operator set is too new, got 99/);
  throws(() => importOnnx(new Uint8Array(0)), /no model/);
  throws(() => importOnnx('model.onnx' as never), /importOnnx: not bytes, got 'model.onnx'/);
  throws(() => importOnnx(encodeModel(m)).forward(), /inputs do not fit.*expected tensors for x/);
  throws(() => run(importOnnx(encodeModel(m)), zeros([3])), /Add 'n': add: shapes do not broadcast/);
});

test('a model that asks for a huge tensor is refused when it runs', () => {
  const node: OnnxNode = { name: '', type: 'ConstantOfShape', domain: '', inputs: ['x'], outputs: ['y'], attributes: new Map() };
  const m = plain();
  const model = importOnnx(encodeModel({ ...m, graph: { ...m.graph, nodes: [node], initializers: [], inputs: [{ name: 'x', type: 7, shape: [2] }] } }));
  throws(() => run(model, tensor([2_000_000_000, 2_000_000_000], { dtype: 'int64' })), /ConstantOfShape: not a shape/);
});

test('damaged files end in an error or a model, quickly', () => {
  manualSeed(1);
  const bytes = read('cnn-16.onnx');
  let seed = 1;
  const next = (n: number): number => {
    seed = (seed * 48271) % 2147483647;
    return seed % n;
  };
  let refused = 0;
  for (let i = 0; i < 500; i++) {
    const broken = bytes.slice(0, next(4) === 0 ? next(bytes.length) : bytes.length);
    for (let k = 0; k <= next(4) && broken.length > 0; k++) broken[next(broken.length)] = next(256);
    try {
      importOnnx(broken);
    } catch (error) {
      ok(error instanceof Error && /^\w+Error: (?:importOnnx|onnx|tensor|reshape|Cast|Buffer|Parameter)/.test(String(error)), String(error));
      refused++;
    }
  }
  ok(refused > 100, `${refused} of 500 were refused`);
});

test.run();

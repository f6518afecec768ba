import { test } from 'uvu';
import { type DType, Generator, type Tensor, bernoulli, manualSeed, ones, rand, randn, tensor, zeros } from '../../../index.ts';
import { PolyakError } from '../../../core/errors.ts';
import { encodeModel } from '../../../core/io/onnx/encode.ts';
import { type OnnxModel, type OnnxTensor, elementTypes } from '../../../core/io/onnx/model.ts';
import { importOnnx } from '../../../nn/index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';
import { modelOf, run, single } from './oneOperator.ts';

// Single operators, with the numbers of ONNX's own tests where nothing else is said.

const ints = (values: readonly number[], dtype: DType = 'int64'): Tensor => tensor(values, { dtype });
const range = (shape: readonly number[], from = 0): Tensor => tensor(Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => from + i)).reshape(shape);
const int8 = (values: readonly number[], dims: readonly number[] = []): OnnxTensor => ({ name: '', dims, type: elementTypes.INT8, raw: new Uint8Array(Int8Array.from(values).buffer) });
const throws = (fn: () => unknown, message: RegExp): void => throwsError(fn, PolyakError, message);

test('Det is that of each matrix', () => {
  is(single('Det', [tensor([[0, 1], [2, 3]])])[0].item(), -2);
  allClose(single('Det', [tensor([[[1, 2], [3, 4]], [[1, 2], [2, 1]], [[1, 3], [3, 1]]])])[0], tensor([-2, -3, -8]));
});

test('MaxUnpool puts elements back, into a larger image where output_shape says so', () => {
  const [places, attributes] = [ints([5, 7, 13, 15]).reshape([1, 1, 2, 2]), { kernel_shape: [2, 2], strides: [2, 2] }];
  const x = tensor([[[[1, 2], [3, 4]]]]);
  equal(single('MaxUnpool', [x, places], attributes)[0].array(), [[[[0, 0, 0, 0], [0, 1, 0, 2], [0, 0, 0, 0], [0, 3, 0, 4]]]]);
  equal(single('MaxUnpool', [x, places, [1, 1, 5, 5]], attributes)[0].array(), [[[[0, 0, 0, 0, 0], [0, 1, 0, 2, 0], [0, 0, 0, 0, 0], [0, 3, 0, 4, 0], [0, 0, 0, 0, 0]]]]);
  throws(() => single('MaxUnpool', [x, places.reshape([1, 1, 4, 1])], attributes), /MaxUnpool: places do not fit, got \[1, 1, 4, 1\] for \[1, 1, 2, 2\]/);
  throws(() => single('MaxUnpool', [x, places, [1, 1, 3, 5]], attributes), /output_shape does not fit, got 1, 1, 3, 5; expected at least 1, 1, 4, 4/);
  throws(() => single('MaxUnpool', [x, places.add(9)], attributes), /MaxUnpool/);
});

test('places of MaxPool are counted by columns with storage_order 1', () => {
  const attributes = { kernel_shape: [2, 2], strides: [2, 2], storage_order: 1 };
  equal(single('MaxPool', [range([1, 1, 5, 5], 1)], attributes, 17, 2)[1].array(), [[[[6, 16], [8, 18]]]]);
  equal(single('MaxPool', [range([1, 2, 2, 3])], { ...attributes, kernel_shape: [2, 3], strides: [1, 1] }, 17, 2)[1].array(), [[[[5]], [[11]]]]);
});

test('Unique gives values, first places, where each went and counts, sorted or as they come', () => {
  const made = (x: Tensor, attributes: Record<string, number>): unknown[] => single('Unique', [x], attributes, 17, 4).map((t) => t.array());
  const x = tensor([2, 1, 1, 3, 4, 3]);
  equal(made(x, {}), [[1, 2, 3, 4], [1, 0, 3, 4], [1, 0, 0, 2, 3, 2], [2, 1, 2, 1]]);
  equal(made(x, { sorted: 0 }), [[2, 1, 3, 4], [0, 1, 3, 4], [0, 1, 1, 2, 3, 2], [1, 2, 2, 1]]);
  equal(made(x.reshape([2, 3]), { sorted: 0 }), [[2, 1, 3, 4], [0, 1, 3, 4], [0, 1, 1, 2, 3, 2], [1, 2, 2, 1]]);
  equal(made(tensor([[1, 0, 0], [1, 0, 0], [2, 3, 4]]), { axis: 0 }), [[[1, 0, 0], [2, 3, 4]], [0, 2], [0, 0, 1], [2, 1]]);
  equal(made(tensor([[1, 0, 0], [1, 0, 0], [2, 3, 3]]), { axis: -1 }), [[[0, 1], [0, 1], [3, 2]], [1, 0], [1, 0, 0], [2, 1]]);
  equal(made(tensor([[1, 0, 0], [1, 0, 0], [2, 3, 3]]), { axis: -1, sorted: 0 }), [[[1, 0], [1, 0], [2, 3]], [0, 1], [0, 1, 1], [1, 2]]);
  throws(() => made(x, { axis: 1 }), /Unique: no such axis, got 1/);
});

test('ReverseSequence turns the beginning of each sequence', () => {
  const x = range([4, 4]);
  equal(single('ReverseSequence', [x, ints([1, 2, 3, 4])], { time_axis: 1, batch_axis: 0 })[0].array(), [[0, 1, 2, 3], [5, 4, 6, 7], [10, 9, 8, 11], [15, 14, 13, 12]]);
  equal(single('ReverseSequence', [x.t(), ints([4, 3, 2, 1])])[0].array(), [[3, 6, 9, 12], [2, 5, 8, 13], [1, 4, 10, 14], [0, 7, 11, 15]]);
  equal(single('ReverseSequence', [range([2, 1, 2]), [2]])[0].array(), [[[2, 3]], [[0, 1]]]);
  throws(() => single('ReverseSequence', [x, ints([1, 2, 3, 5])]), /ReverseSequence: lengths do not fit, got 1, 2, 3, 5 for \[4, 4\]; expected 4 numbers from 0 to 4/);
  throws(() => single('ReverseSequence', [x, ints([1, 2, 3, 4])], { time_axis: 1 }), /no such axes, got time_axis 1 and batch_axis 1/);
});

test('windows are periodic unless told otherwise', () => {
  // a - b·cos(2πn/N) + …, rounded to five places.
  const half = { HannWindow: [0, 0.09549, 0.34549, 0.65451, 0.90451, 1], HammingWindow: [0.08696, 0.17414, 0.40241, 0.68455, 0.91281, 1], BlackmanWindow: [0, 0.04021, 0.20077, 0.50979, 0.84923, 1] };
  for (const [type, wanted] of Object.entries(half)) {
    const [made] = single(type, [[10]]);
    equal([made.shape, made.dtype], [[10], 'float32']);
    allClose(made.narrow(0, 0, 6), tensor(wanted), { atol: 6e-6, rtol: 0 });
    const [symmetric] = single(type, [[11]], { periodic: 0, output_datatype: elementTypes.DOUBLE });
    is(symmetric.dtype, 'float64');
    allClose(symmetric.narrow(0, 0, 10).to('float32'), made, { atol: 1e-6, rtol: 0 });
    throws(() => single(type, [[-1]]), new RegExp(`${type}: not a shape, got \\[-1\\]`));
    throws(() => single(type, [[2, 3]]), /not a size, got \[2\]; expected a single number/);
  }
});

test('random numbers come from the default generator, or with a seed from one that goes on from run to run', () => {
  const seeded = (fn: () => Tensor): Tensor => {
    manualSeed(5);
    return fn();
  };
  const x = zeros([3, 2]);
  const [bounds, moments] = [{ low: { float: -1 }, high: { float: 3 } }, { mean: { float: 2 }, scale: { float: 0.5 } }];
  equal(seeded(() => single('RandomUniform', [], { ...bounds, shape: [3, 2] })[0]).array(), seeded(() => rand([3, 2]).mul(4).add(-1)).array());
  equal(seeded(() => single('RandomUniformLike', [x], bounds)[0]).array(), seeded(() => rand([3, 2]).mul(4).add(-1)).array());
  equal(seeded(() => single('RandomNormal', [], { ...moments, shape: [3, 2] })[0]).array(), seeded(() => randn([3, 2]).mul(0.5).add(2)).array());
  equal(seeded(() => single('RandomNormalLike', [x], { ...moments, dtype: elementTypes.DOUBLE })[0]).array(), seeded(() => randn([3, 2], { dtype: 'float64' }).mul(0.5).add(2)).array());
  const p = tensor([0, 0.3, 0.5, 0.7, 1]).repeat([20]);
  const drawn = seeded(() => single('Bernoulli', [p], { dtype: elementTypes.INT32 })[0]);
  equal([drawn.dtype, drawn.array()], ['int32', seeded(() => bernoulli(p)).array()]);
  const model = modelOf('RandomUniformLike', [x], { seed: { float: 7 } });
  const generator = new Generator(7);
  for (let i = 0; i < 2; i++) equal(run(model, x)[0].array(), rand([3, 2], { generator }).array());
  throws(() => single('RandomUniform', []), /RandomUniform: no shape, got none/);
  throws(() => single('RandomUniform', [], { shape: [-2] }), /not a shape, got \[-2\]/);
  throws(() => single('RandomUniform', [], { shape: [2], low: { float: 2 } }), /no range, got 2 to 1; expected low ≤ high/);
  throws(() => single('RandomNormal', [], { shape: [2], scale: { float: -1 } }), /no deviation, got scale -1/);
  throws(() => single('RandomNormalLike', [ints([1])]), /not a type of floats, got int64/);
  throws(() => single('Bernoulli', [tensor([2])]), /Bernoulli: bernoulli: not a probability, got 2/);
});

test('Dropout drops where training_mode says so, and its mask says what is kept', () => {
  const x = range([100], 1);
  const training = tensor(true);
  manualSeed(3);
  const [y, mask] = single('Dropout', [x, tensor(0.75), training], {}, 13, 2);
  manualSeed(3);
  const kept = rand([100]).ge(0.75);
  equal([mask.dtype, mask.array(), y.array()], ['bool', kept.array(), x.mul(kept).mul(4).array()]);
  const drawn = new Generator(9);
  equal(single('Dropout', [x, null, training], { seed: 9 }, 13)[0].array(), x.mul(rand([100], { generator: drawn }).ge(0.5)).mul(2).array());
  const special = tensor([NaN, 1]);
  for (const [ratio, mode] of [[0, training], [0.5, tensor(false)], [0.5, null]] as const) {
    const [same, all] = single('Dropout', [special, tensor(ratio), mode], {}, 13, 2);
    equal([same.array(), all.array()], [[NaN, 1], [true, true]]);
  }
  throws(() => single('Dropout', [x, tensor(1), training], {}, 13), /Dropout: no ratio, got 1; expected 0 ≤ ratio < 1/);
  throws(() => single('Dropout', [ints([1]), tensor(0.5), training], {}, 13), /Dropout: not floats, got int64/);
});

test('BatchNormalization in training takes the statistics of the batch and gives the new running ones', () => {
  const x = tensor([[1, 10], [3, 10], [5, 40], [7, 40]]);
  const inputs = [x, tensor([1, 2]), tensor([0, 1]), tensor([0, 5]), tensor([1, 1])];
  const attributes = { training_mode: 1, momentum: { float: 0.75 }, epsilon: { float: 0 } };
  const [y, mean, variance] = single('BatchNormalization', inputs, attributes, 15, 3);
  // Means 4 and 25, biased variances 5 and 225.
  allClose(y, tensor([[-3, -1], [-1, -1], [1, 3], [3, 3]]).mul(tensor([1 / Math.sqrt(5), 1])), { atol: 1e-6 });
  allClose(mean, tensor([1, 10]));
  allClose(variance, tensor([2, 57]));
  is(single('BatchNormalization', inputs, attributes, 15).length, 1);
  allClose(single('BatchNormalization', inputs, { epsilon: { float: 0 } }, 15)[0], tensor([[1, 11], [3, 11], [5, 71], [7, 71]]));
  throws(() => single('BatchNormalization', [x.narrow(0, 0, 1), ...inputs.slice(1)], attributes, 15, 3), /one value per channel has no variance/);
  throws(() => single('BatchNormalization', inputs, {}, 6, 3), /statistics of the batch, got training mode; expected running statistics/);
});

test('the gates of an LSTM see the cell where there are peepholes', () => {
  const x = range([1, 2, 4], 1);
  const [w, r, b] = [ones([1, 12, 4]).mul(0.1), ones([1, 12, 3]).mul(0.1), zeros([1, 24])];
  const layer = (p: Tensor, attributes: Record<string, number | { readonly float: number }> = {}): Tensor[] =>
    single('LSTM', [x, w, r, b, null, zeros([1, 2, 3]), zeros([1, 2, 3]), p], { hidden_size: 3, ...attributes }, 14, 3);
  const [, hidden] = layer(ones([1, 9]).mul(0.1));
  allClose(hidden, tensor([0.37506911, 0.6801309]).reshape([1, 2, 1]).expand([1, 2, 3]), { atol: 1e-6 });
  // Without weight, peepholes see nothing.
  const steps = randn([5, 2, 4]);
  const plain = single('LSTM', [steps, w, r, b], { hidden_size: 3, direction: 'reverse' }, 14, 3);
  single('LSTM', [steps, w, r, b, null, null, null, zeros([1, 9])], { hidden_size: 3, direction: 'reverse' }, 14, 3).forEach((y, i) => allClose(y, plain[i], { atol: 1e-6 }));
  throws(() => layer(ones([1, 6])), /LSTM: peepholes do not fit, got \[1, 6\]; expected none, or \[1, 9\] of an LSTM/);
  throws(() => layer(ones([1, 9]), { clip: { float: 1 } }), /LSTM: clip or coupled gates, got one of them/);
});

test('NonMaxSuppression keeps the best of boxes that overlap', () => {
  const rows = [[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, -0.1, 1, 0.9], [0, 10, 1, 11], [0, 10.1, 1, 11.1], [0, 100, 1, 101]];
  const [boxes, scores] = [tensor([rows]), tensor([[[0.9, 0.75, 0.6, 0.95, 0.5, 0.3]]])];
  const kept = (most: number, limit: number, least: number | null = null, more: Record<string, number> = {}, at = boxes, of = scores): unknown =>
    single('NonMaxSuppression', [at, of, [most], tensor([limit]), least === null ? null : tensor([least])], more)[0].array();
  equal(kept(3, 0.5, 0), [[0, 0, 3], [0, 0, 0], [0, 0, 5]]);
  equal(kept(3, 0.5, 0.4), [[0, 0, 3], [0, 0, 0]]);
  equal(kept(2, 0.5), [[0, 0, 3], [0, 0, 0]]);
  equal(kept(0, 0.5), []);
  equal(kept(9, 1), [3, 0, 1, 2, 4, 5].map((i) => [0, 0, i]));
  const flipped = tensor([rows.map(([a, b, c, d], i) => (i % 2 === 0 ? [c, d, a, b] : [a, d, c, b]))]);
  equal(kept(3, 0.5, 0, {}, flipped), [[0, 0, 3], [0, 0, 0], [0, 0, 5]]);
  const centred = tensor([[[0.5, 0.5, 1, 1], [0.5, 0.6, 1, 1], [0.5, 0.4, 1, 1], [0.5, 10.5, 1, 1], [0.5, 10.6, 1, 1], [0.5, 100.5, 1, 1]]]);
  equal(kept(3, 0.5, 0, { center_point_box: 1 }, centred), [[0, 0, 3], [0, 0, 0], [0, 0, 5]]);
  equal(kept(3, 0.5, 0, {}, zeros([1, 10, 4]).add(tensor([0, 0, 1, 1])), ones([1, 1, 10])), [[0, 0, 0]]);
  equal(kept(2, 0.5, 0, {}, boxes.repeat([2, 1, 1]), scores.repeat([2, 2, 1])), [[0, 0, 3], [0, 0, 0], [0, 1, 3], [0, 1, 0], [1, 0, 3], [1, 0, 0], [1, 1, 3], [1, 1, 0]]);
  throws(() => kept(3, 0.5, 0, {}, boxes.narrow(1, 0, 5)), /NonMaxSuppression: boxes and scores do not fit, got \[1, 5, 4\] and \[1, 1, 6\]/);
  throws(() => kept(3, 1.5), /no overlap to suppress from, got iou_threshold 1\.5; expected 0 to 1/);
  throws(() => kept(3, 0.5, 0, { center_point_box: 2 }), /no such center_point_box, got 2/);
});

test('RoiAlign samples bins of regions, on average or at most', () => {
  const corner = tensor([[[[0.2764, 0.715, 0.1958], [0.9637, 0.0895, 0.2919], [0.3265, 0.8479, 0.9698]]]]);
  const rois = tensor([[0, 0, 9, 9]]);
  const of = (x: Tensor, more: Record<string, number | string | { readonly float: number }>, regions = rois, images = ints([0]), opset = 16): Tensor =>
    single('RoiAlign', [x, regions, images], { output_height: 5, output_width: 5, sampling_ratio: 2, ...more }, opset)[0];
  const at = (y: Tensor): number => Number(y.index(0, 0, 0, 0).item());
  const near = (a: number, b: number): void => ok(Math.abs(a - b) < 5e-5, `${a} is not ${b}`);
  // ONNX's image has ten rows and columns, of which the first bin reads three.
  near(at(of(corner, { coordinate_transformation_mode: 'output_half_pixel' })), 0.4664);
  near(at(of(corner, {}, rois, ints([0]), 10)), 0.4664);
  near(at(of(corner, {})), 0.5178);
  near(at(of(corner, { mode: 'max', coordinate_transformation_mode: 'output_half_pixel' })), 0.3445228);
  // By hand: x + 4y at the middle of bins of one entry, and nothing outside.
  const plane = range([1, 1, 4, 4]).repeat([2, 1, 1, 1]).mul(tensor([1, 10]).reshape([2, 1, 1, 1]));
  const small = { output_height: 2, output_width: 2, sampling_ratio: 0 };
  allClose(of(plane, small, tensor([[0.5, 1.5, 2.5, 3.5], [0.5, 1.5, 2.5, 3.5]]), ints([0, 1])), tensor([[[[6.5, 7.5], [10.5, 11.5]]], [[[65, 75], [105, 115]]]]));
  equal(of(plane, { ...small, spatial_scale: { float: 2 } }, tensor([[20, 20, 22, 22]])).array(), zeros([1, 1, 2, 2]).array());
  equal(of(plane, small, tensor([[2, 2, 1, 1]])).array(), zeros([1, 1, 2, 2]).array());
  equal(of(plane, small, zeros([0, 4]), ints([])).shape, [0, 1, 2, 2]);
  throws(() => of(plane, { mode: 'min' }), /RoiAlign: no such mode, got 'min'/);
  throws(() => of(plane, { coordinate_transformation_mode: 'asymmetric' }), /no such coordinate_transformation_mode, got 'asymmetric'/);
  throws(() => of(plane, {}, rois, ints([2])), /no such image, got 2; expected 0 to 1/);
  throws(() => of(plane, {}, rois, ints([0, 0])), /regions do not fit, got \[1, 4\] and 2 images/);
  throws(() => of(plane, {}, tensor([[0, 0, NaN, 1]])), /a region that is not finite, got NaN/);
  throws(() => of(plane, { sampling_ratio: 0 }, tensor([[0, 0, 1e12, 1]])), /RoiAlign: too many samples, got \d+ in each of 5 bins; expected at most 2\^24/);
  throws(() => of(plane, { output_height: 0 }), /no bins, got sampling_ratio 2 and sizes 0 × 5/);
  throws(() => of(zeros([4, 4]), {}), /not images, got \[4, 4\]/);
});

test('QuantizeLinear rounds to even and saturates; DequantizeLinear is its way back', () => {
  const x = tensor([0, 2, 3, 1000, -254, -1000]);
  const [y] = single('QuantizeLinear', [x, tensor(2), tensor(128, { dtype: 'uint8' })], {}, 13);
  equal([y.dtype, y.array()], ['uint8', [128, 129, 130, 255, 1, 0]]);
  equal(single('QuantizeLinear', [x, tensor([2])], {}, 13)[0].array(), [0, 1, 2, 255, 0, 0]);
  equal(single('DequantizeLinear', [ints([0, 3, 128, 255], 'uint8'), tensor(2), tensor(128, { dtype: 'uint8' })], {}, 13)[0].array(), [-256, -250, 0, 254]);
  const whole = ints([3, 89, 34, 200, 74, 59, 5, 24, 24, 87, 32, 13, 245, 99, 4, 142, 121, 102], 'uint8').reshape([1, 3, 3, 2]);
  const [scales, zeroPoints] = [tensor([2, 4, 5]), ints([84, 24, 196], 'uint8')];
  const floats = [-162, 10, -100, 232, -20, -50, -76, 0, 0, 252, 32, -44, 245, -485, -960, -270, -375, -470];
  const back = single('DequantizeLinear', [whole, scales, zeroPoints], {}, 13)[0];
  equal([back.dtype, back.reshape([-1]).array()], ['float32', floats]);
  equal(single('QuantizeLinear', [back, scales, zeroPoints], {}, 13)[0].array(), whole.array());
  equal(single('QuantizeLinear', [back.movedim(1, 3), scales, zeroPoints], { axis: -1 }, 13)[0].array(), whole.movedim(1, 3).array());
});

test('int8, int16 and uint16 are int32 of their ranges, where the file says which of them', () => {
  const x = tensor([-300, -3, 5, 300]);
  const made = single('QuantizeLinear', [x, tensor(2), int8([1])], {}, 13)[0];
  equal([made.dtype, made.array()], ['int32', [-128, -1, 3, 127]]);
  equal(single('QuantizeLinear', [x, tensor(0.001)], { output_dtype: elementTypes.INT16 }, 21)[0].array(), [-32768, -3000, 5000, 32767]);
  equal(single('QuantizeLinear', [x, tensor(0.001)], { output_dtype: elementTypes.UINT16 }, 21)[0].array(), [0, 0, 5000, 65535]);
  equal(single('DequantizeLinear', [int8([-128, 127], [2]), tensor(0.5), int8([-28])], {}, 13)[0].array(), [-50, 77.5]);
  equal(single('DequantizeLinear', [ints([100000, -3], 'int32'), tensor(0.5)], {}, 13)[0].array(), [50000, -1.5]);
  throws(() => single('QuantizeLinear', [x, tensor(2), ints([1], 'int32')], {}, 13), /QuantizeLinear: no such type to quantize to, got type 6; expected uint8, int8, uint16 or int16/);
  throws(() => single('QuantizeLinear', [x, tensor([1, 2, 3])], { axis: 0 }, 13), /the scale does not fit, got \[3\] for axis 0 of \[4\]; expected one number or 4/);
  throws(() => single('QuantizeLinear', [x, tensor([1, 1])], { axis: 0, block_size: 2 }, 21), /scales of blocks, got block_size 2/);
  throws(() => single('DequantizeLinear', [ints([1], 'uint8'), tensor(2), int8([0])], {}, 13), /the zero point is of another type, got int32 for uint8; expected one type/);
});

test('a zero point that a node makes has a type if it is a constant', () => {
  const names = ['x', 's'];
  const zero = (type: 'Constant' | 'Neg'): OnnxModel['graph']['nodes'][0] =>
    ({ name: '', type, domain: '', inputs: type === 'Neg' ? ['z0'] : [], outputs: ['z'], attributes: new Map(type === 'Neg' ? [] : [['value', { kind: 'tensor' as const, value: int8([1]) }]]) });
  const model = (type: 'Constant' | 'Neg'): OnnxModel => ({
    irVersion: 8, producer: '', producerVersion: '', opset: 13, domains: new Map(),
    graph: {
      name: 'two', nodes: [zero(type), { name: '', type: 'QuantizeLinear', domain: '', inputs: ['x', 's', 'z'], outputs: ['y'], attributes: new Map() }], initializers: [{ ...int8([1]), name: 'z0' }],
      inputs: names.map((name) => ({ name, type: elementTypes.FLOAT, shape: null })), outputs: [{ name: 'y', type: elementTypes.INT8, shape: null }],
    },
  });
  equal(run(importOnnx(encodeModel(model('Constant'))), tensor([300, 3]), tensor(1))[0].array(), [127, 4]);
  throws(() => run(importOnnx(encodeModel(model('Neg'))), tensor([300, 3]), tensor(1)), /QuantizeLinear: the type of the zero point is not known, got a value that a node makes; expected an initializer/);
});

test('Resize cuts a part out with tf_crop_and_resize', () => {
  const x = range([1, 1, 4, 4], 1);
  const cut = (roi: readonly number[], third: readonly number[] | null, scales: Tensor | null = null): Tensor =>
    single('Resize', [x, tensor([...roi]), scales, third], { mode: 'linear', coordinate_transformation_mode: 'tf_crop_and_resize', extrapolation_value: { float: 10 } }, 13)[0];
  allClose(cut([0, 0, 0.4, 0.6, 1, 1, 0.6, 0.8], [1, 1, 3, 3]), tensor([[[[7.6, 7.9, 8.2], [8.8, 9.1, 9.4], [10, 10.3, 10.6]]]]), { atol: 1e-5 });
  allClose(cut([0, 0, 0.4, 0.6, 1, 1, 1.2, 1.7], [1, 1, 3, 3]), tensor([[[[7.6, 10, 10], [12.4, 10, 10], [10, 10, 10]]]]), { atol: 1e-5 });
  equal(cut([0, 0, 0, 0, 1, 1, 0.5, 1], null, tensor([1, 1, 1, 1])).shape, [1, 1, 2, 4]);
  // A part of as many entries, too, and a single entry from the middle.
  equal(cut([0, 0, 1, 0, 1, 1, 0, 1], [1, 1, 4, 4]).array(), x.flip([2]).array());
  allClose(cut([0, 0, 0, 0, 1, 1, 1, 1], [1, 1, 1, 1]), tensor([[[[8.5]]]]));
  throws(() => cut([0, 1], [1, 1, 3, 3]), /Resize: roi does not fit, got 0, 1; expected 8 finite numbers/);
});

test.run();

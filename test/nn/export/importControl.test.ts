import { test } from 'uvu';
import { type Tensor, ones, tensor } from '../../../index.ts';
import { PolyakError } from '../../../core/errors.ts';
import { type OnnxGraph, type OnnxNode, elementTypes } from '../../../core/io/onnx/model.ts';
import { allClose, equal, throwsError } from '../../assert.ts';
import { modelOf, single } from './oneOperator.ts';

// Branches, loops, and products of integers. Numbers of products are those of ONNX's own tests.

const throws = (fn: () => unknown, message: RegExp): void => throwsError(fn, PolyakError, message);
const node = (type: string, inputs: readonly string[], outputs: readonly string[]): OnnxNode => ({ name: '', type, domain: '', inputs, outputs, attributes: new Map() });
const info = (name: string, type: number = elementTypes.FLOAT, shape: readonly number[] | null = null) => ({ name, type, shape });
const graph = (nodes: readonly OnnxNode[], inputs: readonly string[], outputs: readonly string[]): OnnxGraph => ({
  name: 'g', nodes, initializers: [], inputs: inputs.map((name) => info(name)), outputs: outputs.map((name) => info(name, elementTypes.FLOAT, [2])),
});

test('If runs one of two graphs, which read values around it', () => {
  // The node's inputs are x0 and x1; a branch takes x1 from around it.
  const branches = { then_branch: graph([node('Neg', ['x1'], ['a'])], [], ['a']), else_branch: graph([node('Exp', ['x1'], ['b'])], [], ['b']) };
  const x = tensor([1, -2]);
  equal(single('If', [tensor(true), x], branches)[0].array(), [-1, 2]);
  allClose(single('If', [tensor([false]), x], branches)[0], x.exp());
  throws(() => single('If', [tensor([true, false]), x], branches), /If: the condition is no single value, got \[2\]/);
  throws(() => single('If', [tensor(true), x], { ...branches, then_branch: graph([node('Neg', ['nowhere'], ['a'])], [], ['a']) }), /Neg reads a value that no earlier node makes, got 'nowhere'/);
  throws(() => single('If', [tensor(true), x], { ...branches, then_branch: graph([node('StringConcat', ['x1', 'x1'], ['a'])], [], ['a']) }), /does not run, got StringConcat/);
  throws(() => single('If', [tensor(true), x], { ...branches, then_branch: graph([node('Neg', ['x1'], ['x0'])], [], ['x0']) }), /a name is given twice, got 'x0'/);
  throws(() => single('If', [tensor(false), x], { then_branch: branches.then_branch }), /If: attribute else_branch is no graph, got none/);
});

test('Loop carries values along, stacks others, and ends by count or condition', () => {
  // total += step; gives total and total·total of each step; goes on while total < 10.
  const constant = (name: string, value: number) => ({ name, dims: [], type: elementTypes.FLOAT, raw: new Uint8Array(Float32Array.of(value).buffer) });
  const bodyOf = (step: number): OnnxGraph => ({
    name: 'body', initializers: [constant('ten', 10), constant('step', step)],
    nodes: [node('Add', ['total', 'step'], ['next']), node('Mul', ['next', 'next'], ['square']), node('Less', ['next', 'ten'], ['on'])],
    inputs: [info('i', elementTypes.INT64, []), info('condition', elementTypes.BOOL, []), info('total')], outputs: [info('on', elementTypes.BOOL, []), info('next'), info('square', elementTypes.FLOAT, [])],
  });
  const loop = (count: number | null, step: number, first = true): unknown[] =>
    single('Loop', [count === null ? null : tensor(count, { dtype: 'int64' }), tensor(first), tensor(0)], { body: bodyOf(step) }, 17, 2).map((t) => t.array());
  equal(loop(3, 1), [3, [1, 4, 9]]);
  equal(loop(null, 4), [12, [16, 64, 144]]);
  equal(loop(0, 1), [0, []]);
  equal(loop(5, 1, false), [0, []]);
  throws(() => single('Loop', [tensor(2, { dtype: 'int64' }), null, tensor(0)], { body: graph([node('Identity', ['t'], ['u'])], ['t'], ['u']) }), /Loop: the body gives too little, got 1 outputs; expected at least 2/);
  throws(() => single('Loop', [tensor(2, { dtype: 'int64' }), null], { body: graph([node('Identity', ['t'], ['u'])], ['t'], ['u']) }), /Loop: the graph within takes other inputs, got 2 for t; expected 1/);
});

test('gradients flow through the steps of a loop', () => {
  const body: OnnxGraph = {
    name: 'body', initializers: [], nodes: [node('Mul', ['v', 'v'], ['w']), node('Identity', ['condition'], ['on'])],
    inputs: [info('i', elementTypes.INT64, []), info('condition', elementTypes.BOOL, []), info('v')], outputs: [info('on', elementTypes.BOOL, []), info('w')],
  };
  const inputs = [tensor(3, { dtype: 'int64' }), tensor(true), tensor([1.5, 0.5])] as const;
  const model = modelOf('Loop', inputs, { body });
  const x = tensor([1.5, 0.5], { requiresGrad: true });
  const y = model.forward(inputs[0], inputs[1], x) as Tensor;
  y.sum().backward();
  allClose(y, tensor([1.5 ** 8, 0.5 ** 8]));
  allClose(x.grad as Tensor, tensor([8 * 1.5 ** 7, 8 * 0.5 ** 7]));
});

test('Scan goes along an axis with a state, either way', () => {
  const body = graph([node('Add', ['s', 'x'], ['t']), node('Identity', ['t'], ['y'])], ['s', 'x'], ['t', 'y']);
  const [state, x] = [tensor([0, 0]), tensor([[1, 2], [3, 4], [5, 6]])];
  equal(single('Scan', [state, x], { body, num_scan_inputs: 1 }, 17, 2).map((t) => t.array()), [[9, 12], [[1, 2], [4, 6], [9, 12]]]);
  equal(single('Scan', [state, x.t()], { body, num_scan_inputs: 1, scan_input_axes: [-1], scan_input_directions: [1], scan_output_axes: [1], scan_output_directions: [1] }, 17, 2).map((t) => t.array()), [[9, 12], [[9, 8, 5], [12, 10, 6]]]);
  throws(() => single('Scan', [state, x], { body, num_scan_inputs: 3 }, 17, 2), /Scan: no inputs to go along, got num_scan_inputs 3 of 2/);
  throws(() => single('Scan', [x, ones([2, 2])], { body, num_scan_inputs: 2 }, 17, 2), /not of one length, got 2 beside 3/);
  throws(() => single('Scan', [state, x], { body, num_scan_inputs: 1 }, 8, 2), /operator set 8; expected operator set 9/);
});

test('products of integers are exact, and rescaled where scales are given', () => {
  const bytes = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor => tensor(values, { dtype: 'uint8' }).reshape(shape);
  equal(single('MatMulInteger', [bytes([11, 7, 3, 10, 6, 2, 9, 5, 1, 8, 4, 0], [4, 3]), bytes([1, 4, 2, 5, 3, 6], [3, 2]), bytes([12]), bytes([0])])[0].array(), [[-38, -83], [-44, -98], [-50, -113], [-56, -128]]);
  const image = bytes([2, 3, 4, 5, 6, 7, 8, 9, 10], [1, 1, 3, 3]);
  const padded = single('ConvInteger', [image, bytes([1, 1, 1, 1], [1, 1, 2, 2]), bytes([1], [])], { pads: [1, 1, 1, 1] })[0];
  throws(() => single('ConvInteger', [image, bytes([1, 1, 1, 1], [1, 1, 2, 2]), bytes([1, 2, 3])]), /ConvInteger: a scale or zero point of the image is no single number, got \[3\]; expected one/);
  // One zero point per channel that is made.
  const twice = single('ConvInteger', [image, bytes([1, 1, 1, 1, 3, 3, 3, 3], [2, 1, 2, 2]), bytes([1], []), bytes([0, 2])])[0];
  equal(twice.array(), [[[[12, 16], [24, 28]], [[12, 16], [24, 28]]]]);
  equal([padded.dtype, padded.array()], ['int32', [[[[1, 3, 5, 3], [5, 12, 16, 9], [11, 24, 28, 15], [7, 15, 17, 9]]]]]);
  const [a, b] = [bytes([208, 236, 0, 238, 3, 214, 255, 29], [2, 4]), bytes([152, 51, 244, 60, 26, 255, 0, 127, 246, 127, 254, 247], [4, 3])];
  const product = single('QLinearMatMul', [a, tensor([0.0066]), bytes([113]), b, tensor([0.00705]), bytes([114]), tensor([0.0107]), bytes([118])])[0];
  equal([product.dtype, product.array()], ['uint8', [[168, 115, 255], [1, 66, 151]]]);
  const x = bytes([255, 174, 162, 25, 203, 168, 58], [1, 1, 1, 7]);
  const scaled = single('QLinearConv', [x, tensor(0.00369204697), bytes([132], []), bytes([0], [1, 1, 1, 1]), tensor([0.00172794575]), bytes([255]), tensor(0.00162681262), bytes([123], [])])[0];
  equal(scaled.array(), [[[[0, 81, 93, 230, 52, 87, 197]]]]);
  const [y, scale, zero] = single('DynamicQuantizeLinear', [tensor([0, 2, -3, -2.5, 1.34, 0.5])], {}, 17, 3);
  equal([y.array(), zero.array()], [[153, 255, 0, 26, 221, 179], 153]);
  allClose(scale, tensor(0.0196078438));
  equal(single('DynamicQuantizeLinear', [tensor([0, 0])], {}, 17, 3).map((t) => t.array()), [[0, 0], 1, 0]);
});

test.run();

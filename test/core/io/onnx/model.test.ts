import { test } from 'uvu';
import { PolyakError } from '../../../../core/errors.ts';
import { decodeModel } from '../../../../core/io/onnx/decode.ts';
import { encodeModel } from '../../../../core/io/onnx/encode.ts';
import { type OnnxModel, elementTypes, int64Tensor, rawOf } from '../../../../core/io/onnx/model.ts';
import { MessageWriter } from '../../../../core/io/onnx/wire.ts';
import { tensorOf } from '../../../../core/io/onnx/import/tensors.ts';
import '../../../../index.ts';
import { equal, throwsError } from '../../../assert.ts';

const model: OnnxModel = {
  irVersion: 8, producer: 'polyak', producerVersion: '1', opset: 17, domains: new Map([['ai.onnx.ml', 3]]),
  graph: {
    name: 'g',
    nodes: [{
      name: 'n', type: 'Made', domain: 'x', inputs: ['a', '', 'b'], outputs: ['c', 'd'],
      attributes: new Map([
        ['i', { kind: 'int', value: -3 }], ['f', { kind: 'float', value: 0.5 }], ['s', { kind: 'string', value: 'é' }], ['is', { kind: 'ints', value: [1, -2, 2 ** 40] }],
        ['fs', { kind: 'floats', value: [1, 0.25] }], ['ss', { kind: 'strings', value: ['a', ''] }], ['t', { kind: 'tensor', value: { ...int64Tensor([1, -1]), name: 't' } }],
      ]),
    }],
    initializers: [{ name: 'w', dims: [2, 0], type: elementTypes.FLOAT, raw: new Uint8Array(0) }, { name: 'v', dims: [], type: elementTypes.BOOL, raw: Uint8Array.of(1) }],
    inputs: [{ name: 'a', type: 1, shape: [2, 'batch', null] }, { name: 'b', type: 7, shape: null }],
    outputs: [{ name: 'c', type: 9, shape: [] }],
  },
};

test('a model is read as it was written', () => {
  equal(decodeModel(encodeModel(model)), model);
});

/** An initializer written by hand. */
const initializer = (fill: (t: MessageWriter) => MessageWriter): Uint8Array => new MessageWriter().int(1, 8).message(7, new MessageWriter().message(5, fill(new MessageWriter().text(8, 'w')))).message(8, new MessageWriter().int(2, 17)).finish();
const read = (fill: (t: MessageWriter) => MessageWriter): unknown => {
  const t = tensorOf(decodeModel(initializer(fill)).graph.initializers[0]);
  return [t.dtype, t.array()];
};

test('elements are read in all the ways a file may hold them', () => {
  equal(read((t) => t.packed(1, [2]).int(2, elementTypes.FLOAT).floats(4, [1, 0.5])), ['float32', [1, 0.5]]);
  equal(read((t) => t.int(1, 2).int(2, elementTypes.INT64).packed(7, [3, -4])), ['int64', [3, -4]]);
  equal(read((t) => t.packed(1, [1]).int(2, elementTypes.INT64).packed(7, [2n ** 63n - 1n])), ['int64', [2 ** 31 - 1]]);
  equal(read((t) => t.packed(1, [2]).int(2, elementTypes.BOOL).packed(5, [0, 1])), ['bool', [false, true]]);
  equal(read((t) => t.packed(1, [2]).int(2, elementTypes.FLOAT16).packed(5, [0x3c00, 0xc000])), ['float32', [1, -2]]);
  equal(read((t) => t.packed(1, [1]).int(2, elementTypes.BFLOAT16).bytes(9, Uint8Array.of(0x80, 0x3f))), ['float32', [1]]);
  equal(read((t) => t.packed(1, [2]).int(2, elementTypes.INT8).bytes(9, Uint8Array.of(255, 2))), ['int32', [-1, 2]]);
  equal(read((t) => t.packed(1, [1]).int(2, elementTypes.UINT16).bytes(9, Uint8Array.of(255, 255))), ['int32', [65535]]);
  equal(read((t) => t.packed(1, [1]).int(2, elementTypes.DOUBLE).bytes(10, rawOf(Float64Array.of(0.1), elementTypes.DOUBLE))), ['float64', [0.1]]);
  equal(read((t) => t.packed(1, [1]).int(2, elementTypes.UINT64).packed(11, [7])), ['int64', [7]]);
});

test('elements that do not fit, lie elsewhere, or are no numbers are refused', () => {
  const refused = (fill: (t: MessageWriter) => MessageWriter, message: RegExp): void => throwsError(() => read(fill), PolyakError, message);
  refused((t) => t.packed(1, [3]).int(2, 1).floats(4, [1, 2]), /elements of tensor 'w' do not fit, got 8 bytes for 3; expected 12 bytes/);
  refused((t) => t.packed(1, [1]).int(2, 7).floats(4, [0.5]), /a tensor of integers holds a fraction, got 0.5/);
  refused((t) => t.packed(1, [1]).int(2, 7).packed(7, [2n ** 40n]), /an integer does not fit, got 1099511627776/);
  refused((t) => t.packed(1, [1]).int(2, 8).text(6, 'a'), /elements of another kind, got type 8/);
  refused((t) => t.packed(1, [1]).int(2, 1).message(13, new MessageWriter().text(1, 'location')), /keeps its elements in another file, got external data/);
  refused((t) => t.packed(1, [1]).int(2, 1).int(14, 1), /external data/);
});

test('files without a graph or an operator set are no models, and sparse tensors are refused', () => {
  throwsError(() => decodeModel(new MessageWriter().int(1, 8).finish()), PolyakError, /no model, got a file without a graph/);
  throwsError(() => decodeModel(new MessageWriter().message(7, new MessageWriter().text(2, 'g')).finish()), PolyakError, /without an operator set/);
  throwsError(() => decodeModel(new MessageWriter().message(7, new MessageWriter().bytes(15, new Uint8Array(0))).finish()), PolyakError, /sparse/);
});

test('more than 2 GB does not fit into a file', () => {
  const raw = new Uint8Array(0);
  Object.defineProperty(raw, 'length', { value: 2 ** 31 });
  const large = { ...model, graph: { ...model.graph, initializers: [{ name: 'w', dims: [2 ** 29], type: 1, raw }] } };
  throwsError(() => encodeModel(large), PolyakError, /does not fit into one file, got 2147483648 bytes; expected at most 2147483647/);
});

test.run();

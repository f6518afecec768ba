import { createHash } from 'node:crypto';
import { test } from 'uvu';
import { PolyakError } from '../../../core/errors.ts';
import { decodeModel } from '../../../core/io/onnx/decode.ts';
import type { OnnxModel } from '../../../core/io/onnx/model.ts';
import * as P from '../../../index.ts';
import { exportOnnx, importOnnx } from '../../../nn/index.ts';
import { tensorsOf } from '../../../nn/export/trace.ts';
import { Lambda, cases } from '../../onnx/cases.ts';
import { difference } from '../../onnx/compare.ts';
import { equal, is, ok, throwsError } from '../../assert.ts';

const throws = (fn: () => unknown, message: RegExp): void => throwsError(fn, PolyakError, message);
const run = (model: P.Module, inputs: readonly P.Tensor[]): P.Tensor[] => tensorsOf(P.noGrad(() => model.forward(...(inputs as never[]))));
const typesOf = ({ graph }: OnnxModel): string[] => graph.nodes.map(({ type }) => type).filter((type) => type !== 'Constant');
const written = (model: P.Module, inputs: P.Tensor | readonly P.Tensor[], options?: Parameters<typeof exportOnnx>[2]): OnnxModel => decodeModel(exportOnnx(model, inputs, options));

for (const { name, model: make, inputs, other, dynamicAxes, tolerance = 1e-5 } of cases) {
  test(`${name}: what is exported computes the same when it comes back`, () => {
    P.manualSeed(7);
    const model = P.noGrad(() => make().eval());
    const args = inputs();
    const options = dynamicAxes === undefined ? {} : { dynamicAxes };
    const bytes = exportOnnx(model, args, options);
    const again = importOnnx(bytes);
    for (const xs of other === undefined ? [args] : [args, other()]) {
      const [expected, got] = [run(model, xs), run(again, xs)];
      is(got.length, expected.length);
      expected.forEach((y, i) => {
        const d = difference(y, got[i]);
        ok(d <= tolerance, `output ${i} is ${got[i].dtype}[${got[i].shape.join(', ')}], expected ${y.dtype}[${y.shape.join(', ')}]: difference ${d}`);
      });
    }
    ok(Buffer.from(exportOnnx(model, args, options)).equals(Buffer.from(bytes)), 'other bytes in a second export');
  });
}

const net = (): P.Sequential => {
  P.manualSeed(0);
  return new P.Sequential(new P.Conv2d(1, 2, 3), new P.BatchNorm2d(2), new P.ReLU(), new P.Dropout(0.5), new P.Flatten(), new P.Linear(32, 3));
};
const image = (n = 2): P.Tensor => P.ones([n, 1, 6, 6]);

test('layers become nodes, parameters initializers under their names, and what only trains is gone', () => {
  const model = net();
  const file = written(model, image(), { dynamicAxes: [{ 0: 'batch' }], inputNames: ['image'], outputNames: ['logits'] });
  equal(typesOf(file), ['Conv', 'BatchNormalization', 'Relu', 'Reshape', 'Gemm']);
  equal(file.graph.initializers.map(({ name }) => name).sort(), Object.keys(model.stateDict()).filter((key) => !key.endsWith('num_batches_tracked')).sort());
  equal(file.graph.inputs, [{ name: 'image', type: 1, shape: ['batch', 1, 6, 6] }]);
  equal(file.graph.outputs, [{ name: 'logits', type: 1, shape: ['batch', 3] }]);
  equal([file.opset, file.irVersion, file.producer, file.graph.name], [17, 8, 'polyak', 'Sequential']);
  equal(file.graph.nodes.filter(({ type }) => type !== 'Constant').map(({ name }) => name), ['0/Conv', '1/BatchNormalization', '2/Relu', '4/Reshape', '5/Gemm']);
  ok(model.training && model.modules().every((m) => m.training), 'left in another mode');
});

test('the bytes of a model are these', () => {
  is(createHash('sha256').update(exportOnnx(net(), image())).digest('hex').slice(0, 16), 'f45607de44c4fae8');
});

test('tied parameters are one initializer', () => {
  class Tied extends P.Module {
    first = new P.Linear(3, 3, { bias: false });
    second = new P.Linear(3, 3, { bias: false });
    constructor() {
      super();
      this.second.weight = this.first.weight;
    }
    forward(x: P.Tensor): P.Tensor {
      return this.second.forward(this.first.forward(x));
    }
  }
  equal(written(new Tied(), P.ones([1, 3])).graph.initializers.map(({ name }) => name), ['first.weight']);
});

test('without dynamic axes all sizes are fixed, with them none of those is baked in', () => {
  const f = new Lambda((x) => x.reshape([x.shape[0] * 2, -1]).add(P.ones([x.shape[0] * 2, 1])));
  equal(written(f, P.ones([3, 4])).graph.outputs[0].shape, [6, 2]);
  const open = written(f, P.ones([3, 4]), { dynamicAxes: [{ 0: 'n' }] });
  equal(open.graph.outputs[0].shape, ['2*n', 2]);
  const again = importOnnx(exportOnnx(f, P.ones([3, 4]), { dynamicAxes: [{ 0: 'n' }] }));
  equal(run(again, [P.ones([5, 4])])[0].shape, [10, 2]);
  const two = written(new Lambda((x, y) => P.cat([x, y], 1)), [P.ones([2, 3]), P.ones([2, 5])], { dynamicAxes: [{ 0: 'n', 1: 'a' }, { 0: 'n', 1: 'b' }] });
  equal(two.graph.outputs[0].shape, ['n', 'a+b']);
});

test('recurrent layers, layer norm and attention are nodes of their own or few', () => {
  equal(typesOf(written(new P.LSTM(3, 2), P.ones([4, 2, 3]))).filter((t) => t === 'LSTM').length, 1);
  equal(typesOf(written(new P.LayerNorm([4]), P.ones([2, 4]))), ['LayerNormalization']);
  equal(typesOf(written(new P.GELU(), P.ones([2]), { opset: 20 })), ['Gelu']);
  ok(!typesOf(written(new P.AdaptiveAvgPool2d(1), image())).includes('Reshape'));
});

test('operations without a form in ONNX are named with their module', () => {
  class Special extends P.Module {
    head = new Lambda((x) => x.lgamma());
    forward(x: P.Tensor): unknown {
      return this.head.forward(x);
    }
  }
  throws(() => exportOnnx(new Special(), P.ones([2])), /^exportOnnx: lgamma in 'head' has a formula with lgamma, got one that ONNX lacks/);
  throws(() => exportOnnx(new Lambda((x) => x.nonzero()), P.ones([2])), /exportOnnx: nonzero has no form in ONNX/);
  throws(() => exportOnnx(new P.LSTM(3, 4, { projSize: 2 }), P.ones([2, 1, 3])), /lstmRun has a projection/);
  throws(() => exportOnnx(new Lambda((x) => x.add(P.rand([2]))), P.ones([2])), /a constant differs between runs of forward, got a float32\[2\]/);
});

test('values that are read in forward, and forwards that change with sizes or values, are refused', () => {
  throws(() => exportOnnx(new Lambda((x) => (x.sum().item() > 0 ? x : x.neg())), P.ones([2])), /trace: values were read in forward, got a read of float32\[\]/);
  throws(() => exportOnnx(new Lambda((x) => x.add(P.tensor(x.array()))), P.ones([2])), /values were read/);
  throws(() => exportOnnx(new Lambda((x) => (x.shape[0] > 2 ? x.neg() : x.abs())), P.ones([2, 2]), { dynamicAxes: [{ 0: 'n' }] }), /the operations depend on values or sizes of the arguments/);
  throws(() => exportOnnx(new Lambda((x) => x.mul(P.tensor(Array.from({ length: x.shape[0] }, (_, i) => i * i)))), P.ones([4]), { dynamicAxes: [{ 0: 'n' }] }), /a constant differs between runs of forward/);
});

test('arguments that do not fit are refused', () => {
  const m = new P.Linear(2, 2);
  throws(() => exportOnnx({} as never, P.ones([1, 2])), /exportOnnx: not a module/);
  throws(() => exportOnnx(m, 3 as never), /argument 0 is not a tensor, got 3/);
  throws(() => exportOnnx(m, P.ones([1, 2]), { opset: 16 }), /no such opset, got 16; expected one of 17, 18, 19, 20, 21/);
  throws(() => exportOnnx(m, P.ones([1, 2]), { inputNames: ['a', 'b'] }), /inputNames do not fit/);
  throws(() => exportOnnx(m, P.ones([1, 2]), { inputNames: ['a'], outputNames: ['a'] }), /a name is taken twice, got 'a'/);
  throws(() => exportOnnx(m, P.ones([1, 2]), { dynamicAxes: [{ 2: 'n' }] }), /no such axis, got 2 of argument 0/);
  throws(() => exportOnnx(m, P.ones([1, 2]), { dynamicAxes: [{ 0: 'a b' }] }), /not a name for an axis/);
  throws(() => exportOnnx(m, P.ones([1, 2]), { names: [] } as never), /unknown option, got 'names'/);
  throws(() => exportOnnx(new P.Bilinear(2, 2, 1), [P.ones([1, 2]), P.ones([2, 2])], { dynamicAxes: [{ 0: 'n' }, { 0: 'n' }] }), /axes of one name differ in size/);
});

test.run();

import { test } from 'uvu';
import { equal, is, ok, throwsError } from '../assert.ts';
import { ArgumentError, type Tensor, ones, tensor } from '../../index.ts';
import { BatchNorm1d, Embedding, Linear, Module, ReLU, Sequential, summary } from '../../nn/index.ts';

const model = (): Sequential => new Sequential(new Linear(4, 8), new BatchNorm1d(8), new ReLU(), new Linear(8, 2, { bias: false }));

test('layers, shapes, counts and totals', () => {
  const net = model();
  net.at(3).requiresGrad_(false);
  is(
    summary(net, [5, 4]),
    `Layer (type)     Output shape  Parameters
=========================================
Sequential       [5, 2]                 -
0 (Linear)       [5, 8]                40
1 (BatchNorm1d)  [5, 8]                16
2 (ReLU)         [5, 8]                 -
3 (Linear)       [5, 2]                16
=========================================
Total parameters: 72
Trainable parameters: 56
Non-trainable parameters: 16
Buffers: 3 (17 elements)
Size: 0.35 KB`,
  );
});

test('without an input only the parameters are listed', () => {
  is(
    summary(new Sequential(new Linear(1000, 2))),
    `Layer (type)  Parameters
========================
Sequential             -
0 (Linear)         2,002
========================
Total parameters: 2,002
Trainable parameters: 2,002
Non-trainable parameters: 0
Buffers: 0 (0 elements)
Size: 7.82 KB`,
  );
});

test('everything is as before afterwards', () => {
  const net = model();
  net.at(0).eval();
  const modes = net.modules().map((m) => m.training);
  const state = Object.values(net.stateDict()).map((t) => [...t.data()]);
  summary(net, ones([3, 4]));
  equal(net.modules().map((m) => m.training), modes);
  equal(Object.values(net.stateDict()).map((t) => [...t.data()]), state);
  ok(net.modules().every((m) => !Object.hasOwn(m, 'forward')));
  equal(net.parameters().map((p) => p.grad), [null, null, null, null, null]);
});

test('also when forward throws', () => {
  const net = model();
  throwsError(() => summary(net, [5, 3]), Error, /linear/);
  ok(net.modules().every((m) => m.training && !Object.hasOwn(m, 'forward')));
});

test('shared layers count once; several inputs and outputs; parameters in arrays', () => {
  class Two extends Module {
    first = new Linear(2, 3);
    again = this.first;
    gains = [new Linear(1, 1).weight];
    unused = new ReLU();
    forward(a: Tensor, b: Tensor): { sum: Tensor; rest: Tensor[] } {
      return { sum: this.first.forward(a), rest: [this.again.forward(b), b] };
    }
  }
  const text = summary(new Two(), [[4, 2], [5, 2]]).split('\n');
  is(text[2], 'Two             [4, 3], [5, 3], [5, 2]           1');
  is(text[3], 'first (Linear)  [4, 3]                           9');
  is(text[4], 'unused (ReLU)   -                                -');
  is(text[6], 'Total parameters: 10');
});

test('the dtype of inputs follows the model or the option', () => {
  ok(summary(new Linear(2, 1).double(), [3, 2]).includes('[3, 1]'));
  ok(summary(new Embedding(4, 3), [2, 5], { dtype: 'int64' }).includes('[2, 5, 3]'));
  ok(summary(new Embedding(4, 3), tensor([1n, 2n])).includes('[2, 3]'));
});

test('bad arguments are refused', () => {
  throwsError(() => Reflect.apply(summary, undefined, [3]), ArgumentError, /not a Module, got 3/);
  throwsError(() => Reflect.apply(summary, undefined, [model(), 4]), ArgumentError, /not an input, got 4/);
  throwsError(() => Reflect.apply(summary, undefined, [model(), [4, 4], { device: 'x' }]), ArgumentError, /unknown option/);
});

test.run();

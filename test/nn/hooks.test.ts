import { test } from 'uvu';
import { equal, is, ok, throwsError } from '../assert.ts';
import { ArgumentError, Bilinear, LSTM, Linear, ReLU, Sequential, ShapeError, StateError, type Tensor, noGrad, tensor } from '../../index.ts';
import { deepCopy } from '../../nn/copy.ts';
import { Module } from '../../nn/module.ts';

class Twice extends Module {
  calls = 0;
  forward(x: Tensor): Tensor {
    this.calls++;
    return x.mul(2);
  }
}

const x = tensor([1, 2]);

test('a forward hook sees module, inputs and output', () => {
  const m = new Twice();
  const seen: unknown[] = [];
  const remove = m.registerForwardHook((module, inputs, output) => {
    seen.push(module === m, inputs.length, inputs[0] === x, output.array());
  });
  equal(m.forward(x).array(), [2, 4]);
  equal(seen, [true, 1, true, [2, 4]]);
  remove();
  remove();
  m.forward(x);
  is(seen.length, 4);
  is(m.calls, 2);
});

test('hooks may replace inputs and output, in order', () => {
  const m = new Twice();
  m.registerForwardPreHook((_, [input]) => input.add(1));
  m.registerForwardPreHook((_, [input]) => [input.mul(10)]);
  m.registerForwardHook((_, __, output) => output.neg());
  m.registerForwardHook((_, __, output) => output.add(1));
  equal(m.forward(x).array(), [-39, -59]);
});

test('prepended hooks run first', () => {
  const m = new Twice();
  const order: number[] = [];
  m.registerForwardHook(() => void order.push(1));
  m.registerForwardHook(() => void order.push(2), { prepend: true });
  m.forward(x);
  equal(order, [2, 1]);
});

test('forward is the class\'s own again when the last hook goes', () => {
  const m = new Twice();
  const removeA = m.registerForwardHook(() => undefined);
  const removeB = m.registerForwardPreHook(() => undefined);
  is(Object.hasOwn(m, 'forward'), true);
  removeA();
  is(Object.hasOwn(m, 'forward'), true);
  removeB();
  is(Object.hasOwn(m, 'forward'), false);
  equal(Object.getOwnPropertySymbols(m), []);
  is(m.forward, Twice.prototype.forward);
});

test('a forward that is a property of the instance comes back', () => {
  const m = new Twice();
  const own = (input: Tensor): Tensor => input.mul(5);
  m.forward = own;
  const remove = m.registerForwardHook((_, __, output) => output.add(1));
  equal(m.forward(x).array(), [6, 11]);
  remove();
  is(m.forward, own);
});

test('hooks survive a deep copy and belong to the copy then', () => {
  const m = new Twice();
  const seen: Module[] = [];
  const remove = m.registerForwardHook((module) => void seen.push(module));
  const copy = deepCopy(m);
  remove();
  m.forward(x);
  copy.forward(x);
  is(seen.length, 1);
  is(seen[0], copy);
  equal([m.calls, copy.calls], [1, 1]);
});

test('a hook may remove itself, and a hook that throws stops the call', () => {
  const m = new Twice();
  let count = 0;
  const remove = m.registerForwardHook(() => {
    count++;
    remove();
  });
  m.forward(x);
  m.forward(x);
  is(count, 1);
  m.registerForwardPreHook(() => {
    throw new RangeError('stop');
  });
  throwsError(() => m.forward(x), RangeError, /stop/);
  is(m.calls, 2);
});

test('bad hooks are refused', () => {
  const m = new Twice();
  throwsError(() => Reflect.apply(m.registerForwardHook, m, [1]), ArgumentError, /not a function, got 1/);
  throwsError(() => Reflect.apply(m.registerForwardHook, m, [() => undefined, { first: true }]), ArgumentError, /unknown option/);
  Reflect.set(m, 'forward', 3);
  throwsError(() => m.registerForwardHook(() => undefined), StateError, /Twice has no forward/);
});

test('backward hooks see the gradients of inputs and outputs, and may replace them', () => {
  const layer = new Linear(2, 2, { bias: false, dtype: 'float64' });
  noGrad(() => layer.weight.copy_(tensor([[1, 2], [3, 4]])));
  const seen: unknown[] = [];
  const remove = layer.registerFullBackwardHook((m, gradInput, gradOutput) => {
    is(m, layer);
    seen.push(gradInput.map((g) => g?.array()), gradOutput.map((g) => g?.array()));
  });
  const x = tensor([[1, 1]], { dtype: 'float64' }).requiresGrad_();
  const y = layer.forward(x);
  y.mul(tensor([[1, 10]], { dtype: 'float64' })).sum().backward();
  equal(seen, [[[[31, 42]]], [[[1, 10]]]]);
  equal([x.grad?.array(), layer.weight.grad?.array()], [[[31, 42]], [[1, 1], [10, 10]]]);
  remove();
  ok(!Object.hasOwn(layer, 'forward'));

  const removers = [
    layer.registerFullBackwardPreHook((_, [g]) => g?.mul(2)),
    layer.registerFullBackwardHook((_, [g], [out]) => [g === null ? null : g.add(out?.sum() ?? 0)]),
  ];
  const z = x.detach().requiresGrad_();
  layer.zeroGrad();
  layer.forward(z).sum().backward();
  equal([z.grad?.array(), layer.weight.grad?.array()], [[[12, 16]], [[2, 2], [2, 2]]]);
  for (const undo of removers) undo();
});

test('backward hooks of modules with several inputs, in nets and without gradients', () => {
  const layer = new Bilinear(2, 2, 1, { dtype: 'float64' });
  let calls: number[][] = [];
  layer.registerFullBackwardHook((_, gradInput, gradOutput) => void calls.push([...gradInput, ...gradOutput].map((g) => (g === null ? 0 : g.numel()))));
  const a = tensor([[1, 2], [3, 4]], { dtype: 'float64' });
  layer.forward(a, a).sum().backward();
  equal(calls, [[0, 0, 2]]);
  calls = [];
  layer.forward(a.clone().requiresGrad_(), a).sum().backward();
  equal(calls, [[4, 0, 2]]);
  calls = [];
  noGrad(() => layer.forward(a, a));
  equal(calls, []);
  const copy = deepCopy(layer);
  copy.forward(a, a).sum().backward();
  equal(calls.length, 1);

  const order: string[] = [];
  const net = new Sequential(new Linear(2, 3), new ReLU(), new Linear(3, 1));
  net.children().forEach((m, i) => m.registerFullBackwardHook(() => void order.push(String(i))));
  net.forward(tensor([[1, 2]])).sum().backward();
  equal(order, ['2', '1', '0']);
  ok(net.parameters().every((p) => p.grad !== null));
});

test('backward hooks refuse what does not fit', () => {
  const lstm = new LSTM(2, 2);
  lstm.registerFullBackwardHook(() => {});
  throwsError(() => lstm.forward(tensor([[1, 2]])), StateError, /registerFullBackwardHook: LSTM gives no tensors/);
  const layer = new Linear(2, 2);
  layer.registerFullBackwardPreHook(() => [tensor([1])]);
  throwsError(() => layer.forward(tensor([[1, 2]])).sum().backward(), ShapeError, /registerFullBackwardPreHook: the hook gives a gradient of another shape, got float32\[1\]; expected float32\[1, 2\]/);
  throwsError(() => layer.registerFullBackwardHook(1 as never), ArgumentError, /not a function/);
});

test.run();

import { test } from 'uvu';
import { equal, is, ok, throwsError } from '../assert.ts';
import { ArgumentError, DTypeError, Tensor, noGrad, tensor } from '../../index.ts';
import { Buffer, Parameter } from '../../nn/parameter.ts';

test('a Parameter shares the memory of its tensor and requires grad', () => {
  const x = tensor([1, 2, 3]);
  const p = new Parameter(x);
  ok(p instanceof Tensor);
  is(p.requiresGrad, true);
  is(x.requiresGrad, false);
  is(p.storage, x.storage);
  noGrad(() => p.fill_(7));
  equal([...x.data()], [7, 7, 7]);
});

test('a Parameter has no history and keeps the layout', () => {
  const x = tensor([[1, 2], [3, 4]], { requiresGrad: true }).mul(2).t();
  const p = new Parameter(x);
  is(p.isLeaf, true);
  is(p.base, null);
  equal(p.array(), [[2, 6], [4, 8]]);
  equal(p.strides, x.strides);
});

test('gradients arrive in a Parameter, results are plain tensors', () => {
  const p = new Parameter(tensor([1, 2]));
  const y = p.mul(3);
  is(y instanceof Parameter, false);
  y.sum().backward();
  equal(p.grad?.array(), [3, 3]);
});

test('a Parameter may be frozen, and need not be a float then', () => {
  is(new Parameter(tensor([1]), { requiresGrad: false }).requiresGrad, false);
  is(new Parameter(tensor([1n]), { requiresGrad: false }).dtype, 'int64');
  throwsError(() => new Parameter(tensor([1n])), DTypeError, /only floats carry gradients/);
});

test('a Buffer shares memory, needs no grad, and is persistent unless told', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const b = new Buffer(x);
  is(b.requiresGrad, false);
  is(b.storage, x.storage);
  is(b.persistent, true);
  is(new Buffer(x, { persistent: false }).persistent, false);
});

test('bad arguments are refused', () => {
  throwsError(() => Reflect.construct(Parameter, [[1, 2]]), ArgumentError, /Parameter: not a tensor, got \[1, 2\]/);
  throwsError(() => Reflect.construct(Buffer, [3]), ArgumentError, /Buffer: not a tensor/);
  throwsError(() => Reflect.construct(Parameter, [tensor([1]), { requires_grad: false }]), ArgumentError, /unknown option.*\n.*requiresGrad/);
  throwsError(() => Reflect.construct(Buffer, [tensor([1]), { persistent: 1 }]), ArgumentError, /persistent is not a boolean/);
});

test('a Parameter prints under a heading', () => {
  is(String(new Parameter(tensor([1, 2]))), 'Parameter containing:\ntensor([1., 2.], requiresGrad=true)');
});

test.run();

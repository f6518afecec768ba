import { test } from 'uvu';
import { equal, is, throwsError } from '../assert.ts';
import { ArgumentError, StateError, type Tensor, tensor } from '../../index.ts';
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

test.run();

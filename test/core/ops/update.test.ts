import { test } from 'uvu';
import { cpu } from '../../../core/device.ts';
import { e } from '../../../core/expr.ts';
import { type UpdateKernel, allUpdateRules, applyUpdate, updateRule } from '../../../core/ops/update.ts';
import { ArgumentError, DTypeError, DeviceError, ShapeError, StateError, type Tensor, ones, registerDevice, tensor, zeros } from '../../../index.ts';
import { equal, is, ok, throwsError } from '../../assert.ts';

const mix = updateRule({
  name: 'testMix',
  columns: ['a', 'b', 'sum'],
  scalars: ['weight'],
  body: ([a, b, sum], [weight]) => {
    const next = e.add(e.mul(a, weight), b);
    return [next, null, e.add(sum, next)];
  },
});

test('new values come from the old ones, over lists of any shapes and dtypes', () => {
  const as = [tensor([1, 2]), tensor(3, { dtype: 'float64' }), zeros([0])];
  const bs = [tensor([10, 20]), tensor(30, { dtype: 'float64' }), zeros([0])];
  const sums = [tensor([100, 200]), tensor(300, { dtype: 'float64' }), zeros([0])];
  const versions = [as, bs, sums].map((list) => list[0].storage.version);
  applyUpdate(mix, [as, bs, sums], [2]);
  equal(as.map((x) => x.array()), [[12, 24], 36, []]);
  equal(bs.map((x) => x.array()), [[10, 20], 30, []]);
  equal(sums.map((x) => x.array()), [[112, 224], 336, []]);
  equal([as, bs, sums].map((list, c) => list[0].storage.version - versions[c]), [1, 0, 1]);
  applyUpdate(mix, [[], [], []], [1]);
});

test('any memory layout, and only the elements of the tensor', () => {
  const base = tensor([[1, 2, 9], [3, 4, 9]]);
  const a = base.narrow(1, 0, 2).t();
  const b = tensor([5, 6]).expand([2, 2]);
  const sum = zeros([2, 2]);
  applyUpdate(mix, [[a], [b], [sum]], [1]);
  equal(a.array(), [[6, 9], [7, 10]]);
  equal(sum.array(), [[6, 9], [7, 10]]);
  equal(base.array(), [[6, 7, 9], [9, 10, 9]]);
});

test('every operation rounds to the dtype of the columns', () => {
  const [a, b, w] = [0.1, 0.7, 0.3];
  const f = Math.fround;
  const x = tensor([a]);
  applyUpdate(mix, [[x], [tensor([b])], [zeros([1])]], [w]);
  is(x.item(), f(f(f(a) * f(w)) + f(b)));
  const y = tensor([a], { dtype: 'float64' });
  applyUpdate(mix, [[y], [tensor([b], { dtype: 'float64' })], [zeros([1], { dtype: 'float64' })]], [w]);
  is(y.item(), a * w + b);
});

test('tensors that do not fit are refused before anything is written', () => {
  const good = ones([2]);
  const run = (a: Tensor, b: Tensor, sum: Tensor): (() => void) => () => applyUpdate(mix, [[good, a], [ones([2]), b], [ones([2]), sum]], [2]);
  throwsError(run(ones([2]), ones([3]), ones([2])), ShapeError, /testMix: b has another shape than a, got float32\[3\] and float32\[2\]/);
  throwsError(run(ones([2]), ones([2], { dtype: 'float64' }), ones([2])), DTypeError, /b has another dtype/);
  throwsError(run(ones([2], { dtype: 'int32' }), ones([2]), ones([2])), DTypeError, /a is not a float tensor, got int32\[2\]/);
  throwsError(run(ones([1]).expand([2]), ones([2]), ones([2])), StateError, /a has elements that share one cell/);
  const shared = ones([3]);
  throwsError(run(shared.narrow(0, 0, 2), shared.narrow(0, 1, 2), ones([2])), StateError, /b and a share memory/);
  throwsError(run(shared.narrow(0, 0, 2), ones([2]), shared.narrow(0, 0, 2)), StateError, /share memory/);
  throwsError(() => applyUpdate(mix, [[good], [], [good]], [1]), ArgumentError, /lists do not fit, got lengths \[1, 0, 1\]/);
  throwsError(() => applyUpdate(mix, [[good], [good], [good]], []), ArgumentError, /0 scalars/);
  equal(good.array(), [1, 1]);
  const own = ones([2]);
  applyUpdate(mix, [[own], [own], [ones([2])]], [2]);
  equal(own.array(), [3, 3]);
});

test('rules are listed by name, and a name is taken once', () => {
  is(allUpdateRules().get('testMix'), mix);
  for (const name of ['sgd', 'sgdMomentum', 'adam', 'adamAmsgrad']) ok(allUpdateRules().has(name));
  throwsError(() => updateRule({ name: 'testMix', columns: [], scalars: [], body: () => [] }), StateError, /'testMix' is defined twice/);
  throwsError(() => updateRule({ name: 'testShort', columns: ['a'], scalars: [], body: () => [] }), ArgumentError, /'testShort' gives 0 values/);
});

test('a device brings its own kernel; without one the error names the rule', () => {
  const device = { ...cpu, name: 'test-update' };
  registerDevice(device);
  const on = (x: Tensor): Tensor => {
    Object.defineProperty(x.storage, 'device', { value: device });
    return x;
  };
  const near = ones([1]);
  const columns = [[near, on(ones([1]))], [ones([1]), on(ones([1]))], [ones([1]), on(ones([1]))]];
  throwsError(() => applyUpdate(mix, columns, [2]), DeviceError, /testMix: no kernel on this device, got 'test-update'; expected one of cpu/);
  is(near.item(), 1);
  const calls: [number, readonly number[]][] = [];
  const kernel: UpdateKernel = (targets, scalars) => calls.push([targets[0].length, scalars]);
  mix.kernels.set('test-update', kernel);
  applyUpdate(mix, columns, [2]);
  equal(calls, [[1, [2]]]);
  is(near.item(), 3);
  throwsError(() => applyUpdate(mix, [[ones([1])], [on(ones([1]))], [ones([1])]], [1]), DeviceError, /b is on another device than a, got test-update and cpu/);
});

test.run();

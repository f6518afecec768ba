import { test } from 'uvu';
import {
  ArgumentError, DTypeError, DeviceError, F, Linear, MemoryError, Parameter, SGD, Sequential, StateError, type Tensor, Tanh, init, manualSeed, noGrad, ones, rand, scope, tensor, zeros,
} from '../../index.ts';
import { activeBackend } from '../../gpu/device.ts';
import { gpu, gpuInfo, useGpu } from '../../gpu/index.ts';
import { grownIn } from './live.ts';
import { allClose, equal, is, ok, rejectsError, throwsError } from '../assert.ts';

const values = async (x: Tensor): Promise<number[]> => [...(await x.cpu()).data()];

test('importing registers the device, which waits for a backend', () => {
  is(gpuInfo(), null);
  const x = tensor([1, 2]);
  throwsError(() => x.to('gpu'), DeviceError, /no backend was started[\s\S]*await useGpu\(\)/);
  allClose(x, [1, 2]);
});

test('a backend that is not there is an error that says how to get it', async () => {
  await rejectsError(() => useGpu({ backend: 'webgl2' }), DeviceError, /cannot be started, got 'webgl2'/);
  await rejectsError(() => useGpu({ backend: 'cuda' as 'webgpu' }), ArgumentError, /unknown backend, got 'cuda'; expected one of webgpu, webgl2, headlessgl, webasm/);
  await rejectsError(() => Promise.resolve(Reflect.apply(useGpu, undefined, [{ mode: 'webgpu' }])), ArgumentError, /unknown option, got 'mode'/);
  is(gpuInfo(), null);
});

test('without a name WebGPU is looked for, then what draws here: WebGL 2 in browsers, their workers included', async () => {
  const stand = (name: string, value: unknown): (() => void) => {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true });
    return () => (before === undefined ? Reflect.deleteProperty(globalThis, name) : Object.defineProperty(globalThis, name, before));
  };
  const restoreNavigator = stand('navigator', { gpu: { requestAdapter: () => Promise.resolve(null) } });
  const restoreCanvas = stand('OffscreenCanvas', undefined);
  try {
    await rejectsError(() => useGpu(), DeviceError, /webgpu: no adapter; headlessgl: /);
    stand('OffscreenCanvas', class {});
    await rejectsError(() => useGpu(), DeviceError, /webgpu: no adapter; webgl2: /);
  } finally {
    restoreNavigator();
    restoreCanvas();
  }
});

test('the information tells what really runs', async () => {
  const info = await useGpu({ backend: 'webasm' });
  is(info.backend, 'webasm');
  is(info.software, true);
  equal(info.kernels, { built: 0, milliseconds: 0 });
  await values(ones([3]).to('gpu').exp());
  const after = gpuInfo();
  ok(after !== null && after.kernels.built >= 1 && after.kernels.milliseconds > 0);
});

test('elements stay on the device until they are awaited', async () => {
  const x = tensor([[1, 2], [3, 4]]).to('gpu');
  is(x.device, gpu);
  equal([...x.shape], [2, 2]);
  throwsError(() => x.item(), Error, /./);
  throwsError(() => x.sum().item(), DeviceError, /not on the CPU[\s\S]*await t\.cpu\(\)/);
  throwsError(() => x.data(), DeviceError, /await t\.cpu\(\)/);
  throwsError(() => x.array(), DeviceError, /await t\.cpu\(\)/);
  throwsError(() => x.to('cpu'), DeviceError, /await x\.cpu\(\)/);
  is(String(x), 'tensor(..., shape=[2, 2], device=gpu, dtype=float32)');
  const back = await x.t().cpu();
  is(back.device.name, 'cpu');
  equal(back.array(), [[1, 3], [2, 4]]);
  equal((await x.narrow(1, 1, 1).cpu()).array(), [[2], [4]]);
  equal((await zeros([0, 3]).to('gpu').cpu()).shape, [0, 3]);
  is((await tensor([1, 0], { dtype: 'bool' }).to('gpu').cpu()).dtype, 'bool');
});

test('a read gives the values at the call', async () => {
  const x = ones([3]).to('gpu');
  const before = x.cpu();
  x.add_(1);
  allClose(await before, [1, 1, 1]);
  allClose(await x.cpu(), [2, 2, 2]);
});

test('writes in place reach the base and its views, and count', async () => {
  const x = zeros([3, 4]).to('gpu');
  const version = x.storage.version;
  x.narrow(1, 1, 2).add_(1);
  x.t().select(0, 3).fill_(7);
  x.select(0, 2).mul_(tensor([1, 2, 3, 4]).to('gpu'));
  equal((await x.cpu()).array(), [[0, 1, 1, 7], [0, 1, 1, 7], [0, 2, 3, 28]]);
  ok(x.storage.version > version);
});

test('gradients stay on the device and differentiate again', async () => {
  const x = tensor([0.5, -1, 2]).to('gpu').requiresGrad_();
  const y = x.pow(3).sum();
  y.backward({ createGraph: true });
  const { grad } = x;
  ok(grad !== null);
  is(grad.device, gpu);
  allClose(await values(grad), [0.75, 3, 12]);
  x.grad = null;
  grad.sum().backward();
  const second = x.gradient;
  ok(second !== null);
  allClose(await values(second), [3, -6, 12]);
});

test('a model moves as a whole and keeps its parameters; its optimizer goes on', async () => {
  manualSeed(0);
  const model = new Sequential(new Linear(2, 4), new Tanh(), new Linear(4, 1));
  const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
  const [first] = model.parameters();
  model.to('gpu');
  ok(model.parameters()[0] === first && first.device === gpu);
  const [x, y] = [rand([8, 2]).to('gpu'), rand([8, 1]).to('gpu')];
  const losses: number[] = [];
  for (let i = 0; i < 30; i++) {
    optimizer.zeroGrad();
    const loss = F.mseLoss(model.forward(x), y);
    loss.backward();
    optimizer.step();
    losses.push((await loss.cpu()).item());
  }
  ok(losses[29] < losses[0]);
  is(await model.cpu(), model);
  ok(model.parameters()[0] === first && first.device.name === 'cpu' && first instanceof Parameter);
  is(first.grad?.device.name, 'cpu');
  ok(Number.isFinite(model.forward(rand([1, 2])).item()));
});

test('tensors of two devices do not mix, and nothing is changed', async () => {
  const [here, there] = [ones([2]), ones([2]).to('gpu')];
  throwsError(() => there.add(here), DeviceError, /add: tensors on different devices, got gpu and cpu/);
  throwsError(() => here.add_(there), DeviceError, /different devices/);
  allClose(here, [1, 1]);
  allClose(await values(there), [1, 1]);
});

test('a tensor that requires grad does not leave its device unnoticed', async () => {
  const x = ones([2], { requiresGrad: true });
  throwsError(() => x.to('gpu'), DeviceError, /to: gradients do not flow from one device to another, got float32\[2\] that requires grad[\s\S]*detach\(\)/);
  throwsError(() => x.mul(2).to('gpu'), DeviceError, /gradients do not flow/);
  allClose(await values(x.detach().to('gpu')), [1, 1]);
  is(noGrad(() => x.to('gpu')).requiresGrad, false);
});

test('what the device lacks is an error that names it', () => {
  const x = ones([2, 2]).to('gpu');
  throwsError(() => x.sort(), DeviceError, /sort: no kernel on this device, got 'gpu'/);
  throwsError(() => x.erfinv(), DeviceError, /erfinv: the function 'erfinv' has no form on this device/);
  throwsError(() => x.to('float64'), DTypeError, /no doubles on the device/);
  throwsError(() => ones([2], { dtype: 'float64' }).to('gpu'), DTypeError, /got float64[\s\S]*float32/);
  throwsError(() => tensor([2 ** 24 + 1], { dtype: 'int64' }).to('gpu'), DTypeError, /a whole number does not fit, got 16777217 in int64/);
});

test('reading what was released or never written is an error', async () => {
  const x = ones([2]).to('gpu');
  const kept = scope(() => {
    void x.mul(3).add(1);
    return x.mul(2);
  });
  allClose(await values(kept), [2, 2]);
  const gone = scope(() => ({ hidden: x.mul(2) }).hidden.storage);
  gone.release();
  await rejectsError(() => gone.read(), StateError, /was not written or was released/);
});

test('labels outside the classes give NaN, not a neighbour', async () => {
  const loss = F.crossEntropy(rand([2, 3]).to('gpu'), tensor([1, 7], { dtype: 'int64' }).to('gpu'));
  ok(Number.isNaN((await values(loss))[0]));
  const rows = F.embedding(tensor([0, 5], { dtype: 'int64' }).to('gpu'), rand([3, 2]).to('gpu'));
  equal((await values(rows)).map(Number.isNaN), [false, false, true, true]);
});

test('NaN, infinities and large arguments come through', async () => {
  const x = tensor([NaN, Infinity, -Infinity, 100, -100, 0]).to('gpu');
  equal(await values(x.tanh()), [NaN, 1, -1, 1, -1, 0]);
  equal(await values(x.maximum(0)), [NaN, Infinity, 0, 100, 0, 0]);
  equal(await values(x.isnan()), [1, 0, 0, 0, 0, 0]);
  equal(await values(F.relu(x)), [NaN, Infinity, 0, 100, 0, 0]);
  equal(await values(x.clamp({ min: -1, max: 1 })), [NaN, 1, -1, 1, -1, 0]);
  equal(await values(x.max().reshape([1])), [NaN]);
  allClose(await values(tensor([1e-8, -1e-8, 1e-4]).to('gpu').log1p()), [1e-8, -1e-8, 9.9995e-5]);
  allClose(await values(tensor([1e-8, -1e-8, 1e-4]).to('gpu').expm1()), [1e-8, -1e-8, 1.00005e-4]);
});

test('dropout draws on the device, from the seed of the generator', async () => {
  const x = ones([10_000]).to('gpu');
  manualSeed(7);
  const [a, b] = [await values(F.dropout(x, 0.25)), await values(F.dropout(x, 0.25))];
  manualSeed(7);
  equal(await values(F.dropout(x, 0.25)), a);
  const share = a.filter((v) => v === 0).length / a.length;
  ok(Math.abs(share - 0.25) < 0.02, `${share} of the elements are dropped`);
  const both = a.filter((v, i) => v === 0 && b[i] === 0).length / a.length;
  ok(Math.abs(both - 0.0625) < 0.01, `${both} are dropped twice`);
  ok(a.every((v) => v === 0 || Math.abs(v - 4 / 3) < 1e-6));
});

test('random numbers in place are those of the CPU', async () => {
  const fills: readonly ((x: Tensor) => Tensor)[] = [
    (x) => x.uniform_(-1, 1), (x) => x.normal_(), (x) => x.t().normal_(), (x) => x.narrow(1, 3, 20).normal_(), (x) => x.bernoulli_(0.3), (x) => x.random_(0, 9), (x) => x.exponential_(2), (x) => x.narrow(0, 0, 0).normal_(),
    (x) => init.kaimingNormal_(x), (x) => init.orthogonal_(x),
  ];
  for (const fillIn of fills) {
    const [here, there] = ['cpu', 'gpu'].map((device) => {
      manualSeed(3);
      const x = zeros([5, 30], { device });
      fillIn(x);
      return x;
    });
    is(there.device, gpu);
    allClose(await there.cpu(), here, { rtol: 1e-6, atol: 1e-6 });
  }
});

test('more elements than floats can count are refused where indices are calculated with', async () => {
  const x = ones([1]).to('gpu').expand([2 ** 24 + 4]).contiguous();
  throwsError(() => x.sum(), DeviceError, /too many elements for kernel 'fold sum .*', got 16777220; expected at most 2\^24/);
  throwsError(() => F.softmax(x, 0), DeviceError, /too many elements/);
  throwsError(() => F.dropout(x, 0.5), DeviceError, /too many elements for kernel 'bernoulli'/);
  throwsError(() => x.narrow(0, 1, 3).fill_(2), DeviceError, /too many elements for kernel 'place 1'/);
  const y = x.add(1);
  y.storage.release();
  x.storage.release();
});

test('what is larger than the adapter allows is refused, and smaller requests work', async () => {
  const x = ones([1]).to('gpu');
  throwsError(() => x.expand([2 ** 27]).add(1), MemoryError, /the adapter has no room for a result, got 536870912 bytes; expected at most 268435456/);
  allClose(await values(x.add(1)), [2]);
});

test('memory stays flat over 10,000 steps although nobody disposes of anything', async () => {
  const grown = await grownIn(10_000);
  // One activation kept per step would be more.
  ok(grown.process < 2 ** 27 && grown.device < 2 ** 27, JSON.stringify(grown));
});

test('a device that is lost is an error, the CPU is not touched, and another can be started', async () => {
  const here = ones([2]);
  const there = here.to('gpu');
  activeBackend().destroy();
  throwsError(() => there.add(1), DeviceError, /the device was lost[\s\S]*await useGpu\(\)/);
  await rejectsError(() => there.cpu(), DeviceError, /the device was lost/);
  allClose(here, [1, 1]);
  await useGpu({ backend: 'webasm' });
  allClose(await values(here.to('gpu').add(1)), [2, 2]);
  throwsError(() => here.to('gpu').add(there), DeviceError, /the device was lost, got 'it was ended'/);
});

test.run();

import { test } from 'uvu';
import { cpu } from '../../core/device.ts';
import { Storage } from '../../core/storage.ts';
import { ArgumentError, type DType, type Device, DeviceError, Tensor, getDevice, ones, registerDevice, tensor, zeros } from '../../index.ts';
import { allClose, equal, is, ok, rejectsError, throwsError } from '../assert.ts';

/** A device that keeps its elements to itself. */
class FarStorage extends Storage {
  get device(): Device {
    return far;
  }
}

const far: Device = {
  name: 'far',
  allocate: (dtype: DType, length: number) => new FarStorage(dtype, length),
  adopt: (dtype: DType, cells) => new FarStorage(dtype, cells.length),
};

test('the CPU is known and is the default', () => {
  is(getDevice('cpu'), cpu);
  is(getDevice(cpu), cpu);
  is(zeros([1]).device, cpu);
  is(zeros([1], { device: 'cpu' }).device, cpu);
  throwsError(() => getDevice('far'), DeviceError, /unknown device, got 'far'; expected one of cpu/);
  throwsError(() => zeros([1], { device: 'tpu' }), DeviceError, /unknown device/);
  throwsError(() => Reflect.apply(getDevice, undefined, [3]), ArgumentError, /not a device, got 3/);
  throwsError(() => Reflect.apply(getDevice, undefined, [null]), ArgumentError, /not a device, got null/);
});

test('storages count versions and have numbers', () => {
  const before = Storage.count;
  const x = ones([2]);
  ok(Storage.count > before);
  is(x.storage.version, 0);
  x.add_(1);
  is(x.storage.version, 1);
  is(x.narrow(0, 0, 1).storage.version, 1);
  is(x.storage.length, 2);
});

test('cpu() gives a promise of the tensor itself', async () => {
  const x = tensor([1, 2]);
  is(await x.cpu(), x);
});

test('a registered device is found, its tensors are not mixed, lack kernels and are not read', async () => {
  registerDevice(far);
  const x = new Tensor(far.allocate('float32', 2), [2]);
  is(getDevice('far'), far);
  is(x.device.name, 'far');
  throwsError(() => x.add(ones([2])), DeviceError, /add: tensors on different devices, got far and cpu[\s\S]*\.to\(/);
  throwsError(() => x.exp(), DeviceError, /exp: no kernel on this device, got 'far'; expected one of cpu/);
  throwsError(() => x.item(), Error, /./);
  throwsError(() => x.data(), DeviceError, /not on the CPU[\s\S]*await t\.cpu\(\)/);
  is(String(x), 'tensor(..., shape=[2], device=far, dtype=float32)');
  equal([...ones([3]).to('far').shape], [3]);
  throwsError(() => x.to('cpu'), DeviceError, /cannot be read at once[\s\S]*await/);
  await rejectsError(async () => x.add(ones([2])), DeviceError, /different devices/);
  allClose(ones([2]), [1, 1]);
});

test.run();

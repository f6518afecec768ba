import { adoptedStorage, emptyStorage } from './cpu/memory/storage.ts';
import { ArgumentError, DeviceError, show } from './errors.ts';
import type { Device } from './storage.ts';

/** The CPU: kernels in `core/cpu`, memory in `core/cpu/memory`. */
export const cpu: Device = {
  name: 'cpu',
  allocate: (dtype, length) => {
    const storage = emptyStorage(cpu, dtype, length);
    if (dtype !== 'float64') storage.cells.fill(0);
    return storage;
  },
  empty: (dtype, length) => emptyStorage(cpu, dtype, length),
  adopt: (dtype, cells) => adoptedStorage(cpu, dtype, cells),
};

const devices = new Map<string, Device>([[cpu.name, cpu]]);

/** Makes a device known under its name. */
export function registerDevice(device: Device): void {
  devices.set(device.name, device);
}

/**
 * The device of a name.
 *
 * @throws DeviceError when no such device was registered
 */
export function getDevice(name: string | Device): Device {
  if (typeof name !== 'string') {
    if (typeof name === 'object' && name !== null && typeof name.allocate === 'function') return name;
    throw new ArgumentError(`device: not a device, got ${show(name)}; expected one of ${[...devices.keys()].join(', ')}`);
  }
  const device = devices.get(name);
  if (device === undefined) {
    const known = [...devices.keys()].join(', ');
    throw new DeviceError(`device: unknown device, got '${name}'; expected one of ${known}`, { values: { name } });
  }
  return device;
}

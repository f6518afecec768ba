import { cpu } from './cpu/memory/storage.ts';
import { ArgumentError, DeviceError, show } from './errors.ts';
import type { Device } from './storage.ts';

export { cpu } from './cpu/memory/storage.ts';

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

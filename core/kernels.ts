import type { Device } from './storage.ts';

/** The kernels of an operation by device name. The last one asked for is found without a lookup, since most programs use one device. */
export class KernelTable<K> {
  private readonly byName = new Map<string, K>();
  private recentDevice: Device | null = null;
  private recent: K | undefined = undefined;

  constructor(cpu: K) {
    this.byName.set('cpu', cpu);
  }

  /** The kernel on a device, if there is one. */
  on(device: Device): K | undefined {
    if (device === this.recentDevice) return this.recent;
    this.recentDevice = device;
    this.recent = this.byName.get(device.name);
    return this.recent;
  }

  /** Adds a kernel, or replaces one. */
  set(device: string, kernel: K): this {
    this.byName.set(device, kernel);
    this.recentDevice = null;
    return this;
  }

  /** Whether there is a kernel on the device of this name. */
  has(device: string): boolean {
    return this.byName.has(device);
  }

  /** Names of the devices that have a kernel. */
  names(): string[] {
    return [...this.byName.keys()];
  }
}

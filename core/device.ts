import { type DType, type TypedArray, makeArray } from './dtype.ts';
import { ArgumentError, DeviceError, show } from './errors.ts';

/**
 * A block of elements on a device, shared by a tensor and its views. The version counts in-place writes,
 * so that autograd notices when a saved value was overwritten.
 */
export abstract class Storage {
  private static created = 0;
  abstract readonly device: Device;
  readonly dtype: DType;
  readonly length: number;
  /** Counts in-place writes. */
  version = 0;
  /** Order of creation; a gradient of the running backward pass is recognised by it. */
  readonly id: number = Storage.created++;
  /** True once a leaf keeps this block as its gradient. */
  claimed = false;
  constructor(dtype: DType, length: number) {
    this.dtype = dtype;
    this.length = length;
  }
  /** Number of storages made so far. */
  static get count(): number {
    return Storage.created;
  }
  /** The elements, where they lie in JavaScript's reach. */
  get cells(): TypedArray {
    throw new DeviceError(`${this.device.name}: elements are not on the CPU, got a read; expected a CPU tensor`, {
      hint: 'await t.cpu() first',
    });
  }
}

/** Where tensors live and kernels run. */
export interface Device {
  /** As in `tensor.to('cpu')`. */
  readonly name: string;
  /** A zeroed block. */
  allocate(dtype: DType, length: number): Storage;
  /** A block that takes over an array of elements without a copy where the device can. */
  adopt(dtype: DType, cells: TypedArray): Storage;
}

class CpuStorage extends Storage {
  private readonly array: TypedArray;
  constructor(dtype: DType, array: TypedArray) {
    super(dtype, array.length);
    this.array = array;
  }
  get device(): Device {
    return cpu;
  }
  override get cells(): TypedArray {
    return this.array;
  }
}

/** The CPU: elements in typed arrays, kernels in `core/cpu`. */
export const cpu: Device = {
  name: 'cpu',
  allocate: (dtype, length) => new CpuStorage(dtype, makeArray(dtype, length)),
  adopt: (dtype, cells) => new CpuStorage(dtype, cells),
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

// The entry `polyak/gpu`: loading it makes the device 'gpu' known; `await useGpu()` starts it.
import '../core/whole.ts';
import { registerDevice } from '../core/device.ts';
import { gpu } from './device.ts';

registerDevice(gpu);

export { gpu } from './device.ts';
export { type GpuInfo, type GpuOptions, gpuInfo, useGpu } from './start.ts';
export { type AdapterInfo, type BackendName } from './backend.ts';

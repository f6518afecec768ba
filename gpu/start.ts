import { ArgumentError, DeviceError, checkOptions, show } from '../core/errors.ts';
import type { AdapterInfo, Backend, BackendName } from './backend.ts';
import { KernelBackend } from './backends/kernels.ts';
import { WebGPUBackend } from './backends/webgpu.ts';
import { currentBackend, setBackend } from './device.ts';
import { type GpuJs, HEADLESS_VERSION, VERSION, loadGpuJs } from './gpujs.ts';

/** Options of `useGpu`. */
export interface GpuOptions {
  /** The backend to start. Default: the first that has a graphics processor, of 'webgpu', then 'webgl2' in browsers or 'headlessgl' elsewhere. */
  readonly backend?: BackendName;
}

/** What really runs kernels. */
export interface GpuInfo {
  readonly backend: BackendName;
  readonly adapter: AdapterInfo;
  /** True where no graphics processor does the work: 'webasm', and drivers that compute on the CPU. */
  readonly software: boolean;
  /** The version of gpu.js that is supported. */
  readonly gpujs: string;
  /** Kernels built so far, and the milliseconds that took. */
  readonly kernels: { readonly built: number; readonly milliseconds: number };
  /** Bytes on the device: held by tensors, and kept for the next results. */
  readonly memory: { readonly live: number; readonly pooled: number };
}

const names: readonly BackendName[] = ['webgpu', 'webgl2', 'headlessgl', 'webasm'];

const hints: Readonly<Record<BackendName, string>> = {
  webgpu: "in Node: npm i webgpu, and a Vulkan, Metal or D3D12 driver; in browsers: a version with WebGPU, in a secure context",
  webgl2: 'a browser with WebGL 2 and float textures',
  headlessgl: `in Node: npm i gl@${HEADLESS_VERSION}, or npm rebuild gl --ignore-scripts=false where it came without its install script; on Linux a display too, as xvfb-run gives one`,
  webasm: 'a JavaScript engine with WebAssembly',
};

interface NodeWebGPU {
  readonly create: (options: readonly string[]) => GPU;
  readonly globals: object;
}

/** Dawn in Node must not be collected while anything of it is in use. */
let dawn: GPU | null = null;

/** The entry to WebGPU: the browser's, or in Node that of the package webgpu. */
async function entryToWebGPU(): Promise<GPU> {
  if (typeof navigator !== 'undefined' && 'gpu' in navigator && navigator.gpu !== undefined) return navigator.gpu;
  if (dawn !== null) return dawn;
  // Browsers have no such package; bundlers are not to look for it.
  const name = 'webgpu';
  const { create, globals } = (await import(/* @vite-ignore */ name)) as NodeWebGPU;
  Object.assign(globalThis, globals);
  return (dawn = create([]));
}

async function startWebGPU(api: GpuJs): Promise<Backend> {
  let gpu: GPU;
  try {
    gpu = await entryToWebGPU();
  } catch (error) {
    throw unavailable('webgpu', error instanceof Error ? error.message : String(error));
  }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw unavailable('webgpu', 'no adapter');
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxStorageBufferBindingSize, maxBufferSize } });
  return new WebGPUBackend(api, adapter, device);
}

/** What keeps gpu.js from making a context with the package gl. */
async function reasonWithoutContext(): Promise<string> {
  const name = 'gl';
  try {
    const { default: contextOf } = (await import(name)) as { readonly default: (width: number, height: number) => object | null };
    return contextOf(1, 1) === null ? 'the package gl makes no context' : 'gpu.js does not find the package gl';
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split('\n')[0].replace(/\.? Tried:$/, '');
  }
}

async function startKernels(api: GpuJs, name: 'webgl2' | 'headlessgl' | 'webasm'): Promise<Backend> {
  const { isWebGL2Supported, isHeadlessGLSupported, isWebAssemblySupported } = api.GPU;
  const supported = { webgl2: isWebGL2Supported, headlessgl: isHeadlessGLSupported, webasm: isWebAssemblySupported };
  if (!supported[name]) throw unavailable(name, name === 'headlessgl' ? await reasonWithoutContext() : 'not supported here');
  try {
    return new KernelBackend(api, name);
  } catch (error) {
    throw error instanceof DeviceError ? error : unavailable(name, error instanceof Error ? error.message : String(error));
  }
}

function unavailable(name: BackendName, why: string): DeviceError {
  return new DeviceError(`useGpu: the backend cannot be started, got '${name}' (${why}); expected one that is there`, { hint: `${name} needs ${hints[name]}`, values: { backend: name, why } });
}

function start(api: GpuJs, name: BackendName): Promise<Backend> {
  return name === 'webgpu' ? startWebGPU(api) : startKernels(api, name);
}

/** The first backend with a graphics processor; what stood in the way of each is told when there is none. */
async function startAny(api: GpuJs): Promise<Backend> {
  const reasons: string[] = [];
  // Workers of a browser have no document.
  const draws = typeof document !== 'undefined' || typeof OffscreenCanvas !== 'undefined';
  for (const name of ['webgpu', draws ? 'webgl2' : 'headlessgl'] as const) {
    try {
      const backend = await start(api, name);
      if (!backend.software) return backend;
      reasons.push(`${name}: computes on the CPU (${backend.adapter.device})`);
      backend.destroy();
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      const { why } = error.values;
      reasons.push(`${name}: ${typeof why === 'string' ? why : error.message}`);
    }
  }
  throw new DeviceError(`useGpu: there is no graphics processor, got ${reasons.join('; ')}; expected one`, {
    hint: "useGpu({ backend: 'webasm' }) runs the same kernels on the CPU, more slowly than device 'cpu'; naming a backend also takes drivers that compute on the CPU",
    values: { reasons },
  });
}

/**
 * Starts the backend of device 'gpu', which importing `polyak/gpu` made known. A backend that ran before is ended, and its tensors are lost; those on the
 * CPU are not touched. The same backend again is a new start.
 *
 * @throws DeviceError when gpu.js is not installed, when the backend is not there, or, without one named, when no graphics processor is found: it never falls
 *   back to the CPU; ArgumentError for a name that is none
 */
export async function useGpu(options: GpuOptions = {}): Promise<GpuInfo> {
  checkOptions('useGpu', options, ['backend']);
  const { backend } = options;
  if (backend !== undefined && !names.includes(backend)) throw new ArgumentError(`useGpu: unknown backend, got ${show(backend)}; expected one of ${names.join(', ')}`);
  const api = await loadGpuJs();
  const started = backend === undefined ? await startAny(api) : await start(api, backend);
  currentBackend()?.destroy();
  setBackend(started);
  return describe(started);
}

/** Which backend and adapter run kernels, what they built and hold; null before `useGpu`. */
export function gpuInfo(): GpuInfo | null {
  const backend = currentBackend();
  return backend === null ? null : describe(backend);
}

function describe(backend: Backend): GpuInfo {
  const { name, adapter, software, built } = backend;
  return { backend: name, adapter, software, gpujs: VERSION, kernels: { built: built.kernels, milliseconds: built.milliseconds }, memory: backend.memory() };
}

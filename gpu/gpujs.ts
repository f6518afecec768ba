import { DeviceError } from '../core/errors.ts';

// What this device uses of gpu.js 2.24.1, whose own declarations lack much of it. What is marked as undocumented is guarded by test/gpu/contract.test.ts.

/** How gpu.js runs kernels. */
export type Mode = 'webgl2' | 'headlessgl' | 'webasm';

/** A function that kernels call. */
export interface KernelFunction {
  readonly name: string;
  readonly source: string;
  readonly settings: { readonly argumentTypes: Readonly<Record<string, 'Number' | 'Integer'>>; readonly returnType: 'Number' };
}

/** Settings of a kernel. */
export interface KernelSettings {
  readonly output: readonly number[];
  readonly dynamicOutput: boolean;
  readonly dynamicArguments: boolean;
  readonly argumentTypes: readonly string[];
  readonly pipeline: boolean;
  readonly immutable: boolean;
  readonly loopMaxIterations: number;
  readonly precision: 'single';
  readonly tactic?: 'precision';
  readonly functions: readonly KernelFunction[];
}

/** A texture, or another handle of a result that stays on the device. */
export interface Texture {
  toArray(): Float32Array;
  delete(): void;
}

/** What a kernel returns in pipeline mode: an array where there is no device memory. */
export type KernelResult = Texture | Float32Array;

/** A kernel that can be called. */
export interface RunnableKernel {
  (...args: readonly unknown[]): KernelResult;
  setOutput(size: readonly number[]): unknown;
  /** The kernel behind the function, undocumented. */
  readonly kernel: {
    readonly constructor: { readonly mode: string };
    readonly fallbackReason: string | null;
    /** Of webasm: how many sizes of arguments keep their compiled code. */
    moduleCacheLimit?: number;
  };
}

/** Where a kernel argument lies in the uniform buffer. */
export interface WebGPULayout {
  readonly arrayArgs: readonly { readonly index: number; readonly dimsOffset: number }[];
  readonly scalarArgs: readonly { readonly index: number; readonly type: string; readonly offset: number }[];
  readonly byteLength: number;
}

/** The kernel of WebGPU, of which only the translation is used; all of it is undocumented. */
export interface WebGPUTranslation {
  _buildAsync: () => Promise<void>;
  build(...args: readonly unknown[]): Promise<void>;
  readonly compiledSource: string;
  readonly paramsLayout: WebGPULayout;
}

/** An instance of gpu.js. */
export interface Instance {
  createKernel(source: string, settings: KernelSettings): RunnableKernel;
  destroy(): Promise<void> | void;
  /** The WebGL context, undocumented. */
  readonly context: unknown;
}

/** The module. */
export interface GpuJs {
  readonly GPU: (new (settings: { readonly mode: Mode }) => Instance) & {
    readonly isWebGL2Supported: boolean;
    readonly isHeadlessGLSupported: boolean;
    readonly isWebAssemblySupported: boolean;
  };
  readonly WebGPUKernel: new (source: string, settings: KernelSettings) => WebGPUTranslation;
  input(value: Float32Array, size: readonly number[]): unknown;
}

/** The version of gpu.js whose undocumented parts are used here. */
export const VERSION = '2.24.1';

/** The version of the package gl that it makes contexts with in Node. */
export const HEADLESS_VERSION = '8.1.6';

/** Loads gpu.js. @throws DeviceError that says how to get it */
export async function loadGpuJs(): Promise<GpuJs> {
  let loaded: Record<string, unknown>;
  try {
    loaded = await import('gpu.js');
  } catch (error) {
    throw new DeviceError(`gpu: gpu.js could not be loaded, got ${error instanceof Error ? error.message : String(error)}; expected version ${VERSION}`, {
      hint: `npm i gpu.js@${VERSION}`,
    });
  }
  // A CommonJS module; bundlers differ in what they make of it.
  const found = 'GPU' in loaded && 'WebGPUKernel' in loaded ? loaded : loaded['default'];
  if (typeof found !== 'object' && typeof found !== 'function') throw foreign();
  const api = found as Partial<GpuJs>;
  if (typeof api.GPU !== 'function' || typeof api.WebGPUKernel !== 'function' || typeof api.input !== 'function') throw foreign();
  return { GPU: api.GPU, WebGPUKernel: api.WebGPUKernel, input: api.input };
}

function foreign(): DeviceError {
  return new DeviceError(`gpu: this is not the gpu.js that is known here, got a module without GPU, WebGPUKernel and input; expected version ${VERSION}`, {
    hint: `npm i gpu.js@${VERSION}`,
  });
}

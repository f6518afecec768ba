import { DeviceError, MemoryError } from '../../core/errors.ts';
import { type AdapterInfo, type Backend, type Block, lostDevice } from '../backend.ts';
import type { GpuJs, Instance, KernelResult, Mode, RunnableKernel } from '../gpujs.ts';
import { functionsFor } from '../prelude.ts';
import { type Source, sourceOf, textOf, typesOf } from '../source.ts';

/** Loops are cut here; gpu.js's own bound is 1000. */
export const MAX_ITERATIONS = 2 ** 30;
/** Sizes of arguments for which a kernel in WebAssembly keeps its code. */
const CODE_SIZES = 64;

/** What a texture takes beside its elements: seen in the processes of Chromium. So many small ones are seen before they fill the memory. */
const TEXTURE = 2 ** 14;
/** Bytes of an element: WebGL 1 has no textures of one float. */
const ELEMENT: Readonly<Record<Mode, number>> = { webasm: 4, webgl2: 4, headlessgl: 16 };
const OUT_OF_MEMORY = 0x0505;

class KernelBlock implements Block {
  readonly length: number;
  result: KernelResult | null;
  constructor(length: number, result: KernelResult) {
    this.length = length;
    this.result = result;
  }
}

/** Brings an array onto the device. */
const upload = (): Source => sourceOf('upload', () => ({ arrays: ['a'], integers: [], floats: [], body: 'return a[this.thread.x];' }));

/** Kernels that gpu.js itself runs and whose results it holds: WebGL 2, and headless-gl with its WebGL 1, with textures, WebAssembly with arrays. */
export class KernelBackend implements Backend {
  readonly name: Mode;
  readonly adapter: AdapterInfo;
  readonly software: boolean;
  readonly maxLength: number;
  readonly built = { kernels: 0, milliseconds: 0 };
  private readonly api: GpuJs;
  private readonly instance: Instance;
  private readonly kernels = new Map<string, RunnableKernel>();
  private live = 0;
  private end: DeviceError | null = null;

  constructor(api: GpuJs, mode: Mode) {
    this.api = api;
    this.name = mode;
    this.instance = new api.GPU({ mode });
    // The context is made with the first kernel.
    const first = this.kernelOf(upload());
    first.setOutput([1]);
    const made = first(api.input(new Float32Array(1), [1]));
    if (!(made instanceof Float32Array)) made.delete();
    this.adapter = adapterOf(mode, this.context());
    this.software = mode === 'webasm' || /swiftshader|llvmpipe|softpipe|software|^ANGLE$/i.test(this.adapter.device);
    this.maxLength = mode === 'webasm' ? 2 ** 26 : textureLimit(this.context());
  }

  get lost(): DeviceError | null {
    return this.end;
  }

  memory(): { readonly live: number; readonly pooled: number } {
    return { live: this.live, pooled: 0 };
  }

  upload(elements: Float32Array): Block {
    this.checkLength(elements.length);
    if (this.name === 'webasm') return this.hold(elements.length, elements.slice());
    return this.call(upload(), [this.api.input(elements, [elements.length])], elements.length);
  }

  run(source: Source, arrays: readonly Block[], integers: readonly number[], floats: readonly number[], length: number): Block {
    const args = [...arrays.map((block) => this.argument(block)), ...integers, ...floats];
    return this.call(source, args, length);
  }

  async read(block: Block): Promise<Float32Array> {
    this.check();
    const { result, length } = block as KernelBlock;
    if (result === null) throw released();
    if (result instanceof Float32Array) return result.slice();
    const elements = result.toArray();
    this.check();
    if (this.context()?.getError() === OUT_OF_MEMORY) throw this.noRoom(length);
    return elements.length === length ? elements : elements.slice(0, length);
  }

  free(block: Block): void {
    const held = block as KernelBlock;
    if (held.result === null) return;
    if (!(held.result instanceof Float32Array) && this.end === null) held.result.delete();
    held.result = null;
    this.live -= this.bytesOf(held.length);
  }

  destroy(): void {
    this.end ??= lostDevice('it was ended');
    this.kernels.clear();
    void this.instance.destroy();
  }

  private argument(block: Block): unknown {
    const { result, length } = block as KernelBlock;
    if (result === null) throw released();
    return result instanceof Float32Array ? this.api.input(result, [length]) : result;
  }

  private call(source: Source, args: readonly unknown[], length: number): Block {
    this.check();
    this.checkLength(length);
    const known = this.kernels.has(source.name);
    const begin = known ? 0 : performance.now();
    const kernel = this.kernelOf(source);
    let result: KernelResult;
    try {
      kernel.setOutput([length]);
      result = kernel(...args);
    } catch (error) {
      // A context that is lost meanwhile shows as any error.
      this.check();
      if (error instanceof RangeError) throw this.noRoom(length);
      throw new DeviceError(`gpu: the device refused work, got kernel '${source.name}': ${error instanceof Error ? error.message : String(error)}; expected none of this: please report it`);
    }
    if (!known) {
      this.built.kernels++;
      this.built.milliseconds += performance.now() - begin;
      const { mode } = kernel.kernel.constructor;
      // All kernels on WebGL call their mode 'gpu'.
      const expected = this.name === 'webasm' ? 'webasm' : 'gpu';
      if (mode !== expected) {
        throw new DeviceError(`gpu: gpu.js changed the mode of kernel '${source.name}', got ${mode}; expected ${expected}`, { hint: kernel.kernel.fallbackReason ?? 'please report it' });
      }
    }
    return this.hold(length, result);
  }

  private hold(length: number, result: KernelResult): KernelBlock {
    this.live += this.bytesOf(length);
    return new KernelBlock(length, result);
  }

  private bytesOf(length: number): number {
    return ELEMENT[this.name] * length + (this.name === 'webasm' ? 0 : TEXTURE);
  }

  private kernelOf(source: Source): RunnableKernel {
    let kernel = this.kernels.get(source.name);
    if (kernel === undefined) {
      const text = textOf(source);
      kernel = this.instance.createKernel(text, {
        output: [1], dynamicOutput: true, dynamicArguments: true, argumentTypes: this.name === 'webasm' ? typesOf(source) : texturesFor(source), pipeline: true, immutable: true,
        loopMaxIterations: MAX_ITERATIONS, precision: 'single', tactic: 'precision', functions: functionsFor(text),
      });
      if (this.name === 'webasm') kernel.kernel.moduleCacheLimit = CODE_SIZES;
      this.kernels.set(source.name, kernel);
    }
    return kernel;
  }

  private context(): WebGL2RenderingContext | null {
    return this.name === 'webasm' ? null : (this.instance.context as WebGL2RenderingContext | null);
  }

  private noRoom(length: number): MemoryError {
    return new MemoryError(`gpu: no room on the device, got ${4 * length} bytes with ${this.live} bytes in use; expected a smaller tensor`, { values: { bytes: 4 * length, live: this.live } });
  }

  private checkLength(length: number): void {
    if (length <= this.maxLength) return;
    throw new MemoryError(`gpu: the adapter has no room for a result, got ${4 * length} bytes; expected at most ${4 * this.maxLength}`, { values: { bytes: 4 * length, live: this.live } });
  }

  private check(): void {
    if (this.context()?.isContextLost() === true) this.end ??= lostDevice('the browser took the context away');
    if (this.end !== null) throw this.end;
  }
}

/** Arrays are textures on WebGL; only the upload reads one from JavaScript. */
function texturesFor(source: Source): string[] {
  return typesOf(source).map((type) => (type === 'Input' && source.name !== 'upload' ? 'ArrayTexture(1)' : type));
}

function released(): DeviceError {
  return new DeviceError('gpu: the elements were released, got a read; expected a live tensor', { hint: 'return it from the scope it was made in, or keep() it' });
}

/** A context of headless-gl, which says 'ANGLE' for every driver. */
interface HeadlessContext {
  /** What the driver says itself; undocumented. */
  readonly _getParameterDirect?: (key: number) => unknown;
}

function adapterOf(mode: Mode, gl: (WebGL2RenderingContext & HeadlessContext) | null): AdapterInfo {
  if (gl === null) return { vendor: '', architecture: '', device: 'CPU', description: `gpu.js ${mode}` };
  const names = gl.getExtension('WEBGL_debug_renderer_info');
  const asked = (key: number): string => String(gl.getParameter(key));
  const direct = (key: number): string => String(gl._getParameterDirect?.(key) ?? gl.getParameter(key));
  return {
    vendor: names === null ? direct(gl.VENDOR) : asked(names.UNMASKED_VENDOR_WEBGL),
    architecture: '',
    device: names === null ? direct(gl.RENDERER) : asked(names.UNMASKED_RENDERER_WEBGL),
    description: asked(gl.VERSION),
  };
}

function textureLimit(gl: WebGL2RenderingContext | null): number {
  const size = gl === null ? 4096 : Number(gl.getParameter(gl.MAX_TEXTURE_SIZE));
  // A result of 2^27 elements came back as zeros.
  return Math.min(size * size, 2 ** 26);
}

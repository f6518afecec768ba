import { DeviceError, MemoryError } from '../../core/errors.ts';
import { type AdapterInfo, type Backend, type Block, type MemoryInfo, lostDevice } from '../backend.ts';
import type { GpuJs, WebGPULayout } from '../gpujs.ts';
import { functionsFor, withNativeHelpers } from '../prelude.ts';
import { type Source, textOf, typesOf } from '../source.ts';
import { BufferPool } from './bufferPool.ts';
import { MAX_ITERATIONS } from './kernels.ts';

const UNIFORM = 0x40;
const COPY_DST = 0x08;
const COMPUTE = 4;
const READ = 1;
/** Bytes of parameters that one submission holds. */
const PARAMETERS = 2 ** 18;
/** Where the parameters of a kernel may start. */
const ALIGNMENT = 256;

class BufferBlock implements Block {
  readonly length: number;
  buffer: GPUBuffer | null;
  constructor(length: number, buffer: GPUBuffer) {
    this.length = length;
    this.buffer = buffer;
  }
}

/** A kernel ready to run. */
interface Built {
  readonly pipeline: GPUComputePipeline;
  readonly bindings: GPUBindGroupLayout;
  readonly layout: WebGPULayout;
  readonly shader: Source['shader'];
}

/**
 * WebGPU. gpu.js translates kernels to WGSL; buffers, and the order in which kernels run, are kept here: kernels are recorded and go to the device together,
 * when something is read or brought there, or when there are many.
 */
export class WebGPUBackend implements Backend {
  readonly name = 'webgpu';
  readonly adapter: AdapterInfo;
  readonly software: boolean;
  readonly maxLength: number;
  readonly built = { kernels: 0, milliseconds: 0 };
  private readonly api: GpuJs;
  private readonly device: GPUDevice;
  private readonly pool: BufferPool;
  private readonly kernels = new Map<string, Built>();
  private readonly mirror = new ArrayBuffer(PARAMETERS);
  private readonly unsigned = new Uint32Array(this.mirror);
  private readonly signed = new Int32Array(this.mirror);
  private readonly floating = new Float32Array(this.mirror);
  private readonly parameters: GPUBuffer;
  private used = 0;
  private encoder: GPUCommandEncoder | null = null;
  private pass: GPUComputePassEncoder | null = null;
  /** Why it cannot go on. */
  private end: DeviceError | null = null;
  /** What went wrong since the last read, which will tell. */
  private failure: Error | null = null;
  /** Checks on their way. */
  private readonly checks = new Set<Promise<void>>();

  constructor(api: GpuJs, adapter: GPUAdapter, device: GPUDevice) {
    this.api = api;
    this.device = device;
    const { vendor, architecture, device: name, description, isFallbackAdapter } = adapter.info;
    this.adapter = { vendor, architecture, device: name, description };
    this.software = isFallbackAdapter || /swiftshader|llvmpipe|lavapipe/i.test(`${architecture} ${name} ${description}`);
    const bytes = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
    this.maxLength = Math.floor(bytes / 4);
    this.pool = new BufferPool((size, usage) => this.create(size, usage));
    this.parameters = device.createBuffer({ size: PARAMETERS, usage: UNIFORM | COPY_DST });
    void device.lost.then(({ message, reason }) => {
      this.end ??= lostDevice(reason === 'destroyed' ? 'it was ended' : message);
    });
    device.onuncapturederror = ({ error }) => {
      this.failure ??= failed(error.message);
    };
  }

  get lost(): DeviceError | null {
    return this.end;
  }

  memory(): MemoryInfo {
    return { live: this.pool.live, pooled: this.pool.pooled };
  }

  upload(elements: Float32Array): Block {
    // What was recorded may still read what the buffer held.
    this.submit();
    const block = this.block(elements.length);
    this.device.queue.writeBuffer(bufferOf(block), 0, elements.buffer, elements.byteOffset, elements.byteLength);
    return block;
  }

  run(source: Source, arrays: readonly Block[], integers: readonly number[], floats: readonly number[], length: number): Block {
    const kernel = this.kernelOf(source);
    const buffers = arrays.map((block) => bufferOf(block as BufferBlock));
    const out = this.block(length);
    const size = Math.ceil(kernel.layout.byteLength / ALIGNMENT) * ALIGNMENT;
    if (this.used + size > PARAMETERS) this.submit();
    const at = this.used;
    this.used += size;
    const groups = kernel.shader === undefined ? this.lines(at, length) : kernel.shader.groups(integers);
    this.pack(kernel.layout, at, arrays, integers, floats, length);
    const pass = this.open();
    pass.setPipeline(kernel.pipeline);
    const resources = [{ buffer: this.parameters, offset: 0, size: kernel.layout.byteLength }, ...buffers.map((buffer) => ({ buffer })), { buffer: bufferOf(out) }];
    const entries = resources.map((resource, binding) => ({ binding, resource }));
    pass.setBindGroup(0, this.device.createBindGroup({ layout: kernel.bindings, entries }), [at]);
    pass.dispatchWorkgroups(...groups);
    return out;
  }

  async read(block: Block): Promise<Float32Array> {
    this.check();
    const { length } = block;
    const bytes = 4 * length;
    const staging = this.pool.staging(bytes);
    this.close();
    this.encoder ??= this.device.createCommandEncoder();
    this.encoder.copyBufferToBuffer(bufferOf(block as BufferBlock), 0, staging, 0, bytes);
    this.submit();
    try {
      await staging.mapAsync(READ, 0, bytes);
    } catch (error) {
      this.end ??= lostDevice(error instanceof Error ? error.message : String(error));
    }
    await Promise.all(this.checks);
    this.check();
    this.report();
    const elements = new Float32Array(staging.getMappedRange(0, bytes).slice(0));
    staging.unmap();
    this.pool.giveStaging(staging);
    return elements;
  }

  free(block: Block): void {
    const held = block as BufferBlock;
    if (held.buffer === null) return;
    this.pool.give(held.buffer);
    held.buffer = null;
  }

  destroy(): void {
    this.end ??= lostDevice('it was ended');
    this.pool.destroy();
    this.device.destroy();
  }

  /** Sends what was recorded to the device. */
  private submit(): void {
    this.close();
    const { encoder } = this;
    if (encoder === null) return;
    this.encoder = null;
    if (this.used > 0) this.device.queue.writeBuffer(this.parameters, 0, this.mirror, 0, this.used);
    this.used = 0;
    this.device.queue.submit([encoder.finish()]);
    this.pool.trim();
  }

  private open(): GPUComputePassEncoder {
    this.encoder ??= this.device.createCommandEncoder();
    return (this.pass ??= this.encoder.beginComputePass());
  }

  private close(): void {
    this.pass?.end();
    this.pass = null;
  }

  private block(length: number): BufferBlock {
    this.check();
    if (length > this.maxLength) {
      throw new MemoryError(`gpu: the adapter has no room for a result, got ${4 * length} bytes; expected at most ${4 * this.maxLength}`, { values: { bytes: 4 * length, live: this.pool.live } });
    }
    return new BufferBlock(length, this.pool.take(4 * length));
  }

  private create(size: number, usage: number): GPUBuffer {
    this.device.pushErrorScope('out-of-memory');
    const buffer = this.device.createBuffer({ size, usage });
    const live = this.pool.live;
    this.later(this.device.popErrorScope(), () => new MemoryError(`gpu: no room on the device, got a request of ${size} bytes with ${live} bytes in use; expected a smaller tensor`, { values: { bytes: size, live } }));
    return buffer;
  }

  /** Remembers an error that the device reports later. */
  private later(scope: Promise<GPUError | null>, makeError: (message: string) => Error): void {
    const check = scope.then(
      (error) => {
        if (error !== null) this.failure ??= makeError(error.message);
      },
      () => {},
    ).finally(() => this.checks.delete(check));
    this.checks.add(check);
  }

  private check(): void {
    if (this.end !== null) throw this.end;
  }

  private report(): void {
    const { failure } = this;
    this.failure = null;
    if (failure !== null) throw failure;
  }

  /** Workgroups of 64 threads in a line, folded where it is too long, as gpu.js's kernels expect it. */
  private lines(at: number, length: number): readonly [number, number, number] {
    const most = this.device.limits.maxComputeWorkgroupsPerDimension;
    let [x, y] = [Math.ceil(length / 64), 1];
    if (x > most) {
      y = Math.ceil(x / most);
      x = Math.ceil(x / y);
    }
    this.unsigned[at / 4 + 3] = 64 * x;
    return [x, y, 1];
  }

  private pack(layout: WebGPULayout, at: number, arrays: readonly Block[], integers: readonly number[], floats: readonly number[], length: number): void {
    const word = at / 4;
    const { unsigned } = this;
    unsigned[word] = length;
    unsigned[word + 1] = 1;
    unsigned[word + 2] = 1;
    layout.arrayArgs.forEach(({ dimsOffset }, i) => {
      const to = word + dimsOffset / 4;
      unsigned[to] = arrays[i].length;
      unsigned[to + 1] = 1;
      unsigned[to + 2] = 1;
      unsigned[to + 3] = arrays[i].length;
    });
    layout.scalarArgs.forEach(({ type, offset }, i) => {
      const to = word + offset / 4;
      if (type === 'Integer') this.signed[to] = integers[i];
      else this.floating[to] = floats[i - integers.length];
    });
  }

  private kernelOf(source: Source): Built {
    const known = this.kernels.get(source.name);
    if (known !== undefined) return known;
    this.check();
    const begin = performance.now();
    const { code, layout } = translate(this.api, source);
    const count = source.arrays.length;
    const types: GPUBufferBindingType[] = ['uniform', ...new Array<GPUBufferBindingType>(count).fill('read-only-storage'), 'storage'];
    this.device.pushErrorScope('validation');
    const bindings = this.device.createBindGroupLayout({
      entries: types.map((type, binding) => ({ binding, visibility: COMPUTE, buffer: { type, hasDynamicOffset: binding === 0 } })),
    });
    const module = this.device.createShaderModule({ code });
    const pipeline = this.device.createComputePipeline({ layout: this.device.createPipelineLayout({ bindGroupLayouts: [bindings] }), compute: { module, entryPoint: 'main' } });
    this.later(this.device.popErrorScope(), (message) => failed(`kernel '${source.name}': ${message}`));
    const made: Built = { pipeline, bindings, layout, shader: source.shader };
    this.kernels.set(source.name, made);
    this.built.kernels++;
    this.built.milliseconds += performance.now() - begin;
    return made;
  }
}

/** WGSL of a kernel and where its parameters lie. gpu.js translates before it asks for a device, and is stopped there. */
export function translate(api: GpuJs, source: Source): { readonly code: string; readonly layout: WebGPULayout } {
  const text = textOf(source);
  const kernel = new api.WebGPUKernel(text, {
    output: [1], dynamicOutput: true, dynamicArguments: true, argumentTypes: typesOf(source), pipeline: true, immutable: true,
    loopMaxIterations: MAX_ITERATIONS, precision: 'single', functions: functionsFor(text),
  });
  kernel._buildAsync = () => Promise.resolve();
  const example = api.input(new Float32Array(1), [1]);
  void kernel.build(...source.arrays.map(() => example), ...source.integers.map(() => 1), ...source.floats.map(() => 0.5));
  const code = source.shader === undefined ? withNativeHelpers(kernel.compiledSource) : source.shader.code;
  return { code, layout: kernel.paramsLayout };
}

function bufferOf({ buffer }: BufferBlock): GPUBuffer {
  if (buffer === null) throw new DeviceError('gpu: the elements were released, got a read; expected a live tensor', { hint: 'return it from the scope it was made in, or keep() it' });
  return buffer;
}

function failed(message: string): DeviceError {
  return new DeviceError(`gpu: the device refused work, got '${message}'; expected none of this: please report it`);
}

import { type V128, f32x4 } from './code.ts';
import type { FunctionBuilder } from './function.ts';
import { heap } from './memory.ts';
import { ModuleBuilder } from './module.ts';

/** What a kernel looks like from JavaScript: addresses, counts and numbers in. */
export type WasmFunction = (...args: number[]) => number;

/** What the kernels are made for. */
export interface KernelOptions {
  /** Fuse multiplications and additions where the machine can, which rounds once instead of twice; results then differ between machines. */
  readonly fma: boolean;
}

let options: KernelOptions = { fma: false };

/** What kernels that are emitted now should be made for. */
export function kernelOptions(): KernelOptions {
  return options;
}

/** `a·b + c`: in two roundings, or in one where that was asked for. `a` and `b` are computed before `c`. */
export function mulAdd(a: V128, b: V128, c: V128): V128 {
  return options.fma ? f32x4.relaxedMadd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

const kernels: WasmKernel[] = [];

/** A Wasm function that is written and compiled when it is first called. */
export class WasmKernel {
  /** In messages, and what the emitted function is called. */
  readonly name: string;
  /** Number of the kernel: what other threads know it by. */
  readonly id: number;
  /** Runs the kernel. */
  run: WasmFunction;
  private readonly emit: (m: ModuleBuilder) => FunctionBuilder;

  /**
   * @param emit - writes the function into a module of its own, together with those it calls, and returns it
   */
  constructor(name: string, emit: (m: ModuleBuilder) => FunctionBuilder) {
    this.name = name;
    this.emit = emit;
    this.run = this.first;
    this.id = kernels.push(this) - 1;
  }

  /** The bytes of the kernel's module, whose only export is the kernel. */
  bytes(): Uint8Array<ArrayBuffer> {
    const m = new ModuleBuilder();
    m.export(this.emit(m));
    return m.bytes(heap.shared);
  }

  /** Forgets the compiled function: memory or options have changed. */
  reset(): void {
    this.run = this.first;
  }

  private readonly first: WasmFunction = (...args) => {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(this.bytes()), { env: { memory: heap.memory } });
    const [compiled] = Object.values(exports);
    if (typeof compiled !== 'function') throw new Error(`${this.name}: the module exports no function`);
    this.run = compiled as WasmFunction;
    return this.run(...args);
  };
}

/** The kernel of a number. */
export function kernelById(id: number): WasmKernel {
  return kernels[id];
}

/** Has every kernel compiled anew on its next call. */
export function resetKernels(changes: Partial<KernelOptions> = {}): void {
  options = { ...options, ...changes };
  for (const kernel of kernels) kernel.reset();
}

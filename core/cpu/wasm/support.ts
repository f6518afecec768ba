import { type V128, f32x4, v128 } from './code.ts';
import { ModuleBuilder } from './module.ts';

/** Whether the machine, and the policy of the page, accept a module with one vector operation in it. */
function accepts(operation: (x: V128) => V128): boolean {
  if (typeof WebAssembly === 'undefined') return false;
  const m = new ModuleBuilder();
  m.function('probe', ['i32'], (f, address) => f.store(address, operation(v128.load(address))));
  try {
    // Not `validate`, which says yes where a page's policy then refuses to compile.
    return new WebAssembly.Module(m.bytes(false)) instanceof WebAssembly.Module;
  } catch {
    return false;
  }
}

let simd: boolean | undefined;
let relaxed: boolean | undefined;

/** Whether Wasm with SIMD is there, which all kernels use. */
export function hasSimd(): boolean {
  return (simd ??= accepts((x) => f32x4.add(x, x)));
}

/** Whether multiplications and additions can be fused (relaxed SIMD). */
export function hasFusedMultiplyAdd(): boolean {
  return (relaxed ??= accepts((x) => f32x4.relaxedMadd(x, x, x)));
}

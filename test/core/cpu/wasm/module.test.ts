import { test } from 'uvu';
import { WasmKernel } from '../../../../core/cpu/wasm/kernel.ts';
import { f32 } from '../../../../core/cpu/wasm/code.ts';
import { ok } from '../../../assert.ts';

test('traces of errors, and so profilers, show the names of kernels and of the functions that they call', () => {
  const kernel = new WasmKernel('outer', (m) => {
    const inner = m.function('readsTooFar', ['i32'], (f, address) => f.store(address, f32.load(address)));
    return m.function('outer', ['i32'], (f, address) => f.call(inner, address));
  });
  let trace = '';
  try {
    kernel.run(-16);
  } catch (error) {
    trace = String((error as Error).stack);
  }
  ok(/RuntimeError: memory access out of bounds[^]*readsTooFar[^]*outer/.test(trace), trace);
});

test.run();

// The whole library at once, with every operation as a method and the kernels in Wasm: what all entries load, save `polyak/lean`.
import './ops/methods.ts';
import { useKernels } from './cpu/engine.ts';
import * as kernels from './cpu/fast/index.ts';

useKernels(kernels);

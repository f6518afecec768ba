// The whole library at once, with every operation as a method and the kernels in Wasm: what all entries load, save `polyak/lean`.
import './ops/methods.ts';
import './cpu/installKernels.ts';

// Loading this has operations run on the kernels in Wasm.
import { useKernels } from './engine.ts';
import * as kernels from './fast/index.ts';

useKernels(kernels);

import { type Kernel, allPrimitives } from '../../core/op.ts';
import { crossEntropy, crossEntropyBackward } from './crossEntropy.ts';
import { addProduct, addmm, linear, matmul } from './matmul.ts';
import { softmax, softmaxBackward } from './softmax.ts';

/** Kernels written by hand, by the name of the primitive; those with a formula need none. */
const kernels: Readonly<Record<string, Kernel<never>>> = {
  matmul, addmm, addProduct, linear,
  softmax: softmax(false), softmaxBackward: softmaxBackward(false), logSoftmax: softmax(true), logSoftmaxBackward: softmaxBackward(true),
  crossEntropy, crossEntropyBackward,
};

/** Gives the primitives their kernels on this device. */
export function addKernels(device: string): void {
  const primitives = allPrimitives();
  for (const [name, kernel] of Object.entries(kernels)) primitives.get(name)?.kernels.set(device, kernel);
}

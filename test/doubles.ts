import { type Tensor, type TensorData, tensor } from '../index.ts';

// float64 tensors for tests of gradients.

/** A tensor that requires grad. */
export const leaf = (data: TensorData): Tensor => tensor(data, { dtype: 'float64', requiresGrad: true });
/** A tensor that does not. */
export const plain = (data: TensorData): Tensor => tensor(data, { dtype: 'float64' });
/** As close as doubles come. */
export const exact = { rtol: 1e-12, atol: 1e-12 };

/** The gradient of a leaf, which has one. */
export function gradOf(x: Tensor): Tensor {
  if (x.grad === null) throw new Error('no gradient');
  return x.grad;
}

import { checkDType } from '../dtype.ts';
import { checkOptions } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { to } from './convert.ts';
import { type TensorData, type TensorOptions, tensor } from './creation.ts';

/**
 * `data` as a tensor: a tensor of the wanted dtype and device is returned itself, one of another by way of `to`, so that gradients flow back; anything else is copied, as by `tensor`.
 *
 * @throws as `tensor`
 * @see https://pytorch.org/docs/stable/generated/torch.as_tensor.html
 */
export function asTensor(data: Tensor | TensorData, options?: Pick<TensorOptions, 'dtype' | 'device'>): Tensor {
  checkOptions('asTensor', options, ['dtype', 'device']);
  if (!(data instanceof Tensor)) return tensor(data, options);
  const { dtype = data.dtype, device = data.device } = options ?? {};
  checkDType('asTensor', dtype);
  return to(data, device, { dtype });
}

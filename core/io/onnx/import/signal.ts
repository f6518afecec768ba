import { blackmanWindow, hammingWindow, hannWindow } from '../../../ops/ranges.ts';
import type { Tensor } from '../../../tensor.ts';
import type { Operator, Operators } from './node.ts';
import { typeAttribute } from './tensors.ts';

// Windows of signals.

const window = (make: (length: number, periodic: boolean) => Tensor): Operator => (n) => {
  if (n.in(0).numel() !== 1) throw n.fault(`not a size, got [${n.in(0).shape.join(', ')}]`, 'a single number');
  const dtype = typeAttribute(n, 'output_datatype', 'float32');
  return make(n.shape(n.numbers(0) ?? [])[0], n.int('periodic', 1) === 1).to(dtype);
};

/** Windows of signals. */
export const signalOperators: Operators = {
  HannWindow: window((length, periodic) => hannWindow(length, periodic, { dtype: 'float64' })),
  // ONNX has the exact numbers that others round to 0.54 and 0.46.
  HammingWindow: window((length, periodic) => hammingWindow(length, periodic, 25 / 46, 21 / 46, { dtype: 'float64' })),
  BlackmanWindow: window((length, periodic) => blackmanWindow(length, periodic, { dtype: 'float64' })),
};

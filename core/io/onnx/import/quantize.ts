import type { DType } from '../../../dtype.ts';
import { zeros } from '../../../ops/creation.ts';
import type { Tensor } from '../../../tensor.ts';
import { elementTypes } from '../model.ts';
import type { NodeReader, Operator, Operators } from './node.ts';
import { typeAttribute } from './tensors.ts';

// Floats as integers and back. int8, uint16 and int16 are held as int32.

/** The integers of a type, and the dtype that holds them. */
export interface Range {
  readonly min: number;
  readonly max: number;
  readonly dtype: DType;
}

const ranges: Readonly<Record<number, Range>> = {
  [elementTypes.UINT8]: { min: 0, max: 255, dtype: 'uint8' },
  [elementTypes.INT8]: { min: -128, max: 127, dtype: 'int32' },
  [elementTypes.UINT16]: { min: 0, max: 65535, dtype: 'int32' },
  [elementTypes.INT16]: { min: -32768, max: 32767, dtype: 'int32' },
};

/** A scale or zero point as it broadcasts to `x`: one number, or one for each entry of an axis. */
function beside(n: NodeReader, what: string, v: Tensor, x: Tensor): Tensor {
  if (n.int('block_size', 0) !== 0) throw n.fault(`scales of blocks, got block_size ${n.int('block_size', 0)}`, 'one scale, or one for each entry of an axis');
  if (v.ndim <= 1 && v.numel() === 1) return v.reshape([]);
  const axis = n.axis(n.int('axis', 1), x.ndim);
  if (v.ndim !== 1 || v.shape[0] !== x.shape[axis]) throw n.fault(`the ${what} does not fit, got [${v.shape.join(', ')}] for axis ${axis} of [${x.shape.join(', ')}]`, `one number or ${x.shape[axis]}`);
  return v.reshape(x.shape.map((size, d) => (d === axis ? size : 1)));
}

/** What integers a node makes: the type of its zero point, input `at`. */
export function rangeOf(n: NodeReader, at: number): Range {
  const named = n.int('output_dtype', 0);
  const zero = n.maybe(at);
  const type = zero === null ? named || elementTypes.UINT8 : zero.dtype === 'uint8' ? elementTypes.UINT8 : n.elementType(at) || named;
  if (type === 0) throw n.fault('the type of the zero point is not known, got a value that a node makes', 'an initializer, an input of the model, or output_dtype');
  const range = ranges[type];
  if (range === undefined) throw n.fault(`no such type to quantize to, got type ${type}`, 'uint8, int8, uint16 or int16');
  return range;
}

/** The next integers to `x + zero` that there are. */
export const saturated = (x: Tensor, zero: Tensor | number, { min, max, dtype }: Range): Tensor => x.round().add(zero).clamp(min, max).to(dtype);

const quantize: Operator = (n) => {
  const [x, zero] = [n.in(0), n.maybe(2)];
  const range = rangeOf(n, 2);
  const [scale, shift] = [beside(n, 'scale', n.in(1), x), zero === null ? 0 : beside(n, 'zero point', zero, x)];
  return saturated(x.div(scale), shift, range);
};

/** With the scale and zero point that fit the numbers there are, and 0. */
const quantizeDynamic: Operator = (n) => {
  const x = n.in(0);
  const range = ranges[elementTypes.UINT8];
  const [low, high] = x.numel() === 0 ? [zeros([]), zeros([])] : [x.amin().clamp(undefined, 0), x.amax().clamp(0)];
  const spread = high.sub(low).div(range.max);
  // All of them are 0: any scale will do.
  const scale = spread.where(spread.ne(0), 1);
  const zero = saturated(low.neg().div(scale), 0, range);
  return [saturated(x.div(scale), zero, range), scale, zero];
};

const dequantize: Operator = (n) => {
  const [x, zero] = [n.in(0), n.maybe(2)];
  if (zero !== null && zero.dtype !== x.dtype) throw n.fault(`the zero point is of another type, got ${zero.dtype} for ${x.dtype}`, 'one type');
  const [scale, shift] = [beside(n, 'scale', n.in(1), x), zero === null ? 0 : beside(n, 'zero point', zero, x)];
  return x.to(scale.dtype).sub(shift).mul(scale).to(typeAttribute(n, 'output_dtype', scale.dtype));
};

/** Floats as integers and back. */
export const quantizeOperators: Operators = { QuantizeLinear: quantize, DequantizeLinear: dequantize, DynamicQuantizeLinear: quantizeDynamic };

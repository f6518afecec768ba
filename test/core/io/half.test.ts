import { test } from 'uvu';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from '../../../core/io/half.ts';
import { equal } from '../../assert.ts';

const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
const quiet = (bits: number, infinity: number, bit: number): number => ((bits & 0x7fff) > infinity ? bits | bit : bits); // signalling NaNs become quiet

test('every float16 survives the way through float32', () => {
  equal(float32ToFloat16(float16ToFloat32(all)), all.map((b) => quiet(b, 0x7c00, 0x200)));
});

test('every bfloat16 survives the way through float32', () => {
  equal(float32ToBfloat16(bfloat16ToFloat32(all)), all.map((b) => quiet(b, 0x7f80, 0x40)));
});

test('rounds as PyTorch', () => {
  const x = Float32Array.of(1, 0.1, 65519, 65520, 6e-8, 2.9e-8, 2 ** -25, 1e-3, -3.14159, 0, 2049, 2051);
  equal([...float32ToFloat16(x)], [15360, 11878, 31743, 31744, 1, 0, 0, 5145, 49736, 0, 26624, 26626]);
  equal([...float32ToBfloat16(x)], [16256, 15821, 18304, 18304, 13185, 13049, 13056, 14979, 49225, 0, 17664, 17664]);
});

test.run();

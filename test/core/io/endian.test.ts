import { test } from 'uvu';
import { hostIsLittle, orderBytes, swapBytes } from '../../../core/io/endian.ts';
import { equal } from '../../assert.ts';

test('swaps groups of any width', () => {
  equal([...swapBytes(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 2)], [2, 1, 4, 3, 6, 5, 8, 7]);
  equal([...swapBytes(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 4)], [4, 3, 2, 1, 8, 7, 6, 5]);
  equal([...swapBytes(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 8)], [8, 7, 6, 5, 4, 3, 2, 1]);
});

test('reads both orders', () => {
  const read = (order: 'little' | 'big'): number => new Uint16Array(orderBytes(Uint8Array.of(1, 2), 2, order).buffer)[0];
  equal([read('little'), read('big')], [0x0201, 0x0102]);
  equal([...orderBytes(Uint8Array.of(1, 2), 1, hostIsLittle ? 'big' : 'little')], [1, 2]);
});

test.run();

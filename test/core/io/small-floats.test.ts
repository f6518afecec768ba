import { test } from 'uvu';
import { type SmallFloat, float8ToFloat32, scaleToFloat32 } from '../../../core/io/small-floats.ts';
import { equal, is, ok } from '../../assert.ts';

const read = (name: SmallFloat, ...bytes: number[]): number[] => [...float8ToFloat32(Uint8Array.from(bytes), name)];
const all = Uint8Array.from({ length: 256 }, (_, i) => i);

test('the values that the definitions name', () => {
  equal(read('F8_E5M2', 0x00, 0x01, 0x03, 0x04, 0x3c, 0x7b, 0x7c, 0xfc, 0xbc), [0, 2 ** -16, 0.75 * 2 ** -14, 2 ** -14, 1, 57344, Infinity, -Infinity, -1]);
  equal(read('F8_E4M3', 0x01, 0x07, 0x08, 0x38, 0x7e, 0xfe, 0x3c), [2 ** -9, 0.875 * 2 ** -6, 2 ** -6, 1, 448, -448, 1.5]);
  equal(read('F8_E5M2FNUZ', 0x01, 0x04, 0x40, 0x7f, 0xff), [2 ** -17, 2 ** -15, 1, 57344, -57344]);
  equal(read('F8_E4M3FNUZ', 0x01, 0x08, 0x40, 0x7f, 0xff), [2 ** -10, 2 ** -7, 1, 240, -240]);
  equal([...scaleToFloat32(Uint8Array.of(0, 127, 128, 254))], [2 ** -127, 1, 2, 2 ** 127]);
});

test('what is no number', () => {
  const nans = (name: SmallFloat): number[] => [...float8ToFloat32(all, name)].flatMap((x, i) => (Number.isNaN(x) ? [i] : []));
  equal(nans('F8_E5M2'), [0x7d, 0x7e, 0x7f, 0xfd, 0xfe, 0xff]);
  equal(nans('F8_E4M3'), [0x7f, 0xff]);
  equal(nans('F8_E5M2FNUZ'), [0x80]);
  equal(nans('F8_E4M3FNUZ'), [0x80]);
  ok(Number.isNaN(scaleToFloat32(Uint8Array.of(255))[0]));
  ok(Object.is(read('F8_E5M2', 0x80)[0], -0) && Object.is(read('F8_E4M3', 0x80)[0], -0));
});

test('values rise with the bytes', () => {
  for (const name of ['F8_E5M2', 'F8_E4M3', 'F8_E5M2FNUZ', 'F8_E4M3FNUZ'] as const) {
    const finite = [...float8ToFloat32(all.subarray(0, 128), name)].filter(Number.isFinite);
    finite.forEach((x, i) => i > 0 && ok(x > finite[i - 1], `${name} ${i}`));
    is(finite[0], 0);
  }
});

test.run();

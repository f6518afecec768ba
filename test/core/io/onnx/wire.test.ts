import * as fc from 'fast-check';
import { test } from 'uvu';
import { PolyakError } from '../../../../core/errors.ts';
import { MessageWriter, bytesOf, doublesOf, fieldsOf, floatOf, floatsOf, integersOf, signed, textOf } from '../../../../core/io/onnx/wire.ts';
import { equal, is, throwsError } from '../../../assert.ts';

test('the bytes are those of the protocol', () => {
  equal([...new MessageWriter().int(1, 150).finish()], [8, 150, 1]);
  equal([...new MessageWriter().text(2, 'testing').finish()], [18, 7, 116, 101, 115, 116, 105, 110, 103]);
  equal([...new MessageWriter().int(1, -1).finish()], [8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
  equal([...new MessageWriter().float(3, 1).finish()], [29, 0, 0, 128, 63]);
  equal([...new MessageWriter().message(1, new MessageWriter().packed(2, [3, 270])).finish()], [10, 5, 18, 3, 3, 142, 2]);
});

test('what is written is read again', () => {
  fc.assert(fc.property(fc.maxSafeInteger(), fc.string(), fc.array(fc.maxSafeInteger()), fc.array(fc.float({ noNaN: true })), fc.uint8Array(), (n, text, integers, floats, bytes) => {
    const message = new MessageWriter().int(1, n).text(2, text).packed(3, integers).floats(4, floats).bytes(5, bytes);
    const out = message.finish();
    is(out.length, message.length);
    const [a, b, c, d, e] = fieldsOf(out);
    is(signed(a), n);
    is(textOf(b), text);
    equal(integersOf(c), integers);
    equal(floatsOf(d).map((v) => v + 0), floats.map((v) => v + 0));
    equal([...bytesOf(e)], [...bytes]);
  }));
});

test('repeated numbers may stand one by one, and doubles are read', () => {
  const [n, f] = fieldsOf(new MessageWriter().int(7, -5).float(4, 0.5).finish());
  equal([integersOf(n), floatsOf(f), floatOf(f)], [[-5], [0.5], 0.5]);
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, 0.1, true);
  const [one] = fieldsOf(Uint8Array.of(10 * 8 + 1, ...new Uint8Array(view.buffer)));
  const [packed] = fieldsOf(new MessageWriter().bytes(10, new Uint8Array(view.buffer)).finish());
  equal([doublesOf(one), doublesOf(packed)], [[0.1], [0.1]]);
});

test('damaged messages are refused', () => {
  const read = (...bytes: number[]): (() => unknown) => () => [...fieldsOf(Uint8Array.from(bytes))];
  const refused = (fn: () => unknown, message: RegExp): void => throwsError(fn, PolyakError, message);
  refused(read(8), /an end inside a number/);
  refused(read(8, 128, 128), /an end inside a number/);
  refused(read(8, ...new Array<number>(11).fill(128)), /more than 10 bytes/);
  refused(read(18, 200, 1, 0), /a field of 200 bytes where 1 are left/);
  refused(read(18, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1), /a field of 18446744073709551615 bytes/);
  refused(read(13, 0, 0), /an end inside a number/);
  refused(read(11, 1), /a field of kind 3/);
  refused(read(0, 1), /field 0/);
  const [text] = fieldsOf(Uint8Array.of(18, 1, 255));
  refused(() => textOf(text), /no UTF-8/);
  const [bytes] = fieldsOf(Uint8Array.of(34, 3, 0, 0, 0));
  refused(() => floatsOf(bytes), /an end inside a float/);
  const [number] = fieldsOf(Uint8Array.of(8, 1));
  refused(() => bytesOf(number), /a number in field 1/);
});

test('any bytes end in fields or an error, quickly', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    try {
      let total = 0;
      for (const field of fieldsOf(bytes)) total += field.bytes?.length ?? 0;
      return total <= bytes.length;
    } catch (error) {
      return error instanceof PolyakError;
    }
  }), { numRuns: 500 });
});

test.run();

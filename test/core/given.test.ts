// Settings stand by position or by name.
import { test } from 'uvu';
import { equal, is, throwsError } from '../assert.ts';
import {
  ArgumentError, Conv2d, ConvTranspose1d, Dropout, ELU, Flatten, GLU, Hardtanh, LeakyReLU, PReLU, RReLU, Softmax, Softplus, Transformer,
} from '../../index.ts';
import { given } from '../../core/given.ts';

interface Settings {
  readonly a?: number;
  readonly b?: readonly number[];
  readonly c?: boolean;
}

test('positions come first, options last', () => {
  const read = (...args: readonly unknown[]): Settings => given<Settings>('layer', ['a', 'b'], args, ['c']);
  equal(read(), {});
  equal(read(1, [2]), { a: 1, b: [2] });
  equal(read(1, { c: true }), { a: 1, c: true });
  equal(read({ a: 1, b: [2], c: true }), { a: 1, b: [2], c: true });
  equal(read(1, undefined, { b: [3] }), { a: 1, b: [3] });
  throwsError(() => read(1, { a: 2 }), ArgumentError, /layer: a was given twice, got 1 and an option/);
  throwsError(() => read({ d: 1 }), ArgumentError, /layer: unknown option, got 'd'/);
  throwsError(() => read(1, [2], 3), ArgumentError, /layer: options are not an object, got 3/);
  throwsError(() => read({ c: true }, 1), ArgumentError, /options last/);
});

test('layers take both forms', () => {
  const pairs = [
    [new Dropout(0.2), new Dropout({ p: 0.2 })],
    [new Softmax(1), new Softmax({ dim: 1 })],
    [new GLU(0), new GLU({ dim: 0 })],
    [new LeakyReLU(0.2, { inplace: true }), new LeakyReLU({ negativeSlope: 0.2, inplace: true })],
    [new ELU(0.5), new ELU({ alpha: 0.5 })],
    [new Softplus(2, 3), new Softplus(2, { threshold: 3 })],
    [new Hardtanh(-2, 2), new Hardtanh({ minVal: -2, maxVal: 2 })],
    [new PReLU(3), new PReLU({ numParameters: 3 })],
    [new RReLU(0.1, 0.2), new RReLU({ lower: 0.1, upper: 0.2 })],
    [new Flatten(0, 1), new Flatten({ startDim: 0, endDim: 1 })],
    [new Conv2d(2, 4, 3, 2, 1, { groups: 2 }), new Conv2d(2, 4, 3, { stride: 2, padding: 1, groups: 2 })],
    [new ConvTranspose1d(2, 4, 3, [2], { padding: 1 }), new ConvTranspose1d(2, 4, 3, { stride: 2, padding: 1 })],
    [new Transformer(4, 2, 1, { numDecoderLayers: 1, dimFeedforward: 3 }), new Transformer({ dModel: 4, nhead: 2, numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 3 })],
  ];
  for (const [one, other] of pairs) is(one.toString(), other.toString());
  // @ts-expect-error: no dimension
  throwsError(() => new Softmax({}), ArgumentError, /Softmax: dim is not an integer/);
  throwsError(() => Reflect.construct(Softplus, [{ betta: 2 }]), ArgumentError, /did you mean 'beta'/);
});

test.run();

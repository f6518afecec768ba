import { test } from 'uvu';
import { convInputKernel, convKernel } from '../../../../core/cpu/conv.ts';
import type { FastKernel } from '../../../../core/cpu/engine.ts';
import { fastConvInput } from '../../../../core/cpu/fast/conv-input.ts';
import { setWinograd } from '../../../../core/cpu/fast/conv-winograd.ts';
import { fastConv } from '../../../../core/cpu/fast/conv.ts';
import type { ConvGeometry, Pair } from '../../../../core/cpu/frame.ts';
import type { Kernel } from '../../../../core/op.ts';
import { Generator } from '../../../../core/random.ts';
import { type Tensor, emptyTensor } from '../../../../core/tensor.ts';
import { conv2d, randn, setNumThreads } from '../../../../index.ts';
import { equal, is, not, ok } from '../../../assert.ts';

const random = new Generator(5);
const normal = (shape: readonly number[]): Tensor => randn(shape, { generator: random });

function geometryOf(batch: number, from: number, to: number, input: Pair, padding: Pair): ConvGeometry {
  const output: Pair = [input[0] + 2 * padding[0] - 2, input[1] + 2 * padding[1] - 2];
  return { rank: 2, batch, groups: 1, inChannels: from, outChannels: to, input, output, kernel: [3, 3], stride: [1, 1], padding, dilation: [1, 1] };
}

function result(kernel: Kernel<ConvGeometry> | FastKernel<ConvGeometry>, shape: readonly number[], inputs: readonly Tensor[], g: ConvGeometry): ArrayLike<number> {
  const out = emptyTensor(shape, 'float32', 'cpu');
  out.storage.cells.fill(NaN);
  ok(kernel([out], inputs, g) !== false);
  return out.data();
}

/** Root of the mean squared error, and the largest error, relative to the root of the mean square. */
function errors(actual: ArrayLike<number>, expected: ArrayLike<number>): { readonly mean: number; readonly largest: number } {
  let [squares, total, largest] = [0, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]);
    if (!(error <= largest)) largest = error;
    squares += error * error;
    total += expected[i] * expected[i];
  }
  return { mean: Math.sqrt(squares / total), largest: largest / Math.sqrt(total / expected.length) };
}

interface Direction {
  readonly fast: FastKernel<ConvGeometry>;
  readonly reference: Kernel<ConvGeometry>;
  readonly shape: readonly number[];
  readonly inputs: readonly Tensor[];
}

function directions(g: ConvGeometry): Direction[] {
  const [x, y, w] = [normal([g.batch, g.inChannels, ...g.input]), normal([g.batch, g.outChannels, ...g.output]), normal([g.outChannels, g.inChannels, 3, 3])];
  return [
    { fast: fastConv, reference: convKernel, shape: y.shape, inputs: [x, w, normal([g.outChannels])] },
    { fast: fastConv, reference: convKernel, shape: y.shape, inputs: [x, w] },
    { fast: fastConvInput, reference: convInputKernel, shape: x.shape, inputs: [y, w] },
    { fast: fastConvInput, reference: convInputKernel, shape: x.shape, inputs: [y, w, normal([g.inChannels])] },
  ];
}

/** Batch, channels, sizes of whole and of partial tiles, with blocks of several images and several blocks of an image, and padding. */
const geometries = [
  geometryOf(4, 32, 32, [8, 8], [1, 1]),
  geometryOf(5, 17, 38, [16, 16], [1, 1]),
  geometryOf(5, 33, 37, [7, 9], [1, 1]),
  geometryOf(3, 32, 16, [14, 14], [0, 2]),
  geometryOf(1, 64, 64, [32, 32], [1, 1]),
  geometryOf(2, 64, 64, [30, 27], [1, 1]),
  geometryOf(2, 16, 16, [41, 33], [2, 1]),
  geometryOf(3, 150, 130, [8, 12], [1, 1]),
];

test('the error is at most three times that of the direct convolution', () => {
  for (const g of geometries) {
    for (const { fast, reference, shape, inputs } of directions(g)) {
      const expected = result(reference, shape, inputs, g);
      const actual = result(fast, shape, inputs, g);
      const before = setWinograd(false);
      const direct = result(fast, shape, inputs, g);
      setWinograd(before);
      const [e, d] = [errors(actual, expected), errors(direct, expected)];
      const about = `${JSON.stringify(g)}: ${e.mean} and ${e.largest}, direct ${d.mean} and ${d.largest}`;
      ok(e.mean < 3 * d.mean && e.mean < 2e-6, about);
      ok(e.largest < 3e-5, about);
    }
  }
});

test('it runs where it should', () => {
  const g = geometryOf(2, 16, 16, [16, 16], [1, 1]);
  const [{ fast, shape, inputs }] = directions(g);
  const actual = result(fast, shape, inputs, g);
  const before = setWinograd(false);
  const direct = result(fast, shape, inputs, g);
  setWinograd(before);
  not.equal(actual, direct);
});

test('an image gives the same bits alone and among others', () => {
  const [x, w] = [normal([5, 20, 17, 16]), normal([24, 20, 3, 3])];
  const all = conv2d(x, w, null, { padding: 1 });
  for (let n = 0; n < 5; n++) equal(conv2d(x.narrow(0, n, 1), w, null, { padding: 1 }).data(), all.narrow(0, n, 1).data());
});

test('what is not finite reaches the results that it belongs to, and no other image', () => {
  for (const g of geometries) {
    for (const { fast, shape, inputs } of directions(g)) {
      const clean = result(fast, shape, inputs, g);
      const each = clean.length / g.batch;
      for (const odd of [NaN, Infinity, 3e38]) {
        const x = inputs[0].clone();
        x.storage.cells[x.offset + Math.floor(x.numel() / g.batch / 2)] = odd;
        const before = setWinograd(false);
        const direct = result(fast, shape, [x, ...inputs.slice(1)], g);
        setWinograd(before);
        const actual = result(fast, shape, [x, ...inputs.slice(1)], g);
        for (let i = 0; i < clean.length; i++) {
          ok(Object.is(actual[i], i < each ? direct[i] : clean[i]), `${odd}: ${actual[i]} at ${i} of ${JSON.stringify(g)}`);
        }
      }
    }
  }
});

test('a NaN of the input reaches the nine results around it, as in PyTorch', () => {
  const x = normal([1, 32, 16, 16]);
  x.storage.cells[x.offset + 5 * 16 + 7] = NaN;
  const y = conv2d(x, normal([32, 32, 3, 3]), null, { padding: 1 });
  is(y.isnan().sum().item(), 9 * 32);
  is(y.narrow(2, 4, 3).narrow(3, 6, 3).isnan().all().item(), 1);
});

test('any number of threads gives the same bits', () => {
  for (const g of geometries) {
    for (const { fast, shape, inputs } of directions(g)) {
      const whole = result(fast, shape, inputs, g);
      for (const threads of [2, 3, 8]) {
        setNumThreads(threads);
        try {
          equal(result(fast, shape, inputs, g), whole, `${threads} threads, ${JSON.stringify(g)}`);
        } finally {
          setNumThreads(1);
        }
      }
    }
  }
});

test.run();

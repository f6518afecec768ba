import fc from 'fast-check';
import { test } from 'uvu';
import { ArgumentError, DTypeError, ShapeError, imageToTensor, tensor, tensorToImage, zeros } from '../../../index.ts';
import { allClose, equal, is, throwsError } from '../../assert.ts';

/** Red, a dark colour / white at half opacity, black. */
const image = { width: 2, height: 2, data: Uint8ClampedArray.of(255, 0, 0, 255, 10, 20, 30, 255, 255, 255, 255, 128, 0, 0, 0, 255) };

test('channels first, from 0 to 1', () => {
  const x = imageToTensor(image);
  equal([x.dtype, [...x.shape]], ['float32', [3, 2, 2]]);
  equal([...x.data()], [255, 10, 255, 0, 0, 20, 255, 0, 0, 30, 255, 0].map((v) => Math.fround(v / 255)));
  equal(imageToTensor(image, { channels: 4, dtype: 'uint8' }).array(), [[[255, 10], [255, 0]], [[0, 20], [255, 0]], [[0, 30], [255, 0]], [[255, 255], [128, 255]]]);
  equal(imageToTensor(image, { channels: 1, dtype: 'uint8' }).array(), [[[76, 18], [255, 0]]]); // PIL: Image.convert('L')
  allClose(imageToTensor(image, { mean: [0.5, 0, 0.25], std: [0.5, 2, 1] }).data(), [1, -0.9215686, 1, -1, 0, 0.0392157, 0.5, 0, -0.25, -0.1323529, 0.75, -0.25], { atol: 1e-6 });
  equal([...imageToTensor({ width: 0, height: 3, data: new Uint8Array(0) }).shape], [3, 3, 0]);
});

test('and back', () => {
  const opaque = { ...image, data: image.data.map((v, i) => (i % 4 === 3 ? 255 : v)) };
  equal(tensorToImage(imageToTensor(image)), opaque);
  equal(tensorToImage(imageToTensor(image, { channels: 4 })), image);
  equal(tensorToImage(imageToTensor(image, { channels: 4, dtype: 'uint8' })), image);
  const scale = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.4] };
  equal(tensorToImage(imageToTensor(image, scale), scale), opaque);
  equal([...tensorToImage(tensor([[0, 0.5], [2, -1]])).data], [0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255, 0, 0, 0, 255]);
  equal(tensorToImage(zeros([1, 2, 3])).width, 3);
});

test('any bytes survive', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 }), fc.infiniteStream(fc.integer({ min: 0, max: 255 })), (width, height, bytes) => {
      const data = Uint8ClampedArray.from({ length: 4 * width * height }, () => bytes.next().value as number);
      for (const dtype of ['float32', 'uint8'] as const) equal(tensorToImage(imageToTensor({ width, height, data }, { channels: 4, dtype })), { width, height, data });
    }),
    { numRuns: 100 },
  );
});

test('uses ImageData where there is one', () => {
  class Fake {
    readonly made = true;
  }
  Object.assign(globalThis, { ImageData: Fake });
  try {
    is((tensorToImage(zeros([2, 2])) as object) instanceof Fake, true);
  } finally {
    Reflect.deleteProperty(globalThis, 'ImageData');
  }
});

test('refuses anything else', () => {
  throwsError(() => imageToTensor(3 as never), ArgumentError, /not an image, got 3/);
  throwsError(() => imageToTensor({ ...image, width: 3 }), ArgumentError, /the bytes do not fit, got 16 for 3x2/);
  throwsError(() => imageToTensor(image, { channels: 2 as never }), ArgumentError, /invalid channels, got 2/);
  throwsError(() => imageToTensor(image, { dtype: 'int32' as never }), ArgumentError, /invalid dtype/);
  throwsError(() => imageToTensor(image, { mean: [1] }), ArgumentError, /invalid mean, got \[1\]; expected 3 finite numbers/);
  throwsError(() => imageToTensor(image, { std: [1, 0, 1] }), ArgumentError, /invalid std/);
  throwsError(() => imageToTensor(image, { dtype: 'uint8', mean: [0, 0, 0] }), ArgumentError, /do not go together/);
  throwsError(() => tensorToImage(zeros([2, 3, 3])), ShapeError, /not an image, got float32\[2, 3, 3\]/);
  throwsError(() => tensorToImage(zeros([3])), ShapeError, /not an image/);
  throwsError(() => tensorToImage(zeros([3, 3], { dtype: 'int32' })), DTypeError, /not pixels/);
  throwsError(() => tensorToImage([1] as never), ArgumentError, /not a tensor/);
});

test.run();

import fc from 'fast-check';
import { type DType, type Tensor, tensor } from '../../../index.ts';

const element: Readonly<Record<DType, fc.Arbitrary<number>>> = {
  float32: fc.float(),
  float64: fc.double(),
  int64: fc.integer(),
  int32: fc.integer(),
  uint8: fc.integer({ min: 0, max: 255 }),
  bool: fc.integer({ min: 0, max: 1 }),
};

const dtype = fc.constantFrom<DType[]>('float32', 'float64', 'int64', 'int32', 'uint8', 'bool');

/** Tensors of any dtype and of up to three dimensions, also empty ones and scalars. */
export const anyTensor: fc.Arbitrary<Tensor> = fc.tuple(dtype, fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 })).chain(([type, shape]) => {
  const n = shape.reduce((a, b) => a * b, 1);
  return fc.array(element[type], { minLength: n, maxLength: n }).map((values) => tensor(values, { dtype: type }).reshape(shape));
});

/** Tensors by any name. */
export const tensors: fc.Arbitrary<Record<string, Tensor>> = fc.dictionary(
  fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', '', 'a.b', '$x')).filter((name) => name !== '__metadata__'),
  anyTensor,
  { maxKeys: 5 },
);

type Change = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const byte = fc.integer({ min: 0, max: 255 });

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(place, byte).map(([at, value]): Change => (b) => {
    b[Math.floor(at * b.length)] = value;
    return b;
  }),
  fc.tuple(place, fc.integer({ min: 0, max: 7 })).map(([at, bit]): Change => (b) => {
    b[Math.floor(at * b.length)] ^= 1 << bit;
    return b;
  }),
  place.map((at): Change => (b) => b.slice(0, Math.floor(at * b.length))),
  fc.uint8Array({ maxLength: 20 }).map((more): Change => (b) => new Uint8Array([...b, ...more])),
  fc.tuple(place, place).map(([from, to]): Change => (b) => new Uint8Array([...b.subarray(0, Math.floor(from * b.length)), ...b.subarray(Math.floor(to * b.length))])),
);

/** A good file after one to four changes, or plain noise. */
export function files(make: () => Uint8Array): fc.Arbitrary<Uint8Array> {
  const good = make();
  const changed = fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => changes.reduce((b, f) => f(b), new Uint8Array(good)));
  return fc.oneof({ weight: 9, arbitrary: changed }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) });
}

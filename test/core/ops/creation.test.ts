import { test } from 'uvu';
import { ArgumentError, DTypeError, DeviceError, ShapeError, arange, empty, emptyLike, eye, full, fullLike, isTensor, linspace, ones, onesLike, tensor, zeros, zerosLike } from '../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

test('tensor: shapes and dtypes follow the data', () => {
  const cases = [
    [3, [], 'float32'],
    [true, [], 'bool'],
    [[[1, 2], [3, 4]], [2, 2], 'float32'],
    [[true, false], [2], 'bool'],
    [[true, 2], [2], 'float32'],
    [[1n, 2n], [2], 'int64'],
    [[], [0], 'float32'],
    [[[], []], [2, 0], 'float32'],
    [new Float64Array([1]), [1], 'float64'],
    [new Int32Array([1]), [1], 'int32'],
    [new Int8Array([-1]), [1], 'int32'],
    [new Uint8Array([1]), [1], 'uint8'],
    [new BigInt64Array([5n]), [1], 'int64'],
    [new Uint32Array([5]), [1], 'int64'],
  ] as const;
  for (const [data, shape, dtype] of cases) {
    const x = tensor(data);
    equal([...x.shape], [...shape]);
    is(x.dtype, dtype);
  }
});

test('tensor: values are copied and converted', () => {
  const data = new Float32Array([1, 2]);
  const x = tensor(data);
  data[0] = 9;
  allClose(x, [1, 2]);
  allClose(tensor([1.9, -1.9], { dtype: 'int64' }), [1, -1]);
  allClose(tensor([0, 0.5, NaN], { dtype: 'bool' }), [0, 1, 1]);
  allClose(tensor([NaN, -Infinity]), [NaN, -Infinity]);
  is(tensor([0.1]).item(), Math.fround(0.1));
  ok(tensor([1], { requiresGrad: true }).requiresGrad);
});

test('tensor refuses', () => {
  for (const ragged of [[[1], [2, 3]], [1, [2]], [[1], 2], [[], [1]], [[[]], []]]) throwsError(() => tensor(ragged), ShapeError, /nested arrays differ in length/);
  for (const other of ['1', null, undefined, {}, [undefined], ['a'], [null]]) throwsError(() => tensor(other as never), ArgumentError, /not a number/);
  throwsError(() => tensor(zeros([2]) as never), ArgumentError, /not a number/);
  throwsError(() => tensor([300], { dtype: 'uint8' }), DTypeError, /does not fit uint8, got 300; expected 0 to 255/);
  throwsError(() => tensor([2n ** 40n]), DTypeError, /kept as 32-bit integers/);
  throwsError(() => tensor([NaN], { dtype: 'int32' }), DTypeError, /not a finite number/);
  throwsError(() => tensor([1], { dtype: 'float16' as 'float32' }), ArgumentError, /unknown dtype, got 'float16'/);
  throwsError(() => tensor([1], { device: 'tpu' }), DeviceError, /unknown device, got 'tpu'/);
  throwsError(() => tensor([1], { dytpe: 'int64' } as object), ArgumentError, /did you mean 'dtype'/);
  throwsError(() => tensor([true], { requiresGrad: true }), DTypeError, /only floats carry gradients/);
  throwsError(() => tensor([1], { requiresGrad: 'yes' as never }), ArgumentError, /requiresGrad is not a boolean/);
});

test('filled tensors', () => {
  allClose(zeros([2]), [0, 0]);
  allClose(ones([2], { dtype: 'int64' }), [1, 1]);
  allClose(full([2], -1.5), [-1.5, -1.5]);
  is(full([1], true).dtype, 'bool');
  is(full([1], 1).dtype, 'float32');
  is(Object.is(full([1], -0).item(), -0), true);
  equal([...empty([0, 3]).shape], [0, 3]);
  const like = tensor([[1, 2]], { dtype: 'float64' });
  for (const [x, value] of [[zerosLike(like), 0], [onesLike(like), 1], [fullLike(like, 7), 7], [emptyLike(like), 0]] as const) {
    is(x.dtype, 'float64');
    allClose(x, [[value, value]]);
  }
  is(onesLike(like, { dtype: 'bool' }).dtype, 'bool');
  throwsError(() => zeros(3 as never), ShapeError, /shapes are arrays: \[3\]/);
  for (const shape of [[-1], [1.5], [NaN], ['2']]) throwsError(() => zeros(shape as number[]), ShapeError, /not a shape/);
  throwsError(() => full([1], 'a' as never), ArgumentError, /value is not a number, got 'a'/);
  throwsError(() => full([1], 256, { dtype: 'uint8' }), DTypeError, /does not fit uint8/);
  throwsError(() => full([1], -256, { dtype: 'uint8' }), DTypeError, /does not fit uint8/);
  // As PyTorch's, negative numbers wrap round.
  const bytes = full([2], -1, { dtype: 'uint8' });
  equal(bytes.array(), [255, 255]);
  equal(fullLike(bytes, -255).array(), [1, 1]);
  equal(bytes.newFull([1], -2).array(), [254]);
  throwsError(() => zerosLike([1] as never), ArgumentError, /not a tensor/);
});

test('arange', () => {
  allClose(arange(3), [0, 1, 2]);
  is(arange(3).dtype, 'int64');
  allClose(arange(5, 1, -2), [5, 3]);
  allClose(arange(1, 2, 0.3), [1, 1.3, 1.6, 1.9], { rtol: 1e-6 });
  is(arange(0.5).dtype, 'float32');
  is(arange(2, { dtype: 'float64' }).dtype, 'float64');
  equal([...arange(0).shape], [0]);
  throwsError(() => arange(2, 1), ArgumentError, /leads away from the end, got 2 to 1 by 1/);
  throwsError(() => arange(0, 1, 0), ArgumentError, /leads away/);
  for (const args of [[NaN], [0, Infinity], ['5', 3], [], [1, 2, 3, 4], [null, 3]]) throwsError(() => arange(...(args as [number])), ArgumentError, /not finite numbers/);
});

test('linspace and eye', () => {
  allClose(linspace(-3, 4, 4, { dtype: 'int64' }), [-3, 0, 1, 4]);
  is(linspace(0, 0.7, 8).data()[7], Math.fround(0.7));
  allClose(linspace(2, 5, 1), [2]);
  equal([...linspace(0, 1, 0).shape], [0]);
  throwsError(() => linspace(0, 1, -1), ArgumentError, /steps is not a whole number/);
  throwsError(() => linspace('0' as never, 1, 2), ArgumentError, /bound is not a number/);
  allClose(eye(2, 3), [[1, 0, 0], [0, 1, 0]]);
  is(eye(2, { dtype: 'bool' }).dtype, 'bool');
  equal([...eye(2, 0).shape], [2, 0]);
  throwsError(() => eye(-1), ShapeError, /not a shape/);
});

test('isTensor', () => {
  equal([isTensor(zeros([1])), isTensor([1]), isTensor(null)], [true, false, false]);
});

test.run();

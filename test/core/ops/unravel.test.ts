import { test } from 'uvu';
import { ArgumentError, DTypeError, arange, tensor, unravelIndex } from '../../../index.ts';
import { equal, throwsError } from '../../assert.ts';

test('the coordinates index the tensor at the places', () => {
  const x = arange(24).reshape([2, 3, 4]);
  const places = tensor([[5, 23], [0, 13]], { dtype: 'int64' });
  const found = unravelIndex(places, x.shape);
  equal(found.map((t) => t.shape), [[2, 2], [2, 2], [2, 2]]);
  equal(x.index(...found).array(), places.array());
  equal(unravelIndex(tensor(3, { dtype: 'int64' }), 5).map((t) => t.array()), [3]);
});

test('bad arguments are refused', () => {
  throwsError(() => unravelIndex(tensor([1]), [2]), DTypeError, /unravelIndex: indices is not made of whole numbers|unravelIndex/);
  throwsError(() => unravelIndex(tensor([1], { dtype: 'int64' }), [2, -1]), ArgumentError, /unravelIndex: not a shape, got \[2, -1\]/);
});

test.run();

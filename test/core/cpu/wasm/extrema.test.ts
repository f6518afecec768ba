import { test } from 'uvu';
import { setFast } from '../../../../core/cpu/engine.ts';
import { type Tensor, manualSeed, randint, randn, tensor } from '../../../../index.ts';
import { ok } from '../../../assert.ts';

manualSeed(7);

/** Values and places with Wasm kernels must be those of the plain ones, to the bit. */
function compare(x: Tensor, dim: number, what: string): void {
  const once = (): readonly Tensor[] => [...x.max(dim), ...x.min(dim), x.argmax(dim), x.argmin(dim)];
  const fast = once();
  const before = setFast(false);
  const plain = once();
  setFast(before);
  fast.forEach((t, i) => {
    const [a, b] = [[...t.data()], [...plain[i].data()]];
    ok(a.every((v, j) => Object.is(v, b[j])), `${what}, result ${i}: ${a.join(', ')}, expected ${b.join(', ')}`);
  });
}

test('many shapes, with and without equal elements', () => {
  for (const shape of [[1], [5], [16], [1000], [64, 10], [3, 1], [3, 7], [3, 8], [3, 9], [2, 3, 4], [3, 5, 7], [4, 33, 2], [2, 1, 6]]) {
    for (let dim = 0; dim < shape.length; dim++) {
      compare(randn(shape), dim, `[${shape.join(', ')}] along ${dim}`);
      compare(randint(0, 3, shape).to('float32'), dim, `[${shape.join(', ')}] along ${dim}, with equal ones`);
    }
  }
});

test('views', () => {
  for (const dim of [0, 1]) compare(randn([5, 6]).t(), dim, 'a transpose');
});

test('special values', () => {
  for (const values of [[NaN], [1, NaN, 2, NaN], [1, 2, 3, 4, 5, 6, 7, 8, NaN, 9], [-Infinity, -Infinity], [Infinity, Infinity], [Infinity, -Infinity], [-0, 0], [0, -0], [-0, -0, 0, 0, 0], [NaN, Infinity]]) {
    compare(tensor(values), 0, values.join(', '));
    compare(tensor(values).reshape([-1, 1]).expand([-1, 6]).contiguous(), 0, `columns of ${values.join(', ')}`);
  }
});

test.run();

import { test } from 'uvu';
import { setFast } from '../../../../core/cpu/engine.ts';
import { fastAddmm, fastLinear, fastMatmul } from '../../../../core/cpu/fast/matmul.ts';
import { type Tensor, addmm, baddbmm, linear, matmul, ones, tensor } from '../../../../index.ts';
import { allClose, equal, is } from '../../../assert.ts';

let seed = 1;
/** Numbers in (-1, 1) that are the same in every run. */
function noise(...shape: number[]): Tensor {
  const cells = Float32Array.from({ length: shape.reduce((n, s) => n * s, 1) }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return seed / 2 ** 31;
  });
  return tensor(cells).reshape(shape);
}

/** Runs `fn` with and without the fast kernels and compares. */
function both(fn: () => Tensor, atol = 2e-6): void {
  const fast = fn();
  const before = setFast(false);
  try {
    allClose(fast, fn(), { rtol: 1e-5, atol });
  } finally {
    setFast(before);
  }
}

const turned = (...shape: number[]): Tensor => noise(...shape.toReversed()).t();

const pair = (a: Tensor, b: Tensor): void => both(() => matmul(a, b));

test('matmul agrees with the reference in all layouts and ranks', () => {
  for (const [m, k, n] of [[1, 1, 2], [2, 3, 4], [5, 8, 8], [9, 17, 1], [1, 17, 9], [12, 5, 11], [40, 33, 26], [6, 1, 6], [16, 70, 1100], [10, 70, 1100]]) {
    for (const a of [noise(m, k), turned(m, k), noise(2 * m, k, 3).select(2, 1).narrow(0, m, m)]) {
      for (const b of [noise(k, n), turned(k, n)]) pair(a, b);
    }
  }
  pair(noise(3, 6, 5).narrow(2, 1, 3), noise(3, 7, 3).transpose(1, 2));
  pair(noise(2, 1, 6, 5), noise(3, 5, 7));
  pair(noise(2, 3, 6, 5).permute([2, 1, 3, 0]), noise(2, 6));
  pair(noise(4, 2, 3), noise(4, 3, 1));
  pair(noise(2, 9).expand([7, 2, 9]), noise(9, 12).expand([7, 9, 12]));
  pair(noise(1, 9).expand([7, 9]), noise(9, 1).expand([9, 8]));
});

test('gradients agree with the reference', () => {
  const [x, w, b] = [noise(32, 16), noise(10, 16), noise(10)];
  for (const i of [0, 1, 2]) {
    both(() => {
      const leaves = [x, w, b].map((t) => t.detach().clone().requiresGrad_());
      linear(leaves[0], leaves[1], leaves[2]).pow(2).sum().backward();
      return leaves[i].grad as Tensor;
      // Sums of 32 rounded terms of size 4 or so, which may cancel.
    }, 1e-5);
  }
});

test('linear with any number of leading dimensions and any layout', () => {
  const [w, b, tilted, every] = [noise(6, 5), noise(6), turned(6, 5), noise(6, 2).select(1, 1)];
  for (const x of [noise(5), noise(7, 5), turned(7, 5), noise(2, 3, 5), noise(0, 5)]) {
    both(() => linear(x, w, b));
    both(() => linear(x, w));
    both(() => linear(x, tilted, every));
    both(() => linear(x, w.narrow(0, 0, 1), b.narrow(0, 3, 1)));
  }
});

test('addmm and baddbmm with factors, broadcast inputs, and in place', () => {
  const [a, b, target] = [noise(9, 4), noise(4, 11), noise(9, 11)];
  for (const input of [noise(9, 11), turned(9, 11), noise(11), noise(9, 1), noise(1, 11), noise(1), tensor(2)]) {
    both(() => addmm(input, a, b));
    both(() => addmm(input, a, b, { alpha: -0.5, beta: 3 }));
    both(() => addmm(input, a, b, { alpha: 2, beta: 0 }));
  }
  both(() => target.clone().addmm_(a, b, { alpha: 0.3, beta: -1.2 }));
  both(() => target.t().contiguous().t().addmm_(a, b, { alpha: 0.3, beta: -1.2 }));
  both(() => {
    const wide = ones([9, 30]);
    wide.narrow(1, 2, 11).addmm_(a, b, { beta: 2 });
    return wide;
  });
  const [p, q] = [noise(3, 9, 4), noise(3, 4, 11)];
  for (const input of [noise(3, 9, 11), noise(11), noise(3, 1, 11), noise(9, 1), noise(3, 1, 1)]) both(() => baddbmm(input, p, q, { alpha: 0.5, beta: 2 }));
  both(() => ones([3, 9, 11]).baddbmm_(p, q, { beta: 0.5 }));
});

test('what is not float32 is left to the reference', () => {
  const x = ones([2, 2], { dtype: 'float64' });
  const y = ones([2, 2]);
  is(fastMatmul([x], [x, x], undefined), false);
  is(fastLinear([x], [x, x], undefined), false);
  is(fastAddmm([x], [x, x, x], { alpha: 1, beta: 1 }), false);
  is(fastMatmul([y], [y, y], undefined), true);
  equal(y.array(), [[2, 2], [2, 2]]);
});

test('NaN of an input that does not count is not read', () => {
  const out = addmm(tensor([[NaN]]), ones([5, 2]), ones([2, 5]), { beta: 0 });
  allClose(out, ones([5, 5]).mul(2));
});

test.run();

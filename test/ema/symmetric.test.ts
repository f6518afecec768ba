import fc from 'fast-check';
import { test } from 'uvu';
import { eigenSymmetric } from '../../ema/symmetric.ts';
import { allClose, equal, ok } from '../assert.ts';

/** A symmetric matrix, row by row, from numbers for its lower half. */
function symmetric(n: number, numbers: readonly number[]): Float64Array {
  const a = new Float64Array(n * n);
  let at = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = numbers[at++];
  return a;
}

/** V diag(values) Vᵀ, where the rows of V are the vectors. */
function rebuilt(values: Float64Array, vectors: Float64Array): Float64Array {
  const n = values.length;
  return Float64Array.from({ length: n * n }, (_, at) => values.reduce((sum, v, k) => sum + v * vectors[k * n + Math.floor(at / n)] * vectors[k * n + (at % n)], 0));
}

test('worked by hand', () => {
  const { values, vectors } = eigenSymmetric(symmetric(2, [2, 1, 2]), 2);
  allClose(values, [3, 1], { rtol: 1e-15 });
  allClose(vectors.map(Math.abs), [0.5, 0.5, 0.5, 0.5].map(Math.sqrt), { rtol: 1e-15 });
  equal(Array.from(eigenSymmetric(symmetric(3, [1, 0, 3, 0, 0, 2]), 3).values), [3, 2, 1]);
  equal(Array.from(eigenSymmetric(symmetric(1, [-4]), 1).values), [-4]);
  equal(Array.from(eigenSymmetric(new Float64Array(9), 3).values), [0, 0, 0]);
  allClose(eigenSymmetric(new Float64Array(9).fill(1), 3).values, [3, 0, 0], { atol: 1e-15 });
});

test('small eigenvalues of a positive definite matrix keep their digits', () => {
  // D [1 c; c 1] D with D = diag(1, 1e-8): the smaller eigenvalue is (1 - c²)·1e-16 up to terms of 1e-32.
  const { values } = eigenSymmetric(symmetric(2, [1, 0.5e-8, 1e-16]), 2);
  allClose([values[1] / 0.75e-16], [1], { rtol: 1e-14 });
});

test('the Hilbert matrix of order 6', () => {
  const n = 6;
  const hilbert = Float64Array.from({ length: n * n }, (_, at) => 1 / (Math.floor(at / n) + (at % n) + 1));
  const { values } = eigenSymmetric(hilbert, n);
  allClose([values[0], values[0] / values[5]], [1.6188998589243391, 14951058.6424659], { rtol: 1e-9 }); // its well-known condition number
});

test('any symmetric matrix is put together again, by orthonormal vectors, and is left alone', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 36, maxLength: 36 }), (n, numbers) => {
      const a = symmetric(n, numbers);
      const before = a.slice();
      const { values, vectors } = eigenSymmetric(a, n);
      equal(a, before);
      allClose(rebuilt(values, vectors), a, { atol: 1e-12, rtol: 1e-12 });
      for (let i = 0; i < n; i++) {
        if (i > 0) ok(values[i - 1] >= values[i]);
        for (let j = 0; j <= i; j++) {
          let product = 0;
          for (let k = 0; k < n; k++) product += vectors[i * n + k] * vectors[j * n + k];
          allClose([product], [i === j ? 1 : 0], { atol: 1e-13 });
        }
      }
    }),
    { numRuns: 60 },
  );
});

test.run();

import fc from 'fast-check';
import { test } from 'uvu';
import { ArgumentError, type PowerProfile, gammaFromSigmaRel, postHocWeights, powerProfileWeights, profileInnerProduct } from '../../index.ts';
import { allClose, is, ok, throwsError } from '../assert.ts';

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);
const stored = (widths: readonly number[], times: readonly number[]): PowerProfile[] => times.flatMap((models) => widths.map((s) => ({ gamma: gammaFromSigmaRel(s), models })));

test('inner products by hand', () => {
  // Two uniform profiles of lengths 1 and 2: ∫₀¹ 1 · 1/2 dτ.
  is(profileInnerProduct({ gamma: 0, models: 1 }, { gamma: 0, models: 2 }), 0.5);
  // (γ+1)² / ((2γ+1) t) with itself.
  allClose([profileInnerProduct({ gamma: 3, models: 10 }, { gamma: 3, models: 10 })], [16 / 70], { rtol: 1e-15 });
  // ∫₀³⁰⁰ 3.5 τ^2.5/300^3.5 · 2.25 τ^1.25/400^2.25 dτ, by numpy's midpoint rule on 2 million points
  allClose([profileInnerProduct({ gamma: 2.5, models: 300 }, { gamma: 1.25, models: 400 })], [0.002892834183721], { rtol: 1e-12 });
});

test('inner products are symmetric and agree with the specification', () => {
  const profile = fc.record({ gamma: fc.double({ min: -0.4, max: 60, noNaN: true }), models: fc.integer({ min: 1, max: 1e6 }) });
  fc.assert(
    fc.property(profile, profile, (a, b) => {
      const e = a.models < b.models ? b.gamma : -a.gamma;
      const expected = ((a.gamma + 1) * (b.gamma + 1) * (a.models / b.models) ** e) / ((a.gamma + b.gamma + 1) * Math.max(a.models, b.models));
      allClose([profileInnerProduct(a, b)], [expected], { rtol: 1e-9, atol: 1e-300 });
      allClose([profileInnerProduct(b, a)], [profileInnerProduct(a, b)], { rtol: 1e-14, atol: 0 });
    }),
  );
});

test('numpy finds the same weights', () => {
  // test: 4 times, widths 0.05 and 0.1, wanted 0.07 at the last; numpy.linalg.solve of the system with a Lagrange multiplier
  const { weights, unconstrainedSum, residual, condition } = postHocWeights(stored([0.05, 0.1], [100, 200, 300, 400]), { gamma: gammaFromSigmaRel(0.07), models: 400 });
  const numpy = [0.0009898583872168252, -0.0023157083106451555, 0.002031986782080788, -0.004938875121995262, 0.013367819268847362, -0.05002385021348851, 0.4423851212681404, 0.5985036479398436];
  allClose(weights, numpy, { rtol: 1e-9, atol: 1e-13 });
  allClose([unconstrainedSum, residual, condition], [1.0114592289480264, 0.034706977825039266, 27.255834005534734], { rtol: 1e-9 });
});

test('a stored profile is itself', () => {
  const profiles = stored([0.05, 0.15], Array.from({ length: 20 }, (_, i) => 10 * (i + 1)));
  for (const k of [39, 38, 7]) {
    const { weights, unconstrainedSum, residual } = postHocWeights(profiles, profiles[k]);
    allClose(weights, weights.map((_, i) => (i === k ? 1 : 0)), { rtol: 1e-11, atol: 1e-11 });
    allClose([unconstrainedSum], [1], { rtol: 1e-11 });
    ok(residual < 1e-7);
  }
});

test('the sum is 1, and no other combination with that sum comes nearer', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.record({ gamma: fc.integer({ min: 0, max: 30 }), models: fc.integer({ min: 1, max: 40 }) }), { minLength: 2, maxLength: 8, selector: ({ gamma, models }) => `${gamma} ${models}` }),
      fc.record({ gamma: fc.double({ min: 0, max: 30, noNaN: true }), models: fc.integer({ min: 1, max: 40 }) }),
      fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 }),
      (profiles, wanted, noise) => {
        const { weights, residual, condition } = postHocWeights(profiles, wanted);
        allClose([sum(weights)], [1], { rtol: 1e-7 });
        if (condition > 1e10) return;
        const error = (x: ArrayLike<number>): number => {
          let square = profileInnerProduct(wanted, wanted);
          profiles.forEach((p, i) => {
            square -= 2 * x[i] * profileInnerProduct(p, wanted);
            profiles.forEach((q, j) => (square += x[i] * x[j] * profileInnerProduct(p, q)));
          });
          return Math.max(0, square / profileInnerProduct(wanted, wanted));
        };
        const scale = 1 + sum(weights.map((w) => w * w));
        allClose([error(weights)], [residual ** 2], { rtol: 1e-6, atol: 1e-10 * scale });
        const other = weights.map((w, i) => w + noise[i] - sum(noise.slice(0, weights.length)) / weights.length);
        ok(error(other) >= error(weights) - 1e-9 * scale, `${error(other)} < ${error(weights)}`);
      },
    ),
    { numRuns: 200 },
  );
});

test('the discrete rule is the continuous profile, cell by cell: the same factors hold for it, and their error is no larger', () => {
  const profiles = stored([0.05, 0.1], [16, 32, 48, 64]);
  const wanted = { gamma: gammaFromSigmaRel(0.08), models: 64 };
  const { weights, residual } = postHocWeights(profiles, wanted);
  const target = powerProfileWeights(wanted);
  const difference = target.slice();
  profiles.forEach((p, k) => powerProfileWeights(p).forEach((v, i) => (difference[i] -= weights[k] * v)));
  // cells of length 1: the squares add up to the L2 norm of the piecewise constant function
  const relative = Math.sqrt(sum(difference.map((v) => v * v)) / profileInnerProduct(wanted, wanted));
  ok(relative <= residual && relative > residual / 2, `${relative} and ${residual}`);
});

test('weights of the discrete rule', () => {
  allClose(powerProfileWeights({ gamma: 1, models: 4 }), [1, 3, 5, 7].map((v) => v / 16), { rtol: 1e-14 });
  allClose(powerProfileWeights({ gamma: 0, models: 5 }), [0.2, 0.2, 0.2, 0.2, 0.2], { rtol: 1e-14 });
  is(powerProfileWeights({ gamma: 7, models: 1 })[0], 1);
  allClose([sum(powerProfileWeights({ gamma: 16.97, models: 100_000 }))], [1], { rtol: 1e-12 });
});

test('profiles that depend on each other share the weight, and the condition number says so', () => {
  const twice = { gamma: 3, models: 10 };
  const { weights, condition, residual } = postHocWeights([twice, twice, { gamma: 3, models: 5 }], twice);
  allClose(weights, [0.5, 0.5, 0], { atol: 1e-12 });
  is(condition, Infinity);
  ok(residual < 1e-7);
});

test('a single profile gets weight 1, and the residual tells how far it is', () => {
  const { weights, residual, unconstrainedSum, condition } = postHocWeights([{ gamma: 0, models: 1 }], { gamma: 0, models: 2 });
  allClose(weights, [1], { rtol: 1e-14 });
  // free, the factor is ⟨a, b⟩/⟨a, a⟩ = 1/2; ‖b - a‖² = ∫₀¹ 1/4 + ∫₁² 1/4 = 1/2, and ‖b‖² = 1/2
  allClose([unconstrainedSum, residual, condition], [0.5, 1, 1], { rtol: 1e-14 });
});

test('rcond leaves out what hardly differs', () => {
  const near = [{ gamma: 3, models: 10 }, { gamma: 3.0001, models: 10 }, { gamma: 1, models: 10 }];
  const wanted = { gamma: 4, models: 10 };
  const [all, some] = [postHocWeights(near, wanted), postHocWeights(near, wanted, { rcond: 1e-6 })];
  ok(Math.max(...all.weights.map(Math.abs)) > 100 * Math.max(...some.weights.map(Math.abs)));
  ok(some.residual >= all.residual);
  allClose([sum(some.weights)], [1], { rtol: 1e-12 });
});

test('bad arguments', () => {
  const p = { gamma: 1, models: 1 };
  throwsError(() => postHocWeights([], p), ArgumentError, /no profiles/);
  throwsError(() => postHocWeights([JSON.parse('null')], p), ArgumentError, /not a profile/);
  for (const gamma of [-0.5, -1, NaN, Infinity]) throwsError(() => postHocWeights([p], { gamma, models: 1 }), RangeError, /gamma/);
  for (const models of [0, -1, NaN, Infinity]) throwsError(() => profileInnerProduct({ gamma: 1, models }, p), RangeError, /time/);
  for (const rcond of [-1, 1, NaN]) throwsError(() => postHocWeights([p], p, { rcond }), RangeError, /rcond/);
  throwsError(() => postHocWeights([p], p, { cond: 1 } as object), ArgumentError, /did you mean 'rcond'/);
  throwsError(() => powerProfileWeights({ gamma: 1, models: 1.5 }), RangeError, /integer/);
});

test.run();

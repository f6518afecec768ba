import { test } from 'uvu';
import { ArgumentError, Generator, Muon, eye, randn, zeros } from '../../index.ts';
import { allClose, equal, is, throwsError } from '../assert.ts';

const f64 = { dtype: 'float64' } as const;

test('matrices alone, at the constructor and later', () => {
  throwsError(() => new Muon([zeros([3])]), ArgumentError, /no matrix, got float32\[3\]/);
  throwsError(() => new Muon([{ params: [zeros([2, 2])] }, { params: [zeros([2, 2, 2])] }]), ArgumentError, /no matrix/);
  const optimizer = new Muon([zeros([2, 2])]);
  throwsError(() => optimizer.addParamGroup({ params: [zeros([1, 1]), zeros([])] }), ArgumentError, /no matrix/);
  is(optimizer.paramGroups.length, 1);
  optimizer.addParamGroup({ params: [zeros([1, 1])] });
  is(optimizer.paramGroups.length, 2);
});

test('a step is a rotation: with the coefficients that converge, the update is orthogonal', () => {
  for (const [rows, columns] of [[3, 5], [5, 3]]) {
    const p = zeros([rows, columns], f64).requiresGrad_();
    p.grad = randn([rows, columns], { ...f64, generator: new Generator(4) });
    // The cubic x·(3 - x²)/2 converges to singular values of 1.
    new Muon([p], { lr: 1, nsCoefficients: [1.5, -0.5, 0], nsSteps: 40, momentum: 0 }).step();
    const scale = Math.max(1, rows / columns);
    const gram = rows > columns ? p.t().matmul(p) : p.matmul(p.t());
    allClose(gram, eye(3, f64).mul(scale), { rtol: 1e-9, atol: 1e-9 });
  }
});

test('the size of the gradient does not matter, that of the matrix does', () => {
  const ends = [1, 100].map((size) => {
    const p = zeros([4, 2], f64).requiresGrad_();
    p.grad = randn([4, 2], { ...f64, generator: new Generator(7) }).mul(size);
    new Muon([p], { lr: 0.1 }).step();
    return p.detach();
  });
  allClose(ends[1], ends[0], { rtol: 1e-10 });
  const [a, b] = (['original', 'match_rms_adamw'] as const).map((adjustLrFn) => {
    const p = zeros([4, 2], f64).requiresGrad_();
    p.grad = randn([4, 2], { ...f64, generator: new Generator(7) });
    new Muon([p], { lr: 0.1, adjustLrFn }).step();
    return p.detach();
  });
  allClose(b, a.mul((0.2 * 2) / Math.SQRT2), { rtol: 1e-12 });
});

test('zero gradients and empty matrices stay finite', () => {
  const [p, empty] = [zeros([2, 2]).add(1).requiresGrad_(), zeros([0, 2]).requiresGrad_()];
  p.grad = zeros([2, 2]);
  empty.grad = zeros([0, 2]);
  new Muon([p, empty], { lr: 0.1, weightDecay: 0.5 }).step();
  allClose(p, [[0.95, 0.95], [0.95, 0.95]], { rtol: 1e-6 });
  equal([...empty.shape], [0, 2]);
});

test.run();

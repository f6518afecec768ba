import { test } from 'uvu';
import { Adafactor, StateError, Tensor, tensor, zeros } from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

test('state: means over rows and columns of the last two dimensions, or of the squares', () => {
  const params = [zeros([2, 3]), zeros([4]), zeros([5, 2, 3]), zeros([])].map((p) => p.requiresGrad_());
  const optimizer = new Adafactor(params);
  for (const p of params) p.grad = zeros(p.shape).add(2);
  optimizer.step();
  const { state } = optimizer.stateDict();
  const shapes = Object.values(state).map((fields) => Object.fromEntries(Object.entries(fields).map(([key, v]) => [key, v instanceof Tensor ? [...v.shape] : v])));
  equal(shapes, [
    { step: [], row_var: [2, 1], col_var: [1, 3] },
    { step: [], variance: [4] },
    { step: [], row_var: [5, 2, 1], col_var: [5, 1, 3] },
    { step: [], variance: [] },
  ]);
  const fields = state[0];
  for (const part of [{ ...fields, row_var: zeros([2, 3]) }, { ...fields, col_var: zeros([3, 1]) }, { step: fields.step, variance: zeros([2, 3]) }]) {
    throwsError(() => optimizer.loadStateDict({ ...optimizer.stateDict(), state: { ...state, 0: part } }), StateError, /state\[0\]/);
  }
  ok(params.every((p) => Number.isFinite(p.sum().item())));
});

test('the first step of a matrix by hand', () => {
  // Mean squares of the rows: 2.5 and 10; of the columns: 2.5 and 10; V = R·C / 6.25 = g².
  const p = tensor([[3, 0], [0, 4]], { dtype: 'float64', requiresGrad: true });
  p.grad = tensor([[1, -2], [2, -4]], { dtype: 'float64' });
  new Adafactor([p], { lr: 0.5 }).step();
  // U = sign(g), RMS(U) = 1, RMS(p) = 2.5, so that the step is 2.5·0.5.
  allClose(p, [[3 - 1.25, 1.25], [-1.25, 4 + 1.25]], { rtol: 1e-12 });
});

test('parameters without elements stay', () => {
  const p = zeros([0, 3]).requiresGrad_();
  p.grad = zeros([0, 3]);
  const optimizer = new Adafactor([p]);
  optimizer.step();
  is(optimizer.state.get(p)?.step, 1);
});

test('a parameter that changes shape is refused', () => {
  const p = zeros([2, 3]).requiresGrad_();
  const optimizer = new Adafactor([p]);
  p.grad = zeros([2, 3]);
  optimizer.step();
  p.assign_(zeros([3, 3]));
  p.grad = zeros([3, 3]);
  throwsError(() => optimizer.step(), StateError, /changed shape, got float32\[3, 3\] with rowVar float32\[2, 1\]/);
});

test.run();

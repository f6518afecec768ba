import { test } from 'uvu';
import { ArgumentError, DTypeError, GradcheckError, StateError, type Tensor, customOp, gradcheck, gradgradcheck, tensor } from '../../index.ts';
import { allClose, is, ok, throwsError } from '../assert.ts';

const leaf = (data: number[] | number[][]): Tensor => tensor(data, { dtype: 'float64', requiresGrad: true });
const x = leaf([0.3, -1.2, 2.5]);
const y = leaf([[1.5, -0.5, 0.75]]);

const wrong = customOp({ name: 'wrong', forward: (a) => a.mul(a), backward: (g, { inputs: [a] }) => [g.mul(a)] });
/** Right at first order, wrong at second: its gradient formula cuts the history. */
const once = customOp({ name: 'once', forward: (a) => a.mul(a), backward: (g, { inputs: [a] }) => [g.mul(a.detach()).mul(2)] });

test('right gradients pass', () => {
  is(gradcheck((a, b) => a.mul(b).sin(), [x, y]), true);
  is(gradgradcheck((a, b) => a.mul(b).sin(), [x, y]), true);
});

test('a wrong gradient is named with its place and both values', () => {
  throwsError(() => gradcheck(wrong, [x]), GradcheckError, /wrong gradient of output 0 \(element 0\) for differentiable input 0 \(element 0\), got 0\.3; expected 0\.(?:59999|6)/);
  is(gradcheck(wrong, [x], { raiseException: false }), false);
});

test('the second of two inputs is checked too', () => {
  const op = customOp({ name: 'op', forward: (a, b) => a.mul(b), backward: (g, { inputs: [a, b] }) => [g.mul(b), g.mul(a).mul(1.01)] });
  throwsError(() => gradcheck(op, [leaf([1, 2]), leaf([3, 4])]), GradcheckError, /input 1/);
});

test('the second of two outputs is checked too', () => {
  throwsError(() => gradcheck((a) => [a.mul(2), wrong(a)], [x]), GradcheckError, /output 1/);
});

test('a missing dependence is found', () => {
  throwsError(() => gradcheck((a) => a.mul(a.detach()), [x]), GradcheckError, /wrong gradient/);
  throwsError(() => gradcheck((a) => a.detach().mul(3), [x]), GradcheckError, /got 0; expected (?:2\.9999|3)/);
});

test('second derivatives are checked on their own', () => {
  is(gradcheck(once, [x]), true);
  throwsError(() => gradgradcheck(once, [x]), GradcheckError, /gradgradcheck/);
  is(gradgradcheck(once, [x], { raiseException: false }), false);
});

test('a gradient formula that spoils a saved value is found', () => {
  const kept = tensor([1, 1, 1], { dtype: 'float64' });
  const op = customOp({ name: 'op', forward: (a) => a.mul(kept), backward: (g) => [g.mul(kept.add_(1).sub(1))] });
  throwsError(() => gradcheck(op, [x]), GradcheckError, /./);
});

test('several results, integer results and numbers among the inputs', () => {
  is(gradcheck((a) => a.sort(), [x]), true);
  is(gradcheck((a, k) => a.mul(k), [x, 3]), true);
  is(gradcheck((a) => a.gt(0), [x]), true);
});

test('inputs that are not contiguous, and the same input twice', () => {
  const m = leaf([[1, 2, 3], [4, 5, 6]]);
  const t = m.detach().t().requiresGrad_();
  is(gradcheck((a) => a.square(), [t]), true);
  is(gradcheck((a, b) => a.mul(b), [x, x]), true);
});

test('inputs come back unchanged', () => {
  const before = x.data();
  gradcheck((a) => a.exp(), [x]);
  allClose(x, before, { rtol: 0, atol: 0 });
  is(x.grad, null);
});

test('inputs must be float64 with cells of their own, and one must require grad', () => {
  throwsError(() => gradcheck((a) => a, [tensor([1], { requiresGrad: true })]), DTypeError, /input 0 is not precise enough[\s\S]*float64/);
  throwsError(() => gradcheck((a) => a, [x.detach()]), ArgumentError, /no input requires grad/);
  throwsError(() => gradcheck((a) => a.mul(2), [leaf([[1]]).expand([2, 2])]), StateError, /share one cell/);
});

test('the function must give tensors', () => {
  throwsError(() => Reflect.apply(gradcheck, undefined, [() => 3, [x]]), ArgumentError, /no tensor, got 3/);
  throwsError(() => gradgradcheck((a) => a.gt(0), [x]), ArgumentError, /no output is differentiable/);
});

test('options', () => {
  is(gradcheck(wrong, [x], { rtol: 1 }), true);
  is(gradcheck(wrong, [x], { atol: 10 }), true);
  throwsError(() => gradcheck((a) => a, [x], { eps: 0 }), ArgumentError, /eps/);
  throwsError(() => gradcheck((a) => a, [x], { atol: NaN }), ArgumentError, /atol/);
  throwsError(() => Reflect.apply(gradcheck, undefined, [(a: Tensor) => a, [x], { tol: 1 }]), ArgumentError, /unknown option, got 'tol'/);
  is(gradgradcheck((a) => a.exp(), [x], { gradOutputs: tensor([1, 2, 3], { dtype: 'float64' }) }), true);
  throwsError(() => gradgradcheck((a) => a.exp(), [x], { gradOutputs: [x, x] }), ArgumentError, /gradOutputs, got 2/);
});

test('errors of the function itself come through', () => {
  const fail = (): Tensor => {
    throw new TypeError('inside');
  };
  throwsError(() => gradcheck(fail, [x], { raiseException: false }), TypeError, /inside/);
  ok(x.data()[0] === 0.3);
});

test.run();

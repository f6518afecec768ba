import { test } from 'uvu';
import { ArgumentError, DTypeError, ShapeError, type Tensor, grad, tensor, zeros } from '../../../index.ts';
import { allClose, is, throwsError } from '../../assert.ts';

const double = (data: readonly number[]): Tensor => tensor([...data], { dtype: 'float64', requiresGrad: true });

/** Order, norm of (3, -4, 1), and its gradient, from PyTorch. */
const cases: readonly (readonly [number, number, readonly number[]])[] = [
  [1, 8, [1, -1, 1]],
  [2, 5.0990195135927845, [0.5883484054145521, -0.7844645405527362, 0.19611613513818404]],
  [3, 4.514357435474001, [0.4416219230355002, -0.7851056409520003, 0.04906910255950002]],
  [1.5, 5.862917311846354, [0.715325558807779, -0.8259868078717815, 0.41299340393589073]],
  [0.5, 22.392304845413257, [2.732050807568877, -2.3660254037844384, 4.732050807568877]],
  [-1, 0.6315789473684211, [0.044321329639889204, -0.024930747922437678, 0.39889196675900285]],
  [Infinity, 4, [0, -1, 0]],
  [-Infinity, 1, [0, 0, 1]],
  [0, 3, [0, 0, 0]],
];

for (const [p, value, slope] of cases) {
  test(`norm of order ${p}`, () => {
    const x = double([3, -4, 1]);
    allClose(x.norm(p), [value]);
    allClose(grad(x.norm(p), x)[0], slope);
    const zero = double([0, 0, 0]);
    is(zero.norm(p).item(), 0);
    allClose(grad(zero.norm(p), zero)[0], [0, 0, 0]);
  });
}

test('ties share the gradient of the largest; below order 1 a zero gets none', () => {
  const x = double([3, -3, 1]);
  allClose(grad(x.norm(Infinity), x)[0], [0.5, -0.5, 0]);
  const y = double([3, 0, 1]);
  allClose(grad(y.norm(0.5), y)[0], [1.577350269189626, 0, 2.732050807568877]);
});

test('fro is order 2; several dimensions give the norm of their elements', () => {
  const x = tensor([[3, 0], [0, 4]]);
  is(x.norm('fro').item(), 5);
  is(x.norm(1, [0, 1]).item(), 7);
  allClose(x.norm(2, 0, { keepdim: true }), [[3, 4]]);
  is(tensor([3, 4], { dtype: 'int64' }).norm(2, null, { dtype: 'float64' }).item(), 5);
});

test('no elements, and NaN', () => {
  is(zeros([0]).norm().item(), 0);
  throwsError(() => zeros([0]).norm(Infinity), ShapeError, /norm: nothing to choose from/);
  throwsError(() => zeros([0]).norm(-1), ShapeError, /norm: nothing to choose from/);
  allClose(tensor([NaN, 1]).norm(Infinity), [NaN]);
  allClose(tensor([1, NaN]).norm(2), [NaN]);
});

test('bad arguments are refused', () => {
  throwsError(() => zeros([2]).norm('nuc' as never), ArgumentError, /norm: unknown order, got 'nuc'/);
  throwsError(() => zeros([2]).norm(NaN), ArgumentError, /norm: unknown order/);
  throwsError(() => tensor([1, 2], { dtype: 'int64' }).norm(), DTypeError, /norm: not a float tensor/);
  throwsError(() => zeros([2]).norm(2, 1), ShapeError, /norm: dimension out of range/);
});

test.run();

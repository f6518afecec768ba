import { test } from 'uvu';
import * as special from '../../core/cpu/special.ts';
import { type Expr, arg, e, library1 } from '../../core/expr.ts';
import { pointwise } from '../../core/ops/define.ts';
import { apply } from '../../core/op.ts';
import { type Tensor, tensor } from '../../index.ts';
import { allClose, equal, is } from '../assert.ts';

let made = 0;

/** Runs an expression of up to three arguments as a kernel. */
function run(expr: (...args: Expr[]) => Expr, ...inputs: readonly (readonly number[] | number)[]): number[] {
  const op = pointwise({ name: `expr${made++}`, expr: (_, ...args) => expr(...args) });
  const operands = inputs.map((x): Tensor | number => (typeof x === 'number' ? x : tensor([...x], { dtype: 'float64' })));
  return [...apply(op, operands, undefined).data()];
}

test('expressions are data', () => {
  equal(arg(1), { fn: 'arg', args: [], value: 1 });
  equal(e.add(arg(0), 2), { fn: 'add', args: [{ fn: 'arg', args: [], value: 0 }, { fn: 'const', args: [], value: 2 }], value: 0 });
});

test('functions of one argument', () => {
  const x = [-2.5, -0.5, 0, 0.5, 1.5, 2.5];
  equal(run((a) => e.round(a), x), [-2, -0, 0, 0, 2, 2]);
  equal(run((a) => e.trunc(a), x), [-2, -0, 0, 0, 1, 2]);
  equal(run((a) => e.sign(a), [-3, 0, 4, NaN]).slice(0, 3), [-1, 0, 1]);
  equal(run((a) => e.not(a), [0, 2]), [1, 0]);
  equal(run((a) => e.isNaN(a), [0, NaN]), [0, 1]);
  // From PyTorch.
  allClose(run((a) => e.erf(a), x), [-0.9995930479825551, -0.5204998778130465, 0, 0.5204998778130465, 0.9661051464753108, 0.9995930479825551], { rtol: 1e-13 });
  allClose(run((a) => e.erfc(a), x), [1.999593047982555, 1.5204998778130465, 1, 0.4795001221869535, 0.033894853524689274, 0.00040695201744495897], { rtol: 1e-12 });
  allClose(run(library1('erfinv', special.erfinv), [-0.9, 0, 0.5, 1]), [-1.1630871536766743, 0, 0.47693627620446993, Infinity], { rtol: 1e-12 });
  allClose(run(library1('lgamma', special.lgamma), [0.5, 1, 2.5, 10, -0.5]), [0.5723649429247001, 0, 0.2846828704729192, 12.801827480081469, 1.2655121234846454], { rtol: 1e-12, atol: 1e-14 });
  allClose(run(library1('digamma', special.digamma), [0.5, 1, 2.5, 10, -0.5]), [-1.9635100260214235, -0.5772156649015329, 0.7031566406452432, 2.251752589066721, 0.03648997397857652], { rtol: 1e-12 });
});

test('functions of two arguments', () => {
  equal(run((a, b) => e.mod(a, b), [5, -5, 5, -5], [3, 3, -3, -3]), [2, 1, -1, -2]);
  equal(run((a, b) => e.max(a, b), [1, NaN, 2], [2, 1, NaN]), [2, NaN, NaN]);
  equal(run((a, b) => e.min(a, b), [1, NaN, 2], [2, 1, NaN]), [1, NaN, NaN]);
  equal(run((a, b) => e.xor(a, b), [0, 0, 2, 2], [0, 3, 0, 3]), [0, 1, 1, 0]);
  equal(run((a, b) => e.le(a, b), [1, 2, NaN], [2, 1, 1]), [1, 0, 0]);
  equal(run((a, b) => e.hypot(a, b), [3], [4]), [5]);
});

test('select takes the one or the other', () => {
  equal(run((c, a, b) => e.select(c, a, b), [1, 0], [5, 5], [7, 7]), [5, 7]);
});

test('numbers are constants, also infinite ones', () => {
  equal(run((a) => e.add(a, Infinity), [1]), [Infinity]);
  equal(run((a) => e.mul(a, -0.1), [1]), [-0.1]);
  is(Number.isNaN(run((a) => e.add(a, NaN), [1])[0]), true);
  equal(run((a, b) => e.sub(a, b), [1, 2], 5), [-4, -3]);
});

test.run();

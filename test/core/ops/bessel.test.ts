import { test } from 'uvu';
import { type Tensor, grad, i0, special, tensor } from '../../../index.ts';
import { allClose, is } from '../../assert.ts';

const double = (data: readonly number[], requiresGrad = false): Tensor => tensor([...data], { dtype: 'float64', requiresGrad });
const tight = { rtol: 2e-13, atol: 1e-16 };

// PyTorch's Bessel functions of the first and second kind have 7 digits between 5 and 10: these numbers are from series in 30 digits.
const x = double([0.1, 1, 4.5, 6, 20.25, 100]);
const known: readonly (readonly [(x: Tensor) => Tensor, readonly number[]])[] = [
  [special.besselJ0, [0.99750156206604, 0.7651976865579666, -0.32054250898512143, 0.15064525725099692, 0.1454213938736776, 0.019985850304223122]],
  [special.besselJ1, [0.049937526036242, 0.4400505857449335, -0.23106043192337064, -0.27668385812756563, 0.10501496864953361, -0.07714535201411216]],
  [special.besselY0, [-1.5342386513503667, 0.08825696421567696, -0.19470500862950454, -0.28819468398157916, 0.10139569667320204, -0.07724431336508315]],
  [special.besselY1, [-6.4589510947020266, -0.7812128213002887, 0.3009973230696546, -0.17501034430039825, -0.14296347318040759, -0.020372312002759792]],
  [special.modifiedBesselK0, [2.4270690247020164, 0.42102443824070834, 0.006399857243233975, 0.0012439943280131232, 4.4439213384486947e-10, 4.656628229175902e-45]],
  [special.modifiedBesselK1, [9.853844780870606, 0.6019072301972346, 0.00707809490896809, 0.001343919717735509, 4.552355349516988e-10, 4.6798537356369095e-45]],
  [special.scaledModifiedBesselK0, [2.6823261022628944, 1.144463079806895, 0.5760967897687883, 0.5018631308621401, 0.27684049777804604, 0.12517562165912657]],
  [special.scaledModifiedBesselK1, [10.890182683049696, 1.6361534862632583, 0.6371497987781355, 0.5421759102771335, 0.283595551100096, 0.12579995047957854]],
  [special.modifiedBesselI0, [1.0025015629340956, 1.2660658777520084, 17.481171855609276, 67.23440697647797, 55579102.84093865, 1.0737517071310738e42]],
  [special.modifiedBesselI1, [0.050062526047092694, 0.565159103992485, 15.389222753735924, 61.341936777640235, 54188928.20424874, 1.0683693903381625e42]],
  [special.i0e, [0.9071009257823011, 0.46575960759364043, 0.1941982776283823, 0.16665743263981658, 0.08921713516232105, 0.03994437929909668]],
  [special.i1e, [0.045298446808809324, 0.20791041534970844, 0.17095882229749212, 0.1520514593085059, 0.08698558783389894, 0.03974415302513025]],
];

for (const [fn, values] of known) test(`${fn.name}: known values`, () => allClose(fn(x), values, tight));

test('even and odd functions, and what is not defined', () => {
  for (const fn of [special.besselJ0, i0, special.i0e, special.sphericalBesselJ0]) allClose(fn(x.neg()), fn(x), tight);
  for (const fn of [special.besselJ1, special.i1, special.i1e]) allClose(fn(x.neg()), fn(x).neg(), tight);
  const ends = double([0, -1, Infinity, NaN]);
  allClose(special.besselY0(ends), [-Infinity, NaN, NaN, NaN]);
  allClose(special.modifiedBesselK1(ends), [Infinity, NaN, 0, NaN]);
  allClose(special.scaledModifiedBesselK0(ends), [Infinity, NaN, 0, NaN]);
  allClose(special.sphericalBesselJ0(ends), [1, 0.8414709848078965, 0, NaN], tight);
  allClose(special.i0e(ends), [1, 0.46575960759364043, 0, NaN], tight);
});

test("Airy's function", () => {
  const ai = special.airyAi(double([-12.5, -5, -2.3, -1, 0, 1, 2.5, 8, 50, 104, Infinity]));
  allClose(ai, [-0.27627456138116024, 0.35076100902411433, 0.02670633305735697, 0.5355608832923521, 0.3550280538878172, 0.13529241631288141, 0.01572592338047049, 4.6922076160992316e-8, 4.5849417240748285e-104, 0, NaN], { rtol: 2e-13, atol: 0 });
});

test('slopes at 0, where the formulas divide by 0', () => {
  const zero = double([0], true);
  is(grad(special.i1(zero).sum(), zero)[0].item(), 0.5);
  is(grad(special.i1e(zero).sum(), zero)[0].item(), 0.5);
  is(grad(i0(zero).sum(), zero)[0].item(), 0);
  is(grad(special.i0e(zero).sum(), zero)[0].item(), 0);
});

test('integers give float32; where PyTorch has no derivative there is none', () => {
  is(i0(tensor([1], { dtype: 'int64' })).dtype, 'float32');
  is(special.airyAi(tensor([true])).dtype, 'float32');
  is(special.besselJ0(double([1], true)).requiresGrad, false);
});

test.run();

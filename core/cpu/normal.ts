import type { TypedArray } from '../dtype.ts';
import type { Generator } from '../random.ts';
import { whenFast } from './engine.ts';
import { fusedMultiplyAdd } from './random.ts';

// Logarithm, sine and cosine in single precision, after S. Moshier's Cephes library. Written with one rounding per
// multiply-add, they give the bits of PyTorch's vectorised kernel on every machine.

const single = Math.fround;

const scratch = new Float32Array(1);
const bits = new Int32Array(scratch.buffer);

const LOG = Float32Array.of(
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
);
const SQRT_HALF = single(Math.SQRT1_2);
const LN2_HIGH = 0.693359375;
const LN2_LOW = single(-2.1219444e-4);

/** Natural logarithm of a normal positive float32. */
function logSingle(v: number): number {
  scratch[0] = v;
  let exponent = (bits[0] >>> 23) - 126;
  bits[0] = (bits[0] & 0x7fffff) | 0x3f000000;
  const mantissa = scratch[0];
  let x = single(mantissa - 1);
  if (mantissa < SQRT_HALF) {
    exponent--;
    x = single(x + mantissa);
  }
  const z = single(x * x);
  let y = LOG[0];
  for (let i = 1; i < 9; i++) y = single(y * x + LOG[i]);
  y = single(single(y * x) * z + single(exponent * LN2_LOW));
  y = single(y - z * 0.5);
  return single(single(x + y) + exponent * LN2_HIGH);
}

const PI_4_HIGH = single(0.78515625);
const PI_4_MIDDLE = single(2.4187564849853516e-4);
const PI_4_LOW = single(3.774894977445941e-8);
const FOUR_OVER_PI = single(4 / Math.PI);
const SIN = Float32Array.of(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1);
const COS = Float32Array.of(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2);

/** Cosine and sine of a float32 angle ≥ 0, into `out`. */
function cosSinSingle(angle: number, out: Float32Array): void {
  // The octant, made even, so that x comes to lie in -π/4 … π/4.
  const octant = (Math.trunc(single(angle * FOUR_OVER_PI)) + 1) & ~1;
  let x = single(angle - octant * PI_4_HIGH);
  x = single(x - octant * PI_4_MIDDLE);
  x = single(x - octant * PI_4_LOW);
  const z = single(x * x);
  let c = single(single(COS[0] * z + COS[1]) * z + COS[2]);
  c = single(single(single(c * z) * z - single(z * 0.5)) + 1);
  let s = single(single(SIN[0] * z + SIN[1]) * z + SIN[2]);
  s = single(single(s * z) * x + x);
  const swapped = (octant & 2) !== 0;
  const cos = swapped ? s : c;
  const sin = swapped ? c : s;
  out[0] = ((octant - 2) & 4) === 0 ? -cos : cos;
  out[1] = (octant & 4) !== 0 ? -sin : sin;
}

const TWO_PI_SINGLE = single(2 * Math.PI);
const pair = new Float32Array(2);

/** Turns 16 uniform values into normal ones: 8 radii, 8 angles. */
function boxMullerSingle(cells: TypedArray, at: number, mean: number, std: number): void {
  for (let j = at; j < at + 8; j++) {
    const radius = single(Math.sqrt(single(-2 * logSingle(single(1 - cells[j])))));
    cosSinSingle(single(TWO_PI_SINGLE * cells[j + 8]), pair);
    cells[j] = single(radius * pair[0]) * std + mean;
    cells[j + 8] = single(radius * pair[1]) * std + mean;
  }
}

function boxMullerDouble(cells: TypedArray, at: number, mean: number, std: number): void {
  for (let j = at; j < at + 8; j++) {
    const radius = Math.sqrt(-2 * Math.log(1 - cells[j]));
    const theta = 2 * Math.PI * cells[j + 8];
    cells[j] = fusedMultiplyAdd(radius * Math.cos(theta), std, mean);
    cells[j + 8] = fusedMultiplyAdd(radius * Math.sin(theta), std, mean);
  }
}

const normal = whenFast(({ fastNormal }) => fastNormal);

/**
 * Normal values in PyTorch's order: from 16 on, all uniform draws first, then blocks of 16, the last of which is drawn
 * anew where 16 does not divide `n`; fewer than 16, or `blocks` false, one by one.
 */
export function fillNormal(cells: TypedArray, at: number, n: number, generator: Generator, mean: number, std: number, blocks = true): void {
  if (n < 16 || !blocks) {
    for (let i = 0; i < n; i++) cells[at + i] = fusedMultiplyAdd(generator.normal(), std, mean);
    return;
  }
  if (normal()?.(cells, at, n, generator, mean, std) === true) return;
  const double = cells instanceof Float64Array;
  const transform = double ? boxMullerDouble : boxMullerSingle;
  const [m, s] = double ? [mean, std] : [single(mean), single(std)];
  drawUniform(cells, at, n, generator, double);
  for (let i = 0; i < n - 15; i += 16) transform(cells, at + i, m, s);
  if (n % 16 === 0) return;
  drawUniform(cells, at + n - 16, 16, generator, double);
  transform(cells, at + n - 16, m, s);
}

function drawUniform(cells: TypedArray, at: number, n: number, generator: Generator, double: boolean): void {
  if (double) for (let i = 0; i < n; i++) cells[at + i] = generator.uniform53();
  else for (let i = 0; i < n; i++) cells[at + i] = generator.uniform24();
}

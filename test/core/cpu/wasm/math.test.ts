import { test } from 'uvu';
import { allocate } from '../../../../core/cpu/memory/heap.ts';
import * as special from '../../../../core/cpu/special.ts';
import { v128 } from '../../../../core/cpu/wasm/code.ts';
import { cos, log10, log2, pow, sin, tan } from '../../../../core/cpu/wasm/math-double.ts';
import { erf, erfc } from '../../../../core/cpu/wasm/math-erf.ts';
import { exp, exp2, expm1, tanh } from '../../../../core/cpu/wasm/math-exp.ts';
import { log, log1p } from '../../../../core/cpu/wasm/math-log.ts';
import { geluSlope, normalCdf } from '../../../../core/cpu/wasm/math-normal.ts';
import { type VectorFunction } from '../../../../core/cpu/wasm/math.ts';
import { WasmKernel } from '../../../../core/cpu/wasm/kernel.ts';
import { heap } from '../../../../core/cpu/wasm/memory.ts';
import { is, ok } from '../../../assert.ts';

const COUNT = 1 << 14;
const X = allocate(4 * COUNT);
const Y = allocate(4 * COUNT);
const OUT = allocate(4 * COUNT);

/** `out[i] = g(x[i], y[i])` for vectors side by side. */
function kernelOf(name: string, g: (f: Parameters<VectorFunction>[0], x: ReturnType<VectorFunction>, y: ReturnType<VectorFunction>) => ReturnType<VectorFunction>): WasmKernel {
  return new WasmKernel(name, (m) =>
    m.function(name, ['i32', 'i32', 'i32', 'i32'], (f, n, out, x, y) =>
      f.repeat(n, () => {
        f.store(out, g(f, v128.load(x), v128.load(y)));
        for (const p of [out, x, y]) p.increase(16);
      }),
    ),
  );
}

const word = new Int32Array(1);
const float = new Float32Array(word.buffer);

/** The float of these bits. */
function floatOf(bits: number): number {
  word[0] = bits;
  return float[0];
}

/** The distance of two neighbouring floats at `x`. */
function ulp(x: number): number {
  float[0] = Math.abs(x);
  return 2 ** (Math.max(1, word[0] >>> 23) - 150);
}

/** How many units in the last place `y` lies from the exact value; an infinity stands for the next power of two. */
function errorOf(y: number, exact: number): number {
  const rounded = Math.fround(exact);
  if (Object.is(y, rounded) || y === rounded) return 0;
  if (Number.isNaN(rounded) || Number.isNaN(y)) return Infinity;
  const size = (x: number): number => (Math.abs(x) === Infinity ? Math.sign(x) * 2 ** 128 : x);
  return Math.abs(size(y) - size(exact)) / ulp(Math.min(Math.abs(exact), 3.4e38));
}

/** Largest error over floats of all sizes, `stride` bit patterns apart, within `low` … `high`; infinities and NaN are always among them. */
function worst(kernel: WasmKernel, exact: (x: number) => number, stride: number, low = -Infinity, high = Infinity): { readonly error: number; readonly at: number } {
  let error = 0;
  let at = 0;
  let filled = 0;
  const flush = (): void => {
    kernel.run(COUNT / 4, OUT, X, X);
    const [x, y] = [heap.f32.subarray(X / 4, X / 4 + filled), heap.f32.subarray(OUT / 4, OUT / 4 + filled)];
    for (let i = 0; i < filled; i++) {
      const e = errorOf(y[i], exact(x[i]));
      if (!(e <= error)) [error, at] = [e, x[i]];
    }
    filled = 0;
  };
  const push = (x: number): void => {
    if (x < low || x > high) return;
    heap.f32[X / 4 + filled++] = x;
    if (filled === COUNT) flush();
  };
  for (const x of [0, -0, 1, -1, 2, 0.5, Infinity, -Infinity, NaN, 1e-45, -1e-45, 1.1754943508222875e-38, 3.4028234663852886e38, -3.4028234663852886e38]) push(x);
  for (let bits = 0; bits < 0x7f800000; bits += stride) {
    push(floatOf(bits));
    push(floatOf(bits | 0x80000000));
  }
  flush();
  return { error, at };
}

interface Case {
  readonly name: string;
  readonly f: VectorFunction;
  readonly exact: (x: number) => number;
  readonly bound: number;
  readonly stride?: number;
  readonly range?: readonly [number, number];
}

const cases: readonly Case[] = [
  { name: 'exp', f: exp, exact: Math.exp, bound: 1.5 },
  { name: 'exp2', f: exp2, exact: special.exp2, bound: 1.5 },
  { name: 'expm1', f: expm1, exact: Math.expm1, bound: 2 },
  { name: 'log', f: log, exact: Math.log, bound: 1.5 },
  { name: 'log1p', f: log1p, exact: Math.log1p, bound: 2 },
  { name: 'log2', f: log2, exact: Math.log2, bound: 0.51 },
  { name: 'log10', f: log10, exact: Math.log10, bound: 0.51 },
  { name: 'tanh', f: tanh, exact: Math.tanh, bound: 3 },
  { name: 'erf', f: erf, exact: special.erf, bound: 2, stride: 30_011 },
  { name: 'erfc', f: erfc, exact: special.erfc, bound: 5, stride: 30_011 },
  { name: 'normalCdf', f: normalCdf, exact: special.normalCdf, bound: 5, stride: 30_011 },
  { name: 'geluSlope', f: geluSlope, exact: special.geluSlope, bound: 4, stride: 30_011, range: [-0.4, Infinity] },
  { name: 'geluSlope in the tail', f: geluSlope, exact: special.geluSlope, bound: 5, stride: 30_011, range: [-Infinity, -1.2] },
  { name: 'sin', f: sin, exact: Math.sin, bound: 1.5 },
  { name: 'cos', f: cos, exact: Math.cos, bound: 1.5 },
  { name: 'tan', f: tan, exact: Math.tan, bound: 3.2 },
];

for (const { name, f, exact, bound, stride = 4099, range: [low, high] = [-Infinity, Infinity] } of cases) {
  test(`${name} is right to ${bound} units in the last place`, () => {
    const { error, at } = worst(kernelOf(name, f), exact, stride, low, high);
    if (process.env.ULP !== undefined) console.log(name, error.toFixed(2), at);
    ok(error <= bound, `${error} at ${at}`);
  });
}

test('the slope of gelu is right to 1e-7 around its root', () => {
  const kernel = kernelOf('geluSlope', geluSlope);
  for (let i = 0; i < COUNT; i++) heap.f32[X / 4 + i] = -1.2 + (0.8 * i) / COUNT;
  kernel.run(COUNT / 4, OUT, X, X);
  for (let i = 0; i < COUNT; i++) ok(Math.abs(heap.f32[OUT / 4 + i] - special.geluSlope(heap.f32[X / 4 + i])) < 1e-7, `at ${heap.f32[X / 4 + i]}`);
});

test('zeros keep their sign where the function is odd', () => {
  for (const { name, f } of cases.filter((c) => ['expm1', 'log1p', 'tanh', 'erf', 'sin', 'tan'].includes(c.name))) {
    const kernel = kernelOf(name, f);
    heap.f32.set([0, -0, 1e-45, -1e-45], X / 4);
    kernel.run(1, OUT, X, X);
    for (const [i, x] of [0, -0, 1e-45, -1e-45].entries()) ok(Object.is(heap.f32[OUT / 4 + i], Math.fround(x)), `${name}(${x}) = ${heap.f32[OUT / 4 + i]}`);
  }
});

test("sine, cosine and tangent of large numbers are PyTorch's, also beside small ones", () => {
  const x = [1, 1e10, -3e20, 1e38, -1e38, 3.4e38, -0.5, 1048577];
  const expected: [VectorFunction, number[]][] = [
    [sin, [0.841470957, -0.487506032, -0.837547779, 0.989164472, -0.989164472, -0.24408488, -0.47942555, 0.972753584]],
    [cos, [0.540302336, 0.873119652, -0.546364129, 0.146811679, 0.146811679, 0.969753861, 0.87758255, 0.23184146]],
    [tan, [1.55740774, -0.558349669, 1.53294802, 6.73764133, -6.73764133, -0.251697749, -0.546302497, 4.19577074]],
  ];
  for (const [f, values] of expected) {
    heap.f32.set(x, X / 4);
    kernelOf('large', f).run(2, OUT, X, X);
    values.forEach((y, i) => ok(errorOf(heap.f32[OUT / 4 + i], y) <= 3, `${heap.f32[OUT / 4 + i]} at ${x[i]}`));
  }
});

test('pow over all signs, sizes and special values', () => {
  const kernel = kernelOf('pow', pow);
  const special_ = [0, -0, 1, -1, Infinity, -Infinity, NaN, 0.5, -0.5, 2, -2, 3, -3, 1e-45, 1e30, -1e30, 1.5, -1.5, 16777216, 16777217];
  const xs: number[] = special_.flatMap((x) => special_.map(() => x));
  const ys: number[] = special_.flatMap(() => special_);
  for (let i = 0, seed = 1; i < COUNT - special_.length ** 2; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    xs.push(i % 2 === 0 ? Math.abs(floatOf(seed)) : (seed >>> 8) / 2 ** 22);
    ys.push(i % 3 === 0 ? (seed % 50) : (seed / 2 ** 31) * 40);
  }
  heap.f32.set(xs, X / 4);
  heap.f32.set(ys, Y / 4);
  kernel.run(COUNT / 4, OUT, X, Y);
  let error = 0;
  let at = '';
  for (let i = 0; i < COUNT; i++) {
    const [x, y] = [heap.f32[X / 4 + i], heap.f32[Y / 4 + i]];
    const e = errorOf(heap.f32[OUT / 4 + i], special.pow(x, y));
    if (!(e <= error)) [error, at] = [e, `${x} ** ${y} = ${heap.f32[OUT / 4 + i]}`];
    if (i < special_.length ** 2 && special.pow(x, y) === 0) ok(Object.is(heap.f32[OUT / 4 + i], special.pow(x, y)), `${x} ** ${y}`);
  }
  if (process.env.ULP !== undefined) console.log('pow', error.toFixed(2), at);
  is(error <= 0.52, true, `${error} at ${at}`);
});

test.run();

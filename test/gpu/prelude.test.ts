import { test } from 'uvu';
import { activeBackend } from '../../gpu/device.ts';
import { useGpu } from '../../gpu/index.ts';
import { runOn } from '../../gpu/launch.ts';
import { functionsFor, nativeHelpers, withNativeHelpers } from '../../gpu/prelude.ts';
import { type Source, sourceOf } from '../../gpu/source.ts';
import { allClose, equal, is, ok } from '../assert.ts';

/** A helper applied to numbers, in WebAssembly. */
async function applied(call: string, x: readonly number[], y: readonly number[] = x): Promise<Float32Array> {
  const backend = activeBackend();
  const source: Source = sourceOf(`test ${call}`, () => ({ arrays: ['a', 'b'], integers: [], floats: [], body: `const x = a[this.thread.x]; const y = b[this.thread.x]; return ${call};` }));
  const [a, b] = [backend.upload(Float32Array.from(x)), backend.upload(Float32Array.from(y))];
  return backend.read(runOn(backend, source, x.length, { arrays: [a, b] }));
}

const line = (low: number, high: number, n = 401): number[] => Array.from({ length: n }, (_, i) => Math.fround(low + ((high - low) * i) / (n - 1)));

test('a kernel brings the helpers it calls, those that these call first', () => {
  equal(functionsFor('return tanhOf(x);').map(({ name }) => name), ['expOf', 'expMinusOne', 'isNan', 'tanhOf']);
  equal(functionsFor('return Math.sqrt(x);'), []);
});

test('WGSL takes the place of translated helpers, and of nothing else', () => {
  const translated = 'fn fn_isNan(user_x : f32) -> f32 {\nvar user_y : f32 = 0.0;\nif (user_x > 0.0) {\nif (user_x > 1.0) {\nuser_y = 1.0;\n}\n}\nreturn user_y;\n}\nfn fn_other(user_x : f32) -> f32 {\nreturn user_x;\n}';
  const native = withNativeHelpers(translated);
  ok(native.includes('bitcast<u32>(user_x)') && !native.includes('var user_y'));
  ok(native.endsWith('fn fn_other(user_x : f32) -> f32 {\nreturn user_x;\n}'));
  ok(nativeHelpers().includes('ln') && !nativeHelpers().includes('tanhOf'));
});

const wide = [...line(-30, 30), 1e-7, -1e-7, 1e-3, -1e-3, 0];
const single: readonly (readonly [call: string, exact: (x: number) => number, xs: readonly number[]])[] = [
  ['tanhOf(x)', Math.tanh, [...wide, 100, -100]],
  ['expMinusOne(x)', Math.expm1, wide],
  ['logOnePlus(x)', Math.log1p, [...line(-0.99, 30), 1e-7, -1e-7]],
  ['sinhOf(x)', Math.sinh, wide],
  ['coshOf(x)', Math.cosh, wide],
  ['asinhOf(x)', Math.asinh, [...wide, 1e10]],
  ['acoshOf(x)', Math.acosh, [...line(1.01, 30), 1e10]],
  ['atanhOf(x)', Math.atanh, [...line(-0.99, 0.99), 1e-6]],
  ['sinOf(x)', Math.sin, line(-3, 3)],
  ['cosOf(x)', Math.cos, line(-1.5, 1.5)],
  ['tanOf(x)', Math.tan, line(-1.4, 1.4)],
  ['asinOf(x)', Math.asin, line(-1, 1)],
  ['acosOf(x)', Math.acos, line(-1, 0.999)],
  ['atanOf(x)', Math.atan, [...wide, 1e20, -1e20]],
];

for (const [call, exact, xs] of single) {
  test(`${call} keeps its digits`, async () => {
    await useGpu({ backend: 'webasm' });
    allClose(await applied(call, xs), xs.map((x) => Math.fround(exact(Math.fround(x)))), { rtol: 2e-6, atol: 1e-30 });
  });
}

test('sine and cosine keep an absolute error over many turns', async () => {
  await useGpu({ backend: 'webasm' });
  const xs = line(-1000, 1000, 2001);
  allClose(await applied('sinOf(x)', xs), xs.map((x) => Math.sin(x)), { rtol: 0, atol: 3e-7 });
  allClose(await applied('cosOf(x)', xs), xs.map((x) => Math.cos(x)), { rtol: 0, atol: 3e-7 });
});

test('powers of whole numbers are exact, others close', async () => {
  await useGpu({ backend: 'webasm' });
  equal([...(await applied('power(x, y)', [3, -2, 2, 5, 0, 0, 7, -1], [4, 3, -2, 0, 0, 2, 1, 1024]))], [81, -8, 0.25, 1, 1, 0, 7, 1]);
  allClose(await applied('power(x, y)', [2, 0.5, 10, 0], [0.5, 1.5, -0.25, 0.5]), [Math.SQRT2, 0.5 ** 1.5, 10 ** -0.25, 0], { rtol: 2e-6 });
  ok(Number.isNaN((await applied('power(x, y)', [-2], [0.5]))[0]));
});

test('larger and smaller pass NaN on, from both sides', async () => {
  await useGpu({ backend: 'webasm' });
  equal([...(await applied('larger(x, y)', [NaN, 1, 2, -Infinity], [1, NaN, 3, 0]))], [NaN, NaN, 3, 0]);
  equal([...(await applied('smaller(x, y)', [NaN, 1, 2, -Infinity], [1, NaN, 3, 0]))], [NaN, NaN, 2, -Infinity]);
});

test('quotients of whole numbers are exact up to 2^24', async () => {
  await useGpu({ backend: 'webasm' });
  const [a, n]: [number[], number[]] = [[], []];
  for (const d of [1, 3, 7, 10, 1000, 4097, 2 ** 23 - 1]) for (const q of [0, 1, 2, 5, 1000, 4095]) for (const r of [0, 1, d - 1]) {
    if (q * d + r >= 2 ** 24) continue;
    a.push(q * d + r);
    n.push(d);
  }
  equal([...(await applied('idiv(x, y)', a, n))], a.map((v, i) => Math.floor(v / n[i])));
});

test('whole numbers are cut, rounded to even, and wrapped into bytes', async () => {
  await useGpu({ backend: 'webasm' });
  const xs = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.6, -2.6];
  equal([...(await applied('whole(x)', xs))].map((v) => v + 0), xs.map((v) => Math.trunc(v) + 0));
  equal([...(await applied('even(x)', xs))].map((v) => v + 0), [-2, -2, 0, 0, 2, 2, 3, -3]);
  equal([...(await applied('byteOf(x)', [-1, 0, 255, 256, 300, NaN]))], [255, 0, 255, 0, 44, 0]);
  equal([...(await applied('signBit(x)', [-1, -0, 0, 1]))], [1, 1, 0, 0]);
});

test('random bits look random along places and across seeds', async () => {
  await useGpu({ backend: 'webasm' });
  const backend = activeBackend();
  const n = 50_000;
  const draw = async (a: number, b: number): Promise<Float32Array> => {
    const source = sourceOf('test random', () => ({ arrays: [], integers: ['a', 'b'], floats: [], body: 'return random24(this.thread.x, a, b);' }));
    return (await backend.read(runOn(backend, source, n, { arrays: [], integers: [a, b] }))).map((v) => v / 2 ** 24);
  };
  const [x, y, z] = [await draw(1, 2), await draw(1, 3), await draw(2, 2)];
  is(new Set(x).size > 0.99 * n, true);
  const correlation = (p: (i: number) => number, q: (i: number) => number, count: number): number => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += (p(i) - 0.5) * (q(i) - 0.5);
    return (12 * sum) / count;
  };
  ok(Math.abs(x.reduce((a, b) => a + b, 0) / n - 0.5) < 0.006);
  for (const other of [y, z]) ok(Math.abs(correlation((i) => x[i], (i) => other[i], n)) < 0.025);
  for (const lag of [1, 2, 10, 64, 128, 1024, 4096]) ok(Math.abs(correlation((i) => x[i], (i) => x[i + lag], n - lag)) < 0.025, `lag ${lag}`);
});

test.run();

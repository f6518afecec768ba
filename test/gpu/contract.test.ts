import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'uvu';
import { translate } from '../../gpu/backends/webgpu.ts';
import { type GpuJs, HEADLESS_VERSION, type KernelSettings, type RunnableKernel, VERSION, loadGpuJs } from '../../gpu/gpujs.ts';
import { parameters } from '../../gpu/kernels/product.ts';
import { functionsFor, nativeHelpers } from '../../gpu/prelude.ts';
import { allClose, equal, is, ok } from '../assert.ts';

// What the device takes for granted of gpu.js without a promise in its documentation. A failure here after an update says what to look at.

const settings = (argumentTypes: readonly string[], text = ''): KernelSettings => ({
  output: [1], dynamicOutput: true, dynamicArguments: true, argumentTypes, pipeline: true, immutable: true, loopMaxIterations: 2 ** 30, precision: 'single', functions: functionsFor(text),
});

async function kernel(text: string, types: readonly string[]): Promise<{ readonly api: GpuJs; readonly run: RunnableKernel }> {
  const api = await loadGpuJs();
  return { api, run: new api.GPU({ mode: 'webasm' }).createKernel(text, settings(types, text)) };
}

test('the version is the one that was looked at, here and in package.json', () => {
  const { version } = createRequire(import.meta.url)('gpu.js/package.json') as { version: string };
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { peerDependencies: Record<string, string>; devDependencies: Record<string, string> };
  is(version, VERSION);
  is(manifest.peerDependencies['gpu.js'], VERSION);
  is(manifest.devDependencies['gpu.js'], VERSION);
});

test('WebGPU kernels are translated before a device is asked for', async () => {
  const api = await loadGpuJs();
  const source = { name: 'contract', arrays: ['a', 'b'], integers: ['n', 's'], floats: ['v'], body: 'const q = idiv(this.thread.x, n); return a[q * s] + b[this.thread.x] * v;' };
  const { code, layout } = translate(api, source);
  equal(layout.arrayArgs.map(({ index, dimsOffset }) => [index, dimsOffset]), [[0, 16], [1, 32]]);
  equal(layout.scalarArgs.map(({ index, type, offset }) => [index, type, offset]), [[2, 'Integer', 48], [3, 'Integer', 52], [4, 'Float', 56]]);
  is(layout.byteLength, 64);
  // The order of the uniform struct, which the device packs, and the numbers of the bindings.
  const members = [...(/struct Params \{([^}]*)\}/.exec(code)?.[1] ?? '').matchAll(/(\w+) : ([\w<>]+)/g)].map(([, name, type]) => `${name} ${type}`);
  equal(members, ['outputX u32', 'outputY u32', 'outputZ u32', 'dispatchWidth u32', 'user_a_dims vec4<u32>', 'user_b_dims vec4<u32>', 'user_n i32', 'user_s i32', 'user_v f32']);
  equal([...code.matchAll(/@binding\((\d)\) var<(uniform|storage, read|storage, read_write)> (\w+)/g)].map(([, at, kind, name]) => [at, kind, name]), [
    ['0', 'uniform', 'params'], ['1', 'storage, read', 'user_a'], ['2', 'storage, read', 'user_b'], ['3', 'storage, read_write', 'result'],
  ]);
  // Threads in a line of groups of 64, folded at dispatchWidth.
  ok(code.includes('@workgroup_size(64, 1, 1)') && code.includes('gid.x + gid.y * params.dispatchWidth') && code.includes('fn main('));
  ok(code.includes('const LOOP_MAX : i32 = 1073741824') || !code.includes('LOOP_MAX'));
});

test("shaders of our own lay out their parameters as gpu.js does", async () => {
  const api = await loadGpuJs();
  const source = { name: 'contract', arrays: ['a', 'b', 'c'], integers: ['n'], floats: ['v', 'w'], body: 'return a[this.thread.x] + b[this.thread.x] * c[n] * v * w;' };
  const types = (text: string): string[] => [...(/struct Params \{([^}]*)\}/.exec(text)?.[1] ?? '').matchAll(/: ([\w<>]+)/g)].map(([, type]) => type);
  equal(types(parameters(source)), types(translate(api, source).code));
});

test('helpers reach the shader in WGSL of our own', async () => {
  const api = await loadGpuJs();
  for (const name of nativeHelpers()) {
    const two = name === 'idiv';
    const { code } = translate(api, { name: `contract ${name}`, arrays: ['a'], integers: [], floats: [], body: `const v = a[this.thread.x]; return ${name}(v${two ? ', v' : ''});` });
    const [text = ''] = new RegExp(`fn fn_${name}\\([^]*?\\n\\}`).exec(code) ?? [];
    ok(/bitcast|trunc\(|round\(|i32\(user_a\) \/ i32/.test(text), `${name}: ${text}`);
  }
});

test('kernels in WebAssembly run at once, in single precision, into arrays of their own', async () => {
  const { api, run } = await kernel('function (a) { return a[this.thread.x] + 0.1; }', ['Input']);
  run.setOutput([3]);
  const first = run(api.input(Float32Array.of(1, 2, 3), [3]));
  const second = run(api.input(Float32Array.of(4, 5, 6), [3]));
  ok(first instanceof Float32Array && second instanceof Float32Array && first !== second);
  equal([...first], [1, 2, 3].map((v) => Math.fround(v + Math.fround(0.1))));
  is(run.kernel.constructor.mode, 'webasm');
  is(run.kernel.fallbackReason, null);
  run.setOutput([2]);
  equal([...(run(api.input(Float32Array.of(1, 2, 3), [3])) as Float32Array)], Array.from(first.slice(0, 2)));
});

test('kernels keep the code of many sizes when told to', async () => {
  const { run } = await kernel('function (a) { return a[this.thread.x]; }', ['Input']);
  is(run.kernel.moduleCacheLimit, 8);
});

test('loops run as long as they are told', async () => {
  const { run } = await kernel('function (n) { let total = 0; for (let i = 0; i < n; i++) { total = total + 1; } return total; }', ['Integer']);
  allClose(run(5000) as Float32Array, [5000]);
});

test('infinities and NaN get through as parameters', async () => {
  const { run } = await kernel('function (v, w) { return this.thread.x === 0 ? v : w; }', ['Float', 'Float']);
  run.setOutput([2]);
  const out = run(Infinity, NaN) as Float32Array;
  ok(out[0] === Infinity && Number.isNaN(out[1]));
});

interface WebGLKernelClass {
  readonly mode: string;
  lookupKernelValueType(type: string, dynamic: 'dynamic', precision: 'single', value: object): unknown;
}

test('results on WebGL are textures of the type that arguments are declared with, and their kernels call their mode gpu', () => {
  const require = createRequire(import.meta.url);
  const { WebGL2Kernel, HeadlessGLKernel } = require('gpu.js') as Readonly<Record<'WebGL2Kernel' | 'HeadlessGLKernel', WebGLKernelClass>>;
  const { GLTextureFloat } = require('gpu.js/src/backend/gl/texture/float') as { readonly GLTextureFloat: new (settings: object) => { readonly type: string; delete(): void; toArray(): unknown } };
  const texture = new GLTextureFloat({ texture: {}, size: [1, 1], dimensions: [1, 1, 1], output: [1], context: {}, kernel: {} });
  is(texture.type, 'ArrayTexture(1)');
  is(typeof texture.delete, 'function');
  for (const kernel of [WebGL2Kernel, HeadlessGLKernel]) {
    is(kernel.mode, 'gpu');
    is(typeof kernel.lookupKernelValueType('ArrayTexture(1)', 'dynamic', 'single', texture), 'function');
  }
  // What test:headlessgl and the browser's checks run on.
  is(typeof Object.getOwnPropertyDescriptor(HeadlessGLKernel, 'isSupported')?.get, 'function');
});

test('the package gl is the one that gpu.js asks for, and lets the driver speak for itself', () => {
  const require = createRequire(import.meta.url);
  const { optionalDependencies } = require('gpu.js/package.json') as { readonly optionalDependencies: Readonly<Record<string, string>> };
  is(optionalDependencies['gl'], HEADLESS_VERSION);
  // It comes without its binary, and not at all where optional packages are left out.
  const text = new URL('../../node_modules/gl/src/javascript/webgl-rendering-context.js', import.meta.url);
  if (existsSync(text)) ok(/_getParameterDirect \(pname\) \{\s*return super\.getParameter\(pname\)/.test(readFileSync(text, 'utf8')));
});

test('locals hold floats, so that indices in them are exact up to 2^24 only', async () => {
  const { run } = await kernel('function (n) { const at = n + 1; return at - n; }', ['Integer']);
  is((run(2 ** 24 - 2) as Float32Array)[0], 1);
});

test.run();

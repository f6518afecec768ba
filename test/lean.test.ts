import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { test } from 'uvu';
import { setFast } from '../core/cpu/engine.ts';
import { allOps } from '../core/ops/define.ts';
import * as whole from '../index.ts';
import { equal, ok, throwsError } from './assert.ts';
import { isPlain, makeSampler } from './sampler.ts';

// `polyak/lean`: the same library without methods on tensors, in JavaScript, until a program asks for more; `polyak/lean/fast`: with the kernels in Wasm of what it uses.

type Library = typeof whole;
type Tensor = whole.Tensor;

const root = fileURLToPath(new URL('..', import.meta.url));
mkdirSync(join(root, 'runs'), { recursive: true });
const folder = mkdtempSync(join(root, 'runs/lean-'));
writeFileSync(join(folder, 'package.json'), '{ "type": "module", "sideEffects": ["./kernels.js"] }');
const program = `import(${JSON.stringify(new URL('../.ci/lean.ts', import.meta.url).href)}).then(({ buildLean }) => buildLean(${JSON.stringify(folder)}))`;
execFileSync(process.execPath, ['--import', join(root, 'node_modules/tsx/dist/loader.mjs'), '-e', program], { cwd: root });
const lean = (await import(pathToFileURL(join(folder, 'index.js')).href)) as Library;
const fast = (await import(pathToFileURL(join(folder, 'fast.js')).href)) as Library;

test.after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs with the kernels in JavaScript. */
function inJavaScript<T>(run: () => T): T {
  const before = setFast(false);
  try {
    return run();
  } finally {
    setFast(before);
  }
}

test('both entries export what `polyak` exports', () => {
  for (const library of [lean, fast]) equal(Object.keys(library).sort(), Object.keys(whole).sort());
  equal(new Set([lean, fast, whole].map(({ Tensor }) => Tensor)).size, 3);
  equal([lean, fast].map(({ cpuInfo }) => cpuInfo().kernels), ['javascript', 'wasm']);
});

test('tensors know no operations as methods until they are told', () => {
  for (const { Tensor } of [lean, fast]) {
    const known = Object.getOwnPropertyNames(Tensor.prototype);
    equal([...allOps()].filter(([name, op]) => op.isMethod && name !== 'detach' && (known.includes(name) || known.includes(`${name}_`))), []);
    for (const name of ['backward', 'item', 'data', 'array', 'registerHook', 'toString']) ok(known.includes(name), name);
  }
});

/** Arguments for another library: its tensors in place of those of the whole one. */
function across(value: unknown, { reshape, slice, tensor }: Library): unknown {
  const move = (v: unknown): unknown => across(v, { reshape, slice, tensor } as Library);
  if (value instanceof whole.Tensor) return reshape(tensor(value.data(), { dtype: value.dtype }), value.shape);
  if (value instanceof whole.Slice) return slice(value.start, value.stop, value.step);
  if (Array.isArray(value)) return value.map(move);
  return isPlain(value) ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, move(v)])) : value;
}

type Op = (...args: unknown[]) => unknown;

/** An operation of a library by the name it is registered under, if that is public. */
function publicOp(library: Library, name: string): Op | undefined {
  const found = [library, library.F].map((space) => name.split('.').reduce<unknown>((at, part) => (typeof at === 'object' && at !== null ? Reflect.get(at, part) : undefined), space));
  return found.find((op): op is Op => typeof op === 'function');
}

/** Runs an operation, and its derivative: elements of results and gradients, or the message of the error. */
function outcome(library: Library, name: string, args: readonly unknown[], leaves: readonly Tensor[]): unknown {
  library.manualSeed(1);
  for (const x of leaves) x.requiresGrad = true;
  try {
    const result = publicOp(library, name)?.(...args);
    const tensors = result instanceof library.Tensor ? [result] : isIterable(result) ? [...result].filter((y) => y instanceof library.Tensor) : [];
    const outputs = tensors.filter((y) => y.requiresGrad);
    const gradients = outputs.length === 0 ? [] : library.grad(outputs, [...leaves], { gradOutputs: outputs.map((y) => library.onesLike(y)), allowUnused: true, createGraph: true });
    const twice = gradients.filter((g) => g?.requiresGrad === true);
    const second = twice.length === 0 ? [] : library.grad(twice as Tensor[], [...leaves], { gradOutputs: twice.map((g) => library.onesLike(g as Tensor)), allowUnused: true });
    return [tensors, gradients, second].map((list) => list.map((x) => x && [x.dtype, [...x.shape], [...x.data()]]));
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
}

const isIterable = (value: unknown): value is Iterable<unknown> => typeof value === 'object' && value !== null && Symbol.iterator in value;

/** Whether values are the same to the bit. */
const isSame = (a: unknown, b: unknown): boolean => (Array.isArray(a) && Array.isArray(b) ? a.length === b.length && a.every((v, i) => isSame(v, b[i])) : Object.is(a, b));

/** Whether values are the same, numbers but for rounding: gradients may be summed in another order. */
function isNear(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number') return Object.is(a, b) || Math.abs(a - b) <= 1e-3 * Math.max(0.1, Math.abs(b));
  return Array.isArray(a) && Array.isArray(b) ? a.length === b.length && a.every((v, i) => isNear(v, b[i])) : a === b;
}

/** Has every operation compute its samples in a library and in the whole one. */
function compareOps(library: Library, same: (a: unknown, b: unknown) => boolean, inWhole: (run: () => unknown) => unknown, inLibrary: (run: () => unknown) => unknown): void {
  let tried = 0;
  for (const [name, op] of allOps()) {
    if (publicOp(library, name) === undefined || op.family === 'random') continue;
    const [ours, theirs] = [op.samples(makeSampler('float32')), op.samples(makeSampler('float32'))];
    ours.forEach((args, i) => {
      const moved = theirs[i].map((value) => across(value, library));
      const expected = inWhole(() => outcome(whole, name, args, floatsIn(args, whole)));
      const actual = inLibrary(() => outcome(library, name, moved, floatsIn(moved, library)));
      if (!same(actual, expected)) equal(actual, expected, `${name}, sample ${i}`);
      tried++;
    });
  }
  ok(tried > 1500, `${tried} samples`);
}

test('every operation computes what it does in `polyak`, with derivatives of first and second order', () => {
  compareOps(lean, isNear, inJavaScript, (run) => run());
});

/** Runs something and notes the Wasm modules that it compiles. */
function compiling<T>(modules: Set<string>, run: () => T): T {
  const { Module } = WebAssembly;
  WebAssembly.Module = new Proxy(Module, {
    construct: (target, [bytes]: [Uint8Array<ArrayBuffer>]) => {
      modules.add(Buffer.from(bytes).toString('latin1'));
      return new target(bytes);
    },
  });
  try {
    return run();
  } finally {
    WebAssembly.Module = Module;
  }
}

test('`polyak/lean/fast` gives the bits of `polyak`, by the same kernels in Wasm', () => {
  const [theirs, ours] = [new Set<string>(), new Set<string>()];
  compareOps(fast, isSame, (run) => compiling(theirs, run), (run) => compiling(ours, run));
  equal([...ours].sort(), [...theirs].sort());
  ok(ours.size > 300, `${ours.size} kernels`);
});

/** The float tensors of arguments. */
function floatsIn(value: unknown, library: Library): Tensor[] {
  if (value instanceof library.Tensor) return value.dtype.startsWith('float') ? [value] : [];
  if (Array.isArray(value)) return [...new Set(value.flatMap((v) => floatsIn(v, library)))];
  return isPlain(value) ? floatsIn(Object.values(value), library) : [];
}

/** Trains a net of many parts, with an average beside it, and gives the last losses and all weights. */
function train(library: Library): number[] {
  const { AdamW, BatchNorm2d, Conv2d, CosineAnnealingLR, DataLoader, Dropout, ExponentialMovingAverage, F, Flatten, LSTM, Linear, MaxPool2d, MultiheadAttention, ReLU, Sequential, TensorDataset } = library;
  library.manualSeed(5);
  const net = new Sequential(new Conv2d(1, 4, 3), new BatchNorm2d(4), new ReLU(), new MaxPool2d(2), new Dropout(0.1), new Flatten(), new Linear(36, 8));
  const [attention, lstm] = [new MultiheadAttention(8, 2, { batchFirst: true }), new LSTM(8, 8, { batchFirst: true })];
  const parts = new library.ModuleList([net, attention, lstm]);
  const optimizer = new AdamW(parts.parameters(), { lr: 0.01 });
  const schedule = new CosineAnnealingLR(optimizer, 10);
  const average = new ExponentialMovingAverage(parts, { momentum: 0.1 });
  const data = new TensorDataset(library.rand([16, 1, 8, 8]), library.randint(0, 8, [16]));
  const losses: number[] = [];
  for (let epoch = 0; epoch < 2; epoch++) {
    for (const [x, y] of new DataLoader(data, { batchSize: 4, shuffle: true })) {
      optimizer.zeroGrad();
      const hidden = library.reshape(net.forward(x), [1, 4, 8]);
      const attended = attention.forward(hidden, hidden, hidden)[0];
      const out = library.reshape(lstm.forward(attended)[0], [4, 8]);
      const loss = F.crossEntropy(out, y);
      loss.backward();
      library.clipGradNorm_(parts.parameters(), 1);
      optimizer.step();
      schedule.step();
      average.updateParameters(parts);
      losses.push(loss.item());
    }
  }
  return [...losses, ...Object.values(average.module.stateDict()).flatMap((x) => [...x.data()])];
}

test('training gives the bits of `polyak` without its kernels', () => {
  equal(train(lean), inJavaScript(() => train(whole)));
});

test('training with kernels gives the bits of `polyak`, and not those of JavaScript', () => {
  const trained = train(fast);
  equal(trained, train(whole));
  const slowly = train(lean);
  ok(trained.some((x, i) => x !== slowly[i]));
});

test('useMethods puts operations on tensors, in place too', () => {
  const { add, tensor, useMethods, where } = lean;
  useMethods(add, where);
  const x = tensor([1, 2]);
  equal(x.add(1).array(), [2, 3]);
  equal(x.add_(1).array(), [2, 3]);
  equal(x.where(tensor([true, false]), 0).array(), [2, 0]);
  throwsError(() => useMethods(lean.cat as never), lean.ArgumentError, /useMethods: not an operation that is a method, got .*; expected operations such as add/);
});

async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({ stdin: { resolveDir: folder, contents }, bundle: true, minify: true, write: false, format: 'esm', platform: 'node', nodePaths: [join(root, 'node_modules')] });
  return outputFiles[0].text;
}

/** What a program says that multiplies two matrices; the comment makes it a module of its own. */
async function product(imports: string, comment = ''): Promise<unknown[]> {
  const code = await bundle(`${imports}; export const { kernels } = cpuInfo(); export const sum = matmul(ones([3, 4]), ones([4, 2])).data();`);
  const { kernels, sum } = (await import(`data:text/javascript,${encodeURIComponent(`${code}//${comment}`)}`)) as { kernels: string; sum: Float32Array };
  return [kernels, ...sum];
}

const oneByOne = "import { cpuInfo, matmul, ones } from './fast.js'";

test('a bundle holds what a program uses, and the kernels in Wasm make it fast', async () => {
  equal(await product("import './kernels.js'; import { cpuInfo, matmul, ones } from './index.js'"), ['wasm', 4, 4, 4, 4, 4, 4]);
  equal(await product(oneByOne), ['wasm', 4, 4, 4, 4, 4, 4]);
  const small = await bundle("import { add, tensor } from './index.js'; console.log(add(tensor([1]), 1).item());");
  ok(small.length < 80_000, `${small.length} bytes`);
  for (const word of ['convTranspose2d', 'crossEntropy', 'Module', 'besselJ0', 'lstmCell']) ok(!small.includes(word), word);
});

test('of the kernels a bundle holds those of its operations', async () => {
  const code = await bundle("import { exp, tensor } from './fast.js'; console.log(exp(tensor([1])).item());");
  ok(code.length < 150_000, `${code.length} bytes`);
  // The last but one is a coefficient of erf.
  const absent = ['softmaxRows', 'convSpread', 'extremeRows', '.000595375945', 'SharedArrayBuffer('];
  for (const word of absent) ok(!code.includes(word), word);
  const more = await bundle("import * as polyak from './fast.js'; console.log(Object.keys(polyak));");
  for (const word of absent) ok(more.includes(word), word);
});

test('without SIMD the operations of `polyak/lean/fast` run in JavaScript, after a warning', async () => {
  const { Module } = WebAssembly;
  const { warn } = console;
  const warnings: string[] = [];
  console.warn = (text: string) => warnings.push(text);
  WebAssembly.Module = new Proxy(Module, { construct: () => { throw new WebAssembly.CompileError('no SIMD'); } });
  try {
    equal(await product(oneByOne, 'without SIMD'), ['javascript', 4, 4, 4, 4, 4, 4]);
  } finally {
    WebAssembly.Module = Module;
    console.warn = warn;
  }
  equal(warnings.map((text) => text.slice(0, 60)), ['polyak: this machine has no WebAssembly with SIMD, or the pa']);
});

test.run();

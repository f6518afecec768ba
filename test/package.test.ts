import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { test } from 'uvu';
import { equal, is, ok } from './assert.ts';

// The package as a user gets it: built, packed, installed into an empty folder, run and type-checked there.

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'polyak-package-'));
const stage = join(folder, 'stage');
const user = join(folder, 'user');
const tarball = join(folder, 'polyak.tgz');

const bin = (name: string): string => join(root, 'node_modules', name);

function run(command: string, args: readonly string[], cwd: string, more: Partial<ExecFileSyncOptionsWithStringEncoding> = {}): string {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: 'pipe', ...more });
  } catch (error) {
    const output = error instanceof Error && 'stdout' in error && 'stderr' in error ? `${String(error.stdout)}\n${String(error.stderr)}` : String(error);
    throw new Error(`${command} ${args.join(' ')}\n${output}`);
  }
}

const node = (args: readonly string[], cwd: string): string => run(process.execPath, args, cwd);

/** Installs from the registry, or, where there is none, from what lies here. */
function install(): void {
  try {
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', tarball], user, { timeout: 30_000 });
  } catch {
    const target = join(user, 'node_modules', 'polyak');
    mkdirSync(target, { recursive: true });
    run('tar', ['-xzf', tarball, '-C', target, '--strip-components=1'], folder);
    for (const name of ['fflate', 'papaparse', 'pure-rand', 'typed-array-utils']) cpSync(bin(name), join(user, 'node_modules', name), { recursive: true });
  }
}

const script = `
import { Adam, ExponentialMovingAverage, F, Linear, Sequential, Tanh, gradcheck, manualSeed, tensor } from 'polyak';
import * as nn from 'polyak/nn';
import * as optim from 'polyak/optim';
import * as ema from 'polyak/ema';
import { DataLoader, TensorDataset } from 'polyak/data';
import { readSafetensors, writeSafetensors } from 'polyak/io';

if (nn.Linear !== Linear || optim.Adam !== Adam || ema.ExponentialMovingAverage !== ExponentialMovingAverage) throw new Error('an entry has classes of its own');
manualSeed(0);
const model = new Sequential(new Linear(2, 8), new Tanh(), new Linear(8, 1));
const average = new ExponentialMovingAverage(model);
const optimizer = new Adam(model.parameters(), { lr: 0.05 });
const data = new TensorDataset(tensor([[0, 0], [0, 1], [1, 0], [1, 1]]), tensor([[0], [1], [1], [0]]));
let loss;
for (let epoch = 0; epoch < 100; epoch++) {
  for (const [x, y] of new DataLoader(data, { batchSize: 4, shuffle: true })) {
    optimizer.zeroGrad();
    loss = F.mseLoss(model.forward(x), y);
    loss.backward();
    optimizer.step();
    average.updateParameters(model);
  }
}
if (!(loss.item() < 0.05)) throw new Error('did not learn: ' + loss.item());
const { tensors } = readSafetensors(writeSafetensors(model.stateDict()));
if (!tensors['0.weight'].eq(model.stateDict()['0.weight']).all().item()) throw new Error('state changed on the way');
if (!gradcheck((x) => x.sin(), [tensor([1], { dtype: 'float64', requiresGrad: true })])) throw new Error('gradcheck');
console.log('trained');
`;

const typed = `
import { F, Linear, Module, SGD, type Tensor, noGrad, tensor } from 'polyak';
import { ExponentialMovingAverage } from 'polyak/ema';
import { loadIdx } from 'polyak/io';

class Net extends Module {
  hidden = new Linear(2, 4);
  head = new Linear(4, 2, { bias: false });
  override forward(x: Tensor): Tensor {
    return this.head.forward(this.hidden.forward(x).relu());
  }
}

const net = new Net();
const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
const loss: Tensor = F.crossEntropy(net.forward(tensor([[1, 2]])), tensor([1], { dtype: 'int64' }));
loss.backward();
optimizer.step();
const average = new ExponentialMovingAverage(net);
average.updateParameters(net);
const top: number = noGrad(() => average.module.forward(tensor([[1, 2]])).sum(1, { keepdim: true }).add_(1).item());
const { values, indices } = tensor([[1, 2]]).sort(1);
export const results: readonly [number, Tensor, Tensor, Promise<Tensor>] = [top, values, indices, loadIdx('x')];

// @ts-expect-error: no such method, so Tensor is no any
loss.noSuchMethod();
// @ts-expect-error: no such option
loss.sum(0, { keepDim: true });
// @ts-expect-error: not a tensor
loss.add('1');
`;

/** The entries of the manifest, as file names in the package. */
function entries(): string[] {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, string | Record<string, string>> };
  return Object.values(manifest.exports).flatMap((e) => (typeof e === 'string' ? [] : Object.values(e)));
}

test.before(() => {
  mkdirSync(stage);
  mkdirSync(user);
  for (const name of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md']) cpSync(join(root, name), join(stage, name));
  node(['--import', join(bin('tsx'), 'dist/loader.mjs'), join(root, '.ci/build.ts'), join(stage, 'dist')], root);
  const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], stage)) as [{ filename: string }];
  cpSync(join(folder, filename), tarball);
  writeFileSync(join(user, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  install();
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

test('the package holds what it promises and nothing else', () => {
  const files = readdirSync(join(user, 'node_modules/polyak'), { recursive: true, encoding: 'utf8' });
  for (const entry of entries()) ok(files.includes(entry.replace('./', '')), entry);
  for (const name of ['README.md', 'LICENSE', 'CHANGELOG.md', 'package.json', 'dist/examples/data/README.md']) ok(files.includes(name), name);
  equal(files.filter((f) => /^(?:test|bench|examples|docs)\b|\.test\.|(?<!\.d)\.ts$/.test(f)), []);
});

test('declarations and code name files as they are in the package', () => {
  const dist = join(user, 'node_modules/polyak/dist');
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (/\.(?:d\.ts|js)$/.test(name)) ok(!/(?:from|import|module) ['"]\.[^'"]*\.ts['"]/.test(readFileSync(join(dist, name), 'utf8')), name);
  }
});

test('a plain script trains a model', () => {
  writeFileSync(join(user, 'train.mjs'), script);
  is(node(['train.mjs'], user).trim(), 'trained');
});

test('classes have the names that they are exported under', () => {
  const wrong = node(['--input-type=module', '-e', "import * as p from 'polyak'; for (const [k, v] of Object.entries(p)) if (typeof v === 'function' && /^class\\b/.test(String(v)) && v.name !== k) console.log(k, v.name);"], user);
  is(wrong, '');
});

test('each entry stands alone: tensors from it have their methods', () => {
  const lines = [
    "import { Linear } from 'polyak/nn'; if (new Linear(2, 3).weight.add(1).sum().item() === undefined) throw 1;",
    "import { writeSafetensors, readSafetensors } from 'polyak/io'; import { Linear } from 'polyak/nn'; readSafetensors(writeSafetensors(new Linear(1, 1).stateDict())).tensors.weight.mul(2);",
    "import { SGD } from 'polyak/optim'; import { Linear } from 'polyak/nn'; const m = new Linear(1, 1); m.weight.square().sum().backward(); new SGD(m.parameters(), { lr: 1 }).step();",
    "import { ExponentialMovingAverage } from 'polyak/ema'; import { Linear } from 'polyak/nn'; const m = new Linear(1, 1); new ExponentialMovingAverage(m).updateParameters(m);",
    "import { TensorDataset } from 'polyak/data'; import { Linear } from 'polyak/nn'; new TensorDataset(new Linear(2, 3).weight.detach()).get(0)[0].exp();",
    "import { Linear } from 'polyak/browser'; if (new Linear(2, 3).weight.add(1).sum().item() === undefined) throw 1;",
    "import { Linear, Tensor, cpuInfo, ones } from 'polyak/lean/fast'; if ('add' in Tensor.prototype || cpuInfo().kernels !== 'wasm') throw 1; new Linear(2, 3).forward(ones([1, 2])).backward({ gradient: ones([1, 3]) });",
    "import { Linear, Tensor, cpuInfo, ones } from 'polyak/lean'; if ('add' in Tensor.prototype || cpuInfo().kernels !== 'javascript') throw 1; await import('polyak/lean/kernels'); if (cpuInfo().kernels !== 'wasm') throw 1; new Linear(2, 3).forward(ones([1, 2])).backward({ gradient: ones([1, 3]) });",
  ];
  lines.forEach((line, i) => {
    writeFileSync(join(user, `entry${i}.mjs`), line);
    node([`entry${i}.mjs`], user);
  });
});

test('the program runs: version, info, the demo on the digits it brings along, and a sweep of a script that reports', () => {
  const { version, bin } = JSON.parse(readFileSync(join(user, 'node_modules/polyak/package.json'), 'utf8')) as { version: string; bin: { polyak: string } };
  const program = join(user, 'node_modules/polyak', bin.polyak);
  ok(readFileSync(program, 'utf8').startsWith('#!/usr/bin/env node\n'));
  is(node([program, '--version'], user).trim(), version);
  ok(node([program, 'info'], user).includes('WebAssembly with SIMD'));
  ok(/epoch +1 +raw/.test(node([program, 'demo', '--epochs', '1'], user)));
  writeFileSync(join(user, 'trial.mjs'), "import { reportTrial, trialParameters } from 'polyak'; reportTrial({ loss: trialParameters({ lr: 1 }).lr ** 2 });");
  writeFileSync(join(user, 'sweep.json'), '{ "script": "trial.mjs", "parameters": { "lr": [3, 2] }, "parallel": 2 }');
  ok(/^ +1 +4 +ok/m.test(node([program, 'sweep', 'sweep.json'], user)));
});

test('what is private stays private', () => {
  writeFileSync(join(user, 'private.mjs'), "await import('polyak/dist/core/op.js').then(() => { throw new Error('open'); }, (e) => { if (e.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw e; });");
  node(['private.mjs'], user);
});

for (const resolution of [['nodenext', 'nodenext'], ['esnext', 'bundler']] as const) {
  test(`a TypeScript file type-checks (${resolution[1]})`, () => {
    writeFileSync(join(user, 'net.ts'), typed);
    writeFileSync(join(user, 'lean.ts'), "import { type Tensor, square, tensor, useMethods } from 'polyak/lean';\nimport 'polyak/lean/kernels';\nuseMethods(square);\nexport const x: Tensor = square(tensor([1])).square_();\n");
    writeFileSync(join(user, 'fast.ts'), "import { type Tensor, square, tensor } from 'polyak/lean/fast';\nexport const x: Tensor = square(tensor([1]));\n");
    const [module, moduleResolution] = resolution;
    const compilerOptions = { strict: true, noEmit: true, target: 'es2022', lib: ['es2022', 'dom'], types: [], module, moduleResolution, skipLibCheck: false, exactOptionalPropertyTypes: true };
    writeFileSync(join(user, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['net.ts', 'lean.ts', 'fast.ts'] }));
    is(node([bin('typescript/bin/tsc'), '-p', '.'], user).trim(), '');
  });
}

test('a bundle keeps the methods, for Node and for browsers', async () => {
  for (const platform of ['node', 'browser'] as const) {
    const outfile = join(user, `bundle.${platform}.mjs`);
    await build({ entryPoints: [join(user, 'train.mjs')], bundle: true, minify: true, format: 'esm', platform, outfile, external: ['node:*'], logLevel: 'error' });
    is(node([outfile], user).trim(), 'trained');
  }
});

/** The files of a script's bundle that it may load and that hold something of a package. */
async function holders(code: string, name: string, splitting: boolean): Promise<string[]> {
  writeFileSync(join(user, 'share.mjs'), code);
  const { metafile } = await build({
    entryPoints: [join(user, 'share.mjs')], bundle: true, minify: true, format: 'esm', platform: 'browser', outdir: join(user, 'share'), external: ['node:*'], logLevel: 'error', metafile: true, splitting,
  });
  const { outputs } = metafile;
  const main = Object.keys(outputs).find((file) => outputs[file].entryPoint?.endsWith('share.mjs') === true) ?? '';
  const reached = new Set([main]);
  for (const file of reached) for (const { path, external } of outputs[file].imports) if (external !== true) reached.add(path);
  const holds = (file: string): boolean => Object.entries(outputs[file].inputs).some(([input, { bytesInOutput }]) => input.includes(`node_modules/${name}/`) && bytesInOutput > 0);
  return [...reached].filter(holds).map((file) => (file === main ? 'main' : 'a part'));
}

test('papaparse and fflate are bundled only for who reads or writes tables and .npz files, and in parts of their own where a bundler makes some', async () => {
  const other = "import { CheckpointManager, DataLoader, loadIdx, readNpy, readSafetensors } from 'polyak'; import { saveNpy } from 'polyak/io'; console.log(CheckpointManager, DataLoader, loadIdx, readNpy, readSafetensors, saveNpy);";
  for (const name of ['papaparse', 'fflate']) {
    for (const splitting of [false, true]) equal([...(await holders(script, name, splitting)), ...(await holders(other, name, splitting))], [], name);
  }
  const [csv, npz] = ["import { readCsv } from 'polyak/io'; console.log(readCsv);", "import { readNpz } from 'polyak'; console.log(readNpz);"];
  for (const [code, name, none] of [[csv, 'papaparse', 'fflate'], [npz, 'fflate', 'papaparse']] as const) {
    equal(await holders(code, name, true), ['a part']);
    equal(await holders(code, name, false), ['main']);
    equal(await holders(code, none, true), []);
  }
});

test('papaparse and fflate are loaded only when they are used', () => {
  const [here, away] = [join(user, 'node_modules'), join(user, 'away')];
  mkdirSync(away);
  for (const name of ['papaparse', 'fflate']) renameSync(join(here, name), join(away, name));
  try {
    is(node(['train.mjs'], user).trim(), 'trained');
  } finally {
    for (const name of ['papaparse', 'fflate']) renameSync(join(away, name), join(here, name));
  }
  writeFileSync(join(user, 'files.mjs'), "import { readCsv, readNpz, writeNpz } from 'polyak/io'; import { tensor } from 'polyak'; const t = await readCsv('a\\n1\\n'); const z = await readNpz(await writeNpz({ a: tensor([2]) }, { compressed: true })); console.log(t.columns.a.item() + z.a.item());");
  is(node(['files.mjs'], user).trim(), '3');
});

test('publint and attw find nothing', () => {
  const lint = node([bin('publint/src/cli.js'), '--strict', tarball], folder);
  ok(/All good/.test(lint), lint);
  // Exits with an error where it finds a problem.
  const types = node([bin('@arethetypeswrong/cli/dist/index.js'), tarball, '--profile', 'esm-only', '--no-color', '--no-emoji'], folder);
  for (const entry of ['nn', 'optim', 'ema', 'data', 'io', 'lean', 'lean/fast', 'lean/kernels', 'browser']) ok(new RegExp(`"polyak/${entry}" +│ OK \\(ESM\\) +│ OK`).test(types), types);
});

test.run();

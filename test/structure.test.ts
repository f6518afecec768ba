import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import { renderOps } from '../docs/make-ops.ts';
import { allOps } from '../core/ops/define.ts';
import * as polyak from '../index.ts';
import { equal, is, ok } from './assert.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const MAX_LINES = 400;

interface Import {
  readonly from: string;
  /** A file below the root, or the name of a package. */
  readonly to: string;
  readonly external: boolean;
  readonly typeOnly: boolean;
}

const read = (file: string): string => readFileSync(join(root, file), 'utf8');

function filesIn(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.ts') && !f.includes('node_modules'))
    .map((f) => posix.join(folder, f.replaceAll('\\', '/')));
}

/** Code without comments and without what stands in quotes. */
function codeOf(source: string): string {
  return source
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "''");
}

/** All imports and re-exports of a source, dynamic ones and types included. */
export function importsOf(file: string, source: string): Import[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const static_ = [...code.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm)].map(([, type, to]) => ({ to, typeOnly: type !== undefined }));
  const dynamic = [...code.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)].map(([, to]) => ({ to, typeOnly: false }));
  return [...static_, ...dynamic].map(({ to, typeOnly }) => {
    const external = !to.startsWith('.');
    return { from: file, to: external ? to : posix.normalize(posix.join(dirname(file), to)), external, typeOnly };
  });
}

const sources = ['index.ts', 'cli.ts', ...['core', 'nn', 'optim', 'ema', 'gpu'].flatMap(filesIn)];
const others = ['.ci', 'test', 'bench', 'examples', 'docs'].flatMap(filesIn);
const imports = sources.flatMap((file) => importsOf(file, read(file)));

/** Which folders a folder may import. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  core: ['core'],
  optim: ['core', 'optim'],
  nn: ['core', 'nn'],
  ema: ['core', 'nn', 'ema'],
  gpu: ['core', 'gpu'],
};

/** Floors of core, lowest first: a file imports its own floor and those below. */
const floors: readonly (readonly string[])[] = [
  ['core/errors.ts', 'core/names.ts'],
  ['core/dtype.ts', 'core/given.ts', 'core/shape.ts', 'core/expr.ts', 'core/formulas.ts'],
  ['core/storage.ts', 'core/cpu/wasm/', 'core/cpu/memory/'],
  ['core/device.ts', 'core/kernels.ts', 'core/format.ts'],
  ['core/tape.ts', 'core/tensor.ts', 'core/results.ts', 'core/tracing.ts'],
  ['core/op.ts', 'core/batching.ts', 'core/graph.ts', 'core/scope.ts', 'core/anomaly.ts'],
  ['core/cpu/', 'core/afterGrad.ts', 'core/pass.ts', 'core/autograd.ts', 'core/random.ts', 'core/randomState.ts'],
  ['core/ops/', 'core/gradcheck.ts', 'core/custom.ts'],
  ['core/whole.ts', 'core/data/', 'core/io/', 'core/linalg.ts', 'core/special.ts', 'core/func/', 'core/trace/', 'core/monitor/', 'core/cli/', 'core/sweep/'],
];

const floorOf = (file: string): number => floors.findIndex((names) => names.some((n) => (n.endsWith('/') ? file.startsWith(n) : file === n)));

/** Pairs of files that know each other by type only, and why. */
const mutual: readonly string[] = [
  'core/tape.ts → core/tensor.ts', // a node holds tensors, a tensor its node
  'core/cpu/engine.ts → core/cpu/fast/index.ts', // the kernels it is given use its helpers
  'core/tracing.ts → core/tensor.ts', // a listener is told of tensors, which tell it of reads
];

/** What runs in Node alone, as the program `polyak`, and is no part of the library. */
const programs = ['cli.ts', 'core/cli/', 'core/sweep/'];
const isProgram = (file: string): boolean => programs.some((name) => (name.endsWith('/') ? file.startsWith(name) : file === name));

test('imports run one way between the folders', () => {
  for (const { from, to, external } of imports) {
    if (external || from === 'index.ts') continue;
    ok(isProgram(from) || !isProgram(to), `${from} imports ${to}, which needs Node`);
    if (!from.includes('/')) continue;
    const [folder, target] = [from.split('/')[0], to.split('/')[0]];
    ok(to !== 'index.ts', `${from} imports index.ts`);
    ok(arrows[folder].includes(target), `${from} imports ${to}`);
  }
});

test('imports run one way inside core', () => {
  for (const file of filesIn('core')) ok(floorOf(file) >= 0, `${file} stands on no floor: add it to the list`);
  for (const { from, to, external } of imports) {
    if (external || !from.startsWith('core/')) continue;
    ok(floorOf(to) <= floorOf(from), `${from} imports ${to}`);
  }
});

test('methods are put on Tensor in one place, which every entry loads', () => {
  const entries = ['index.ts', 'nn/index.ts', 'optim/index.ts', 'ema/index.ts', 'core/data/index.ts', 'core/io/index.ts', 'gpu/index.ts'];
  for (const file of sources) {
    const bare = [...read(file).matchAll(/^import '([^']+)';$/gm)].map((m) => m[1]);
    if (entries.includes(file)) ok(bare.length === 1 && bare[0].endsWith('whole.ts'), `${file} does not load the whole library`);
    else ok(bare.length === 0 || file === 'core/ops/methods.ts' || file === 'core/whole.ts', `${file} loads ${bare.join(', ')} for its effects`);
  }
});

test('imports have no cycles, types included', () => {
  const edges = new Map<string, string[]>(sources.map((f) => [f, []]));
  for (const { from, to, external, typeOnly } of imports) {
    // The demo is an example.
    if (external || to.startsWith('examples/') || (typeOnly && mutual.includes(`${from} → ${to}`))) continue;
    ok(edges.has(to), `${from} imports ${to}, which does not exist`);
    edges.get(from)?.push(to);
  }
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    is(at, -1, `a cycle: ${[...path.slice(at), file].join(' → ')}`);
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of sources) visit(file, []);
});

/** Packages that users install only if they want to plot. */
const plotting = ['@observablehq/plot', 'linkedom'];

test('only declared dependencies are imported, gpu.js only below gpu/, and nothing of Node when a source loads', () => {
  const manifest = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  for (const { from, to, external } of imports) {
    if (!external) continue;
    if (to === 'gpu.js') ok(from.startsWith('gpu/'), `${from} imports gpu.js`);
    else if (plotting.includes(to)) ok(from === 'ema/plot.ts' && !new RegExp(`^import[^;]*'${to}'`, 'm').test(read(from)), `${from} imports ${to}: only ema/plot.ts does, when it draws`);
    else if (to.startsWith('node:')) ok(isProgram(from) || !new RegExp(`^import[^;]*'${to}'`, 'm').test(read(from)), `${from} imports ${to} at the top: browsers have none`);
    else ok(to.split('/', to.startsWith('@') ? 2 : 1).join('/') in manifest.dependencies, `${from} imports ${to}`);
  }
});

test('nothing but tests, benchmarks, examples and docs imports index.ts', () => {
  for (const { from, to } of imports) is(to === 'index.ts', false, from);
});

test('files stay short', () => {
  for (const file of [...sources, ...others]) {
    const lines = read(file).split('\n').length - 1;
    ok(lines <= MAX_LINES, `${file} has ${lines} lines, more than ${MAX_LINES}`);
  }
});

const banned: readonly (readonly [RegExp, string])[] = [
  [/^export \*(?! as )/m, 'export *'],
  [/^export default\b/m, 'a default export'],
  [/(?::|<|\bas|\||=>)\s*any\b(?!\s*\()|,\s*any\s*[>\]]|\bany\[\]/, 'any'],
  [/\bas unknown as\b/, 'as unknown as'],
  [/^\s*(?:export )?(?:const )?enum\b/m, 'an enum'],
  [/\bMath\.random\(/, 'Math.random'],
  [/\bnamespace \w+ \{/, 'a namespace'],
];

test('the sources keep to the style', () => {
  for (const file of [...sources, ...others]) {
    const code = codeOf(read(file));
    for (const [pattern, name] of banned) ok(!pattern.test(code), `${file} has ${name}`);
    ok(!/\b(?:TODO|FIXME|XXX)\b/.test(file === 'test/structure.test.ts' ? '' : read(file)), `${file} has an open end`);
  }
});

test('the style test sees what it looks for', () => {
  const bad = ["export * from './x.ts';", 'export default 1;', 'const x: any = 1;', 'Map<string, any>', 'f(x as any);', 'x as unknown as Y;', 'enum A {}', 'Math.random();', 'namespace A {'];
  for (const line of bad) ok(banned.some(([pattern]) => pattern.test(codeOf(line))), line);
  for (const line of ["export * as F from './f.ts';", '// any', 'x.any()', 'export { all, any, sum };', 'const any: Method = 1;']) ok(!banned.some(([pattern]) => pattern.test(codeOf(line))), line);
  equal(importsOf('a/b.ts', "import type { X } from '../c.ts';\nexport { y } from './d.ts';\nimport './e.ts';\nconst z = await import('gpu.js');"), [
    { from: 'a/b.ts', to: 'c.ts', external: false, typeOnly: true },
    { from: 'a/b.ts', to: 'a/d.ts', external: false, typeOnly: false },
    { from: 'a/b.ts', to: 'a/e.ts', external: false, typeOnly: false },
    { from: 'a/b.ts', to: 'gpu.js', external: true, typeOnly: false },
  ]);
});

const entries = ['index.ts', 'nn/index.ts', 'optim/index.ts', 'ema/index.ts', 'core/data/index.ts', 'core/io/index.ts', 'gpu/index.ts'];

/** Names a file re-exports, with the file they come from. */
function reexports(file: string): { name: string; from: string }[] {
  return [...read(file).matchAll(/^export (?:type )?\{([^}]*)\} from '([^']+)'/gm)].flatMap(([, names, to]) =>
    names
      .split(',')
      .map((n) => n.trim().replace(/^type /, ''))
      .filter((n) => n !== '')
      .map((n) => ({ name: n.split(/\s+as\s+/)[0], from: posix.normalize(posix.join(dirname(file), to)) })),
  );
}

/** Whether the declaration of a name has a doc comment of its own. */
function isDocumented(name: string, file: string): boolean {
  const source = read(file);
  const declared = source.match(new RegExp(`(\\*/\\s*\\n)?^export (?:declare |abstract |async )*(?:const|let|function|class|interface|type) ${name}\\b`, 'm'));
  if (declared !== null) return declared[1] !== undefined || new RegExp(`\\*/ export [a-z ]+ ${name}\\b`).test(source);
  const onward = reexports(file).find((r) => r.name === name);
  return onward !== undefined && isDocumented(name, onward.from);
}

test('every public export has a doc comment', () => {
  const missing = entries.flatMap((file) => reexports(file).filter(({ name, from }) => !isDocumented(name, from)).map(({ name, from }) => `${name} (${from})`));
  equal([...new Set(missing)], []);
});

/** Operations whose function is not exported, and why. */
const methodsOnly: readonly string[] = [
  'at', 'contiguous', 'copy', 'cpu', 'expandAs', 'fill', 'sliceDim', 'reshapeAs', 'to', 'typeAs', 'unfold', 'view', 'viewAs', 'zero', // they read only as methods
  'bool', 'byte', 'double', 'float', 'int', 'long', // conversions: Tensor.float() and its like
];

test('every operation is exported under its name', () => {
  const exported = polyak as Readonly<Record<string, unknown>>;
  const functional = typeof exported.F === 'object' && exported.F !== null ? (exported.F as Readonly<Record<string, unknown>>) : {};
  // 'linalg.solve' is `solve` of the exported namespace `linalg`.
  const found = (name: string): unknown => name.split('.').reduce<unknown>((space, part) => (typeof space === 'object' && space !== null ? Reflect.get(space, part) : undefined), exported);
  const missing = [...allOps()].filter(([name, op]) => op.family !== 'engine' && !methodsOnly.includes(name) && found(name) !== op && functional[name] !== op).map(([name]) => name);
  equal(missing, []);
});

test('methods.ts loads every file that defines methods, and every entry loads them', () => {
  const methods = imports.filter((i) => i.from === 'core/ops/methods.ts' && !i.typeOnly).map((i) => i.to);
  const files = filesIn('core/ops').filter((f) => f !== 'core/ops/define.ts' && f !== 'core/ops/named.ts' && /\b(?:method|inPlaceMethod|unary|binary)(?:<.*>)?\(|^declare module/m.test(read(f)));
  equal(files.filter((f) => f !== 'core/ops/methods.ts' && !methods.includes(f)), []);
  for (const entry of entries) ok(imports.some((i) => i.from === entry && i.to === 'core/whole.ts'), entry);
});

test('docs/ops.md is up to date', () => {
  is(read('docs/ops.md') === renderOps(), true, "run 'npm run docs:ops'");
});

test('every test file ends with test.run()', () => {
  for (const file of filesIn('test')) if (file.endsWith('.test.ts')) ok(/\.run\(\);\s*$/.test(read(file)), file);
});

test.run();

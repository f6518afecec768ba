import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildLean, withoutSamples } from './lean.ts';
import { withOwnNames } from './shakable.ts';

// npm run build [-- folder]: compiles the sources into dist/ (or the folder), from nothing: declarations file by file, and code in as many files as there are
// entries and parts that they share, since loading a file costs half a millisecond and there are hundreds. Beside it the lean package, for bundlers (lean.ts), and one file
// with all that is needed, for pages without a bundler.

const root = fileURLToPath(new URL('..', import.meta.url));
const out = resolve(process.argv[2] ?? join(root, 'dist'));

rmSync(out, { recursive: true, force: true });
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--emitDeclarationOnly', '--outDir', out], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, string | { default: string }>; bin: Record<string, string> };
const isPart = (file: string): boolean => !/^(?:lean|browser)\//.test(file);
const entries = [
  ...Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : [entry.default.replace('./dist/', '')])).filter(isPart),
  ...Object.values(bin).map((file) => file.replace('dist/', '')),
];
const trimmed = withoutSamples();
await build({
  entryPoints: entries.map((name) => join(root, name.replace(/\.js$/, '.ts'))),
  outdir: out,
  outbase: root,
  bundle: true,
  splitting: true,
  packages: 'external',
  // What package.json says of side effects is about the files made here.
  ignoreAnnotations: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  sourcemap: true,
  chunkNames: 'chunks/[name]-[hash]',
  logLevel: 'warning',
  plugins: [trimmed],
});
for (const name of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
  if (name.endsWith('.js')) writeFileSync(join(out, name), withOwnNames(readFileSync(join(out, name), 'utf8')));
}

await buildLean(join(out, 'lean'));
// One file that a page can load without a bundler, with parts beside it that are loaded when they are used.
await build({
  entryPoints: { polyak: join(root, 'index.ts') },
  outdir: join(out, 'browser'),
  bundle: true,
  splitting: true,
  minify: true,
  // Prints and messages tell the names of classes.
  keepNames: true,
  // What runs in Node alone, and what is loaded only where it is installed.
  external: ['node:*', '@observablehq/plot', 'linkedom'],
  ignoreAnnotations: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  chunkNames: '[name]-[hash]',
  logLevel: 'warning',
  plugins: [trimmed],
});

// tsc rewrites './x.ts' to './x.js' in code but not in declarations.
for (const name of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.d.ts')) continue;
  const file = join(out, name);
  const before = readFileSync(file, 'utf8');
  const after = before.replace(/((?:from|import|declare module) |import\()(['"])(\.{1,2}\/[^'"]*)\.ts\2/g, '$1$2$3.js$2');
  if (after !== before) writeFileSync(file, after);
}

// The digits of `polyak demo`, where cli.js looks for them.
for (const name of ['digits-images.idx3-ubyte', 'digits-labels.idx1-ubyte', 'README.md']) cpSync(join(root, 'examples/data', name), join(out, 'examples/data', name));

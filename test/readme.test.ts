import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, transform } from 'esbuild';
import { test } from 'uvu';
import { ok } from './assert.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Entry points as sources. */
const entries: Readonly<Record<string, string>> = {
  polyak: 'index.ts',
  'polyak/nn': 'nn/index.ts',
  'polyak/optim': 'optim/index.ts',
  'polyak/ema': 'ema/index.ts',
  'polyak/data': 'core/data/index.ts',
  'polyak/io': 'core/io/index.ts',
  'polyak/gpu': 'gpu/index.ts',
  // The same names; test/lean.test.ts is about the form.
  'polyak/lean': 'index.ts',
  'polyak/lean/fast': 'index.ts',
};

const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(root, 'docs')).filter((f) => f.endsWith('.md')).map((f) => `docs/${f}`)];

/** Where the bundled sources and the snippets lie: loading hundreds of files for each snippet would take most of the time. */
const folder = mkdtempSync(join(tmpdir(), 'polyak-snippets-'));

test.before(async () => {
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  await build({
    entryPoints: Object.values(entries).map((file) => join(root, file)),
    outdir: join(folder, 'polyak'),
    outbase: root,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    packages: 'external',
    // What package.json says of side effects is about the built package.
    ignoreAnnotations: true,
    tsconfig: join(root, 'tsconfig.json'),
    logLevel: 'warning',
  });
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

/** The TypeScript blocks of a page. */
function snippets(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((m) => m[1]);
}

/** Whether a snippet looks inside: it imports sources, as seen from its page. */
const isInside = (code: string): boolean => /from '\.\.?\//.test(code);

/** A snippet as JavaScript that Node can run: imports of the package are pointed at the bundled sources, and one that imports sources is bundled with them. */
async function runnable(page: string, code: string): Promise<string> {
  const tsconfigRaw = readFileSync(join(root, 'tsconfig.json'), 'utf8');
  const options = { target: 'es2022', format: 'esm', tsconfigRaw } as const;
  if (isInside(code)) {
    ok(!/from 'polyak/.test(code), `${page}: a snippet imports sources and the package, which would be two libraries`);
    const stdin = { contents: code, resolveDir: join(root, dirname(page)), loader: 'ts' } as const;
    const { outputFiles } = await build({ ...options, stdin, bundle: true, write: false, platform: 'node', packages: 'external', ignoreAnnotations: true, logLevel: 'warning' });
    return outputFiles[0].text;
  }
  const pointed = code.replace(/from '(polyak[^']*)'/g, (_, name: string) => {
    const file = entries[name];
    ok(file !== undefined, `${page}: unknown entry '${name}'`);
    return `from '${pathToFileURL(join(folder, 'polyak', file.replace(/\.ts$/, '.mjs'))).href}'`;
  });
  return (await transform(pointed, { ...options, loader: 'ts' })).code;
}

for (const page of pages) {
  snippets(page).forEach((code, i) => {
    test(`${page}, snippet ${i + 1} runs`, async () => {
      const place = mkdtempSync(join(folder, 'snippet-'));
      writeFileSync(join(place, 'snippet.mjs'), await runnable(page, code));
      execFileSync(process.execPath, ['--enable-source-maps', 'snippet.mjs'], { cwd: place, stdio: 'pipe' });
    });
  });
}

test('the README has runnable snippets', () => {
  ok(snippets('README.md').length >= 5);
});

test.run();

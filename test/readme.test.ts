import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { test } from 'uvu';
import { ok } from './assert.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Entry points as sources, so that snippets run without a build. */
const entries: Readonly<Record<string, string>> = {
  polyak: 'index.ts',
  'polyak/nn': 'nn/index.ts',
  'polyak/optim': 'optim/index.ts',
  'polyak/ema': 'ema/index.ts',
  'polyak/data': 'core/data/index.ts',
  'polyak/io': 'core/io/index.ts',
  'polyak/gpu': 'gpu/index.ts',
};

const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(root, 'docs')).filter((f) => f.endsWith('.md')).map((f) => `docs/${f}`)];

/** The TypeScript blocks of a page, imports pointed at the sources. */
function snippets(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((m) =>
    m[1].replace(/from '(polyak[^']*)'/g, (_, name: string) => {
      const file = entries[name];
      ok(file !== undefined, `${page}: unknown entry '${name}'`);
      return `from '${pathToFileURL(join(root, file)).href}'`;
    }),
  );
}

for (const page of pages) {
  snippets(page).forEach((code, i) => {
    test(`${page}, snippet ${i + 1} runs`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'polyak-snippet-'));
      try {
        writeFileSync(join(folder, 'snippet.mts'), code);
        execFileSync(process.execPath, ['--import', pathToFileURL(join(root, 'node_modules/tsx/dist/loader.mjs')).href, 'snippet.mts'], { cwd: folder, stdio: 'pipe' });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  });
}

test('the README has runnable snippets', () => {
  ok(snippets('README.md').length >= 5);
});

test.run();

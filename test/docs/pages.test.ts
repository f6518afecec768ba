import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import { equal, is, ok } from '../assert.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), 'utf8').replaceAll('\r', '');
const pagesIn = (folder: string): string[] => readdirSync(join(root, folder)).filter((f) => f.endsWith('.md')).map((f) => posix.join(folder, f));
const pages = [...pagesIn('.'), ...pagesIn('docs')];

/** A page without its code, whose brackets are no links. */
const proseOf = (page: string): string => read(page).replace(/^```[\s\S]*?^```/gm, '').replace(/^ {4}.*$/gm, '').replace(/`[^`\n]*`/g, 'code');

/** Links and pictures of a text. */
function linksIn(text: string): { readonly isPicture: boolean; readonly words: string; readonly to: string }[] {
  return [...text.matchAll(/(!?)\[([^\]]*)\]\(([^)\s]+)\)/g)].map(([, mark, words, to]) => ({ isPicture: mark === '!', words, to }));
}

/** The anchors that GitHub and the site give to the headings of a page. */
function anchorsOf(page: string): string[] {
  return [...read(page).replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, title]) => title.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-'));
}

/** What is wrong with a link of a page; undefined where nothing is. */
function problemOf(page: string, to: string): string | undefined {
  if (/^https?:/.test(to)) return undefined;
  const [path, anchor] = to.split('#');
  const file = path === '' ? page : posix.normalize(posix.join(dirname(page), path));
  if (!existsSync(join(root, file))) return `${page}: ${to} does not exist`;
  return anchor === undefined || !file.endsWith('.md') || anchorsOf(file).includes(anchor) ? undefined : `${page}: ${to} has no such heading`;
}

/** Code that is shown from a file: the file, and the text. */
function quotesIn(text: string): { readonly file: string; readonly code: string }[] {
  return [...text.matchAll(/^<!-- from (\S+) -->\n+```typescript\n([\s\S]*?)^```$/gm)].map(([, file, code]) => ({ file, code }));
}

/** The first stretch of shown code that the file does not have; lines with `…` alone stand for what is left out. */
const missingIn = (source: string, code: string): string | undefined => code.split(/^\s*…\n/m).find((part) => !source.includes(part));

test('links lead somewhere', () => {
  equal(pages.flatMap((page) => linksIn(proseOf(page)).flatMap(({ to }) => problemOf(page, to) ?? [])), []);
  ok(problemOf('README.md', 'docs/no-such-page.md') !== undefined);
  ok(problemOf('README.md', 'docs/speed.md#no-such-heading') !== undefined);
  is(problemOf('docs/memory.md', 'speed.md#benchmarks'), undefined);
});

test('pictures are described', () => {
  equal(pages.flatMap((page) => linksIn(proseOf(page)).filter(({ isPicture, words }) => isPicture && words.trim().length < 20).map(({ to }) => `${page}: ${to}`)), []);
});

test('every page but the README is in the navigation of the site, once', () => {
  const listed = Object.values(JSON.parse(read('docs/navigation.json')) as Record<string, string[]>).flat();
  equal(listed.toSorted(), pages.filter((page) => page !== 'README.md').toSorted());
});

test('every page begins with one heading of the first level', () => {
  for (const page of pages) {
    const text = read(page).replace(/^```[\s\S]*?^```/gm, '');
    ok(text.startsWith('# '), page);
    is(text.match(/^# /gm)?.length, 1, page);
  }
});

test('code that is shown from a file is in that file', () => {
  let count = 0;
  for (const page of pages) {
    const quotes = quotesIn(read(page));
    is(quotes.length, read(page).match(/^```typescript$/gm)?.length ?? 0, `${page}: a block of typescript says where it is from: <!-- from path -->`);
    for (const { file, code } of quotes) {
      count++;
      is(missingIn(read(file), code), undefined, `${page}: not in ${file}`);
    }
  }
  ok(count > 0);
  is(missingIn('a\nb\nc\n', 'a\n…\nc\n'), undefined);
  is(missingIn('a\nb\nc\n', 'a\n  …\nd\n'), 'd\n');
});

test.run();

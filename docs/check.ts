import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// npm run docs:check [-- names] [-- --write]: runs the experiments in docs/experiments and compares what they print with the pages that show it. A page shows
// an output in a fenced block below the comment `<!-- output of docs/experiments/NAME.ts -->`. With --write the blocks are renewed.

const root = fileURLToPath(new URL('..', import.meta.url));
const marked = /(<!-- output of (docs\/experiments\/[\w-]+\.ts) -->\n+```\w*\n)([\s\S]*?)(^```$)/gm;

/** The files of a folder below the root that end in `end`. */
const filesIn = (folder: string, end: string): string[] =>
  readdirSync(join(root, folder)).filter((name) => name.endsWith(end)).map((name) => `${folder}/${name}`).toSorted();

/** The outputs that a page shows, by experiment. */
const shownIn = (page: string): Map<string, string> => new Map([...readFileSync(join(root, page), 'utf8').matchAll(marked)].map((m) => [m[2], m[3]]));

/** The first line in which two texts differ. */
function firstDifference(shown: string, printed: string): string {
  const [a, b] = [shown.split('\n'), printed.split('\n')];
  const at = a.findIndex((line, i) => line !== b[i]);
  const i = at < 0 ? a.length : at;
  return `line ${i + 1}\n    shown:   ${a[i] ?? '(nothing)'}\n    printed: ${b[i] ?? '(nothing)'}`;
}

const args = process.argv.slice(2);
const write = args.includes('--write');
const names = args.filter((a) => a !== '--write');
const pages = ['README.md', ...filesIn('docs', '.md')];
const experiments = filesIn('docs/experiments', '.ts').filter((file) => names.length === 0 || names.some((n) => file.endsWith(`/${n}.ts`) || file === n));
let failed = 0;

for (const page of pages) {
  for (const [file] of shownIn(page)) {
    if (existsSync(join(root, file))) continue;
    console.log(`${page}: shows the output of ${file}, which does not exist`);
    failed++;
  }
}

for (const file of experiments) {
  const places = pages.filter((page) => shownIn(page).has(file));
  if (places.length === 0) {
    console.log(`${file}: no page shows its output`);
    failed++;
    continue;
  }
  const start = performance.now();
  const printed = execFileSync(process.execPath, ['--import', 'tsx', file], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  for (const page of places) {
    const shown = shownIn(page).get(file) ?? '';
    if (shown === printed) console.log(`${file}: as ${page} shows it (${seconds} s)`);
    else if (write) {
      const text = readFileSync(join(root, page), 'utf8');
      writeFileSync(join(root, page), text.replace(marked, (whole, head: string, name: string, _: string, end: string) => (name === file ? `${head}${printed}${end}` : whole)));
      console.log(`${file}: written into ${page} (${seconds} s)`);
    } else {
      console.log(`${file}: not as ${page} shows it, ${firstDifference(shown, printed)}`);
      failed++;
    }
  }
}

process.exitCode = failed === 0 ? 0 : 1;

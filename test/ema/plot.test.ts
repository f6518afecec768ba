import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { parseHTML } from 'linkedom';
import { test } from 'uvu';
import { figures } from '../../docs/make-figures.ts';
import { ArgumentError, ExponentialMovingAverage, Linear, effectiveWeights, profileSvg } from '../../index.ts';
import { equal, is, ok, rejectsError } from '../assert.ts';

const ema = effectiveWeights(new ExponentialMovingAverage(new Linear(1, 1), { momentum: 0.1 }), 50);

/** The paths of an SVG that are lines of data. */
function lines(svg: string): string[] {
  const { document } = parseHTML(svg);
  return [...document.querySelectorAll('g[aria-label="line"] path')].map((p) => p.getAttribute('d') ?? '');
}

test('an SVG that stands alone, one line and one name for each profile', async () => {
  const svg = await profileSvg({ 'EMA <0.1>': ema, even: new Array<number>(50).fill(0.02) });
  ok(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg"'));
  is(svg.match(/<svg/g)?.length, 1);
  ok(svg.includes('EMA &lt;0.1&gt;') && svg.includes('>even<'));
  equal(lines(svg).length, 2);
  ok(!/NaN|undefined|\bid="/.test(svg));
});

test('equal input gives equal text, call after call', async () => {
  is(await profileSvg({ ema }, { top: 0.05 }), await profileSvg({ ema }, { top: 0.05 }));
});

test('size, labels and the top', async () => {
  const svg = await profileSvg({ ema }, { width: 300, height: 200, x: 'step', y: 'share', top: 0.05 });
  ok(/width="300"/.test(svg) && /height="200"/.test(svg) && svg.includes('step →') && svg.includes('↑ share'));
  const heights = lines(svg)[0].split(/[A-Z]/).filter(Boolean).map((p) => Number(p.split(',')[1]));
  ok(Math.min(...heights) >= 20, String(Math.min(...heights)));
});

test('a single heavy model is seen in a long profile', async () => {
  const long = new Float64Array(100_000).fill(1e-6);
  long[12_345] = 0.9;
  const svg = await profileSvg({ long });
  const heights = lines(svg)[0].split(/[A-Z]/).filter(Boolean).map((p) => Number(p.split(',')[1]));
  ok(heights.length < 1000);
  ok(Math.min(...heights) < 60);
});

test('one model, and negative weights', async () => {
  ok(lines(await profileSvg({ one: [1] }))[0].startsWith('M'));
  ok(lines(await profileSvg({ mixed: [-0.5, 1.5] }))[0].startsWith('M'));
});

test('a document and a plot module of one\'s own', async () => {
  const { document } = parseHTML('<html></html>');
  is(await profileSvg({ ema }, { document }), await profileSvg({ ema }));
  const plot = { plot: () => ({ outerHTML: '<svg/>', setAttributeNS: () => undefined }), line: () => ({}), text: () => ({}), ruleY: () => ({}) };
  is(await profileSvg({ ema }, { plot, document }), '<svg/>\n');
});

test('bad arguments', async () => {
  await rejectsError(() => profileSvg({}), ArgumentError, /no profiles, got \{/);
  for (const bad of ['null', '[1]', '3']) await rejectsError(() => profileSvg(JSON.parse(bad)), ArgumentError, /no profiles/);
  for (const weights of [[], [NaN], ['a'], 3, null]) await rejectsError(() => profileSvg({ x: weights } as never), ArgumentError, /'x' holds no weights/);
  await rejectsError(() => profileSvg({ ema }, { width: 0 }), ArgumentError, /invalid width, got 0/);
  await rejectsError(() => profileSvg({ ema }, { top: -1 }), ArgumentError, /invalid top/);
  await rejectsError(() => profileSvg({ ema }, { title: 'x' } as object), ArgumentError, /unknown option, got 'title'/);
});

test('without the packages, the error says what to install; a bundle for browsers is made all the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'polyak-plot-'));
  try {
    const outfile = join(folder, 'plot.mjs');
    const entry = fileURLToPath(new URL('../../ema/plot.ts', import.meta.url));
    await build({ entryPoints: [entry], outfile, bundle: true, format: 'esm', platform: 'browser', external: ['@observablehq/plot', 'linkedom'], logLevel: 'error' });
    const alone = (await import(pathToFileURL(outfile).href)) as { profileSvg: typeof profileSvg };
    const plot = { plot: () => ({ outerHTML: '', setAttributeNS: () => undefined }), line: () => ({}), text: () => ({}), ruleY: () => ({}) };
    await rejectsError(() => alone.profileSvg({ ema }), Error, /got no '@observablehq\/plot'; expected it to be installed.*\nhint: npm install @observablehq\/plot linkedom/);
    await rejectsError(() => alone.profileSvg({ ema }, { plot }), Error, /got no 'linkedom'/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the figures of the docs are up to date', async () => {
  for (const [file, svg] of Object.entries(await figures())) {
    is(readFileSync(fileURLToPath(new URL(`../../docs/figures/${file}`, import.meta.url)), 'utf8') === svg, true, `run 'npm run docs:figures' (${file})`);
  }
});

test.run();

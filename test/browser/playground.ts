import { createServer } from 'node:http';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Page, chromium } from 'playwright-core';
import { buildPage } from '../../examples/playground/serve.ts';
import { findChromium } from './chromium.ts';

// npm run test:playground [-- --write]: builds the playground as a static page, serves it without special headers, and uses it in a headless Chromium, where
// there is one. --write renews the screenshots in docs/figures.

const figures = fileURLToPath(new URL('../../docs/figures/', import.meta.url));
const { values: flags } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
const types: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

/** Serves a folder as any host of static pages would. */
async function serveFolder(folder: string): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const file = join(folder, normalize(pathname.endsWith('/') ? `${pathname}index.html` : pathname));
    if (!file.startsWith(folder) || !existsSync(file)) response.writeHead(404).end();
    else response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' }).end(readFileSync(file));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const results: { readonly name: string; readonly ok: boolean; readonly said: string }[] = [];

async function check(name: string, body: () => Promise<string>): Promise<void> {
  try {
    results.push({ name, ok: true, said: await body() });
  } catch (error) {
    results.push({ name, ok: false, said: error instanceof Error ? error.message : String(error) });
  }
  const last = results[results.length - 1];
  console.log(`${last.ok ? 'ok  ' : 'FAIL'}    ${last.name}: ${last.said}`);
}

function must(condition: boolean, said: string): void {
  if (!condition) throw new Error(said);
}

/** Share of right answers that the page shows for a net. */
const accuracyOf = async (page: Page, net: 'raw' | 'average'): Promise<number> => Number((await page.textContent(`#${net}-score`))?.split(' ')[0]);
const stepOf = async (page: Page): Promise<number> => Number(/Step ([\d,]+)/.exec((await page.textContent('#status')) ?? '')?.[1].replaceAll(',', ''));

/** Number of different colours in a canvas. */
const coloursOf = (page: Page, id: string): Promise<number> =>
  page.evaluate((name) => {
    const canvas = document.getElementById(name) as HTMLCanvasElement;
    const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data;
    return new Set(new Uint32Array(pixels?.buffer ?? new ArrayBuffer(0))).size;
  }, id);

/** Frames a second of the page for a while. A text, since compilers put calls of their own into functions. */
const framesOf = (page: Page): Promise<number> =>
  page.evaluate(`new Promise((resolve) => {
    const start = performance.now();
    let n = 0;
    requestAnimationFrame(function count(now) {
      n++;
      if (now - start > 1500) resolve((1000 * n) / (now - start));
      else requestAnimationFrame(count);
    });
  })`);

async function reach(page: Page, steps: number): Promise<void> {
  await page.waitForFunction((n) => Number(/Step ([\d,]+)/.exec(document.getElementById('status')?.textContent ?? '')?.[1].replaceAll(',', '')) >= n, steps, { timeout: 60_000 });
}

const screenshot = async (page: Page, name: string): Promise<void> => {
  if (flags.write) await page.screenshot({ path: join(figures, `playground-${name}.png`), fullPage: true });
};

async function use(page: Page, url: string): Promise<void> {
  const said: string[] = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  await page.goto(url);

  await check('points: both nets learn', async () => {
    await reach(page, 0);
    const before = await accuracyOf(page, 'average');
    await page.focus('#run');
    await page.keyboard.press('Enter');
    await reach(page, 1000);
    const frames = await framesOf(page);
    await page.keyboard.press('Enter');
    const [raw, average] = [await accuracyOf(page, 'raw'), await accuracyOf(page, 'average')];
    must(before < 75 && raw > 80 && average > 85, `accuracy ${before} % before, ${raw} % and ${average} % after`);
    return `${before} % before, then raw ${raw} %, average ${average} %; ${frames.toFixed(0)} frames a second while training`;
  });
  await check('pictures and charts are not blank', async () => {
    const colours = [await coloursOf(page, 'raw'), await coloursOf(page, 'average')];
    const paths = await page.locator('.charts svg path, .charts svg rect').count();
    must(Math.min(...colours) > 50 && paths > 20, `${colours.join(' and ')} colours, ${paths} shapes`);
    await screenshot(page, 'points');
    return `${colours.join(' and ')} colours, ${paths} shapes`;
  });
  await check('one step at a time, paused, and reset', async () => {
    const before = await stepOf(page);
    await page.waitForTimeout(300);
    must((await stepOf(page)) === before, 'it goes on although it is paused');
    await page.click('#step');
    await reach(page, before + 1);
    must((await stepOf(page)) === before + 1, `step ${await stepOf(page)} after ${before}`);
    await page.click('#reset');
    await page.waitForFunction(() => document.getElementById('status')?.textContent?.startsWith('Step 0;'));
    return `${before}, ${before + 1}, 0`;
  });
  await check('a setting is in the address, and an address is a setting', async () => {
    await page.selectOption('#setting-rule', 'swa');
    must(page.url().endsWith('#rule=swa'), page.url());
    await page.goto(`${url}#data=digits&net=large&lr=0.003&batch=32&momentum=0.02&speed=fast`);
    await page.waitForFunction(() => (document.getElementById('setting-data') as HTMLSelectElement).value === 'digits');
    return page.url().split('#')[1];
  });
  await check('digits: both nets learn, and read a drawing', async () => {
    await page.waitForSelector('#sketch:not([hidden])');
    await page.click('#run');
    await reach(page, 500);
    await page.click('#run');
    const [raw, average] = [await accuracyOf(page, 'raw'), await accuracyOf(page, 'average')];
    must(raw > 85 && average > 85, `raw ${raw} %, average ${average} %`);
    const box = await page.locator('#pad').boundingBox();
    must(box !== null, 'no pad');
    const move = (x: number, y: number): Promise<void> => page.mouse.move((box?.x ?? 0) + x * (box?.width ?? 0), (box?.y ?? 0) + y * (box?.height ?? 0));
    await move(0.3, 0.2);
    await page.mouse.down();
    for (const [x, y] of [[0.7, 0.2], [0.45, 0.45], [0.7, 0.6], [0.6, 0.8], [0.3, 0.8]]) await move(x, y);
    await page.mouse.up();
    await page.waitForFunction(() => document.getElementById('average-guess')?.textContent !== '–');
    const guesses = [await page.textContent('#raw-guess'), await page.textContent('#average-guess')];
    must(guesses.every((g) => g?.startsWith('3')), guesses.join(' and '));
    await screenshot(page, 'digits');
    return `raw ${raw} %, average ${average} %; a drawn 3 is ${guesses.join(' and ')}`;
  });
  await check('a checkpoint saves and loads', async () => {
    const step = await stepOf(page);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
    const file = await download.path();
    await page.click('#reset');
    await page.waitForFunction(() => document.getElementById('status')?.textContent?.startsWith('Step 0;'));
    await page.setInputFiles('#file', file);
    await reach(page, step);
    must((await stepOf(page)) === step, `step ${await stepOf(page)}; expected ${step}`);
    return `step ${step}`;
  });
  await check('a phone in the dark: nothing is wider than the screen', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.waitForTimeout(200);
    const wide = await page.evaluate(() => [...document.querySelectorAll('body *')].filter((x) => x.getBoundingClientRect().right > innerWidth + 1).map((x) => x.tagName + (x.id === '' ? '' : `#${x.id}`)));
    must(wide.length === 0, wide.join(', '));
    await screenshot(page, 'phone');
    return 'fits';
  });
  await check('the console is clean', () => {
    must(said.length === 0, said.join(' | '));
    return Promise.resolve('nothing was printed');
  });
}

const executablePath = findChromium();
if (executablePath === null) console.log('skipped: no Chromium found; set CHROME_PATH to one');
else {
  const folder = mkdtempSync(join(tmpdir(), 'polyak-playground-'));
  await buildPage(folder);
  const server = await serveFolder(folder);
  const browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
  try {
    await use(await browser.newPage({ viewport: { width: 1200, height: 900 } }), server.url);
  } finally {
    await browser.close();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const failed = results.filter(({ ok }) => !ok).length;
  console.log(`${results.length - failed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

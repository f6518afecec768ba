import { createServer } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import type { Page } from 'playwright-core';

// What is read from the page of the playground, and done to it.

const types: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

/** Serves a folder as any host of static pages would, somewhere below its root. */
export async function serveFolder(folder: string): Promise<{ readonly url: string; close(): void }> {
  const below = '/some/where/';
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = pathname.startsWith(below) ? pathname.slice(below.length) : null;
    const file = path === null ? '' : join(folder, normalize(path === '' ? 'index.html' : path));
    if (!file.startsWith(folder) || !existsSync(file)) response.writeHead(404).end();
    else response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' }).end(readFileSync(file));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${below}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

export function must(condition: boolean, said: string): void {
  if (!condition) throw new Error(said);
}

export const textOf = async (page: Page, id: string): Promise<string> => (await page.textContent(`#${id}`)) ?? '';

/** Share of right answers, in percent, that the page shows for a net. */
export const accuracyOf = async (page: Page, net: 'raw' | 'average'): Promise<number> => Number((await textOf(page, `${net}-score`)).split(' ')[0]);

export const stepOf = async (page: Page): Promise<number> => Number(/Step ([\d,]+)/.exec(await textOf(page, 'status'))?.[1].replaceAll(',', ''));

/** Waits for so many steps. */
export async function reach(page: Page, steps: number): Promise<void> {
  await page.waitForFunction((n) => Number(/Step ([\d,]+)/.exec(document.getElementById('status')?.textContent ?? '')?.[1].replaceAll(',', '')) >= n, steps, { timeout: 60_000 });
}

/** Waits until a part of the page says something. */
export async function says(page: Page, id: string, words: RegExp): Promise<string> {
  await page.waitForFunction(([name, source]) => new RegExp(source).test(document.getElementById(name)?.textContent ?? ''), [id, words.source], { timeout: 60_000 }).catch(async () => {
    throw new Error(`#${id} says '${await textOf(page, id)}'; expected ${words.source}`);
  });
  return textOf(page, id);
}

/** Goes to an address anew, also when only what is behind # differs. */
export async function visit(page: Page, url: string): Promise<void> {
  await page.goto('about:blank');
  await page.goto(url);
  await reach(page, 0);
}

/** Number of different colours in a canvas. */
export const coloursOf = (page: Page, id: string): Promise<number> =>
  page.evaluate((name) => {
    const canvas = document.getElementById(name) as HTMLCanvasElement;
    const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data;
    return new Set(new Uint32Array(pixels?.buffer ?? new ArrayBuffer(0))).size;
  }, id);

/** Frames a second of the page for a while. A text, since compilers put calls of their own into functions. */
export const framesOf = (page: Page): Promise<number> =>
  page.evaluate(`new Promise((resolve) => {
    const start = performance.now();
    let n = 0;
    requestAnimationFrame(function count(now) {
      n++;
      if (now - start > 1500) resolve((1000 * n) / (now - start));
      else requestAnimationFrame(count);
    });
  })`);

/** Draws a line on the pad, through places between 0 and 1. */
export async function drawOnPad(page: Page, places: readonly (readonly [number, number])[]): Promise<void> {
  await page.locator('#pad').scrollIntoViewIfNeeded();
  const box = await page.locator('#pad').boundingBox();
  if (box === null) throw new Error('no pad');
  for (const [i, [x, y]] of places.entries()) {
    await page.mouse.move(box.x + x * box.width, box.y + y * box.height);
    if (i === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

/** Tells the page that it is hidden, or seen again. */
export const setHidden = (page: Page, hidden: boolean): Promise<void> =>
  page.evaluate((on) => {
    Object.defineProperty(document, 'hidden', { value: on, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);

/** Leaves the worker one way to a GPU or none, and keeps what it makes of it, so that `loseGpu` can take it away. A text, as in `framesOf`. */
export function keepGpu(page: Page, backend: 'WebGPU' | 'WebGL 2' | 'none'): void {
  page.on('worker', (worker) => {
    void worker.evaluate(`
      if (${backend !== 'WebGPU'}) Object.defineProperty(WorkerNavigator.prototype, 'gpu', { value: undefined });
      self.kept = [];
      const request = GPUAdapter.prototype.requestDevice;
      GPUAdapter.prototype.requestDevice = async function (options) {
        const device = await request.call(this, options);
        self.kept.push(() => device.destroy());
        return device;
      };
      const getContext = OffscreenCanvas.prototype.getContext;
      OffscreenCanvas.prototype.getContext = function (kind, options) {
        const made = kind === 'webgl2' && ${backend === 'none'} ? null : getContext.call(this, kind, options);
        if (kind === 'webgl2' && made !== null) self.kept.push(() => made.getExtension('WEBGL_lose_context')?.loseContext());
        return made;
      };
    `);
  });
}

export const loseGpu = (page: Page): Promise<unknown> => page.workers()[0].evaluate('self.kept.forEach((lose) => lose())');

// npm run test:browser [-- words]: bundles the built package, trains in a Chromium of this machine and compares with Node, under several headers. Prints a line per check;
// words select the checks whose name contains one of them. Without a Chromium everything is skipped.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type CDPSession, chromium } from 'playwright-core';
import { bundle } from './bundle.ts';
import { type Check, type Visit, checks, gpuChecks } from './checks.ts';
import { findChromium } from './chromium.ts';
import type { GpuReport } from './page/gpu.ts';
import type { Report } from './page/tasks.ts';
import { type PageServer, serve } from './server.ts';

const LIMIT_MS = 120_000;
/** What a driver remarks now and then of a page that waits for its results, which is what this one is for. */
const REMARK = /GL Driver Message \(OpenGL, Performance, .*GPU stall due to ReadPixels/;
/** WebGL and WebGPU by a driver that computes on the CPU, where there is no graphics processor. */
const GRAPHICS = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];

async function within<T>(promise: Promise<T>, what: string, failure: Promise<never>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} for ${LIMIT_MS / 1000} s`)), LIMIT_MS);
  });
  try {
    return await Promise.race([promise, late, failure]);
  } finally {
    clearTimeout(timer);
  }
}

/** The processes that run pages. */
async function renderers(system: CDPSession): Promise<Set<number>> {
  const { processInfo } = await system.send('SystemInfo.getProcessInfo');
  return new Set(processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id));
}

/** Tries again for two seconds, until the value is the one that is awaited; returns the last. */
async function settled(read: () => number | Promise<number>, awaited: number): Promise<number> {
  let value = await read();
  for (let i = 0; i < 40 && value !== awaited; i++) {
    await new Promise((resolve) => void setTimeout(resolve, 50));
    value = await read();
  }
  return value;
}

/** Opens a page in a context of its own. */
async function open(browser: Browser, server: PageServer, { served, query }: Check): Promise<Visit & { end(): Promise<void> }> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  const console: string[] = [];
  page.on('console', (message) => {
    if ((message.type() === 'warning' || message.type() === 'error') && !REMARK.test(message.text())) console.push(message.text());
  });
  const failure = new Promise<never>((_, reject) => {
    page.on('pageerror', (error) => {
      console.push(`nobody caught ${String(error)}`);
      reject(new Error('the page stopped'));
    });
  });
  // Nobody may be waiting when it comes.
  failure.catch(() => {});
  let running = 0;
  page.on('worker', (worker) => {
    running++;
    worker.on('close', () => void running--);
  });
  let arrival = server.next();
  await page.goto(`${server.url}/${served}/${query}`);
  let answer = (): void => {};
  return {
    console,
    workers: (count) => settled(() => running, count),
    async download() {
      const coming = page.waitForEvent('download', { timeout: LIMIT_MS });
      answer();
      answer = () => {};
      const file = await coming;
      return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
    },
    async next(): Promise<Report & GpuReport> {
      answer();
      const taken = await within(arrival, 'report of the page', failure);
      arrival = server.next();
      answer = taken.answer;
      if (taken.report.error !== undefined) throw new Error(`the page failed: ${taken.report.error}`);
      return taken.report;
    },
    async heapBytes() {
      await devtools.send('HeapProfiler.collectGarbage');
      const { usedSize, backingStorageSize } = await devtools.send('Runtime.getHeapUsage');
      return usedSize + backingStorageSize;
    },
    async close() {
      const system = await browser.newBrowserCDPSession();
      const during = await renderers(system);
      if (during.size === 0) throw new Error('no process runs the page');
      await context.close();
      // Playwright says that workers of a page have closed when the page has. A thread that is left would keep the page's process.
      return settled(async () => [...(await renderers(system))].filter((id) => during.has(id)).length, 0);
    },
    async end() {
      answer();
      await context.close();
    },
  };
}

/** What is wrong with the console. */
function consoleFaults(seen: readonly string[], awaited: readonly RegExp[], tolerated: readonly RegExp[]): string[] {
  const missing = awaited.filter((pattern) => !seen.some((text) => pattern.test(text))).map((pattern) => `the console lacks ${String(pattern)}`);
  return [...missing, ...seen.filter((text) => ![...awaited, ...tolerated].some((pattern) => pattern.test(text))).map((text) => `in the console: ${text}`)];
}

async function runCheck(browser: Browser, server: PageServer, check: Check): Promise<boolean> {
  const visit = await open(browser, server, check);
  const faults: string[] = [];
  let said = '';
  try {
    said = await check.run(visit);
  } catch (error) {
    faults.push((error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' '));
  }
  faults.push(...consoleFaults(visit.console, check.console ?? [], check.tolerated ?? []));
  await visit.end();
  console.log(faults.length === 0 ? `ok      ${check.name}: ${said}` : `FAILED  ${check.name}: ${faults.join('; ')}`);
  return faults.length === 0;
}

async function main(): Promise<boolean> {
  const executablePath = findChromium();
  if (executablePath === null) {
    console.log('skipped: test:browser, no Chromium on this machine; install one, or name it in CHROME_PATH');
    return true;
  }
  const words = process.argv.slice(2);
  const folder = mkdtempSync(join(tmpdir(), 'polyak-browser-'));
  const browser = await chromium.launch({ executablePath });
  const graphical = await chromium.launch({ executablePath, args: GRAPHICS });
  try {
    const bundles = await bundle(folder);
    console.log(`${browser.browserType().name()} ${browser.version()}; the page's program: ${Math.round(bundles.plain.length / 1024)} KB, minified ${Math.round(bundles.minified.length / 1024)} KB`);
    let good = bundles.warnings.length === 0;
    console.log(good ? 'ok      bundles without warnings' : `FAILED  bundles with warnings: ${bundles.warnings.join('; ')}`);
    const server = await serve(bundles);
    try {
      for (const check of [...checks, ...gpuChecks]) {
        if (words.length > 0 && !words.some((word) => check.name.includes(word))) continue;
        good = (await runCheck(gpuChecks.includes(check) ? graphical : browser, server, check)) && good;
      }
    } finally {
      server.close();
    }
    return good;
  } finally {
    await browser.close();
    await graphical.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = (await main()) ? 0 : 1;

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { buildPage } from '../../examples/playground/serve.ts';
import { findChromium } from './chromium.ts';
import { serveFolder } from './pageTools.ts';
import { type Use, lackUses, uses, webgl2Uses, webgpuUses } from './playgroundChecks.ts';

// npm run test:playground [-- --write | words]: builds the playground as a static page, serves it below the root of a host without special headers, and uses it in a headless
// Chromium, where there is one. --write renews the screenshots in docs/figures; words such as WebGPU select the visits whose name contains one of them.

const figures = fileURLToPath(new URL('../../docs/figures/', import.meta.url));
const { values: flags, positionals: words } = parseArgs({ options: { write: { type: 'boolean', default: false } }, allowPositionals: true });

/** What Chromium's driver may remark when results are read, which waits for them. */
const REMARK = /GPU stall due to ReadPixels/;

let [passed, failed] = [0, 0];
function report(name: string, fault: string | null, said: string): void {
  if (fault === null) passed++;
  else failed++;
  console.log(fault === null ? `ok      ${name}: ${said}` : `FAILED  ${name}: ${fault}`);
}

/** Uses the page in a browser of its own. */
async function visitWith(executablePath: string, args: readonly string[], url: string, folder: string, what: string, list: readonly Use[]): Promise<void> {
  const browser = await chromium.launch({ executablePath, args: ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', ...args] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const console_: string[] = [];
    page.on('console', (message) => console_.push(message.text()));
    page.on('pageerror', (error) => console_.push(error.message));
    const picture = async (name: string): Promise<void> => {
      await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
      if (flags.write) await page.screenshot({ path: join(figures, `playground-${name}.png`), fullPage: true });
    };
    for (const { name, run } of list) {
      try {
        report(name, null, await run(page, { url, folder, picture }));
      } catch (error) {
        report(name, (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' '), '');
      }
    }
    const faults = console_.filter((text) => !REMARK.test(text));
    report(`${what}: the console is clean`, faults.length === 0 ? null : faults.join(' | '), 'nothing was printed');
  } finally {
    await browser.close();
  }
}

const executablePath = findChromium();
if (executablePath === null) console.log('skipped: no Chromium found; set CHROME_PATH to one');
else {
  const folder = mkdtempSync(join(tmpdir(), 'polyak-playground-'));
  const page = join(folder, 'page');
  await buildPage(page);
  const server = await serveFolder(page);
  try {
    const visit = async (args: readonly string[], what: string, list: readonly Use[]): Promise<void> => {
      if (words.length === 0 || words.some((word) => what.includes(word))) await visitWith(executablePath, args, server.url, folder, what, list);
    };
    await visit([], 'CPU', uses);
    await visit([], 'no GPU', lackUses);
    // Drivers that compute on the CPU, for the worker alone: the page is drawn as ever.
    await visit(['--enable-unsafe-swiftshader'], 'WebGL 2', webgl2Uses);
    await visit(['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'], 'WebGPU', webgpuUses);
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

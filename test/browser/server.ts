import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { arange, writeSafetensors } from '../../index.ts';
import type { Bundles } from './bundle.ts';
import type { GpuReport } from './page/gpu.ts';
import type { Report } from './page/tasks.ts';

const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
/** The least that a page with threads must allow, but for its workers. */
const strict = "default-src 'none'; connect-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

/** How a page is served: its first folder says. */
export const headers = {
  plain: {},
  isolated: isolation,
  strict: { 'Content-Security-Policy': strict },
  'strict-isolated': { ...isolation, 'Content-Security-Policy': `${strict}; worker-src 'self' blob:` },
  'no-blob': { ...isolation, 'Content-Security-Policy': `${strict}; worker-src 'self'` },
  'no-wasm': { 'Content-Security-Policy': "default-src 'none'; connect-src 'self'; script-src 'self'" },
} as const;

/** The name of a set of headers. */
export type Served = keyof typeof headers;

/** Serves the pages. */
export interface PageServer {
  readonly url: string;
  /** The next report of a page. The page goes on when `answer` is called. */
  next(): Promise<{ readonly report: Report & GpuReport; answer(): void }>;
  close(): void;
}

/** A file that is asked for in ranges. */
const ranges = writeSafetensors({ x: arange(40_000) });

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

/** `/<headers>/` is a page, `/<headers>/main.js` and `main.min.js` its program; pages post what they have to say to `/report`; `/ranges` is a safetensors file, `/importmap.html` the example. */
export async function serve(bundles: Bundles): Promise<PageServer> {
  let deliver: (arrival: { report: Report & GpuReport; answer(): void }) => void = () => {};
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const [, folder, file] = pathname.split('/');
    const send = (type: string, text: string): void => void response.writeHead(200, { 'Content-Type': type, ...headers[folder as Served] }).end(text);
    if (folder === 'data' && (file === 'digits-images.idx3-ubyte' || file === 'digits-labels.idx1-ubyte')) {
      response.writeHead(200, { 'Content-Type': 'application/octet-stream' }).end(readFileSync(new URL(`../../examples/data/${file}`, import.meta.url)));
    } else if (pathname === '/importmap.html') {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end(readFileSync(new URL('../../examples/importmap.html', import.meta.url)));
    } else if (pathname.startsWith('/node_modules/polyak/dist/browser/')) {
      response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(readFileSync(join(bundles.installed, pathname.slice('/node_modules/polyak/'.length))));
    } else if (pathname === '/report') {
      void textOf(request).then((text) => deliver({ report: JSON.parse(text) as Report & GpuReport, answer: () => void response.writeHead(204).end() }));
    } else if (pathname === '/ranges') {
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
      const part = ranges.subarray(Number(from), Number(to) + 1);
      response.writeHead(206, { 'Content-Range': `bytes ${from}-${Number(from) + part.length - 1}/${ranges.length}` }).end(part);
    } else if (!Object.hasOwn(headers, folder) || file === undefined) response.writeHead(204).end(); // the icon
    else if (file === 'main.js') send('text/javascript', bundles.plain);
    else if (file === 'main.min.js') send('text/javascript', bundles.minified);
    else if (file === 'gpu.js') send('text/javascript', bundles.gpu);
    else if (file === 'gpu.min.js') send('text/javascript', bundles.gpuMinified);
    else if (file === 'ops.js') send('text/javascript', bundles.gpuOps);
    else {
      const program = `${searchParams.has('ops') ? 'ops' : searchParams.has('backend') ? 'gpu' : 'main'}${searchParams.has('minified') ? '.min' : ''}.js`;
      send('text/html', `<!doctype html><html lang="en"><title>polyak</title><script type="module" src="${program}${request.url?.slice(pathname.length) ?? ''}"></script>`);
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    next: () =>
      new Promise((resolve) => {
        deliver = resolve;
      }),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

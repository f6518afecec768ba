import { type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import { StateError } from '../../../index.ts';
import { blobSource, fetchRanges, fetchWhole, memorySource } from '../../../core/io/source.ts';
import { equal, is, rejectsError } from '../../assert.ts';

const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);

test('memory and Blobs give arrays of their own', async () => {
  const own = bytes.slice(0, 10);
  for (const source of [memorySource(own), blobSource('test', new Blob([own]))]) {
    is(source.size, 10);
    const part = await source.read(2, 3);
    equal([...part, part.byteOffset, part.buffer.byteLength], [2, 3, 4, 0, 3]);
    await source.close();
  }
  await rejectsError(() => blobSource('test', new Blob([own])).read(8, 3), StateError, /the file became shorter, got 10 bytes/);
});

/** Serves one answer after the other to requests. */
async function serving(answers: readonly ((response: ServerResponse, from: number, to: number) => void)[], use: (url: string) => Promise<void>): Promise<void> {
  let at = 0;
  const server = createServer((request, response) => {
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
    answers[Math.min(at++, answers.length - 1)](response, Number(from), Number(to));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const good = (response: ServerResponse, from: number, to: number): void => {
  const part = bytes.subarray(from, to + 1);
  response.writeHead(206, { 'Content-Range': `bytes ${from}-${from + part.length - 1}/${bytes.length}` }).end(part);
};

test('ranges of an address: the start at once, the rest on demand', () =>
  serving([good], async (url) => {
    const source = await fetchRanges('test', url);
    is(source.size, bytes.length);
    equal(await source.read(10, 5), bytes.slice(10, 15));
    equal(await source.read(90_000, 10_000), bytes.slice(90_000));
    equal(await source.read(65_530, 20), bytes.slice(65_530, 65_550));
    is((await source.read(5, 0)).length, 0);
    await rejectsError(() => source.read(99_999, 2), StateError, /the file became shorter, got 100000 bytes; expected 100001/);
  }));

test('servers that answer otherwise', async () => {
  const refuse = (answers: Parameters<typeof serving>[0], message: RegExp, read = false): Promise<void> =>
    serving(answers, (url) =>
      rejectsError(async () => {
        const source = await fetchRanges('test', url);
        if (read) await source.read(80_000, 100);
      }, StateError, message),
    );
  await refuse([(r) => r.writeHead(404).end()], /the address cannot be read, got 404 from http.*; expected 206/);
  await refuse([(r) => r.writeHead(416).end()], /the file is empty/);
  await refuse([(r) => r.writeHead(200).end(bytes)], /the server sends no ranges, got 200/);
  await refuse([(r) => r.writeHead(206).end(bytes)], /got no content-range.*\nhint: other origins/);
  await refuse([(r) => r.writeHead(206, { 'Content-Range': 'bytes 0-9/10' }).end(bytes.subarray(0, 5))], /the server sent another range, got 5 bytes from 0; expected 10 from 0/);
  await refuse([(r) => r.writeHead(206, { 'Content-Range': 'bytes 5-9/10' }).end(bytes.subarray(0, 10))], /another range/);
  await refuse([good, (r) => r.writeHead(206, { 'Content-Range': 'bytes 80000-80099/99999' }).end(bytes.subarray(0, 100))], /the file changed meanwhile, got 99999 bytes/, true);
  await refuse([good, (r) => r.writeHead(500).end()], /got 500/, true);
  await serving([(r) => r.writeHead(403).end()], (url) => rejectsError(() => fetchWhole('test', url), StateError, /got 403 from http.*; expected 200/));
});

test.run();

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { test } from 'uvu';
import type * as io from '../../../core/io/index.ts';
import { equal, is, ok } from '../../assert.ts';

/** An entry bundled for browsers, where imports from Node fail. */
async function bundled(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../../../core/${entry}/index.ts`, import.meta.url))],
    bundle: true, format: 'esm', platform: 'browser', write: false, minify: true, logLevel: 'silent',
  });
  return outputFiles[0].text.replaceAll('"node:', '"node:no-');
}

test('bundles for browsers; bytes work, files say that there are none', async () => {
  const code = await bundled('io');
  ok(code.includes('import("node:no-fs/promises")'));
  const { readIdx, packCheckpoint, unpackCheckpoint, loadCheckpoint, save } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as typeof io;
  equal(readIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 7)).array(), [7]);
  is(unpackCheckpoint(packCheckpoint({ epoch: 3 })).epoch, 3);
  for (const use of [async () => loadCheckpoint('run.ckpt'), async () => save('x', {})]) {
    const error = await use().then(() => null, (e: unknown) => e);
    ok(error instanceof Error && /there is no file system here, got .*; expected Node.js\nhint: in browsers/.test(error.message), String(error));
  }
});

test('the loaders import nothing from Node', async () => {
  ok(!(await bundled('data')).includes('"node:'));
});

test.run();

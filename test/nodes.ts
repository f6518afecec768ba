// npm run test:nodes [-- 20 22 24]: trains the nets of fixtures/trainingHash.ts on other versions of Node, brought by npm, and compares their bits with the stored
// ones; from Node 24 on also with vectors of 256 bits. A version that npm cannot bring is reported as skipped.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expected, type Hashes } from './fixtures/trainingHash.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;

/** The binary of a version of Node in a folder of its own, or null when npm cannot bring it. */
function bring(version: string, folder: string): string | null {
  const { status } = spawnSync('npm', ['install', '--prefix', folder, '--no-save', '--ignore-scripts', `node-${platform}@${version}`], { stdio: 'ignore', timeout: 300_000, shell: process.platform === 'win32' });
  return status === 0 ? join(folder, 'node_modules', `node-${platform}`, 'bin', process.platform === 'win32' ? 'node.exe' : 'node') : null;
}

let passed = 0;
let failed = 0;
for (const version of process.argv.length > 2 ? process.argv.slice(2) : ['20', '22', '24']) {
  const folder = mkdtempSync(join(tmpdir(), 'polyak-node-'));
  try {
    const node = bring(version, folder);
    if (node === null) {
      console.log(`Node ${version}: skipped, npm cannot bring it for ${platform}`);
      continue;
    }
    for (const flags of Number.parseInt(version) < 24 ? [[]] : [[], ['--experimental-wasm-revectorize']]) {
      const { stdout, stderr } = spawnSync(node, [...flags, '--import', 'tsx', 'test/fixtures/trainingHash.ts'], { cwd: root, encoding: 'utf8' });
      const { one, two } = JSON.parse(stdout === '' ? '{}' : stdout) as { readonly one?: Hashes; readonly two?: Hashes };
      for (const [threads, got] of [['1 thread', one], ['2 threads', two]] as const) {
        const same = got?.mlp === expected.mlp && got.leNet === expected.leNet;
        console.log(`${['Node', version, ...flags].join(' ')}, ${threads}: ${same ? 'the same bits' : `other bits, got ${JSON.stringify(got)}; expected ${JSON.stringify(expected)} ${stderr}`}`);
        if (same) passed++;
        else failed++;
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

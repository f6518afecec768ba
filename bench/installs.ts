// node --import tsx bench/installs.ts: what an install of each library brings along. Installs into temporary folders, in turn, with npm's registry; polyak as it is packed
// from dist (npm run build before). Scripts do not run, so what they would download is not counted.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const npm = (folder: string, ...args: readonly string[]): string => execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

/** Versions as the benchmarks use them. */
const peers = (JSON.parse(readFileSync(join(root, 'bench/peers/package.json'), 'utf8')) as { readonly dependencies: Readonly<Record<string, string>> }).dependencies;
const specOf = (name: string): string => `${name}@${peers[name]}`;

/** The packed package, in a folder. */
function packed(folder: string): string {
  if (!existsSync(join(root, 'dist'))) throw new Error('installs: there is no dist; npm run build first');
  const [{ filename }] = JSON.parse(npm(root, 'pack', '--ignore-scripts', '--json', '--pack-destination', folder)) as readonly { readonly filename: string }[];
  return join(folder, filename);
}

/** Bytes of all files below a folder. */
function bytesIn(folder: string): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).filter((f) => f.isFile()).reduce((sum, f) => sum + statSync(join(f.parentPath, f.name)).size, 0);
}

const installs: readonly (readonly [string, (folder: string) => readonly string[]])[] = [
  ['polyak', (folder) => [packed(folder)]],
  ['tfjs', () => [specOf('@tensorflow/tfjs')]],
  ['tfjs with Wasm', () => [specOf('@tensorflow/tfjs'), specOf('@tensorflow/tfjs-backend-wasm')]],
  ['jax-js', () => [specOf('@jax-js/jax')]],
  ['js-pytorch', () => [specOf('js-pytorch')]],
  ['brain.js', () => [specOf('brain.js')]],
];

for (const [name, specs] of installs) {
  const folder = mkdtempSync(join(tmpdir(), 'polyak-installs-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    npm(folder, 'install', '--ignore-scripts', '--no-audit', '--no-fund', ...specs(folder));
    const packages = new Set(npm(folder, 'ls', '--all', '--parseable').trim().split('\n').slice(1)).size;
    console.log(`${name.padEnd(16)} ${String(packages).padStart(4)} packages  ${(bytesIn(join(folder, 'node_modules')) / 1e6).toFixed(1).padStart(6)} MB`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

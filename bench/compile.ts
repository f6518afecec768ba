import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const folders = ['core', 'nn', 'optim', 'ema', 'gpu', 'bench'];

/**
 * Compiles sources and benchmarks file by file, as the package is built, so that the children run plain JavaScript under
 * plain node: a loader would cost memory, start-up time, and the speed of small functions.
 *
 * @param out - a folder below the root, which is emptied
 */
export async function compile(root: string, out: string): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  const sources = readdirSync(root, { encoding: 'utf8' })
    .filter((name) => folders.includes(name))
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)))
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'));
  await build({
    absWorkingDir: root,
    entryPoints: ['index.ts', ...sources],
    outdir: out,
    outbase: '.',
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    packages: 'external',
    logLevel: 'error',
    plugins: [
      {
        name: 'one file for one file',
        setup: (compiler) => {
          compiler.onResolve({ filter: /^\.\.?\// }, ({ path, kind }) => (kind === 'entry-point' ? undefined : { path: path.replace(/\.ts$/, '.js'), external: true }));
        },
      },
    ],
  });
}

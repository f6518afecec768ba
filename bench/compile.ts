import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * Compiles the sources with the benchmarks into a few files, as the package is built, so that the children run plain JavaScript under plain
 * node: a loader would cost memory, start-up time, and the speed of small functions.
 *
 * @param out - a folder below the root, which is emptied
 */
export async function compile(root: string, out: string): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  const sides = readdirSync(join(root, 'bench/sides')).filter((file) => file.endsWith('.ts'));
  await build({
    absWorkingDir: root,
    entryPoints: ['index.ts', 'bench/child.ts', ...sides.map((file) => join('bench/sides', file))],
    outdir: out,
    outbase: '.',
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    packages: 'external',
    // What package.json says of side effects is about the package's own files.
    ignoreAnnotations: true,
    logLevel: 'error',
  });
}

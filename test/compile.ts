import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** Compiled test files, which share what they import: loading hundreds of sources for each of them would take most of the time. */
export interface Compiled {
  /** The program of a test file. */
  programOf(file: string): string;
  remove(): void;
}

/** Compiles test files into a folder below the root, where packages are found. Each module goes on knowing where its source is. */
export async function compileTests(root: string, files: readonly string[]): Promise<Compiled> {
  mkdirSync(join(root, 'runs'), { recursive: true });
  const folder = mkdtempSync(join(root, 'runs/tests-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    await build({
      entryPoints: [...files],
      outdir: folder,
      outbase: root,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      packages: 'external',
      // What package.json says of side effects is about the built package.
      ignoreAnnotations: true,
      keepNames: true,
      sourcemap: 'linked',
      tsconfig: join(root, 'tsconfig.json'),
      logLevel: 'warning',
      plugins: [{
        name: 'source address',
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const text = readFileSync(path, 'utf8');
            return text.includes('import.meta.url') ? { contents: text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)), loader: 'ts' } : undefined;
          }),
      }],
    });
  } catch (error) {
    remove();
    throw error;
  }
  return { programOf: (file) => join(folder, relative(root, file).replace(/\.ts$/, '.mjs')), remove };
}

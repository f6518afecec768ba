import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Plugin, build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The page's programs, twice: as they are, and minified. */
export interface Bundles {
  readonly plain: string;
  readonly minified: string;
  /** The one that trains on device 'gpu', with gpu.js in it. */
  readonly gpu: string;
  readonly gpuMinified: string;
  /** The one that tries the operations of the device, made from the sources. */
  readonly gpuOps: string;
  /** The folder of the package as it is installed. */
  readonly installed: string;
  /** What the bundler had to say about the package. */
  readonly warnings: readonly string[];
}

/** What imports the sources gets the package that is installed in a folder instead. */
function builtPackage(folder: string): Plugin {
  return {
    name: 'built-package',
    setup({ onResolve, resolve }) {
      onResolve({ filter: /\/index\.ts$/ }, ({ path, kind }) => resolve(path.endsWith('/gpu/index.ts') ? 'polyak/gpu' : 'polyak', { kind, resolveDir: folder }));
      // The package's file says that its sources have no side effects; this one of the test has.
      onResolve({ filter: /\/watch\.ts$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path), sideEffects: true }));
    },
  };
}

/** Builds the package and installs it in a folder, then bundles the page's program with it, as somebody who uses the package would. */
export async function bundle(folder: string): Promise<Bundles> {
  const installed = join(folder, 'node_modules/polyak');
  mkdirSync(installed, { recursive: true });
  copyFileSync(join(root, 'package.json'), join(installed, 'package.json'));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '.ci/build.ts', join(installed, 'dist')], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the package does not build: ${stdout}${stderr}`);
  const run = (name: string, minify: boolean) =>
    build({
      entryPoints: [join(root, `test/browser/page/${name}.ts`)],
      bundle: true,
      write: false,
      minify,
      format: 'esm',
      target: 'es2022',
      // The package's own dependencies are not installed beside it.
      nodePaths: [join(root, 'node_modules')],
      plugins: [builtPackage(folder)],
      logLevel: 'silent',
    });
  const ops = await build({
    entryPoints: [join(root, 'test/browser/page/gpuOps.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    // What package.json says of side effects is about the package.
    ignoreAnnotations: true,
    logLevel: 'silent',
  });
  const made = [await run('main', false), await run('main', true), await run('gpu', false), await run('gpu', true)];
  const [plain, minified, gpu, gpuMinified] = made;
  return {
    installed,
    gpu: gpu.outputFiles[0].text,
    gpuMinified: gpuMinified.outputFiles[0].text,
    gpuOps: ops.outputFiles[0].text,
    plain: plain.outputFiles[0].text,
    minified: minified.outputFiles[0].text,
    warnings: [...made, ops].flatMap((result) => result.warnings).map(({ text, location }) => `${location?.file ?? ''}: ${text}`),
  };
}

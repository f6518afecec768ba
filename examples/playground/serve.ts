import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type InlineConfig, build, createServer } from 'vite';
import { UsageError, countFlag, readFlags } from '../../core/cli/flags.ts';

/** How the page is put together. */
export const config: InlineConfig = {
  configFile: false,
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  worker: { format: 'es' },
  // Found late, a dependency would have the page load again.
  optimizeDeps: { include: ['@observablehq/plot', 'fflate', 'gpu.js', 'linkedom', 'papaparse', 'pure-rand/generator/mersenne', 'typed-array-utils'] },
  // The data of the examples lie beside the page's folder.
  server: { fs: { allow: [fileURLToPath(new URL('../..', import.meta.url))] } },
};

/** Writes the page into a folder. */
export async function buildPage(folder: string): Promise<void> {
  await build({
    ...config,
    logLevel: 'error',
    // The sources ask for Node's file system only where files are read by path.
    build: { outDir: folder, emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 2000 },
  });
}

const help = `npm run playground [-- flags]: serves the playground on this machine.

  --port N        default 5173, or the next one that is free
  --build FOLDER  writes it into a folder instead, which any host of static pages can serve
  --help          this text`;

async function main(): Promise<void> {
  const { values } = readFlags(process.argv.slice(2), { build: { type: 'string' }, port: { type: 'string' }, help: { type: 'boolean' } }, 0);
  const port = countFlag('port', values.port, 1) ?? 5173;
  if (values.help === true) console.log(help);
  else if (values.build !== undefined) {
    await buildPage(resolve(values.build));
    console.log(`The page is in ${values.build}`);
  } else {
    const server = await createServer({ ...config, server: { ...config.server, port } });
    await server.listen();
    server.printUrls();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main().catch((error: unknown) => {
    if (!(error instanceof UsageError)) throw error;
    console.error(`playground: ${error.message} (--help lists the flags)`);
    process.exitCode = 2;
  });
}

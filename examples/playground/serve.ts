import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type InlineConfig, build, createServer } from 'vite';

// npm run playground [-- --port 5173] serves the page; npm run playground -- --build folder writes it, for any host and any folder there.

/** How the page is put together. */
export const config: InlineConfig = {
  configFile: false,
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  worker: { format: 'es' },
  // Found late, a dependency would have the page load again.
  optimizeDeps: { include: ['@observablehq/plot', 'fflate', 'gpu.js', 'papaparse', 'pure-rand', 'typed-array-utils'] },
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { build: { type: 'string' }, port: { type: 'string', default: '5173' } } });
  if (values.build !== undefined) {
    await buildPage(fileURLToPath(new URL(values.build, `file://${process.cwd()}/`)));
    console.log(`The page is in ${values.build}`);
  } else {
    const server = await createServer({ ...config, server: { ...config.server, port: Number(values.port) } });
    await server.listen();
    server.printUrls();
  }
}

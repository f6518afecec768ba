import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Plugin, build } from 'esbuild';
import { isMethodOp } from '../core/ops/attach.ts';
import { relayoutMethods } from '../core/ops/relayout.ts';
import { polygammaMethods } from '../core/ops/special.ts';
import { boundKernels } from './boundKernels.ts';
import { type Edit, below, edited, methodCalls } from './methodCalls.ts';
import { shakable } from './shakable.ts';

// Makes `polyak/lean`: the library in one file from which a bundler can leave out what a program does not use. The source is the same, but
// - the library calls operations as functions where the source calls methods, which nobody can tell whether they are used;
// - tensors know no methods but those of the engine, until `useMethods` is called, and the kernels in Wasm are an entry of their own;
// - what is computed when the file is loaded is marked as free of effects; samples for tests are left out.
// And `polyak/lean/fast`: the same with the kernels in Wasm, where every operation names its own.

const root = fileURLToPath(new URL('..', import.meta.url));
const core = join(root, 'core');

/** How an operation that is a method can be called as a function. */
export interface Callee {
  /** The file below the root that exports it, and under which name. */
  readonly file: string;
  readonly exported: string;
  /** Whether it is the form in place. */
  readonly inPlace: boolean;
}

/** Methods by name; null for those that have no functions with the tensor first. */
async function callees(): Promise<Map<string, Callee | null>> {
  const found = new Map<string, Callee | null>([...Object.keys(polygammaMethods), ...Object.keys(relayoutMethods)].map((name) => [name, null]));
  found.set('where', { file: 'core/ops/select.ts', exported: 'selfWhere', inPlace: false });
  const folder = join(core, 'ops');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts'))) {
    const file = below(root, join(folder, name));
    const exports = (await import(pathToFileURL(join(folder, name)).href)) as Record<string, unknown>;
    for (const [exported, value] of Object.entries(exports)) {
      if (name === 'randomFill.ts' && exported.endsWith('_')) found.set(exported, { file, exported, inPlace: false });
      if (!isMethodOp(value) || found.has(value.opName)) continue;
      found.set(value.opName, { file, exported, inPlace: false });
      if (value.inPlace !== null) found.set(`${value.opName}_`, { file, exported, inPlace: true });
    }
  }
  return found;
}

/** What stands for an operation until it is known what it is called in the file. */
const placeholder = (op: string): string => `$op$${op}`;

/** The entries of the lean package, which have no files. */
const entryFiles = (entries: Readonly<Record<string, string>>): Plugin => ({
  name: 'entries',
  setup: (bundle) => {
    bundle.onResolve({ filter: /^lean:/ }, ({ path }) => ({ path, namespace: 'entry' }));
    bundle.onLoad({ filter: /./, namespace: 'entry' }, ({ path }) => ({ contents: entries[path], resolveDir: root }));
    bundle.onLoad({ filter: /core[\\/]whole\.ts$/ }, () => ({ contents: "import './autograd.ts';\nimport './afterGrad.ts';", resolveDir: core }));
  },
});

/** Imports of what is in folders, so that it stands side by side in the file: what is alike is compressed better, and gzip looks back 32 KB. */
function together(folders: readonly string[]): string {
  const files = folders.flatMap((folder) => readdirSync(join(root, folder)).filter((f) => f.endsWith('.ts') && f !== 'installKernels.ts').map((f) => `${folder}/${f}`));
  return files.map((file) => `import './${file}';\n`).join('');
}

/** Sources with changes. */
const changed = (edits: ReadonlyMap<string, readonly Edit[]>): Plugin => ({
  name: 'changed sources',
  setup: (bundle) =>
    bundle.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const own = edits.get(below(root, path));
      return own === undefined ? undefined : { contents: edited(readFileSync(path, 'utf8'), own), loader: 'ts' };
    }),
});

/** Sources without samples for tests. */
export function withoutSamples(): Plugin {
  return changed(methodCalls(root, () => undefined));
}

/** Builds the lean package into a folder. */
export async function buildLean(out: string): Promise<void> {
  const methods = await callees();
  const edits = methodCalls(root, (name) => {
    const callee = methods.get(name);
    return callee && `${placeholder(name.replace(/_$/, callee.inPlace ? '' : '_'))}${callee.inPlace ? '.inPlace' : ''}`;
  });
  const kernels = boundKernels(root);
  const exported = [...methods].flatMap(([name, callee]) => (callee === null || callee.inPlace ? [] : `export { ${callee.exported} as ${placeholder(name)} } from ${JSON.stringify(`./${callee.file}`)};`));
  const entries = {
    'lean:index': `${together(['core/cpu'])}export * from './index.ts';\n${exported.join('\n')}`,
    'lean:kernels': "import './index.ts';\nimport './core/cpu/installKernels.ts';",
    'lean:fast': `${together(['core/cpu/wasm', 'core/cpu/fast'])}export * from 'lean:index';\nimport { useKernels } from './core/cpu/engine.ts';\nimport { hasSimd } from './core/cpu/wasm/support.ts';\nuseKernels({ hasSimd });`,
  };
  mkdirSync(out, { recursive: true });
  const make = async (entryPoints: Readonly<Record<string, string>>, sources: ReadonlyMap<string, readonly Edit[]>): Promise<void> => {
    const { outputFiles } = await build({
      entryPoints,
      outdir: out,
      chunkNames: '[name]-[hash]',
      bundle: true,
      splitting: true,
      write: false,
      packages: 'external',
      ignoreAnnotations: true,
      format: 'esm',
      platform: 'neutral',
      target: 'es2022',
      logLevel: 'warning',
      plugins: [entryFiles(entries), changed(sources)],
    });
    for (const { path, text } of shakable(outputFiles, placeholder(''))) writeFileSync(path, text);
  };
  await make({ index: 'lean:index', kernels: 'lean:kernels' }, edits);
  await make({ fast: 'lean:fast' }, new Map([...edits].map(([file, own]) => [file, [...own, ...(kernels.get(file) ?? [])]])));
}

// npm run sizes [-- --check]: what a page has to load. Bundles programs against the built package with esbuild, minified, and prints their sizes; with --check it fails where
// one is larger than it may be. `npm run build` comes first.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));

/** A program, what it stands for, and how many bytes it may take, compressed. */
interface Program {
  readonly file: string;
  readonly what: string;
  /** How it comes by the kernels in Wasm: all of them, loaded first, or those it uses, from `polyak/lean/fast`. */
  readonly kernels?: 'all' | 'used';
  readonly limit: number;
  /** What it prints. */
  readonly prints: RegExp;
}

const solved = /^average says Float32Array\(4\) \[\s+0\.00/;

const programs: readonly Program[] = [
  { file: 'xor.js', what: 'XOR with Adam and an average, `polyak/lean`', limit: 58_000, prints: solved },
  { file: 'xor.js', kernels: 'used', what: 'the same with its kernels, `polyak/lean/fast`', limit: 82_000, prints: solved },
  { file: 'xor.js', kernels: 'all', what: 'the same with all kernels, `polyak/lean/kernels`', limit: 117_000, prints: solved },
  { file: 'digits.js', kernels: 'used', what: 'a convolutional net with loader, schedule, average and checkpoint, `polyak/lean/fast`', limit: 132_000, prints: /^right \d+ of 64/ },
  { file: 'everything.js', what: 'everything but the GPU, `polyak`', limit: 420_000, prints: /^\d{3} Float32Array\(2\) \[ 2, 3 \]/ },
];

/** Bundles a program, runs it, and gives its bytes: of the file that starts, without parts that are loaded when they are used. */
async function measure({ file, kernels, prints }: Program, folder: string): Promise<{ minified: number; compressed: number }> {
  const text = readFileSync(join(here, file), 'utf8');
  const contents = kernels === 'all' ? `import 'polyak/lean/kernels';\n${text}` : kernels === 'used' ? text.replace("'polyak/lean'", "'polyak/lean/fast'") : text;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here, sourcefile: file },
    outdir: folder,
    entryNames: 'program',
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    external: ['node:*', '@observablehq/plot', 'linkedom'],
    chunkNames: 'part-[hash]',
    write: false,
    metafile: true,
    logLevel: 'warning',
  });
  for (const { path, contents } of outputFiles) writeFileSync(path, contents);
  const said = execFileSync(process.execPath, [join(folder, 'program.js')], { encoding: 'utf8' });
  if (!prints.test(said)) throw new Error(`${file} printed ${said}`);
  const main = outputFiles.find(({ path }) => path.endsWith('program.js'));
  if (main === undefined) throw new Error(`${file} gave no file`);
  return { minified: main.contents.length, compressed: gzipSync(main.contents, { level: 9 }).length };
}

const folder = mkdtempSync(join(tmpdir(), 'polyak-sizes-'));
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
try {
  console.log('| program | minified | gzip | limit |\n|---|---|---|---|');
  for (const program of programs) {
    const { minified, compressed } = await measure(program, folder);
    const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} KB`;
    console.log(`| ${program.what} | ${kilobytes(minified)} | ${kilobytes(compressed)} | ${kilobytes(program.limit)} |`);
    if (compressed <= program.limit || !process.argv.includes('--check')) continue;
    console.log(`${program.file} is too large: ${compressed} bytes, expected at most ${program.limit}`);
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

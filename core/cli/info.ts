import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { cpuInfo } from '../cpu/settings.ts';
import { hasFusedMultiplyAdd, hasSimd } from '../cpu/wasm/support.ts';
import { readFlags } from './flags.ts';

/** The version that the device 'gpu' runs on. */
const GPUJS = '2.24.1';

/** What `polyak info --help` prints. */
export const infoHelp = `polyak info [flags]: what runs here.

  --json    as JSON
  --help    this text`;

/** A package that may be installed beside this one. */
export interface PackageInfo {
  readonly name: string;
  /** Its version, or null when it is not installed. */
  readonly version: string | null;
}

/** What runs on this machine. */
export interface Info {
  readonly polyak: string;
  readonly node: string;
  readonly v8: string;
  readonly platform: string;
  readonly cores: number;
  readonly kernels: 'wasm' | 'javascript';
  readonly simd: boolean;
  /** Whether multiplications and additions could be fused, with `setFusedMultiplyAdd`. */
  readonly relaxedSimd: boolean;
  readonly threads: number;
  readonly sharedMemory: boolean;
  /** gpu.js, and what it could run on: seen by looking, not by loading. */
  readonly gpu: { readonly library: PackageInfo; readonly backends: readonly PackageInfo[]; readonly navigator: boolean };
}

/** The version of a package as an import from a folder would find it. */
export function versionOf(name: string, folder: string): string | null {
  for (let place = folder; ; place = dirname(place)) {
    const file = join(place, 'node_modules', name, 'package.json');
    if (existsSync(file)) {
      const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown };
      return typeof version === 'string' ? version : null;
    }
    if (place === dirname(place)) return null;
  }
}

/** Looks around. */
export async function collectInfo(version: string): Promise<Info> {
  await import('../cpu/installKernels.ts');
  const here = process.cwd();
  const seen = (name: string): PackageInfo => ({ name, version: versionOf(name, here) });
  const library = seen('gpu.js');
  return {
    polyak: version,
    node: process.versions.node,
    v8: process.versions.v8,
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    kernels: cpuInfo().kernels,
    simd: hasSimd(),
    relaxedSimd: hasFusedMultiplyAdd(),
    threads: cpuInfo().threads,
    sharedMemory: typeof SharedArrayBuffer === 'function',
    gpu: {
      library,
      backends: [seen('webgpu'), seen('gl')],
      navigator: typeof navigator === 'object' && 'gpu' in navigator,
    },
  };
}

const yes = (on: boolean): string => (on ? 'yes' : 'no');

/** The same for people. */
export function infoText(info: Info): string {
  const { gpu } = info;
  const backends = gpu.backends.map(({ name, version }) => `${name} ${version ?? 'not installed'}`).join(', ');
  const rows: [string, string][] = [
    ['polyak', info.polyak],
    ['Node', `${info.node} (V8 ${info.v8}), ${info.platform}, ${info.cores} ${info.cores === 1 ? 'core' : 'cores'}`],
    ['kernels', info.kernels === 'wasm' ? 'WebAssembly with SIMD' : 'JavaScript: this machine has no WebAssembly with SIMD'],
    ['fused multiply-add', info.relaxedSimd ? 'there (setFusedMultiplyAdd), off by default' : 'not there'],
    ['threads', `${info.threads} (setNumThreads), shared memory: ${yes(info.sharedMemory)}`],
    ['gpu.js', gpu.library.version === null ? `not installed; npm i gpu.js@${GPUJS} brings the device 'gpu'` : `${gpu.library.version}; WebGPU in this process: ${yes(gpu.navigator)}; ${backends}`],
  ];
  return rows.map(([name, value]) => `${name.padEnd(20)}${value}`).join('\n');
}

/**
 * The command `polyak info`.
 *
 * @returns the exit code
 * @throws UsageError for a wrong use
 */
export async function infoCommand(argv: readonly string[], version: string): Promise<number> {
  const { values } = readFlags(argv, { json: { type: 'boolean' }, help: { type: 'boolean' } }, 0);
  if (values.help === true) process.stdout.write(`${infoHelp}\n`);
  else {
    const info = await collectInfo(version);
    process.stdout.write(`${values.json === true ? JSON.stringify(info, null, 2) : infoText(info)}\n`);
  }
  return 0;
}

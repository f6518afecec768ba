import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One row of a table: a library in one manner. */
export interface Contestant {
  readonly name: string;
  /** Words of `--only` that choose it, beside its name. */
  readonly group: string;
  /** The file in `sides/` that runs it. */
  readonly side: string;
  readonly mode: string;
  /** Packages that must lie in bench/peers/node_modules; the first one's version is reported. */
  readonly packages: readonly string[];
  /** The workloads it is meant for; default: all. */
  readonly only?: RegExp;
  /** Flags of node, and from which of its versions on they do something. */
  readonly flags?: readonly string[];
  readonly node?: number;
}

const contestants: readonly Contestant[] = [
  { name: 'polyak', group: 'polyak', side: 'polyak', mode: '', packages: [] },
  { name: 'polyak scope', group: 'polyak', side: 'polyak', mode: 'scope', packages: [], only: /^W[3-68]/ },
  { name: 'polyak 256-bit', group: 'polyak', side: 'polyak', mode: 'scope', packages: [], only: /^W[3-68]/, flags: ['--experimental-wasm-revectorize'], node: 24 },
  { name: 'polyak checked', group: 'polyak', side: 'polyak', mode: 'checked', packages: [], only: /^W7/ },
  { name: 'polyak nn.LSTM', group: 'polyak', side: 'polyak', mode: 'nn.LSTM', packages: [], only: /^W6/ },
  { name: 'memory copy', group: 'memcpy', side: 'memcpy', mode: '', packages: [], only: /^W7/ },
  { name: 'tfjs-cpu', group: 'tfjs', side: 'tfjs', mode: 'cpu', packages: ['@tensorflow/tfjs'] },
  { name: 'tfjs-wasm', group: 'tfjs', side: 'tfjs', mode: 'wasm', packages: ['@tensorflow/tfjs-backend-wasm', '@tensorflow/tfjs'] },
  { name: 'jax-jit', group: 'jax', side: 'jax', mode: 'jit', packages: ['@jax-js/jax'] },
  { name: 'jax-eager', group: 'jax', side: 'jax', mode: 'eager', packages: ['@jax-js/jax'] },
  { name: 'js-pytorch', group: 'js-pytorch', side: 'jsPytorch', mode: '', packages: ['js-pytorch'] },
  { name: 'brain.js', group: 'brain.js', side: 'brain', mode: '', packages: ['brain.js'], only: /^W2/ },
  { name: 'pytorch', group: 'pytorch', side: 'torch', mode: '', packages: [] },
  { name: 'pytorch nn.LSTM', group: 'pytorch', side: 'torch', mode: 'nn.LSTM', packages: [], only: /^W6/ },
  { name: 'pytorch mul_+add_', group: 'pytorch', side: 'torch', mode: 'mul_+add_', packages: [], only: /^W7/ },
  { name: 'pytorch _foreach_lerp_', group: 'pytorch', side: 'torch', mode: '_foreach_lerp_', packages: [], only: /^W7/ },
  { name: 'pytorch AveragedModel', group: 'pytorch', side: 'torch', mode: 'AveragedModel', packages: [], only: /^W7/ },
];

/** Who takes part, and who is missing. */
export interface Field {
  readonly contestants: readonly Contestant[];
  /** Version of each, by name. */
  readonly versions: Readonly<Record<string, string>>;
  /** Who does not take part, and what else to know about the field. */
  readonly remarks: readonly string[];
  /** A Python that has PyTorch, where there is one. */
  readonly python: string | undefined;
}

/** The version of a package in a folder of packages, or undefined. */
function versionOf(folder: string, name = ''): string | undefined {
  const file = join(folder, name, 'package.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version : undefined;
}

/** The first Python that can import torch, torch's version, and the libraries that multiply matrices for it. */
function findTorch(script: string): { python: string; version: string; blas: string } | undefined {
  for (const python of ['python3', '/usr/bin/python3']) {
    const { status, stdout } = spawnSync(python, [script], { encoding: 'utf8', timeout: 30_000 });
    const [version, blas] = stdout?.trim().split('\n') ?? [];
    if (status === 0) return { python, version, blas: (blas ?? '').trim() };
  }
  return undefined;
}

/**
 * Finds out who is here.
 *
 * @param words - names or groups from `--only`; none: everybody
 * @throws RangeError for a word that is no contestant
 */
export function findField(root: string, words: readonly string[]): Field {
  for (const word of words) {
    if (contestants.some((c) => c.name === word || c.group === word)) continue;
    throw new RangeError(`bench: unknown side, got '${word}'; expected one of ${[...new Set(contestants.flatMap((c) => [c.group, c.name]))].join(', ')}`);
  }
  const wanted = contestants.filter((c) => words.length === 0 || words.includes(c.name) || words.includes(c.group));
  const torch = wanted.some((c) => c.side === 'torch') ? findTorch(join(root, 'bench/sides/torch.py')) : undefined;
  const folder = join(root, 'bench/peers/node_modules');
  const versions: Record<string, string> = {};
  const remarks = new Set<string>();
  const [node] = process.versions.node.split('.').map(Number);
  const present = wanted.filter(({ name, side, packages, node: least = 0 }) => {
    if (node < least) {
      remarks.add(`${name} is left out: it needs Node ${least}`);
      return false;
    }
    const absent = packages.filter((p) => versionOf(folder, p) === undefined);
    if (absent.length > 0) remarks.add(`${absent.join(' and ')} not installed: npm install --prefix bench/peers`);
    if (side === 'torch' && torch === undefined) remarks.add('PyTorch not found: neither python3 nor /usr/bin/python3 can import torch');
    if (absent.length > 0 || (side === 'torch' && torch === undefined)) return false;
    versions[name] = (side === 'torch' ? `${torch?.version} (${torch?.blas})` : side === 'memcpy' ? process.version : packages.length > 0 ? versionOf(folder, packages[0]) : versionOf(root)) ?? '';
    return true;
  });
  if (torch !== undefined && /^libblas\S*$/.test(torch.blas)) {
    remarks.add(`PyTorch multiplies matrices with the reference BLAS (${torch.blas}), a tenth of its usual speed: on Debian install libopenblas0`);
  }
  return { contestants: present, versions, remarks: [...remarks], python: torch?.python };
}

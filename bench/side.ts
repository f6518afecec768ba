import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Numbers } from './data.ts';
import type { WorkloadId } from './workloads.ts';

/** A workload made ready by one side. */
export interface Task {
  /** One unit of work, finished when it returns. A training step gives its loss. */
  readonly step: () => number | void;
  /** Numbers to compare with the other sides; default: the losses of the first steps. */
  readonly check?: () => readonly number[];
  /** In place of the workload's amount, where this side counts differently. */
  readonly amount?: number;
}

/** Makes a task from numbers; the memory is filled and nothing was timed before. */
export type Prepare = (numbers: Numbers) => Task;

/** What a side can do: how, or in a string why not. */
export type Tasks = Readonly<Record<WorkloadId, Prepare | string>>;

/** What a side is told. */
export interface SideOptions {
  /** Backend or manner, for libraries that have several. */
  readonly mode: string;
  readonly threads: number;
  /** Folder with the peers' node_modules. */
  readonly peers: string;
}

/** A library, loaded. */
export interface Opened {
  readonly tasks: Tasks;
  /** Threads that it really uses. */
  readonly threads: number;
}

/** A module in `sides/`: loads its library and says what it can do. */
export interface Side {
  readonly open: (options: SideOptions) => Promise<Opened>;
}

/** The workloads that differ only in size. */
export function family(prepare: { readonly mlp: Prepare | string; readonly average: Prepare | string; readonly product: Prepare | string }): Pick<
  Tasks, 'W1' | 'W3' | 'import' | 'W7-1M' | 'W7-10M' | 'W8-matmul-128' | 'W8-matmul-256' | 'W8-matmul-512' | 'W8-matmul-1024'
> {
  const { mlp, average, product } = prepare;
  return {
    W1: mlp, W3: mlp, import: mlp, 'W7-1M': average, 'W7-10M': average,
    'W8-matmul-128': product, 'W8-matmul-256': product, 'W8-matmul-512': product, 'W8-matmul-1024': product,
  };
}

/** Looks up 'a.b.c'. */
function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((v, key) => ((typeof v === 'object' && v !== null) || typeof v === 'function' ? Reflect.get(v, key) : undefined), value);
}

/** Loads a package from the peers' folder and checks that the functions named are there. */
export function loadPeer<T>(peers: string, name: string, functions: readonly string[]): T {
  const loaded: unknown = createRequire(join(peers, 'package.json'))(name);
  const missing = functions.filter((path) => typeof at(loaded, path) !== 'function');
  if (missing.length > 0) throw new TypeError(`bench: ${name} lacks functions, got no ${missing.join(', ')}; expected those of the version in bench/peers/package.json`);
  return loaded as T;
}

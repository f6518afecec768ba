import { parseArgs } from 'node:util';
import type { Times } from './measure.ts';

/** What the command line asks for. */
export interface Options {
  readonly workloads: readonly string[];
  readonly only: readonly string[];
  readonly rounds: number;
  readonly threads: number;
  /** Seconds that one child may take. */
  readonly limit: number;
  readonly times: Times;
  readonly help: boolean;
}

/** The text of `--help`. */
export const help = `npm run bench -- [workloads] [options]

Times workloads on polyak and on whichever peers are installed, in turns, each in fresh processes.

  W1 W8 ...          these workloads (W8: the family W8-matmul-128, ..., W8-relu); default: all; also 'autograd', 'import'
  --only a,b         these sides: polyak, memcpy, tfjs, jax, js-pytorch, brain.js, pytorch, or a name as in the table (tfjs-wasm, jax-jit)
  --rounds N         rounds (default 5)
  --quick            2 rounds and short times: shows that everything runs, measures little
  --threads N        threads of polyak, tfjs-wasm and PyTorch (default 1)
  --limit S          seconds after which a child is stopped (default 60)
  --help             this text

Peers: npm install --prefix bench/peers; PyTorch is found in python3 or /usr/bin/python3.
`;

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`bench: invalid --${name}, got '${text}'; expected an integer ≥ 1`);
  return value;
}

/** Reads the command line. @throws TypeError or RangeError for what it does not know */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: 'string', default: '' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      threads: { type: 'string', default: '1' },
      limit: { type: 'string', default: '60' },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    workloads: positionals,
    only: values.only.split(',').map((s) => s.trim()).filter((s) => s !== ''),
    rounds: whole('rounds', values.rounds ?? (values.quick ? '2' : '5')),
    threads: whole('threads', values.threads),
    limit: whole('limit', values.limit),
    times: values.quick ? { warm: 0.2, sample: 0.3 } : { warm: 0.5, sample: 1.5 },
    help: values.help,
  };
}

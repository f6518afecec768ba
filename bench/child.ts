import { numbersOf } from './data.ts';
import { type Times, checked, sample } from './measure.ts';
import type { Side, SideOptions } from './side.ts';
import type { Workload } from './workloads.ts';

/** What a child process is asked for; the one JSON argument. */
export interface Order {
  readonly side: string;
  readonly workload: Workload;
  readonly options: SideOptions;
  readonly times: Times;
}

/** What it answers; the last line that it prints. */
export type Answer =
  | { readonly kind: 'measured'; readonly samples: readonly number[]; readonly losses: readonly number[]; readonly amount: number; readonly peakMB: number; readonly threads: number }
  | { readonly kind: 'left out'; readonly reason: string };

const sides: Readonly<Record<string, () => Promise<Side>>> = {
  polyak: () => import('./sides/polyak.ts'),
  memcpy: () => import('./sides/memcpy.ts'),
  tfjs: () => import('./sides/tfjs.ts'),
  jax: () => import('./sides/jax.ts'),
  jsPytorch: () => import('./sides/jsPytorch.ts'),
  brain: () => import('./sides/brain.ts'),
};

async function obey({ side, workload, options, times }: Order): Promise<Answer> {
  const numbers = numbersOf(workload);
  const start = performance.now();
  const { open } = await sides[side]();
  const { tasks, threads } = await open(options);
  const prepare = tasks[workload.id];
  if (typeof prepare === 'string') return { kind: 'left out', reason: prepare };
  const task = prepare(numbers);
  const losses = checked(task, workload.checks);
  const samples = workload.id === 'import' ? [(performance.now() - start) / 1e3] : sample(task, times);
  return { kind: 'measured', samples, losses, amount: task.amount ?? workload.amount, peakMB: Math.round(process.resourceUsage().maxRSS / 1024), threads };
}

const answer = await obey(JSON.parse(process.argv[2]) as Order);
process.stdout.write(`\n${JSON.stringify(answer)}\n`, () => process.exit(0));

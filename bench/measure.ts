import Benchmark from 'benchmark';
import type { Task } from './side.ts';

/** How long to warm up and to sample, in seconds. */
export interface Times {
  readonly warm: number;
  readonly sample: number;
}

const WARM_STEPS = 20;
/** However slow a side is: it stops warming up and comparing losses after this long. */
const LONGEST_WARM = 2;
const LONGEST_CHECK = 15;

const now = (): number => performance.now() / 1e3;

/** The numbers that must agree between the sides: the task's own, or the losses of its first steps. */
export function checked(task: Task, steps: number): readonly number[] {
  if (task.check !== undefined) return task.check();
  const losses: number[] = [];
  const start = now();
  while (losses.length < steps && (losses.length === 0 || now() - start < LONGEST_CHECK)) {
    const loss = task.step();
    if (typeof loss !== 'number' || !Number.isFinite(loss)) throw new RangeError(`the loss of step ${losses.length + 1} is ${String(loss)}`);
    losses.push(loss);
  }
  return losses;
}

/** Seconds per step: samples taken by `benchmark`, after warming up. Of a step that takes long there are fewer, down to one. */
export function sample(task: Task, times: Times): readonly number[] {
  const start = now();
  for (let i = 0; i < WARM_STEPS || now() - start < times.warm; i++) {
    if (now() - start > Math.max(times.warm, LONGEST_WARM)) break;
    task.step();
  }
  const before = now();
  task.step();
  const once = now() - before;
  if (once * 3 > times.sample) return [...many(task, times.sample)];
  const bench = new Benchmark(() => void task.step(), { maxTime: times.sample, minSamples: 5 }).run();
  const { error, stats } = bench as { readonly error?: Error; readonly stats: { readonly sample: readonly number[] } };
  if (error !== undefined) throw error;
  return stats.sample;
}

/** Steps timed one by one until the time is over. */
function* many(task: Task, seconds: number): Generator<number> {
  const start = now();
  do {
    const before = now();
    task.step();
    yield now() - before;
  } while (now() - start < seconds);
}

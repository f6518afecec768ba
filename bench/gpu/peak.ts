import type { Backend } from '../../gpu/backend.ts';
import { sourceOf } from '../../gpu/source.ts';

// What an adapter can do at most in the language of the kernels: chains of multiplications and additions that touch no memory.

/** Chains of one thread, which do not wait for each other. */
const CHAINS = 8;
const THREADS = 2 ** 17;

const names = Array.from({ length: CHAINS }, (_, i) => `x${i}`);
const source = sourceOf('flat peak', () => ({
  arrays: [],
  integers: ['n'],
  floats: ['a', 'b'],
  body: `${names.map((x, i) => `let ${x} = b + ${i};`).join(' ')} for (let i = 0; i < n; i++) { ${names.map((x) => `${x} = ${x} * a + b;`).join(' ')} } return ${names.join(' + ')};`,
}));

/** Milliseconds of chains of `n`. */
async function timeOf(backend: Backend, n: number): Promise<number> {
  const begin = performance.now();
  const block = backend.run(source, [], [n], [0.5, 0.25], THREADS);
  await backend.read(block);
  backend.free(block);
  return performance.now() - begin;
}

/** Operations on floats per second that the backend reaches, in billions: the best of three runs of at least `ms` milliseconds. */
export async function peakOf(backend: Backend, ms: number): Promise<number> {
  let n = 16;
  await timeOf(backend, n);
  let time = await timeOf(backend, n);
  while (time < ms && n < 2 ** 24) {
    n *= 2;
    time = await timeOf(backend, n);
  }
  const best = Math.min(time, await timeOf(backend, n), await timeOf(backend, n));
  return (2 * CHAINS * THREADS * n) / best / 1e6;
}

import { allOps } from '../../../core/ops/define.ts';
import { type BackendName, useGpu } from '../../../gpu/index.ts';
import '../../../index.ts';
import { compare } from '../../gpu/compare.ts';

// ops.js?ops=webgl2: runs the samples of all operations of some families on a backend and on the CPU. It is bundled from the sources, whose registry the package keeps to itself.

const address = new URL(import.meta.url);
/** Families whose kernels differ most between backends. */
const families = ['pointwise', 'bitwise', 'comparison', 'activation', 'reduction', 'matrix', 'softmax', 'convolution', 'pooling', 'normalization', 'indexing', 'loss'];

async function run(): Promise<void> {
  await useGpu({ backend: (address.searchParams.get('ops') ?? 'webgl2') as BackendName });
  const failures: string[] = [];
  let agreed = 0;
  for (const [name, op] of allOps()) {
    if (!families.includes(op.family)) continue;
    // Whoever opened the page waits for it to load.
    await new Promise((resolve) => void setTimeout(resolve));
    const outcome = await compare(op, 1e-5);
    agreed += outcome.agreed;
    failures.push(...outcome.failures.map((f) => `${name}: ${f}`));
  }
  await fetch('/report', { method: 'POST', body: JSON.stringify({ agreed, failures }) });
}

run().catch((error: unknown) => fetch('/report', { method: 'POST', body: JSON.stringify({ error: error instanceof Error ? (error.stack ?? String(error)) : String(error) }) }));

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { allOps } from '../core/ops/define.ts';
import { useGpu } from '../gpu/index.ts';
import { type Outcome, compare } from '../test/gpu/compare.ts';
import '../index.ts';

// Writes docs/gpu-ops.md: which operations run on device 'gpu', found out by running the samples of each.

/** What came of every operation that has samples. */
export async function outcomes(tolerance: number): Promise<Map<string, Outcome>> {
  const found = new Map<string, Outcome>();
  for (const [name, op] of allOps()) found.set(name, await compare(op, tolerance));
  return found;
}

/** The page. */
export function renderCoverage(found: ReadonlyMap<string, Outcome>): string {
  const ops = allOps();
  // By name: the order of the registry is that in which modules were loaded.
  const tried = [...found].filter(([, { agreed, missing }]) => agreed > 0 || missing.length > 0).sort(([a], [b]) => (a < b ? -1 : 1));
  const families = [...new Set(tried.map(([name]) => ops.get(name)?.family ?? ''))].sort();
  const rows = families.map((family) => {
    const own = tried.filter(([name]) => ops.get(name)?.family === family);
    const runs = own.filter(([, { missing }]) => missing.length === 0).map(([name]) => `\`${name}\``);
    const not = own.filter(([, { missing }]) => missing.length > 0).map(([name, { missing }]) => `\`${name}\` (${missing.join(', ')})`);
    return `| ${family} | ${runs.join(' ')} | ${not.join('; ')} |`;
  });
  const full = tried.filter(([, { missing }]) => missing.length === 0).length;
  return `# Operations on the GPU device

<!-- Written by npm run docs:gpu from the registry. Do not edit. -->

${full} of the ${tried.length} operations that have samples run on device 'gpu' with all of these, forward and backward, and agree with the CPU. What does not run throws a
DeviceError or DTypeError that says why: a primitive has no kernel, elements are looked at while the operation is called (\`await x.cpu()\` first), or it needs
float64, which the device lacks. An operation in the right column may run with other arguments.

| family | runs | does not run with every sample |
|---|---|---|
${rows.join('\n')}
`;
}

const page = fileURLToPath(new URL('gpu-ops.md', import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await useGpu({ backend: 'webasm' });
  writeFileSync(page, renderCoverage(await outcomes(1e-5)));
}

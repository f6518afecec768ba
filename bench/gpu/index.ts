// npm run bench:gpu [-- --backend webgpu] [--quick]: the CPU device against device 'gpu', for products and whole training steps by size, and where the GPU starts to
// win. A case that would take too long is left out, and said to be.
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { activeBackend } from '../../gpu/device.ts';
import { type BackendName, gpuInfo, useGpu } from '../../gpu/index.ts';
import type { Tensor } from '../../index.ts';
import { type Case, families, winsFrom } from './cases.ts';
import { peakOf } from './peak.ts';

const { values } = parseArgs({ options: { backend: { type: 'string' }, quick: { type: 'boolean', default: false } } });
/** Milliseconds that one run may take. */
const LONGEST = 20_000;
/** Milliseconds that one time is taken over. */
const SPAN = values.quick ? 30 : 300;

/** Milliseconds of one run when many follow each other: one element is read at the end, so that all work is done. */
async function timeOf(run: () => Tensor, repeats: number): Promise<number> {
  const begin = performance.now();
  let last = run();
  for (let i = 1; i < repeats; i++) {
    last.storage.discard();
    last = run();
  }
  await last.reshape([-1]).narrow(0, 0, 1).cpu();
  last.storage.discard();
  return (performance.now() - begin) / repeats;
}

/** The median of several times, each long enough. */
async function measured(run: () => Tensor): Promise<number> {
  const once = await timeOf(run, 1);
  const repeats = Math.max(1, Math.min(50, Math.round(SPAN / Math.max(once, 0.01))));
  const times: number[] = [];
  for (let i = 0; i < (values.quick || once > 2000 ? 3 : 5); i++) times.push(await timeOf(run, repeats));
  return times.sort((a, b) => a - b)[times.length >> 1];
}

interface Row {
  readonly name: string;
  readonly cpu: number;
  readonly gpu: number;
  readonly ratio: number;
}

const ms = (time: number, width: number): string => `${time < 100 ? time.toFixed(2) : time.toFixed(0)} ms`.padStart(width);

async function rowOf({ name, flops, open }: Case, peak: number): Promise<Row> {
  const cpu = await measured(open('cpu'));
  const before = gpuInfo()?.kernels ?? { built: 0, milliseconds: 0 };
  const first = await timeOf(open('gpu'), 1);
  const after = gpuInfo()?.kernels ?? before;
  // Kernels are kept: another model of the same kind finds them built.
  const run = open('gpu');
  const warm = await timeOf(run, 1);
  const gpu = await measured(run);
  const rate = (time: number): number => (flops ?? 0) / time / 1e6;
  const rates = flops === null ? '' : `  ${rate(cpu).toFixed(1)} and ${rate(gpu).toFixed(1)} GFLOP/s, ${((100 * rate(gpu)) / peak).toFixed(0)} % of the adapter's`;
  const built = `${after.built - before.built} in ${(after.milliseconds - before.milliseconds).toFixed(0)} ms`;
  console.log(name.padEnd(20), ms(cpu, 10), ms(gpu, 10), `${(cpu / gpu).toFixed(2)}x`.padStart(8), ms(first, 10), ms(warm, 10), built.padStart(14), rates);
  return { name, cpu, gpu, ratio: cpu / gpu };
}

/** The driver that Debian's Chromium brings, for WebGPU where no graphics processor is seen. */
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (values.backend === 'webgpu' && process.env['VK_ICD_FILENAMES'] === undefined && existsSync(SWIFTSHADER) && !existsSync('/dev/dri')) process.env['VK_ICD_FILENAMES'] = SWIFTSHADER;

const info = await useGpu(values.backend === undefined ? {} : { backend: values.backend as BackendName });
const adapter = [info.adapter.vendor, info.adapter.architecture, info.adapter.device, info.adapter.description].filter((s) => s !== '').join(', ');
console.log(`${info.backend} on ${adapter}${info.software ? ' (computes on the CPU: this is no graphics processor)' : ''}`);
const peak = await peakOf(activeBackend(), values.quick ? 20 : 200);
console.log(`chains of multiplications and additions in registers: ${peak.toFixed(1)} GFLOP/s, which stands for what the adapter can do`);
console.log('case'.padEnd(20), 'CPU'.padStart(10), 'GPU'.padStart(10), 'CPU/GPU'.padStart(8), 'first'.padStart(10), 'warmed up'.padStart(10), 'kernels built'.padStart(14));
const verdicts: string[] = [];
for (const { name, cases } of families(info.software, values.quick)) {
  const rows: Row[] = [];
  for (const [i, one] of cases.entries()) {
    const last = rows.at(-1);
    const expected = last === undefined ? 0 : (Math.max(last.cpu, last.gpu) * one.work) / cases[i - 1].work;
    if (expected > LONGEST) {
      console.log(one.name.padEnd(20), `left out: it would take ${(expected / 1000).toFixed(0)} s a run`);
      break;
    }
    rows.push(await rowOf(one, peak));
  }
  const from = winsFrom(rows);
  if (rows.length > 0) verdicts.push(`${name}: the GPU wins ${from === null ? 'nowhere here' : `from ${from} on`}`);
}
for (const verdict of verdicts) console.log(verdict);
const { kernels } = gpuInfo() ?? info;
console.log(`${kernels.built} kernels were built in ${kernels.milliseconds.toFixed(0)} ms in all`);
process.exit(0);

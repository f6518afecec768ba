// npm run bench:gpu [-- --backend webgpu] [--quick]: the CPU device against device 'gpu', for products and whole training steps, and where the GPU starts to win.
import { parseArgs } from 'node:util';
import { type BackendName, gpuInfo, useGpu } from '../../gpu/index.ts';
import { type Tensor, rand } from '../../index.ts';
import { trainingOf } from './models.ts';

const { values } = parseArgs({ options: { backend: { type: 'string' }, quick: { type: 'boolean', default: false } } });

/** Something to time on both devices; `flops` of one run, where that is known. */
interface Case {
  readonly family: string;
  readonly size: number;
  readonly name: string;
  readonly flops: number | null;
  readonly open: (device: string) => () => Tensor;
}

function product(n: number): Case {
  return {
    family: 'product', size: n, name: `product ${n}³`, flops: 2 * n ** 3,
    open: (device) => {
      const [a, b] = [rand([n, n]).to(device), rand([n, n]).to(device)];
      return () => a.matmul(b);
    },
  };
}

function training(id: 'W1' | 'W3' | 'W4', title: string, size: number): Case {
  return {
    family: 'training', size, name: `${id}, ${title}`, flops: null,
    open: (device) => {
      const running = trainingOf(id, device);
      return () => running.step();
    },
  };
}

const cases: readonly Case[] = [
  ...(values.quick ? [64, 128, 256] : [64, 128, 256, 512, 1024, 2048, 4096]).map(product),
  training('W1', 'MLP 784-128-10', 1),
  training('W4', 'LeNet', 2),
  ...(values.quick ? [] : [training('W3', 'MLP 1024-1024-1024-10', 3)]),
];

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

/** The median of five times, each long enough, and the time of the first run. */
async function measured(run: () => Tensor): Promise<{ readonly first: number; readonly ms: number }> {
  const first = await timeOf(run, 1);
  const once = await timeOf(run, 1);
  const repeats = Math.max(1, Math.min(50, Math.round((values.quick ? 30 : 300) / Math.max(once, 0.01))));
  const times: number[] = [];
  for (let i = 0; i < (values.quick ? 3 : 5); i++) times.push(await timeOf(run, repeats));
  return { first, ms: times.sort((a, b) => a - b)[times.length >> 1] };
}

const rate = (flops: number, ms: number): string => `${(flops / ms / 1e6).toFixed(1)} GFLOP/s`;

const info = await useGpu(values.backend === undefined ? {} : { backend: values.backend as BackendName });
console.log(`${info.backend} on ${[info.adapter.vendor, info.adapter.device, info.adapter.description].filter((s) => s !== '').join(', ')}${info.software ? ' (computes on the CPU: this is no graphics processor)' : ''}`);
console.log('case'.padEnd(30), 'CPU'.padStart(12), 'GPU'.padStart(12), 'CPU/GPU'.padStart(8), '  first run on the GPU, kernels built');
const won = new Map<string, string>();
for (const { family, name, flops, open } of cases) {
  const before = gpuInfo()?.kernels;
  const here = await measured(open('cpu'));
  const there = await measured(open('gpu'));
  const after = gpuInfo()?.kernels;
  const ratio = here.ms / there.ms;
  if (ratio > 1 && !won.has(family)) won.set(family, name);
  if (ratio <= 1) won.delete(family);
  const built = (after?.built ?? 0) - (before?.built ?? 0);
  const buildMs = (after?.milliseconds ?? 0) - (before?.milliseconds ?? 0);
  const rates = flops === null ? '' : `  ${rate(flops, here.ms)} and ${rate(flops, there.ms)}`;
  console.log(name.padEnd(30), `${here.ms.toFixed(2)} ms`.padStart(12), `${there.ms.toFixed(2)} ms`.padStart(12), `${ratio.toFixed(2)}x`.padStart(8), `  ${there.first.toFixed(0)} ms, ${built} in ${buildMs.toFixed(0)} ms${rates}`);
}
for (const family of ['product', 'training']) console.log(`${family}: the GPU wins ${won.has(family) ? `from ${won.get(family)} on` : 'nowhere here'}`);
process.exit(0);

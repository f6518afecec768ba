// npm run test:webgpu: the device on WebGPU in Node, through the package webgpu, on whatever adapter there is; a driver that computes on the CPU will do. Prints a
// line per check. Without an adapter everything is skipped, and it says so.
import { existsSync } from 'node:fs';
import { trainingOf } from '../bench/gpu/models.ts';
import { outcomes } from '../docs/make-gpu.ts';
import { activeBackend } from '../gpu/device.ts';
import { type GpuInfo, gpuInfo, useGpu } from '../gpu/index.ts';
import { DeviceError, F, MemoryError, type Tensor, manualSeed, noGrad, ones, rand, randn, tensor } from '../index.ts';

/** The driver that Debian's Chromium brings. */
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (process.env['VK_ICD_FILENAMES'] === undefined && existsSync(SWIFTSHADER) && !existsSync('/dev/dri')) process.env['VK_ICD_FILENAMES'] = SWIFTSHADER;

const start = (): Promise<GpuInfo> => useGpu({ backend: 'webgpu' });

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

async function refused(run: () => unknown, type: new (message: string) => Error, pattern: RegExp): Promise<void> {
  try {
    await run();
  } catch (error) {
    expect(error instanceof type && pattern.test(error.message), `another error: ${String(error)}`);
    return;
  }
  throw new Error('no error');
}

const farthest = (a: ArrayLike<number>, b: ArrayLike<number>): number => Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0);

const checks: Readonly<Record<string, () => Promise<string>>> = {
  async 'operations agree with the CPU'() {
    const found = await outcomes(1e-5);
    const failures = [...found].flatMap(([name, outcome]) => outcome.failures.map((f) => `${name}: ${f}`));
    expect(failures.length === 0, failures.slice(0, 10).join('; '));
    return `${[...found.values()].filter(({ agreed, missing }) => agreed > 0 && missing.length === 0).length} operations`;
  },
  async 'products by groups of threads'() {
    manualSeed(0);
    let most = 0;
    for (const [m, k, n] of [[64, 16, 64], [33, 70, 100], [130, 17, 65], [32, 1, 32], [128, 256, 96]]) {
      const [a, b, c] = [randn([m, k]), randn([k, n]), randn([n])];
      const pairs: [Tensor, Tensor][] = [
        [a.matmul(b), a.to('gpu').matmul(b.to('gpu'))],
        [F.linear(a, b.t(), c), F.linear(a.to('gpu'), b.to('gpu').t(), c.to('gpu'))],
        [c.addmm(a, b, { alpha: 0.5, beta: 2 }), c.to('gpu').addmm(a.to('gpu'), b.to('gpu'), { alpha: 0.5, beta: 2 })],
      ];
      for (const [expected, got] of pairs) most = Math.max(most, farthest((await got.cpu()).data(), expected.data()));
    }
    const [a, b] = [randn([3, 40, 20]), randn([3, 20, 50])];
    most = Math.max(most, farthest((await a.to('gpu').bmm(b.to('gpu')).cpu()).data(), a.bmm(b).data()));
    expect(most < 1e-4, `off by ${most}`);
    return `within ${most.toExponential(1)}`;
  },
  async 'training follows the CPU'() {
    const said: string[] = [];
    for (const [id, steps] of [['W1', 5], ['W4', 3], ['W5', 1]] as const) {
      const [here, there] = [trainingOf(id, 'cpu'), trainingOf(id, 'gpu')];
      let most = 0;
      for (let i = 0; i < steps; i++) {
        const expected = here.step().item();
        most = Math.max(most, Math.abs((await there.step().cpu()).item() - expected));
      }
      expect(most < 1e-3, `${id} is off by ${most}`);
      said.push(`${id} within ${most.toExponential(1)}`);
    }
    return said.join(', ');
  },
  async 'many steps without a read, memory flat'() {
    const weight = rand([32, 32]).to('gpu').requiresGrad_();
    const x = rand([64, 32]).to('gpu');
    let most = 0;
    for (let i = 0; i < 300; i++) {
      weight.grad = null;
      const loss = x.matmul(weight).tanh().square().mean();
      loss.backward();
      noGrad(() => weight.sub_((weight.grad ?? weight).mul(0.01)));
      if (i % 4 === 3) await loss.cpu();
      const memory = gpuInfo()?.memory;
      most = Math.max(most, (memory?.live ?? 0) + (memory?.pooled ?? 0));
    }
    expect(most < 2 ** 28, `${most} bytes`);
    return `at most ${(most / 1e6).toFixed(1)} MB`;
  },
  async 'too large a tensor'() {
    const few = ones([1]).to('gpu');
    await refused(() => few.expand([2 ** 29]).add(1), MemoryError, /no room for a result, got 2147483648 bytes/);
    return `at most ${activeBackend().maxLength} elements`;
  },
  async 'a lost device'() {
    const here = tensor([1, 2]);
    const there = here.to('gpu');
    activeBackend().destroy();
    await refused(() => there.add(1), DeviceError, /the device was lost/);
    await refused(() => there.cpu(), DeviceError, /the device was lost/);
    expect(here.sum().item() === 3, 'a CPU tensor changed');
    await start();
    expect((await here.to('gpu').sum().cpu()).item() === 3, 'no new start');
    return 'tensors on the CPU stay, and another can be started';
  },
};

async function main(): Promise<boolean> {
  try {
    const { adapter, software } = await start();
    console.log(`webgpu on ${adapter.vendor} ${adapter.device} ${adapter.description}${software ? ', which computes on the CPU' : ''}`);
  } catch (error) {
    console.log(`skipped: test:webgpu, ${error instanceof Error ? error.message.replaceAll('\n', '; ') : String(error)}`);
    return true;
  }
  let good = true;
  for (const [name, run] of Object.entries(checks)) {
    const begin = performance.now();
    try {
      console.log(`ok      ${name}: ${await run()} (${((performance.now() - begin) / 1000).toFixed(1)} s)`);
    } catch (error) {
      good = false;
      console.log(`FAILED  ${name}: ${error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error)}`);
    }
  }
  return good;
}

// Dawn keeps Node alive.
process.exit((await main()) ? 0 : 1);

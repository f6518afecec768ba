import { trainingOf } from '../../bench/gpu/models.ts';
import { outcomes } from '../../docs/make-gpu.ts';
import { activeBackend } from '../../gpu/device.ts';
import { type BackendName, type GpuInfo, gpuInfo, useGpu } from '../../gpu/index.ts';
import { Adam, DeviceError, ExponentialMovingAverage, F, Linear, MemoryError, ReLU, Sequential, manualSeed, ones, rand, randint, tensor } from '../../index.ts';

// Checks of a backend on a real driver, for the scripts test:webgpu and test:headlessgl: each prints a line. A driver that computes on the CPU will do.

/** Something to try: what was found, or an error. */
export type Checks = Readonly<Record<string, () => Promise<string>>>;

/** Fails unless something holds. */
export function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** Fails unless a call throws an error of a class with a message. */
export async function refused(run: () => unknown, type: new (message: string) => Error, pattern: RegExp): Promise<void> {
  try {
    await run();
  } catch (error) {
    expect(error instanceof type && pattern.test(error.message), `another error: ${String(error)}`);
    return;
  }
  throw new Error('no error');
}

/** Steps of training, of which every tenth loss is awaited: bytes that the process and the device hold more at the end than after a fifth of them. */
export async function grownIn(steps: number): Promise<{ readonly process: number; readonly device: number }> {
  manualSeed(0);
  const model = new Sequential(new Linear(16, 64), new ReLU(), new Linear(64, 4)).to('gpu');
  const average = new ExponentialMovingAverage(model);
  const optimizer = new Adam(model.parameters());
  const [x, y] = [rand([64, 16]).to('gpu'), randint(0, 4, [64]).to('gpu')];
  const held = (): { readonly process: number; readonly device: number } => {
    const memory = gpuInfo()?.memory;
    return { process: process.memoryUsage.rss(), device: (memory?.live ?? 0) + (memory?.pooled ?? 0) };
  };
  let before = held();
  for (let i = 1; i <= steps; i++) {
    optimizer.zeroGrad();
    const loss = F.crossEntropy(model.forward(x), y);
    loss.backward();
    optimizer.step();
    average.updateParameters(model);
    if (i % 10 === 0) await loss.cpu();
    if (i === steps / 5) before = held();
  }
  const after = held();
  return { process: after.process - before.process, device: after.device - before.device };
}

/** What every backend must pass. */
export function liveChecks(backend: BackendName): Checks {
  return {
    async 'the information tells what runs'() {
      await useGpu({ backend });
      const before = gpuInfo();
      const sum = (await ones([3]).to('gpu').add(1).sum().cpu()).item();
      const after = gpuInfo();
      expect(sum === 6 && before !== null && after !== null && before.kernels.built === 0 && after.kernels.built >= 2 && after.kernels.milliseconds > 0, `got ${JSON.stringify(after)}`);
      expect(after?.backend === backend && after.adapter.device !== '' && after.adapter.device !== 'ANGLE' && after.memory.live > 0, `got ${JSON.stringify(after)}`);
      return JSON.stringify(after?.adapter);
    },
    async 'no driver on the CPU is taken without a name'() {
      if (gpuInfo()?.software !== true) return 'this one is no such driver';
      await refused(() => useGpu(), DeviceError, /there is no graphics processor, got webgpu: .+; headlessgl: .+; expected one[\s\S]*useGpu\(\{ backend: 'webasm' \}\)/);
      expect(gpuInfo()?.backend === backend, 'what ran before does not go on');
      return 'every reason is told';
    },
    async 'operations agree with the CPU'() {
      const found = await outcomes(1e-5);
      const failures = [...found].flatMap(([name, outcome]) => outcome.failures.map((f) => `${name}: ${f}`));
      expect(failures.length === 0, failures.slice(0, 10).join('; '));
      return `${[...found.values()].filter(({ agreed, missing }) => agreed > 0 && missing.length === 0).length} operations`;
    },
    async 'training and its average follow the CPU'() {
      const said: string[] = [];
      for (const [id, steps] of [['W1', 100], ['W4', 10], ['W5', 2]] as const) {
        const [here, there] = [trainingOf(id, 'cpu'), trainingOf(id, 'gpu')];
        let most = 0;
        for (let i = 0; i < steps; i++) {
          const expected = here.step().item();
          most = Math.max(most, Math.abs((await there.step().cpu()).item() - expected));
        }
        const averages = await Promise.all(there.average.module.parameters().map((p) => p.detach().cpu()));
        const apart = here.average.module.parameters().map((p, i) => p.detach().sub(averages[i]).abs().max().item());
        expect(most < 1e-3 && apart.every((d) => d < 1e-3), `${id} is off by ${most}, its average by ${Math.max(...apart)}`);
        said.push(`${id} ${steps} steps within ${most.toExponential(1)}`);
      }
      return said.join(', ');
    },
    async 'memory is flat over 10,000 steps'() {
      const grown = await grownIn(10_000);
      expect(grown.process < 2 ** 27 && grown.device < 2 ** 27, JSON.stringify(grown));
      return `the process grew by ${(grown.process / 1e6).toFixed(1)} MB, what is on the device by ${(grown.device / 1e6).toFixed(1)} MB`;
    },
    async 'too large a tensor'() {
      const few = ones([1]).to('gpu');
      await refused(() => few.expand([2 ** 29]).add(1), MemoryError, /no room for a result, got 2147483648 bytes/);
      expect((await few.add(1).cpu()).item() === 2, 'what is smaller does not work');
      return `at most ${activeBackend().maxLength} elements`;
    },
    async 'a lost device'() {
      const here = tensor([1, 2]);
      const there = here.to('gpu');
      activeBackend().destroy();
      await refused(() => there.add(1), DeviceError, /the device was lost/);
      await refused(() => there.cpu(), DeviceError, /the device was lost/);
      expect(here.sum().item() === 3, 'a CPU tensor changed');
      await useGpu({ backend });
      expect((await here.to('gpu').sum().cpu()).item() === 3, 'no new start');
      return 'tensors on the CPU stay, and another can be started';
    },
  };
}

/** Runs checks of a backend and prints a line for each; skips all where it cannot be started, and says why. True unless one failed. */
export async function runChecks(script: string, backend: BackendName, checks: Checks): Promise<boolean> {
  let info: GpuInfo;
  try {
    info = await useGpu({ backend });
  } catch (error) {
    console.log(`skipped: ${script}, ${error instanceof Error ? error.message.replaceAll('\n', '; ') : String(error)}`);
    return true;
  }
  console.log(`${backend} on ${info.adapter.vendor} ${info.adapter.device} ${info.adapter.description}${info.software ? ', which computes on the CPU' : ''}`);
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

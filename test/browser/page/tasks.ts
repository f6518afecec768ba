import { cpuInfo, F, getNumThreads, Linear, manualSeed, rand, SGD, setNumThreads, type Sequential } from '../../../index.ts';
import { trainedLeNet, trainedMlp } from '../../fixtures/trainingNets.ts';
import { exactResults } from './exact.ts';
import { beginRun, endRun, offer, otherFiles } from './files.ts';
import { jobsOpened, wasmBytes, workersUp } from './watch.ts';

/** What a page tells. */
export interface Report {
  readonly error?: string;
  readonly mlp?: string;
  readonly leNet?: string;
  readonly kernels?: string;
  readonly threads?: number;
  readonly workersUp?: number;
  readonly jobsOpened?: boolean;
  readonly isolated?: boolean;
  readonly exact?: readonly string[];
  readonly loss?: readonly number[];
  /** What was seen to work. */
  readonly files?: readonly string[];
  readonly wasmBytes?: number;
  /** Milliseconds from the first call of the library on, and of the first step of training. */
  readonly ms?: number;
  readonly firstMs?: number;
}

/** Tells the test, and waits until it has taken note. */
export async function tell(report: Report): Promise<void> {
  await fetch('/report', { method: 'POST', body: JSON.stringify(report) });
}

async function hashOf(model: Sequential): Promise<string> {
  const weights = [...model.parameters()].map((p) => Float32Array.from(p.data()));
  const digest = await crypto.subtle.digest('SHA-256', await new Blob(weights).arrayBuffer());
  return [...new Uint8Array(digest)].map((b) => b.toString(16).padStart(2, '0')).join('').slice(0, 16);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

async function startThreads(n: number): Promise<void> {
  setNumThreads(n);
  for (let i = 0; i < 100 && workersUp() < getNumThreads() - 1; i++) await pause(10);
}

async function train(threads: number): Promise<void> {
  const start = performance.now();
  await startThreads(threads);
  const [mlp, leNet] = [await hashOf(trainedMlp()), await hashOf(trainedLeNet())];
  const ms = performance.now() - start;
  await tell({
    mlp, leNet, ms, threads: getNumThreads(), workersUp: workersUp(), jobsOpened: jobsOpened(), kernels: cpuInfo().kernels, isolated: globalThis.crossOriginIsolated,
  });
}

/** A net so small that memory is a matter of bookkeeping. */
function smallNet(): (steps: number) => number[] {
  manualSeed(0);
  const layers = [new Linear(2, 16), new Linear(16, 16), new Linear(16, 1)];
  const optimizer = new SGD(layers.flatMap((layer) => [...layer.parameters()]), { lr: 0.1 });
  const [x, y] = [rand([32, 2]), rand([32, 1])];
  return (steps) => {
    const losses: number[] = [];
    for (let i = 0; i < steps; i++) {
      optimizer.zeroGrad();
      const loss = F.mseLoss(layers[2].forward(F.tanh(layers[1].forward(F.tanh(layers[0].forward(x))))), y);
      loss.backward();
      optimizer.step();
      if (i === 0 || i === steps - 1) losses.push(loss.item());
    }
    return losses;
  };
}

/** What a page can be asked to do, by the name in its address. */
export const tasks: Readonly<Record<string, (threads: number) => Promise<void>>> = {
  train,

  /** Steps without a pause, in two runs. */
  async loop() {
    const first = performance.now();
    const run = smallNet();
    run(1);
    const firstMs = performance.now() - first;
    run(2000);
    await tell({ wasmBytes: wasmBytes(), firstMs });
    const start = performance.now();
    run(5000);
    await tell({ wasmBytes: wasmBytes(), ms: performance.now() - start });
  },

  /** A few steps and operations that run in the reference. */
  async reference() {
    await tell({ loss: smallNet()(20), exact: exactResults(), kernels: cpuInfo().kernels });
  },

  /** Saves, loads the page again, and goes on. */
  async files() {
    if (sessionStorage.getItem('begun') === null) {
      sessionStorage.setItem('begun', 'yes');
      await tell({ files: await beginRun() });
      location.reload();
      return;
    }
    await tell({ files: [...(await endRun()), ...(await otherFiles())] });
    offer();
  },

  /** Leaves threads running. */
  async idle(threads) {
    await startThreads(threads);
    trainedMlp();
    await tell({ workersUp: workersUp(), threads: getNumThreads() });
    if (new URLSearchParams(location.search).has('end')) {
      setNumThreads(1);
      await pause(50);
      await tell({ threads: getNumThreads() });
    }
  },
};

import { DigitNet } from '../../../examples/digitNet.ts';
import { type BackendName, type GpuInfo, gpuInfo, useGpu } from '../../../gpu/index.ts';
import { Adam, ExponentialMovingAverage, F, type Tensor, manualSeed, noGrad, tensor } from '../../../index.ts';

// gpu.js?backend=webgl2: trains the net of the digits example on a backend, and on the CPU beside it.

/** What the page tells. */
export interface GpuReport {
  readonly error?: string;
  readonly info?: GpuInfo | null;
  readonly here?: readonly number[];
  readonly there?: readonly number[];
  readonly averages?: number;
  /** Samples of operations that agree with the CPU, and what does not. */
  readonly agreed?: number;
  readonly failures?: readonly string[];
}

const address = new URL(import.meta.url);
const STEPS = 12;
const BATCH = 32;

async function tell(report: GpuReport): Promise<void> {
  await fetch('/report', { method: 'POST', body: JSON.stringify(report) });
}

/** The bytes of an IDX file behind its header. */
async function bytesOf(name: string, header: number): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(`/data/${name}`)).arrayBuffer()).subarray(header);
}

async function train(device: string, images: Tensor, labels: Tensor): Promise<{ readonly losses: number[]; readonly average: DigitNet }> {
  manualSeed(0);
  const model = new DigitNet().to(device);
  const optimizer = new Adam(model.parameters(), { lr: 0.003 });
  const average = new ExponentialMovingAverage(model, { momentum: 0.1, updateBuffers: true });
  const losses: number[] = [];
  for (let i = 0; i < STEPS; i++) {
    const [x, y] = [images.narrow(0, i * BATCH, BATCH).to(device), labels.narrow(0, i * BATCH, BATCH).to(device)];
    optimizer.zeroGrad();
    const loss = F.crossEntropy(model.forward(x), y);
    loss.backward();
    optimizer.step();
    average.updateParameters(model);
    losses.push((await loss.cpu()).item());
  }
  return { losses, average: await average.module.cpu() };
}

async function run(): Promise<void> {
  await useGpu({ backend: (address.searchParams.get('backend') ?? 'webgpu') as BackendName });
  const pixels = await bytesOf('digits-images.idx3-ubyte', 16);
  const images = tensor(Float32Array.from(pixels, (v) => v / 16)).reshape([-1, 1, 8, 8]);
  const labels = tensor(Int32Array.from(await bytesOf('digits-labels.idx1-ubyte', 8)), { dtype: 'int64' });
  const [here, there] = [await train('cpu', images, labels), await train('gpu', images, labels)];
  // Biases before a batch normalisation have no gradient but rounding errors, which Adam makes large: what the averages compute is compared.
  const logits = ({ average }: { readonly average: DigitNet }): Tensor => noGrad(() => average.eval().forward(images.narrow(0, 1000, 200)));
  const averages = logits(there).sub(logits(here)).abs().amax().item();
  await tell({ info: gpuInfo(), here: here.losses, there: there.losses, averages });
}

run().catch((error: unknown) => tell({ error: error instanceof Error ? (error.stack ?? String(error)) : String(error) }));

import {
  Adam, CheckpointManager, DataLoader, F, Generator, Linear, ReLU, Sequential, TensorDataset, defaultGenerator, download, imageToTensor, loadCheckpoint, loadIdx, manualSeed, openSafetensors,
  packCheckpoint, randint, randn, readCsv, readNpz, saveSafetensors, tensor, tensorToImage, unpackCheckpoint, writeNpz,
} from '../../../index.ts';

/** A run of four epochs, stopped after a step or not at all. */
function makeRun() {
  manualSeed(3);
  const data = new TensorDataset(randn([20, 4]), randint(0, 2, [20]));
  const model = new Sequential(new Linear(4, 8), new ReLU(), new Linear(8, 2));
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const loader = new DataLoader(data, { batchSize: 6, shuffle: true, generator: new Generator(1) });
  return { model, optimizer, loader, random: defaultGenerator };
}

async function train(parts: ReturnType<typeof makeRun>, start: { step: number; epoch: number }, stop: number, save?: (step: number, epoch: number) => Promise<void>): Promise<number> {
  let { step } = start;
  for (let { epoch } = start; epoch < 4; epoch++) {
    for (const [x, y] of parts.loader) {
      parts.optimizer.zeroGrad();
      F.crossEntropy(parts.model.forward(x), y).backward();
      parts.optimizer.step();
      step++;
      await save?.(step, epoch);
      if (step === stop) return step;
    }
  }
  return step;
}

/** The bytes of everything a run consists of, as one text. */
const bitsOf = (parts: ReturnType<typeof makeRun>): string => packCheckpoint(parts).join();

function same(name: string, got: unknown, expected: unknown): string {
  if (JSON.stringify(got) !== JSON.stringify(expected)) throw new Error(`${name}: got ${JSON.stringify(got)}; expected ${JSON.stringify(expected)}`);
  return name;
}

/** Saves in the origin private file system, up to the middle of an epoch. */
export async function beginRun(): Promise<readonly string[]> {
  const folder = await navigator.storage.getDirectory();
  const manager = new CheckpointManager(folder, { keep: 2 });
  const parts = makeRun();
  await train(parts, { step: 0, epoch: 0 }, 7, (step, epoch) => manager.save(step, { ...parts, epoch }));
  return [same('the last two are kept', await manager.steps(), [6, 7])];
}

/** Goes on after the page was loaded again. */
export async function endRun(): Promise<readonly string[]> {
  const whole = makeRun();
  await train(whole, { step: 0, epoch: 0 }, Infinity);
  const expected = bitsOf(whole);

  const folder = await navigator.storage.getDirectory();
  const half = await (await folder.getFileHandle('checkpoint-0000000008.safetensors', { create: true })).createWritable();
  await half.write(new Uint8Array(10));
  await half.close();
  const manager = new CheckpointManager(folder, { keep: 2 });
  const parts = makeRun();
  const restored = await manager.restore(parts);
  const done = [same('passes over a damaged file', [restored?.step, restored?.damaged], [7, ['checkpoint-0000000008.safetensors']])];
  await train(parts, { step: 7, epoch: Number(restored?.values.epoch) }, Infinity, (step, epoch) => manager.save(step, { ...parts, epoch }));
  done.push(same('goes on bit for bit', bitsOf(parts) === expected, true), same('and leaves no other file', await manager.steps(), [15, 16]));
  const file = await folder.getFileHandle('checkpoint-0000000016.safetensors');
  done.push(same('a handle loads', Object.keys(await loadCheckpoint(file)).length, 5), same('a File loads', Object.keys(await loadCheckpoint(await file.getFile())).length, 5));
  return done;
}

/** Bytes as a download, and back from the file that was picked. */
export function offer(): void {
  download('run.safetensors', packCheckpoint({ epoch: 3, w: tensor([1, 2]) }));
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Blob> {
  return new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'))).blob();
}

/** Other files. */
export async function otherFiles(): Promise<readonly string[]> {
  const done: string[] = [];
  const folder = await navigator.storage.getDirectory();
  const handle = await folder.getFileHandle('x.safetensors', { create: true });
  await saveSafetensors(handle, { a: tensor([[1, 2], [3, 4]]), lazy: { dtype: 'F16', shape: [2], read: () => tensor([5, 6]) } });
  const file = await openSafetensors(handle);
  done.push(same('slices of a Blob', (await file.getSlice('a', null, [1, 2])).array(), [[2], [4]]), same('halves', (await file.getTensor('lazy')).array(), [5, 6]));
  const ranged = await openSafetensors(new URL('/ranges', location.href));
  done.push(same('ranges of an address', (await ranged.getSlice('x', [30_000, 30_002])).array(), [30_000, 30_001]));
  done.push(same('.npz', (await readNpz(await writeNpz({ a: tensor([1, 2]) }, { compressed: true }))).a.array(), [1, 2]));
  done.push(same('CSV', (await readCsv('a,b\n1,x\n2,y\n', { types: { b: 'category' } })).tensor().array(), [[1, 0], [2, 1]]));
  done.push(same('packed IDX', (await loadIdx(await gzip(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 9)))).array(), [7, 9]));
  const context = new OffscreenCanvas(2, 1).getContext('2d');
  if (context === null) throw new Error('no canvas');
  context.fillStyle = 'rgb(255, 0, 51)';
  context.fillRect(0, 0, 1, 1);
  const image = context.getImageData(0, 0, 2, 1);
  const back = tensorToImage(imageToTensor(image, { channels: 4 }));
  done.push(same('images', [back instanceof ImageData, [...back.data]], [true, [255, 0, 51, 255, 0, 0, 0, 0]]));
  return [...done, same('bytes', unpackCheckpoint(packCheckpoint({ epoch: 3 })).epoch, 3)];
}

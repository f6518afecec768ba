import { cpuInfo } from '../../index.ts';
import { type Gpu, mayHaveGpu, startGpu } from './adapters.ts';
import type { DigitFiles } from './problems.ts';
import type { Order, Report, Task } from './protocol.ts';
import { type Settings, defaults } from './settings.ts';
import { Trainer } from './trainer.ts';

// Trains in slices, so that orders get their turn between them, and shows a frame when the last one has been drawn. Orders and slices wait for each other in one line.

/** Milliseconds of a slice, and between two frames. */
const [SLICE, FRAME] = [12, 60];
/** Part of the time that frames may take. */
const SHARE = 0.25;
/** Milliseconds that a slice may keep a GPU busy, where more than one step is in it. */
const PATIENCE = 16;
const rates = { slow: 20, medium: 200, fast: 1e6 } as const;

const say = (report: Report, transfer: Transferable[] = []): void => postMessage(report, { transfer });
const messageOf = (error: unknown): string => (error instanceof Error ? error.message.split('\n')[0] : String(error));

let files: DigitFiles | null = null;
let gpu: Gpu | null = null;
let finding: Promise<void> | null = null;
/** Number and settings of the run, and the run itself: null where it could not begin. */
let [run, settings]: [number, Settings] = [0, defaults];
let trainer: Trainer | null = null;
let running = false;
let speed: Settings['speed'] = defaults.speed;
let drawn = true;
/** Steps that the speed allows by now, and that a slice may have: on a GPU as many as it does in time. */
let [credit, most] = [0, 1];
let [lastSlice, nextFrame] = [0, 0];

async function fetchBytes(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** The files of the digits, fetched once, when they are needed. */
async function filesFor({ data }: Settings): Promise<DigitFiles | null> {
  if (data !== 'digits') return null;
  files ??= {
    images: await fetchBytes(new URL('../data/digits-images.idx3-ubyte', import.meta.url)),
    labels: await fetchBytes(new URL('../data/digits-labels.idx1-ubyte', import.meta.url)),
  };
  return files;
}

/** Starts the GPU where it is not running. */
function findGpu(): Promise<void> {
  finding ??= startGpu().then(
    (found) => {
      gpu = found;
      say({ is: 'gpu', gpu });
    },
    (error: unknown) => {
      finding = null;
      throw error;
    },
  );
  return finding;
}

/** The settings with the device that there is: where the GPU cannot be had, the CPU trains. */
async function withDevice(wanted: Settings): Promise<Settings> {
  if (wanted.device === 'cpu') return wanted;
  try {
    say({ is: 'notice', text: gpu === null ? 'Starting the GPU…' : 'Building the kernels of the GPU…' });
    await findGpu();
    say({ is: 'notice', text: 'Building the kernels of the GPU…' });
    return wanted;
  } catch (error) {
    say({ is: 'notice', text: `There is no GPU to train on here, so the CPU trains. (${messageOf(error)})` });
    return { ...wanted, device: 'cpu' };
  }
}

function engine(): string {
  if (settings.device === 'gpu' && gpu !== null) return `GPU: ${gpu.backend}, ${gpu.adapter}${gpu.software ? ' (software: the CPU computes)' : ''}`;
  const { kernels, threads } = cpuInfo();
  return `${kernels === 'wasm' ? 'CPU: WebAssembly SIMD' : 'CPU: JavaScript'}, ${threads} thread${threads === 1 ? '' : 's'}`;
}

async function begin(next: Trainer): Promise<void> {
  trainer = next;
  running = false;
  most = 1;
  ({ speed } = settings);
  const { problem, size, shown } = next;
  const digits = settings.data === 'digits';
  say({
    is: 'ready',
    run,
    settings,
    size,
    engine: engine(),
    inputs: Float32Array.from((digits ? shown : problem.inputs).data()),
    labels: Float32Array.from((digits ? problem.testLabels.narrow(0, 0, shown.shape[0]) : problem.labels).data()),
  });
  await show(next);
}

async function reset(wanted: Settings): Promise<void> {
  running = false;
  trainer = null;
  const needed = await filesFor(wanted);
  settings = await withDevice(wanted);
  await begin(new Trainer(settings, needed));
  if (settings.device === 'gpu') say({ is: 'notice', text: '' });
}

async function load(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  running = false;
  try {
    const wanted = Trainer.settingsIn(bytes);
    const needed = await filesFor(wanted);
    const found = await withDevice(wanted);
    const loaded = Trainer.load(bytes, found, needed);
    settings = found;
    await begin(loaded);
    say({ is: 'notice', text: `The run goes on from step ${loaded.step.toLocaleString('en')} of the file: press Start.` });
  } catch (error) {
    say({ is: 'stopped', text: `This file cannot be loaded, and the run is as it was. (${messageOf(error)})` });
  }
}

/** Has a frame drawn; a run stops where its numbers have become none. */
async function show(of: Trainer): Promise<void> {
  const start = performance.now();
  drawn = false;
  const { picture, score } = await of.look();
  say({ is: 'frame', step: of.step, score, picture, weights: of.weights() }, [picture.raw.buffer, picture.average.buffer]);
  const now = performance.now();
  nextFrame = now + Math.max(FRAME, (now - start) / SHARE);
  if (Number.isFinite(score.raw.loss)) return;
  running = false;
  say({
    is: 'stopped',
    text: `By step ${of.step.toLocaleString('en')} the raw weights lead to no numbers any more (NaN): the learning rate is too high for this net. Choose a lower one and press Start.`,
  });
}

async function slice(): Promise<void> {
  if (!running || trainer === null) return;
  const of = trainer;
  const start = performance.now();
  credit = Math.min(credit + (rates[speed] * (start - lastSlice)) / 1000, rates[speed] / 4);
  lastSlice = start;
  const waits = settings.device === 'gpu';
  for (let n = 0; credit >= 1 && performance.now() - start < SLICE && (!waits || n < most); n++) {
    of.train();
    credit--;
  }
  const broken = !Number.isFinite(await of.settle());
  if (waits) most = performance.now() - start > PATIENCE ? Math.max(1, most >> 1) : most + 1;
  if (broken || (drawn && performance.now() > nextFrame)) await show(of);
  // A GPU also draws the page: it gets a rest.
  next(credit >= 1 && !waits);
}

/** A GPU that fails or is lost takes the run with it: a new one begins on the CPU. */
async function failed(error: unknown): Promise<void> {
  const wasRunning = running;
  running = false;
  if (settings.device !== 'gpu') return say({ is: 'stopped', text: `That did not work. (${messageOf(error)})` });
  [gpu, finding] = [null, null];
  await reset({ ...settings, device: 'cpu' });
  say({ is: 'notice', text: `The GPU failed, and its run is lost: a new one has begun on the CPU. (${messageOf(error)})` });
  if (wasRunning) go();
}

let last = Promise.resolve();
/** Everything has its turn, one after another: a GPU and the fetching of the digits take their time. */
function enqueue(task: () => Promise<void>): void {
  last = last.then(task).catch(failed).catch((error: unknown) => say({ is: 'stopped', text: `That did not work. (${messageOf(error)})` }));
}

let pending = false;
function turn(): void {
  pending = false;
  enqueue(slice);
}
const channel = new MessageChannel();
channel.port1.onmessage = turn;

/** The next slice: at once, or when the clock has gone on. */
function next(atOnce: boolean): void {
  if (pending) return;
  pending = true;
  if (atOnce) channel.port2.postMessage(null);
  else setTimeout(turn, 10);
}

function go(): void {
  running = true;
  [credit, lastSlice] = [1, performance.now()];
  next(true);
}

async function follow(order: Task): Promise<void> {
  if (order.do === 'reset' || order.do === 'load') {
    ({ run } = order);
    return order.do === 'reset' ? reset(order.settings) : load(order.bytes);
  }
  if (trainer === null) return say({ is: 'stopped', text: 'There is no run. Reset tries again.' });
  switch (order.do) {
    case 'run': return go();
    case 'pause':
      running = false;
      return show(trainer);
    case 'step':
      trainer.train();
      return show(trainer);
    case 'save': return say({ is: 'saved', file: await trainer.save() });
    case 'classify':
      // A drawing may arrive after the digits have gone.
      if (settings.data === 'digits') say({ is: 'classified', guess: await trainer.classify(order.pixels) });
      return;
  }
}

onmessage = ({ data }: MessageEvent<Order>) => {
  if (data.do === 'drawn') drawn = true;
  else if (data.do === 'speed') ({ speed } = data);
  // Nobody has asked for a GPU: that there is none is no news.
  else if (data.do === 'find gpu') void mayHaveGpu().then((may) => (may ? findGpu() : undefined)).catch(() => undefined);
  else enqueue(() => follow(data));
};

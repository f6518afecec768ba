import { cpuInfo } from '../../index.ts';
import type { DigitFiles } from './problems.ts';
import type { Order, Report } from './protocol.ts';
import { type Settings, defaults } from './settings.ts';
import { Trainer } from './trainer.ts';

// Trains in slices, so that orders get their turn between them, and shows a frame when the last one has been drawn.

/** Milliseconds of a slice, and between two frames, and between two looks at the profile. */
const [SLICE, FRAME, PROFILE] = [12, 60, 700];
const rates = { slow: 20, medium: 200, fast: 1e6 } as const;

const say = (report: Report, transfer: Transferable[] = []): void => postMessage(report, { transfer });

let files: DigitFiles | null = null;
let trainer = new Trainer(defaults, null);
let running = false;
let speed: Settings['speed'] = defaults.speed;
let drawn = true;
/** Steps that the speed allows by now. */
let credit = 0;
let [lastSlice, lastFrame, lastProfile] = [0, 0, 0];

async function fetchBytes(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** The files of the digits, fetched once. */
async function digitFiles(): Promise<DigitFiles> {
  files ??= {
    images: await fetchBytes(new URL('../data/digits-images.idx3-ubyte', import.meta.url)),
    labels: await fetchBytes(new URL('../data/digits-labels.idx1-ubyte', import.meta.url)),
  };
  return files;
}

function begin(next: Trainer): void {
  trainer = next;
  running = false;
  drawn = true;
  const { kernels, threads } = cpuInfo();
  const digits = next.settings.data === 'digits';
  say({
    is: 'ready',
    settings: next.settings,
    step: next.step,
    size: next.size,
    engine: `${kernels === 'wasm' ? 'CPU, WebAssembly SIMD' : 'CPU, JavaScript'}, ${threads} thread${threads === 1 ? '' : 's'}`,
    inputs: Float32Array.from((digits ? next.shown() : next.problem.inputs).data()),
    labels: Float32Array.from((digits ? next.problem.testLabels.narrow(0, 0, next.shown().shape[0]) : next.problem.labels).data()),
  });
  show(true);
}

function show(whole: boolean): void {
  const now = performance.now();
  const withProfile = whole || now - lastProfile > PROFILE;
  if (withProfile) lastProfile = now;
  lastFrame = now;
  drawn = false;
  const picture = trainer.picture();
  say({ is: 'frame', step: trainer.step, score: trainer.evaluate(), picture, profile: withProfile ? trainer.profile() : null }, [picture.raw.buffer, picture.average.buffer]);
}

function slice(): void {
  if (!running) return;
  const start = performance.now();
  credit = Math.min(credit + (rates[speed] * (start - lastSlice)) / 1000, rates[speed]);
  lastSlice = start;
  while (credit >= 1 && performance.now() - start < SLICE) {
    trainer.train();
    credit--;
  }
  if (drawn && performance.now() - lastFrame > FRAME) show(false);
  next(credit >= 1);
}

function failed(error: unknown): void {
  running = false;
  say({ is: 'failed', message: error instanceof Error ? error.message : String(error) });
}

function turn(): void {
  try {
    slice();
  } catch (error) {
    failed(error);
  }
}

const channel = new MessageChannel();
channel.port1.onmessage = turn;

/** The next slice: at once, or when the clock has gone on. */
function next(atOnce: boolean): void {
  if (atOnce) channel.port2.postMessage(null);
  else setTimeout(turn, 10);
}

async function follow(order: Order): Promise<void> {
  switch (order.do) {
    case 'reset':
      speed = order.settings.speed;
      begin(new Trainer(order.settings, order.settings.data === 'digits' ? await digitFiles() : null));
      return;
    case 'load':
      begin(Trainer.load(order.bytes, await digitFiles()));
      return;
    case 'run':
      if (running) return;
      running = true;
      [credit, lastSlice] = [1, performance.now()];
      slice();
      return;
    case 'pause':
      running = false;
      show(true);
      return;
    case 'step':
      trainer.train();
      show(true);
      return;
    case 'speed':
      speed = order.speed;
      return;
    case 'save':
      say({ is: 'saved', bytes: trainer.save() });
      return;
    case 'classify':
      say({ is: 'classified', guess: trainer.classify(order.pixels) });
      return;
    case 'drawn':
      drawn = true;
  }
}

// One order after another: fetching the digits takes its time.
let last = Promise.resolve();
onmessage = ({ data }: MessageEvent<Order>) => {
  last = last.then(() => follow(data)).catch(failed);
};

// Trains a small convolutional net on handwritten digits with two averages of its weights beside it.
// npm start -- --epochs 5 --seed 1
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { plot } from 'asciichart';
import {
  Adam, DataLoader, ExponentialMovingAverage, F, StochasticWeightAverage, TensorDataset, defaultGenerator, loadCheckpoint, manualSeed, progress,
  saveCheckpoint, summary,
} from '../index.ts';
import { accuracy, loadDigits, percent, shifted } from './digitData.ts';
import { DigitNet } from './digitNet.ts';

const help = `Trains a convolutional net on 8x8 digits, with EMA and SWA weights beside it.

  --epochs N      passes over the training data (default 12)
  --lr X          learning rate of Adam (default 0.01, and it stays: averages do what a falling rate would)
  --momentum X    weight of the newest model in the moving average (default 0.02)
  --batch-size N  images a step (default 32)
  --seed N        seed of weights and batches (default 0)
  --out FILE      checkpoint to write (default runs/digits.safetensors)
  --resume FILE   checkpoint to go on from
  --help          this text`;

/** Stops with one line, as for a wrong flag. */
class UsageError extends Error {}

interface Settings {
  readonly epochs: number;
  readonly lr: number;
  readonly momentum: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly out: string;
  readonly resume: string | undefined;
}

const string = { type: 'string' } as const;

function readFlags(argv: readonly string[]): Settings | null {
  const options = { epochs: string, lr: string, momentum: string, 'batch-size': string, seed: string, out: string, resume: string, help: { type: 'boolean' } } as const;
  let values;
  try {
    ({ values } = parseArgs({ args: [...argv], options }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message.split('\n')[0] : String(error));
  }
  if (values.help === true) return null;
  const number = (name: 'epochs' | 'lr' | 'momentum' | 'batch-size' | 'seed', fallback: number, rule: string, test: (v: number) => boolean): number => {
    const text = values[name];
    const v = text === undefined ? fallback : text.trim() === '' ? NaN : Number(text);
    if (!test(v)) throw new UsageError(`--${name}: got '${text}'; expected ${rule}`);
    return v;
  };
  const file = (name: 'out' | 'resume'): string | undefined => {
    if (values[name]?.trim() === '') throw new UsageError(`--${name}: got an empty name; expected a file`);
    return values[name];
  };
  const count = (v: number): boolean => Number.isInteger(v) && v >= 1;
  return {
    epochs: number('epochs', 12, 'an integer ≥ 1', count),
    lr: number('lr', 0.01, 'a number > 0', (v) => v > 0 && Number.isFinite(v)),
    momentum: number('momentum', 0.02, 'a number between 0 and 1', (v) => v > 0 && v < 1),
    batchSize: number('batch-size', 32, 'an integer ≥ 2', (v) => count(v) && v >= 2),
    seed: number('seed', 0, 'an integer ≥ 0', (v) => Number.isSafeInteger(v) && v >= 0),
    out: file('out') ?? 'runs/digits.safetensors',
    resume: file('resume'),
  };
}

async function main(settings: Settings): Promise<void> {
  await mkdir(dirname(settings.out), { recursive: true }).catch((error: Error) => {
    throw new UsageError(`--out: ${error.message.split('\n')[0]}`);
  });
  const { train, test } = await loadDigits();

  manualSeed(settings.seed);
  const model = new DigitNet();
  const loader = new DataLoader(new TensorDataset(train.images, train.labels), { batchSize: settings.batchSize, shuffle: true, dropLast: true });
  const optimizer = new Adam(model.parameters(), { lr: settings.lr });
  const ema = new ExponentialMovingAverage(model, { momentum: settings.momentum, updateBuffers: true });
  const swa = new StochasticWeightAverage(model, { updateBuffers: true });
  const swaStart = Math.floor(settings.epochs / 2);
  const curves: Record<'raw' | 'ema' | 'swa', number[]> = { raw: [], ema: [], swa: [] };
  const parts = { model, optimizer, ema, swa, generator: defaultGenerator };
  let epoch = 0;
  if (settings.resume !== undefined) {
    const loaded = await loadCheckpoint(settings.resume, parts).catch((error: Error) => {
      throw new UsageError(`--resume: ${error.message.split('\n')[0]}`);
    });
    epoch = Number(loaded.epoch);
    Object.assign(curves, loaded.curves);
  }

  console.log(summary(model, [1, 1, 8, 8]));
  const started = performance.now();
  for (; epoch < settings.epochs; epoch++) {
    model.train();
    const bar = progress(loader, { label: `epoch ${String(epoch + 1).padStart(2)}/${settings.epochs}` });
    for (const [x, y] of bar) {
      optimizer.zeroGrad();
      const loss = F.crossEntropy(model.forward(shifted(x)), y);
      loss.backward();
      optimizer.step();
      ema.updateParameters(model);
      bar.set({ loss: loss.item() });
    }
    if (epoch >= swaStart) swa.updateParameters(model);
    curves.raw.push(accuracy(model, test));
    curves.ema.push(accuracy(ema, test));
    curves.swa.push(epoch >= swaStart ? accuracy(swa, test) : NaN);
  }
  const seconds = (performance.now() - started) / 1000;

  await saveCheckpoint(settings.out, { ...parts, epoch, curves });
  report(curves, swaStart, seconds, settings.out);
}

/** A curve of shares by epoch, each epoch four characters wide, from 80 % up so that differences show. */
function draw(title: string, from: number, shares: readonly number[]): void {
  if (shares.length < 2) return;
  const wide = shares.flatMap((v) => Array.from({ length: 4 }, () => 100 * Math.max(v, 0.8)));
  console.log(`\n  ${title}: % right after epoch ${from} to ${from + shares.length - 1}`);
  console.log(plot(wide, { height: 8, min: 80, max: 100 }));
}

function report(curves: Readonly<Record<'raw' | 'ema' | 'swa', readonly number[]>>, swaStart: number, seconds: number, out: string): void {
  const names = { raw: 'raw weights', ema: 'moving average (EMA)', swa: 'mean of epochs (SWA)' };
  console.log(`\nAccuracy on 360 digits by other writers, after ${curves.raw.length} epochs (${seconds.toFixed(1)} s)\n`);
  for (const key of ['raw', 'ema', 'swa'] as const) console.log(`  ${names[key].padEnd(22)} ${percent(curves[key].at(-1) ?? 0)}`);
  draw('raw weights', 1, curves.raw);
  draw('moving average', 1, curves.ema);
  draw('mean of epochs', swaStart + 1, curves.swa.filter(Number.isFinite));
  console.log(`\nCheckpoint: ${out}`);
}

try {
  const settings = readFlags(process.argv.slice(2));
  if (settings === null) console.log(help);
  else await main(settings);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`digits: ${error.message} (--help lists the flags)`);
  process.exitCode = 2;
}

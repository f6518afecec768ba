import { countFlag, readFlags } from '../core/cli/flags.ts';
import { Adam, DataLoader, F, type Module, type Tensor, TensorDataset, WarmupEMA, manualSeed, noGrad, progress, summary } from '../index.ts';
import { type Digits, loadDigits, percent, shifted } from './digitData.ts';
import { DigitNet } from './digitNet.ts';

/** What `polyak demo --help` prints. */
export const demoHelp = `polyak demo [flags]: trains a convolutional net on 1,437 handwritten digits, with a moving average of its weights beside it,
and shows what both make of 360 digits by other writers.

  --epochs N   passes over the training data (default 15)
  --seed N     seed of weights and batches (default 0)
  --help       this text`;

const SHADES = ' ░▒▓█';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** The class with the largest logit, by image. */
function predict(model: Module & { forward(x: Tensor): Tensor }, images: Tensor): Tensor {
  const { training } = model;
  model.eval();
  try {
    return noGrad(() => model.forward(images).argmax(1));
  } finally {
    model.train(training);
  }
}

const share = (predicted: Tensor, labels: Tensor): number => predicted.eq(labels).to('float32').mean().item();

/** Columns of the terminal; some do not know, and where there is none the text is for a file. */
function columns(): number {
  const { isTTY, columns } = process.stdout;
  return isTTY && columns > 0 ? columns : 100;
}

/** A bar from 80 % to 100 %, with a space before it; nothing where the terminal has no room for it. */
function bar(v: number): string {
  const wide = Math.min(20, Math.floor((columns() - 48) / 2));
  return wide < 5 ? '' : ` ${'█'.repeat(Math.round(wide * Math.max(0, (v - 0.8) / 0.2))).padEnd(wide, '·')}`;
}

/** Pictures side by side, each with a line below. */
function pictures(images: Tensor, captions: readonly string[]): string {
  const pixels = images.data(); // (N, 1, 8, 8)
  const row = (i: number, y: number): string => Array.from(pixels.subarray(64 * i + 8 * y, 64 * i + 8 * y + 8), (v) => SHADES[Math.round(4 * v)].repeat(2)).join('');
  const rows = Array.from({ length: 8 }, (_, y) => captions.map((_, i) => row(i, y)).join('    '));
  return [...rows, captions.map((caption) => caption.padEnd(16)).join('    ')].map((row) => `  ${row}`.trimEnd()).join('\n');
}

/** Digits that the average reads right and the raw weights do not, or any where there are none: four, or as many as fit. */
function examples({ images, labels }: Digits, raw: Tensor, averaged: Tensor): string {
  const [truth, a, b] = [labels.data(), raw.data(), averaged.data()];
  const all = Array.from(truth, (_, i) => i);
  const better = all.filter((i) => b[i] === truth[i] && a[i] !== truth[i]);
  const shown = (better.length > 0 ? better : all).slice(0, Math.max(1, Math.min(4, Math.floor((columns() + 2) / 20))));
  const title = better.length > 0 ? `Read right by the average alone: ${better.length} of ${truth.length}, such as` : 'Some of the digits';
  return `${title}\n\n${pictures(images.index(shown), shown.map((i) => `${truth[i]}: raw ${a[i]}, avg ${b[i]}`))}`;
}

/**
 * The command `polyak demo`.
 *
 * @param data - the folder with the digits
 * @returns the exit code
 * @throws UsageError for a wrong use
 */
export async function demoCommand(argv: readonly string[], data: URL): Promise<number> {
  const { values } = readFlags(argv, { epochs: { type: 'string' }, seed: { type: 'string' }, help: { type: 'boolean' } }, 0);
  if (values.help === true) {
    print(demoHelp);
    return 0;
  }
  const epochs = countFlag('epochs', values.epochs, 1) ?? 15;
  manualSeed(countFlag('seed', values.seed, 0) ?? 0);
  const { train, test } = await loadDigits(data);
  const loader = new DataLoader(new TensorDataset(train.images, train.labels), { batchSize: 32, shuffle: true, dropLast: true });
  const model = new DigitNet();
  const optimizer = new Adam(model.parameters(), { lr: 0.005 });
  const ema = new WarmupEMA(model, { decay: 0.99, updateBuffers: true });
  ema.attachTo(optimizer);

  print(summary(model, [1, 1, 8, 8]));
  print('\nAccuracy on 360 digits by other writers: the weights as they are,\nand their moving average\n');
  const started = performance.now();
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const steps = progress(loader, { label: `epoch ${epoch}/${epochs}`, leave: false });
    for (const [x, y] of steps) {
      optimizer.zeroGrad();
      const loss = F.crossEntropy(model.forward(shifted(x)), y);
      loss.backward();
      optimizer.step();
      steps.set({ loss: loss.item() });
    }
    const [raw, averaged] = [share(predict(model, test.images), test.labels), share(predict(ema, test.images), test.labels)];
    print(`  epoch ${String(epoch).padStart(2)}   raw ${percent(raw).padStart(7)}${bar(raw)}   average ${percent(averaged).padStart(7)}${bar(averaged)}`);
  }
  print(`\n${examples(test, predict(model, test.images), predict(ema, test.images))}`);
  print(`\n${((performance.now() - started) / 1000).toFixed(1)} s on one thread.${bar(1) === '' ? '' : ' Bars begin at 80 %.'}`);
  return 0;
}

// When to swap? For evaluation only, or to train on from the average (switch EMA), now and then or once.
import { ExponentialMovingAverage } from '../../index.ts';
import { type Net, evaluate, mean, percent, row, train } from '../digits.ts';

const EPOCH = 44; // steps
const END = 8 * EPOCH;
const settings: readonly { readonly name: string; readonly switchAt: (step: number) => boolean; readonly reset?: boolean }[] = [
  { name: 'swapped for evaluation only', switchAt: () => false },
  { name: 'copied once, before the last epoch', switchAt: (step) => step === END - EPOCH },
  { name: 'copied after every epoch', switchAt: (step) => step % EPOCH === 0 && step < END },
  { name: '  with momentum buffers forgotten', switchAt: (step) => step % EPOCH === 0 && step < END, reset: true },
  { name: 'copied after every 11th step', switchAt: (step) => step % 11 === 0 && step < END },
];
const seeds = [0, 1, 2];

console.log(`EMA with momentum 0.03 beside SGD at a constant rate; test accuracy, mean of ${seeds.length} seeds\n`);
row('', 'raw, mid', 'raw, end', 'swapped', 'loss');
let same = true;
for (const { name, switchAt, reset = false } of settings) {
  const found = seeds.map((seed) => {
    let average: ExponentialMovingAverage<Net> | undefined;
    let mid = 0;
    let forget = (): void => {};
    const model = train({
      seed,
      start: (net, optimizer) => {
        average = new ExponentialMovingAverage(net, { momentum: 0.03, updateBuffers: true });
        average.attachTo(optimizer);
        if (reset) forget = () => optimizer.state.clear();
      },
      afterStep: (net, step) => {
        if (step === END / 2) mid = evaluate(net).accuracy;
        if (!switchAt(step)) return;
        average?.copyTo(net);
        forget();
      },
    });
    const raw = evaluate(model);
    const swap = average?.swap(model);
    const averaged = evaluate(model);
    swap?.restore();
    same &&= evaluate(model).loss === raw.loss;
    return [mid, raw.accuracy, averaged.accuracy, averaged.loss];
  });
  row(name, ...[0, 1, 2].map((i) => percent(mean(found.map((f) => f[i])))), mean(found.map((f) => f[3])));
}
console.log(`\nafter restore() the raw model is what it was, to the last bit: ${same ? 'yes' : 'no'}`);

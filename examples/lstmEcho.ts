// An LSTM that repeats a sequence of bits three steps later. node --import tsx examples/lstmEcho.ts
import { Adam, F, LSTM, Linear, Module, type Tensor, bernoulli, cat, full, manualSeed, noGrad, zeros } from '../index.ts';

const [DELAY, BATCH] = [3, 32];

class Echo extends Module {
  lstm = new LSTM(1, 24, { batchFirst: true });
  head = new Linear(24, 1);

  forward(x: Tensor): Tensor {
    return this.head.forward(this.lstm.forward(x).output);
  }
}

/** Bits and the same bits, `DELAY` steps later: (B, T, 1) each. */
function batch(length: number): readonly [Tensor, Tensor] {
  const x = bernoulli(full([BATCH, length, 1], 0.5));
  return [x, cat([zeros([BATCH, DELAY, 1]), x.narrow(1, 0, length - DELAY)], 1)];
}

manualSeed(0);
const model = new Echo();
const optimizer = new Adam(model.parameters(), { lr: 0.01 });
for (let step = 1; step <= 400; step++) {
  const [x, y] = batch(20);
  optimizer.zeroGrad();
  const loss = F.binaryCrossEntropyWithLogits(model.forward(x), y);
  loss.backward();
  optimizer.step();
  if (step % 100 === 0) console.log(`step ${step}  loss ${loss.item().toFixed(4)}`);
}
const [x, y] = batch(100); // it has never seen any as long
const guessed = noGrad(() => model.forward(x).gt(0));
const bits = (t: Tensor): string => [...t.select(0, 0).flatten().data().subarray(0, 30)].join('');
console.log(`in    ${bits(x)}…\nout   ${bits(guessed)}…\nright ${(100 * guessed.eq(y).to('float32').mean().item()).toFixed(1)} % of ${y.numel()} bits in sequences of 100`);

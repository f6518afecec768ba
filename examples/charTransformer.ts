// A transformer that learns to write sentences, letter by letter, from a text made here. node --import tsx examples/charTransformer.ts
import {
  AdamW, Embedding, ExponentialMovingAverage, F, Linear, Module, type Tensor, TransformerEncoder, TransformerEncoderLayer, arange, full, manualSeed, multinomial, noGrad, randint,
  stack, tensor,
} from '../index.ts';

manualSeed(1);
const words = { size: ['big', 'small', 'tiny'], animal: ['cat', 'dog', 'owl', 'fox'], verb: ['sees', 'likes', 'chases'] };
const known = new Set([...Object.values(words).flat(), 'the', 'a']);
const pick = (list: readonly string[]): string => list[randint(0, list.length, [1]).item()];
const sentence = (): string => `the ${pick(words.size)} ${pick(words.animal)} ${pick(words.verb)} a ${pick(words.size)} ${pick(words.animal)}. `;
const text = Array.from({ length: 400 }, sentence).join('');
const letters = [...new Set(text)].sort();
const encode = (some: string): Tensor => tensor(Array.from(some, (c) => letters.indexOf(c)), { dtype: 'int64' });
const [codes, unseen] = [encode(text), encode(Array.from({ length: 100 }, sentence).join(''))];

const T = 32; // letters that the net sees at once
const causal = full([T, T], -Infinity).triu(1);

class Writer extends Module {
  letter = new Embedding(letters.length, 64);
  position = new Embedding(T, 64);
  body = new TransformerEncoder(new TransformerEncoderLayer(64, 4, { dimFeedforward: 128, dropout: 0, batchFirst: true, normFirst: true }), 2);
  head = new Linear(64, letters.length);

  forward(x: Tensor): Tensor {
    const h = this.letter.forward(x).add(this.position.forward(arange(x.shape[1]))); // (B, T, 64)
    return this.head.forward(this.body.forward(h, { mask: causal, isCausal: true }));
  }
}

/** Goes on writing after the start of a sentence. */
function write(model: Writer, start: string, count: number): string {
  let written = start;
  noGrad(() => {
    while (written.length < start.length + count) {
      const seen = written.slice(-T).padStart(T, ' ');
      const logits = model.forward(encode(seen).unsqueeze(0)).select(1, -1);
      written += letters[multinomial(F.softmax(logits, -1), 1).item()];
    }
  });
  return written.slice(start.length);
}

/** Loss at guessing each next letter in some parts of a text, which begin at random: (count, T + 1) letters. */
function lossOn(model: Writer, codes: Tensor, count: number): Tensor {
  const starts = randint(0, codes.numel() - T - 1, [count]).data();
  const parts = stack([...starts].map((at) => codes.narrow(0, at, T + 1)));
  return F.crossEntropy(model.forward(parts.narrow(1, 0, T)).flatten(0, 1), parts.narrow(1, 1, T).flatten());
}

/** Share of the words written that are words. */
function spelled(line: string): number {
  const all = line.split(/[ .]+/).filter((w) => w !== '').slice(0, -1);
  return all.filter((w) => known.has(w)).length / all.length;
}

const model = new Writer();
const optimizer = new AdamW(model.parameters(), { lr: 3e-3 });
const ema = new ExponentialMovingAverage(model, { momentum: 0.02 });
for (let step = 1; step <= 300; step++) {
  optimizer.zeroGrad();
  const loss = lossOn(model, codes, 16);
  loss.backward();
  optimizer.step();
  ema.updateParameters(model);
  if (step % 100 === 0) console.log(`step ${step}  loss ${loss.item().toFixed(3)}`);
}

const prompt = sentence() + 'the ';
for (const [name, net] of [['raw', model], ['average', ema.module]] as const) {
  const line = write(net, prompt, 120);
  manualSeed(2); // the same parts for both
  const loss = noGrad(() => lossOn(net, unseen, 200)).item();
  console.log(`\n${name}: ${line.trim()}\n  words spelled right: ${(100 * spelled(line)).toFixed(0)} %, loss on unseen text ${loss.toFixed(4)}`);
}
const choices = Math.log(3 * 4 * 3 * 3 * 4); // of size, animal, verb, size and animal
console.log(`\nNobody can get below ${((choices * 100) / unseen.numel()).toFixed(4)}: which words come is chance.`);

// Digits squeezed through four numbers and drawn again. node --import tsx examples/autoencoder.ts
import { Adam, DataLoader, F, Linear, ReLU, Sequential, Sigmoid, TensorDataset, manualSeed, noGrad } from '../index.ts';
import { drawImages, loadDigits } from './digitData.ts';

manualSeed(0);
const { train, test } = await loadDigits();
const encoder = new Sequential(new Linear(64, 64), new ReLU(), new Linear(64, 4));
const decoder = new Sequential(new Linear(4, 64), new ReLU(), new Linear(64, 64), new Sigmoid());
const model = new Sequential(encoder, decoder);
const optimizer = new Adam(model.parameters(), { lr: 3e-3 });
const loader = new DataLoader(new TensorDataset(train.images.flatten(1)), { batchSize: 32, shuffle: true });
const unseen = test.images.flatten(1);
const mean = train.images.flatten(1).mean(0).expandAs(unseen);
console.log(`Error on other writers' digits\nthe mean digit for each  ${F.mseLoss(mean, unseen).item().toFixed(4)}`);
for (let epoch = 1; epoch <= 30; epoch++) {
  for (const [x] of loader) {
    optimizer.zeroGrad();
    F.mseLoss(model.forward(x), x).backward();
    optimizer.step();
  }
  if (epoch % 10 === 0) console.log(`epoch ${epoch}                 ${noGrad(() => F.mseLoss(model.forward(unseen), unseen)).item().toFixed(4)}`);
}
const seen = test.images.narrow(0, 0, 6);
const drawn = noGrad(() => model.forward(seen.flatten(1))).reshape(seen.shape);
console.log(`\ndigits\n${drawImages(seen)}\n\nfrom four numbers each\n${drawImages(drawn)}`);

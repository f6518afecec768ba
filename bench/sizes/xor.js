// XOR, as in examples/xor.ts, for a page.
import { Adam, BCEWithLogitsLoss, ExponentialMovingAverage, Linear, Sequential, Tanh, manualSeed, sigmoid, tensor } from 'polyak/lean';

manualSeed(0);
const [x, y] = [tensor([[0, 0], [0, 1], [1, 0], [1, 1]]), tensor([[0], [1], [1], [0]])];
const model = new Sequential(new Linear(2, 8), new Tanh(), new Linear(8, 1));
const criterion = new BCEWithLogitsLoss();
const optimizer = new Adam(model.parameters(), { lr: 0.05 });
const average = new ExponentialMovingAverage(model, { momentum: 0.05 });
for (let step = 1; step <= 300; step++) {
  optimizer.zeroGrad();
  criterion.forward(model.forward(x), y).backward();
  optimizer.step();
  average.updateParameters(model);
}
console.log('average says', sigmoid(average.forward(x)).data());

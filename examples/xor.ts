// XOR in 12 lines and an import. node --import tsx examples/xor.ts
import { Adam, ExponentialMovingAverage, F, Linear, Sequential, Tanh, manualSeed, tensor } from '../index.ts';

manualSeed(0);
const [x, y] = [tensor([[0, 0], [0, 1], [1, 0], [1, 1]]), tensor([[0], [1], [1], [0]])];
const model = new Sequential(new Linear(2, 8), new Tanh(), new Linear(8, 1));
const optimizer = new Adam(model.parameters(), { lr: 0.05 });
const average = new ExponentialMovingAverage(model, { momentum: 0.05 });
for (let step = 1; step <= 300; step++) {
  optimizer.zeroGrad();
  F.binaryCrossEntropyWithLogits(model.forward(x), y).backward();
  optimizer.step();
  average.updateParameters(model);
}
console.log('average says', average.forward(x).sigmoid().reshape([4]).array()); // close to 0, 1, 1, 0

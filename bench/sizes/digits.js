// A convolutional net with all that goes with it.
import {
  AdamW, BatchNorm2d, Conv2d, CosineAnnealingLR, CrossEntropyLoss, DataLoader, Dropout, ExponentialMovingAverage, Flatten, Linear, MaxPool2d, ReLU, Sequential, TensorDataset, argmax, eq, manualSeed, noGrad,
  rand, randint, readSafetensors, sum, writeSafetensors,
} from 'polyak/lean';

manualSeed(0);
const data = new TensorDataset(rand([64, 1, 8, 8]), randint(0, 10, [64]));
const model = new Sequential(new Conv2d(1, 16, 3), new BatchNorm2d(16), new ReLU(), new MaxPool2d(2), new Dropout(0.2), new Flatten(), new Linear(144, 10));
const criterion = new CrossEntropyLoss();
const optimizer = new AdamW(model.parameters(), { lr: 0.01 });
const schedule = new CosineAnnealingLR(optimizer, 8);
const average = new ExponentialMovingAverage(model, { momentum: 0.1 });
for (let epoch = 0; epoch < 8; epoch++) {
  for (const [x, y] of new DataLoader(data, { batchSize: 16, shuffle: true })) {
    optimizer.zeroGrad();
    criterion.forward(model.forward(x), y).backward();
    optimizer.step();
    average.updateParameters(model);
  }
  schedule.step();
}
const [images, labels] = data.tensors;
average.eval();
const right = noGrad(() => sum(eq(argmax(average.forward(images), 1), labels)).item());
model.loadStateDict(readSafetensors(writeSafetensors(average.module.stateDict())).tensors);
console.log('right', right, 'of', labels.numel());

// Learning from 60 labels: the average is the teacher of the net that it averages (Tarvainen & Valpola 2017). node --import tsx examples/meanTeacher.ts
import { Adam, ExponentialMovingAverage, F, type Tensor, manualSeed, noGrad, pad, randint, randn, randperm } from '../index.ts';
import { accuracy, loadDigits, percent } from './digitData.ts';
import { DigitNet } from './digitNet.ts';

const { train, test } = await loadDigits();
const [LABELS, STEPS, BATCH] = [60, 600, 64];

/** What the writer might as well have drawn: moved by up to one pixel, with noise. */
function disturbed(images: Tensor): Tensor {
  const [down, right] = randint(0, 3, [2]).data();
  return pad(images, [1, 1, 1, 1]).narrow(2, down, 8).narrow(3, right, 8).add(randn(images.shape).mul(0.1));
}

/** Trains on the labelled images, and with a teacher on all the others too. */
function learn(taught: boolean): void {
  manualSeed(0);
  const labelled = randperm(train.labels.shape[0]).narrow(0, 0, LABELS);
  const [images, labels] = [train.images.indexSelect(0, labelled), train.labels.indexSelect(0, labelled)];
  const student = new DigitNet();
  const teacher = new ExponentialMovingAverage(student, { momentum: 0.02, updateBuffers: true });
  const optimizer = new Adam(student.parameters(), { lr: 3e-3 });
  for (let step = 0; step < STEPS; step++) {
    optimizer.zeroGrad();
    let loss = F.crossEntropy(student.forward(disturbed(images)), labels);
    if (taught && step > 0) {
      const some = train.images.indexSelect(0, randint(0, train.labels.shape[0], [BATCH]));
      const told = noGrad(() => F.softmax(teacher.forward(disturbed(some)), 1));
      const weight = 8 * Math.min(1, step / 200); // the teacher knows little at first
      loss = loss.add(F.mseLoss(F.softmax(student.forward(disturbed(some)), 1), told).mul(weight));
    }
    loss.backward();
    optimizer.step();
    teacher.updateParameters(student);
  }
  console.log(`${taught ? 'with a teacher' : 'labels alone  '}  student ${percent(accuracy(student, test))}  average ${percent(accuracy(teacher, test))}`);
}

console.log(`Accuracy on 360 digits by other writers, from ${LABELS} labelled digits and ${train.labels.shape[0]} without labels`);
learn(false);
learn(true);

import {
  BatchNorm2d, Conv2d, DataLoader, F, Linear, Module, type Optimizer, SGD, type Tensor, TensorDataset, loadIdx, manualSeed, noGrad, randint, zeros,
} from '../index.ts';

// The net and data that the experiments in docs/experiments share: handwritten digits, 1,437 to train on and 360 by other writers to test on.

/** Two convolutions with batch normalisation and a linear layer: 8x8 images to 10 classes. */
export class Net extends Module {
  conv1 = new Conv2d(1, 8, 3, { padding: 1 });
  norm1 = new BatchNorm2d(8);
  conv2 = new Conv2d(8, 16, 3, { padding: 1 });
  norm2 = new BatchNorm2d(16);
  head = new Linear(16 * 2 * 2, 10);

  forward(x: Tensor): Tensor {
    const a = F.maxPool2d(this.norm1.forward(this.conv1.forward(x)).relu(), 2); // (N, 8, 4, 4)
    const b = F.maxPool2d(this.norm2.forward(this.conv2.forward(a)).relu(), 2); // (N, 16, 2, 2)
    return this.head.forward(b.flatten(1));
  }
}

/** Any net from images to logits. */
export type Classifier = Module & { forward(x: Tensor): Tensor };

const TRAIN = 1437;
const file = (name: string): URL => new URL(`../examples/data/${name}`, import.meta.url);
const images = (await loadIdx(file('digits-images.idx3-ubyte'))).to('float32').div(16).unsqueeze(1); // (1797, 1, 8, 8)
const labels = (await loadIdx(file('digits-labels.idx1-ubyte'))).to('int64');

/** What is trained on. */
export const trainSet = new TensorDataset(images.narrow(0, 0, TRAIN), labels.narrow(0, 0, TRAIN));
const [testImages, testLabels] = [images.narrow(0, TRAIN, 360), labels.narrow(0, TRAIN, 360)];

/** Mean cross entropy and share of right answers on the test digits, with the model in eval mode. */
export function evaluate(model: Classifier): { readonly loss: number; readonly accuracy: number } {
  const { training } = model;
  model.eval();
  try {
    return noGrad(() => {
      const logits = model.forward(testImages);
      return { loss: F.crossEntropy(logits, testLabels).item(), accuracy: logits.argmax(1).eq(testLabels).to('float32').mean().item() };
    });
  } finally {
    model.train(training);
  }
}

/** The images moved by up to one pixel each way. */
export function shifted(x: Tensor): Tensor {
  const [n, channels, height, width] = x.shape;
  const frame = zeros([n, channels, height + 2, width + 2]);
  frame.narrow(2, 1, height).narrow(3, 1, width).copy_(x);
  const [down, right] = randint(0, 3, [2]).data();
  return frame.narrow(2, down, height).narrow(3, right, width);
}

/** How to train. */
export interface Training {
  readonly seed: number;
  /** Default 8. */
  readonly epochs?: number;
  /** Default 32. */
  readonly batchSize?: number;
  /** Constant over the run; default 0.1. */
  readonly lr?: number;
  /** Called once with the fresh net. */
  readonly start?: (model: Net, optimizer: Optimizer) => void;
  /** Called after every step, with the number of steps so far. */
  readonly afterStep?: (model: Net, step: number) => void;
}

/** Trains the net by SGD with momentum 0.9 at a constant rate, and returns it. */
export function train({ seed, epochs = 8, batchSize = 32, lr = 0.1, start, afterStep }: Training): Net {
  manualSeed(seed);
  const model = new Net();
  const optimizer = new SGD(model.parameters(), { lr, momentum: 0.9 });
  const loader = new DataLoader(trainSet, { batchSize, shuffle: true, dropLast: true });
  start?.(model, optimizer);
  let step = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const [x, y] of loader) {
      optimizer.zeroGrad();
      F.crossEntropy(model.forward(shifted(x)), y).backward();
      optimizer.step();
      afterStep?.(model, ++step);
    }
  }
  return model;
}

/** The mean of some numbers. */
export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Prints a row of a table: a name, and numbers under headings of the same width. */
export function row(name: string, ...cells: readonly (string | number)[]): void {
  console.log([name.padEnd(34), ...cells.map((c) => (typeof c === 'number' ? c.toFixed(3) : c).padStart(12))].join('').trimEnd());
}

/** A share as a percentage with one digit. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Loss and accuracy of nets by name, over several seeds. */
export class Results {
  private readonly byName = new Map<string, { readonly loss: number[]; readonly accuracy: number[] }>();

  /** Evaluates a net. */
  record(name: string, model: Classifier): void {
    const { loss, accuracy } = evaluate(model);
    const before = this.byName.get(name) ?? { loss: [], accuracy: [] };
    this.byName.set(name, before);
    before.loss.push(loss);
    before.accuracy.push(accuracy);
  }

  /** Prints the means as a table. */
  print(): void {
    row('', 'accuracy', 'loss');
    for (const [name, { loss, accuracy }] of this.byName) row(name, percent(mean(accuracy)), mean(loss));
  }
}

import { BatchNorm2d, Conv2d, F, Linear, Module, type Tensor } from '../index.ts';

/** Two convolutions with batch normalisation, then a linear layer: 8x8 images to 10 classes. */
export class DigitNet extends Module {
  conv1 = new Conv2d(1, 16, 3, { padding: 1 });
  norm1 = new BatchNorm2d(16);
  conv2 = new Conv2d(16, 32, 3, { padding: 1 });
  norm2 = new BatchNorm2d(32);
  head = new Linear(32 * 2 * 2, 10);

  forward(x: Tensor): Tensor {
    const a = F.maxPool2d(this.norm1.forward(this.conv1.forward(x)).relu(), 2); // (N, 16, 4, 4)
    const b = F.maxPool2d(this.norm2.forward(this.conv2.forward(a)).relu(), 2); // (N, 32, 2, 2)
    return this.head.forward(b.flatten(1));
  }
}

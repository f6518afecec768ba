import { type Module, type Tensor, loadIdx, noGrad, randint, zeros } from '../index.ts';

/** Images and what they show. */
export interface Digits {
  /** (N, 1, 8, 8), from 0 to 1 */
  readonly images: Tensor;
  /** (N), from 0 to 9 */
  readonly labels: Tensor;
}

const TRAIN = 1437; // the rest is by other writers

/** The handwritten digits of `examples/data`: 1,437 to train on, 360 by other writers to test on. */
export async function loadDigits(folder: URL = new URL('data/', import.meta.url)): Promise<{ readonly train: Digits; readonly test: Digits }> {
  const images = (await loadIdx(new URL('digits-images.idx3-ubyte', folder))).to('float32').div(16).unsqueeze(1);
  const labels = (await loadIdx(new URL('digits-labels.idx1-ubyte', folder))).to('int64');
  const part = (from: number, count: number): Digits => ({ images: images.narrow(0, from, count), labels: labels.narrow(0, from, count) });
  return { train: part(0, TRAIN), test: part(TRAIN, 360) };
}

/** The images moved by up to one pixel each way: what a writer might as well have drawn. */
export function shifted(images: Tensor): Tensor {
  const [n, channels, height, width] = images.shape;
  const frame = zeros([n, channels, height + 2, width + 2]);
  frame.narrow(2, 1, height).narrow(3, 1, width).copy_(images);
  const [down, right] = randint(0, 3, [2]).data();
  return frame.narrow(2, down, height).narrow(3, right, width);
}

/** Share of images whose largest logit is their label, with the model in eval mode. */
export function accuracy(model: Module & { forward(x: Tensor): Tensor }, { images, labels }: Digits): number {
  const { training } = model;
  model.eval();
  try {
    return noGrad(() => model.forward(images).argmax(1).eq(labels).to('float32').mean().item());
  } finally {
    model.train(training);
  }
}

/** A share as a text. */
export const percent = (v: number): string => `${(100 * v).toFixed(1)} %`;

/** Images side by side as text, two characters a pixel. */
export function drawImages(images: Tensor): string {
  const shades = ' .:-=+*#%@';
  const [n, height, width] = [images.shape[0], images.shape.at(-2) ?? 0, images.shape.at(-1) ?? 0];
  const values = images.clamp(0, 1).data();
  const pixel = (i: number, r: number, c: number): string => shades[Math.round(values[(i * height + r) * width + c] * (shades.length - 1))].repeat(2);
  const line = (r: number): string => Array.from({ length: n }, (_, i) => Array.from({ length: width }, (_, c) => pixel(i, r, c)).join('')).join('  ');
  return Array.from({ length: height }, (_, r) => line(r).trimEnd()).join('\n');
}

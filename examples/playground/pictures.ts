import type { Ready } from './protocol.ts';
import { EXTENT } from './extent.ts';

/** Colours of the two classes, of no number, and of right and wrong. */
const CLASSES = [[37, 99, 235], [234, 88, 12]] as const;
const NOTHING = [156, 163, 175] as const;
const [RIGHT, WRONG] = ['#15803d', '#dc2626'] as const;

function context(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const made = canvas.getContext('2d');
  if (made === null) throw new Error('this browser draws no canvas');
  return made;
}

/** The probabilities of class 1 on a square grid as colours, between white where the net is in doubt and a colour where it is sure; grey where it gives no number. */
function decisions(values: Float32Array): ImageData {
  const side = Math.sqrt(values.length);
  const image = new ImageData(side, side);
  values.forEach((p, i) => {
    const color = Number.isNaN(p) ? NOTHING : CLASSES[p > 0.5 ? 1 : 0];
    const sure = Number.isNaN(p) ? 1 : Math.min(1, Math.abs(p - 0.5) * 2) * 0.75 + 0.05;
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = 255 + (color[c] - 255) * sure;
    image.data[4 * i + 3] = 255;
  });
  return image;
}

/** Draws what a net decides, and the points that it learns from. */
export function drawPoints(canvas: HTMLCanvasElement, values: Float32Array, { inputs, labels }: Ready): void {
  const to = context(canvas);
  const { width, height } = canvas;
  const image = decisions(values);
  const small = new OffscreenCanvas(image.width, image.height);
  small.getContext('2d')?.putImageData(image, 0, 0);
  to.imageSmoothingEnabled = true;
  to.drawImage(small, 0, 0, width, height);
  const place = (v: number): number => ((v + EXTENT) / (2 * EXTENT)) * width;
  const unit = width / 320;
  to.lineWidth = 1.2 * unit;
  to.strokeStyle = '#fff';
  labels.forEach((label, i) => {
    const [r, g, b] = CLASSES[label === 1 ? 1 : 0];
    to.fillStyle = `rgb(${r * 0.8} ${g * 0.8} ${b * 0.8})`;
    to.beginPath();
    to.arc(place(inputs[2 * i]), height - place(inputs[2 * i + 1]), 3.2 * unit, 0, 2 * Math.PI);
    to.fill();
    to.stroke();
  });
}

/** How many digits are taken for others. */
export function misread(guesses: Float32Array, labels: Float32Array): number {
  return labels.reduce((n, label, i) => n + Number(guesses[i] !== label), 0);
}

/** Draws digits, each with what a net takes it for: green where it is right; red, and in a frame, where it is wrong. */
export function drawDigits(canvas: HTMLCanvasElement, guesses: Float32Array, { inputs, labels }: Ready): void {
  const to = context(canvas);
  const across = Math.ceil(Math.sqrt(labels.length));
  const tile = canvas.width / across;
  to.fillStyle = '#111418';
  to.fillRect(0, 0, canvas.width, canvas.height);
  to.textAlign = 'center';
  to.textBaseline = 'middle';
  to.font = `bold ${tile * 0.27}px system-ui, sans-serif`;
  const [side, edge] = [tile * 0.9, tile * 0.05];
  labels.forEach((label, k) => {
    const [x, y] = [(k % across) * tile + edge, Math.floor(k / across) * tile + edge];
    to.imageSmoothingEnabled = false;
    to.drawImage(digit(inputs.subarray(64 * k, 64 * k + 64)), x, y, side, side);
    const right = guesses[k] === label;
    to.fillStyle = to.strokeStyle = right ? RIGHT : WRONG;
    to.lineWidth = tile * 0.05;
    if (!right) to.strokeRect(x, y, side, side);
    to.fillRect(x + side * 0.7, y + side * 0.64, side * 0.3, side * 0.36);
    to.fillStyle = '#fff';
    to.fillText(String(guesses[k]), x + side * 0.85, y + side * 0.84);
  });
}

/** An image of 8x8 values from 0 to 1. */
function digit(values: Float32Array): OffscreenCanvas {
  const image = new ImageData(8, 8);
  values.forEach((v, i) => image.data.set([40 + 200 * v, 40 + 200 * v, 40 + 200 * v, 255], 4 * i));
  const made = new OffscreenCanvas(8, 8);
  made.getContext('2d')?.putImageData(image, 0, 0);
  return made;
}

import type { Ready } from './protocol.ts';
import { EXTENT } from './extent.ts';

/** Colours of the two classes, and of right and wrong. */
const CLASSES = [[37, 99, 235], [234, 88, 12]] as const;
const [RIGHT, WRONG] = ['#15803d', '#dc2626'] as const;

function context(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const made = canvas.getContext('2d');
  if (made === null) throw new Error('this browser draws no canvas');
  return made;
}

/** The probabilities of class 1 on a square grid as colours, between white where the net is in doubt and a colour where it is sure. */
function decisions(values: Float32Array): ImageData {
  const side = Math.sqrt(values.length);
  const image = new ImageData(side, side);
  values.forEach((p, i) => {
    const color = CLASSES[p > 0.5 ? 1 : 0];
    const sure = Math.min(1, Math.abs(p - 0.5) * 2) * 0.75 + 0.05;
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
  to.lineWidth = 1.5;
  to.strokeStyle = '#fff';
  labels.forEach((label, i) => {
    const [r, g, b] = CLASSES[label === 1 ? 1 : 0];
    to.fillStyle = `rgb(${r * 0.8} ${g * 0.8} ${b * 0.8})`;
    to.beginPath();
    to.arc(place(inputs[2 * i]), height - place(inputs[2 * i + 1]), 3.5, 0, 2 * Math.PI);
    to.fill();
    to.stroke();
  });
}

/** Draws digits, each with what a net takes it for: green where it is right, red where it is wrong. */
export function drawDigits(canvas: HTMLCanvasElement, guesses: Float32Array, { inputs, labels }: Ready): void {
  const to = context(canvas);
  const across = Math.ceil(Math.sqrt(labels.length));
  const tile = canvas.width / across;
  to.fillStyle = '#111418';
  to.fillRect(0, 0, canvas.width, canvas.height);
  to.textAlign = 'right';
  to.textBaseline = 'alphabetic';
  to.font = `bold ${tile * 0.32}px system-ui, sans-serif`;
  const dot = (tile * 0.82) / 8;
  labels.forEach((label, k) => {
    const [x, y] = [(k % across) * tile, Math.floor(k / across) * tile];
    for (let i = 0; i < 64; i++) {
      const shade = Math.round(40 + 200 * inputs[64 * k + i]);
      to.fillStyle = `rgb(${shade} ${shade} ${shade})`;
      to.fillRect(x + 2 + (i % 8) * dot, y + 2 + Math.floor(i / 8) * dot, dot + 0.5, dot + 0.5);
    }
    const right = guesses[k] === label;
    to.fillStyle = right ? RIGHT : WRONG;
    to.fillRect(x + tile * 0.7, y + tile * 0.62, tile * 0.26, tile * 0.36);
    to.fillStyle = '#fff';
    to.fillText(String(guesses[k]), x + tile * 0.92, y + tile * 0.92);
  });
}

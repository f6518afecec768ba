import { cpu } from '../device.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';

/** Pixels as a canvas gives them: four bytes each, red, green, blue and opacity, row by row. An `ImageData` is one. */
export interface ImageLike {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray | Uint8Array;
}

/** Options of `imageToTensor`. */
export interface ImageToTensorOptions {
  /** 1 for grey (0.299 red + 0.587 green + 0.114 blue, as PIL), 3 without opacity, 4 with it; default 3. */
  readonly channels?: 1 | 3 | 4;
  /** 'float32' from 0 to 1, or 'uint8' as they are; default 'float32'. */
  readonly dtype?: 'float32' | 'uint8';
  /** What is subtracted from each channel; default nothing. */
  readonly mean?: readonly number[];
  /** What each channel is divided by after that; default 1. */
  readonly std?: readonly number[];
}

/** Options of `tensorToImage`. */
export interface TensorToImageOptions {
  /** What each channel was divided by; default 1. */
  readonly std?: readonly number[];
  /** What was subtracted from each channel; default nothing. */
  readonly mean?: readonly number[];
}

/**
 * An image as a tensor, channels first: (channels, height, width), as torchvision's ToTensor and Normalize make it:
 * `(value / 255 - mean) / std`.
 *
 * @param image - an `ImageData`, or its width, height and bytes
 * @throws ArgumentError for anything else, and for options out of range
 * @see https://pytorch.org/vision/stable/generated/torchvision.transforms.ToTensor.html
 */
export function imageToTensor(image: ImageLike, options: ImageToTensorOptions = {}): Tensor {
  const op = 'imageToTensor';
  checkOptions(op, options, ['channels', 'dtype', 'mean', 'std']);
  const { channels = 3, dtype = 'float32' } = options;
  if (![1, 3, 4].includes(channels)) throw new ArgumentError(`${op}: invalid channels, got ${show(channels)}; expected 1, 3 or 4`);
  if (dtype !== 'float32' && dtype !== 'uint8') throw new ArgumentError(`${op}: invalid dtype, got ${show(dtype)}; expected 'float32' or 'uint8'`);
  const { width, height, data } = checkImage(op, image);
  const n = width * height;
  const bytes = channels === 1 ? greyOf(data, n) : planesOf(data, n, channels);
  if (dtype === 'uint8') {
    if (options.mean !== undefined || options.std !== undefined) throw new ArgumentError(`${op}: options do not go together, got mean or std with dtype 'uint8'; expected 'float32'`);
    return new Tensor(cpu.adopt('uint8', bytes), [channels, height, width]);
  }
  const { mean, std } = checkScale(op, options, channels);
  const out = new Float32Array(bytes.length);
  for (let c = 0; c < channels; c++) {
    const [m, s] = [Math.fround(mean[c]), Math.fround(std[c])];
    for (let i = c * n; i < (c + 1) * n; i++) out[i] = Math.fround(Math.fround(bytes[i] / 255) - m) / s;
  }
  return new Tensor(cpu.adopt('float32', out), [channels, height, width]);
}

function checkImage(op: string, image: unknown): ImageLike {
  const { width, height, data } = typeof image === 'object' && image !== null ? (image as Partial<Record<keyof ImageLike, unknown>>) : {};
  if (!(data instanceof Uint8ClampedArray || data instanceof Uint8Array) || !Number.isSafeInteger(width) || !Number.isSafeInteger(height)) {
    throw new ArgumentError(`${op}: not an image, got ${show(image)}; expected an ImageData, or { width, height, data }`);
  }
  const [w, h] = [width as number, height as number];
  if (w < 0 || h < 0 || data.length !== 4 * w * h) throw new ArgumentError(`${op}: the bytes do not fit, got ${data.length} for ${w}x${h}; expected four per pixel`);
  return { width: w, height: h, data };
}

function planesOf(data: ImageLike['data'], n: number, channels: number): Uint8Array {
  const out = new Uint8Array(channels * n);
  for (let c = 0; c < channels; c++) for (let i = 0; i < n; i++) out[c * n + i] = data[4 * i + c];
  return out;
}

/** ITU-R 601-2 luma with the whole numbers of PIL. */
function greyOf(data: ImageLike['data'], n: number): Uint8Array {
  const out = new Uint8Array(n);
  for (let i = 0; i < n; i++) out[i] = (data[4 * i] * 19595 + data[4 * i + 1] * 38470 + data[4 * i + 2] * 7471 + 0x8000) >> 16;
  return out;
}

function checkScale(op: string, { mean, std }: TensorToImageOptions, channels: number): { mean: readonly number[]; std: readonly number[] } {
  const check = (name: string, values: readonly number[] | undefined, fallback: number): readonly number[] => {
    if (values === undefined) return Array.from({ length: channels }, () => fallback);
    const given: unknown = values;
    const good = Array.isArray(given) && given.length === channels && values.every((v) => Number.isFinite(v) && (name === 'mean' || v > 0));
    if (!good) throw new ArgumentError(`${op}: invalid ${name}, got ${show(values)}; expected ${channels} ${name === 'mean' ? 'finite numbers' : 'numbers > 0'}`);
    return values;
  };
  return { mean: check('mean', mean, 0), std: check('std', std, 1) };
}

/**
 * A tensor as an image: (height, width) or (1, height, width) as grey, (3, height, width) as colour, (4, height, width) with
 * opacity. Floats are taken from 0 to 1, cut off and rounded, uint8 as they are.
 *
 * @returns an `ImageData` where there is that class, in browsers, and otherwise an object with the same fields
 * @throws ShapeError for other shapes, DTypeError for other dtypes, ArgumentError for options out of range
 */
export function tensorToImage(x: Tensor, options: TensorToImageOptions = {}): ImageLike {
  const op = 'tensorToImage';
  if (!(x instanceof Tensor)) throw new ArgumentError(`${op}: not a tensor, got ${show(x)}; expected a Tensor`);
  checkOptions(op, options, ['mean', 'std']);
  const [channels, height, width] = x.ndim === 2 ? [1, ...x.shape] : x.shape;
  if (x.ndim < 2 || x.ndim > 3 || ![1, 3, 4].includes(channels)) throw new ShapeError(`${op}: not an image, got ${show(x)}; expected (height, width), or 1, 3 or 4 channels first`);
  const bytes = x.dtype === 'uint8';
  if (!bytes && x.dtype !== 'float32' && x.dtype !== 'float64') throw new DTypeError(`${op}: not pixels, got ${show(x)}; expected floats or uint8`);
  if (bytes && (options.mean !== undefined || options.std !== undefined)) throw new ArgumentError(`${op}: options do not go together, got mean or std for ${show(x)}; expected floats`);
  const { mean, std } = checkScale(op, options, channels);
  const cells = x.data();
  const n = height * width;
  const data = new Uint8ClampedArray(4 * n).fill(255);
  for (let c = 0; c < Math.max(3, channels); c++) {
    const from = channels === 1 ? 0 : c;
    for (let i = 0; i < n; i++) {
      const value = cells[from * n + i];
      data[4 * i + c] = bytes ? value : (value * std[from] + mean[from]) * 255;
    }
  }
  return typeof ImageData === 'function' && n > 0 ? new ImageData(data, width, height) : { width, height, data };
}

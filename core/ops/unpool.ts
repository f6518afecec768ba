import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkNumber, checkOptions, show } from '../errors.ts';
import type { Generator } from '../random.ts';
import { results } from '../results.ts';
import { sameShape } from '../shape.ts';
import { type Tensor, emptyTensor } from '../tensor.ts';
import { tensor } from './creation.ts';
import type { NamedList } from './byName.ts';
import { type Free, checkTensor, free } from './define.ts';
import { checkIndex, gather } from './gather.ts';
import { scatter } from './scatterReduce.ts';
import type { MaxPoolResult } from './maxPool.ts';
import { avgPool1d, avgPool2d } from './pool.ts';
import { avgPool3d } from './pool3d.ts';
import { rand } from './random.ts';
import type { Size } from './spatial.ts';
import { reshape } from './view.ts';

const family = 'pooling';

function sizesOf(name: string, key: string, value: unknown, rank: number, least: number): readonly number[] {
  const list: unknown[] = Array.isArray(value) ? value : new Array<unknown>(rank).fill(value);
  if (list.length !== rank || !list.every((n) => Number.isInteger(n) && (n as number) >= least)) {
    throw new ArgumentError(`${name}: invalid ${key}, got ${show(value)}; expected an integer ≥ ${least}${rank === 1 ? '' : `, or ${rank} of them`}`);
  }
  return list as number[];
}

// ---- back from max pools ----

/** Options of the unpools. */
export interface MaxUnpoolOptions {
  /** Step between windows; default the kernel size. */
  readonly stride?: Size | null;
  /** Padding of the pool; default 0. */
  readonly padding?: Size;
  /** Spatial sizes of the result, which a pool does not tell apart within a stride; also a whole shape. */
  readonly outputSize?: readonly number[] | null;
}

interface MaxUnpoolArguments extends MaxUnpoolOptions {
  readonly indices?: Tensor;
  readonly kernelSize?: Size;
}

type MaxUnpool = Free<NamedList<[indices: Tensor, kernelSize: Size, stride?: Size | MaxUnpoolOptions | null, options?: MaxUnpoolOptions], MaxUnpoolArguments, Tensor>>;

function unpool(name: string, rank: number, samples: MaxUnpool['samples']): MaxUnpool {
  return free({ name, parameters: ['indices', 'kernelSize', 'stride', 'options', 'padding', 'outputSize'], family, torch: `nn.functional.max_unpool${rank}d`, samples }, (x: Tensor, indices: Tensor, kernelSize: Size, stride?: Size | MaxUnpoolOptions | null, last?: MaxUnpoolOptions): Tensor => {
    checkTensor(name, x);
    if (!isFloat(x.dtype)) throw new DTypeError(`${name}: not a float tensor, got ${show(x)}; expected float32 or float64`);
    checkIndex(name, indices, 'indices');
    const keyed = typeof stride === 'object' && stride !== null && !Array.isArray(stride);
    const options: MaxUnpoolOptions = keyed ? (stride as MaxUnpoolOptions) : { ...last, ...(stride !== undefined && stride !== null && { stride: stride as Size }) };
    checkOptions(name, options, ['stride', 'padding', 'outputSize']);
    if (x.ndim !== rank + 1 && x.ndim !== rank + 2) throw new ShapeError(`${name}: wrong number of dimensions, got ${show(x)}; expected ${rank + 1} or ${rank + 2}`);
    if (!sameShape(x.shape, indices.shape)) throw new ShapeError(`${name}: indices do not fit, got ${show(indices)} for ${show(x)}; expected the same shape`);
    const kernel = sizesOf(name, 'kernelSize', kernelSize, rank, 1);
    const step = sizesOf(name, 'stride', options.stride ?? kernel, rank, 1);
    const padding = sizesOf(name, 'padding', options.padding ?? 0, rank, 0);
    const spatial = x.shape.slice(-rank);
    const usual = spatial.map((n, d) => (n - 1) * step[d] - 2 * padding[d] + kernel[d]);
    const wanted = options.outputSize ?? usual;
    const size = wanted.length === rank + 2 ? wanted.slice(2) : wanted;
    if (size.length !== rank || size.some((n, d) => !(n > usual[d] - step[d] && n < usual[d] + step[d]))) {
      throw new ShapeError(`${name}: invalid outputSize, got ${show(wanted)}; expected sizes within a stride of [${usual.join(', ')}]`);
    }
    const lead = x.shape.slice(0, -rank);
    const count = size.reduce((n, length) => n * length, 1);
    const flat = [...lead, -1];
    const zeros = emptyTensor([...lead, count], x.dtype, x.device);
    if (x.numel() === 0) return reshape(zeros, [...lead, ...size]);
    return reshape(scatter(zeros, -1, reshape(indices, flat), reshape(x, flat)), [...lead, ...size]);
  });
}

/** Largest elements back at their places, zeros elsewhere: the partial inverse of `maxPool1d`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_unpool1d.html */
export const maxUnpool1d: MaxUnpool = unpool('maxUnpool1d', 1, (s) => [[s.float([1, 2, 2]), s.values([1, 2, 0, 3], [1, 2, 2], 'int64'), 2], [s.float([1, 2]), s.values([1, 4], [1, 2], 'int64'), 2, { outputSize: [5] }]]);
/** Largest elements back at their places, zeros elsewhere: the partial inverse of `maxPool2d`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_unpool2d.html */
export const maxUnpool2d: MaxUnpool = unpool('maxUnpool2d', 2, (s) => [[s.float([1, 1, 2, 2]), s.values([5, 6, 9, 15], [1, 1, 2, 2], 'int64'), 2], [s.float([1, 2, 2]), s.values([0, 4, 10, 14], [1, 2, 2], 'int64'), 2, { outputSize: [4, 5] }]]);
/** Largest elements back at their places, zeros elsewhere: the partial inverse of `maxPool3d`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_unpool3d.html */
export const maxUnpool3d: MaxUnpool = unpool('maxUnpool3d', 3, (s) => [[s.float([1, 1, 1, 2, 1]), s.values([3, 12], [1, 1, 1, 2, 1], 'int64'), 2]]);

// ---- power averages ----

/** Options of the power pools. */
export interface LpPoolOptions {
  /** Step between windows; default the kernel size. */
  readonly stride?: Size | null;
  /** Keep a last window that is only partly inside; default false. */
  readonly ceilMode?: boolean;
}

type LpPool = Free<
  NamedList<[normType: number, kernelSize: Size, stride?: Size | LpPoolOptions | null, ceilMode?: boolean], LpPoolOptions & { readonly normType?: number; readonly kernelSize?: Size }, Tensor>
>;

function lpPool(name: string, rank: 1 | 2 | 3, torch: string | null, samples: LpPool['samples']): LpPool {
  return free({ name, parameters: ['normType', 'kernelSize', 'stride', 'ceilMode'], family, torch, samples }, (x: Tensor, normType: number, kernelSize: Size, stride?: Size | LpPoolOptions | null, ceilMode?: boolean): Tensor => {
    checkTensor(name, x);
    const keyed = typeof stride === 'object' && stride !== null && !Array.isArray(stride);
    const options: LpPoolOptions = keyed ? (stride as LpPoolOptions) : { ...(stride !== undefined && stride !== null && { stride: stride as Size }), ...(ceilMode !== undefined && { ceilMode }) };
    checkOptions(name, options, ['stride', 'ceilMode']);
    checkNumber(name, 'normType', normType, 'a number other than 0', (p) => p !== 0);
    const kernel = sizesOf(name, 'kernelSize', kernelSize, rank, 1);
    const count = kernel.reduce((n, k) => n * k, 1);
    const pool = rank === 1 ? avgPool1d : rank === 2 ? avgPool2d : avgPool3d;
    // Whole powers of int64 have whole averages, as in PyTorch, where bools count as such.
    const mean = pool((x.dtype === 'bool' ? x.to('int64') : x).pow(normType), kernelSize, { ...options });
    return mean.sign().mul(mean.abs().relu()).mul(count).pow(1 / normType).to(isFloat(mean.dtype) ? mean.dtype : 'float32');
  });
}

/** `(Σ x^p)^(1/p)` of each window, over one dimension. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.lp_pool1d.html */
export const lpPool1d: LpPool = lpPool('lpPool1d', 1, 'nn.functional.lp_pool1d', (s) => [[s.float([1, 2, 6], 0.2, 2), 2, 2], [s.float([2, 7], 0.2, 2), 3, 3, { stride: 2 }]]);
/** `(Σ x^p)^(1/p)` of each window, over two dimensions. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.lp_pool2d.html */
export const lpPool2d: LpPool = lpPool('lpPool2d', 2, 'nn.functional.lp_pool2d', (s) => [[s.float([1, 2, 4, 4], 0.2, 2), 2, 2], [s.float([1, 1, 5, 4], 0.2, 2), 3, [2, 3], { stride: [1, 2], ceilMode: true }]]);
/** `(Σ x^p)^(1/p)` of each window, over three dimensions. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.lp_pool3d.html */
export const lpPool3d: LpPool = lpPool('lpPool3d', 3, null, (s) => [[s.float([1, 1, 2, 4, 2], 0.2, 2), 2, 2]]);

// ---- windows of random places ----

/** Options of the fractional pools: one of the first two. */
export interface FractionalMaxPoolOptions {
  readonly outputSize?: Size | null;
  /** Size of the result over that of the input, between 0 and 1. */
  readonly outputRatio?: number | readonly number[] | null;
  /** Also return where the largest elements lie; default false. */
  readonly returnIndices?: boolean;
  /** Where the windows lie: (N, C, dimensions) numbers from 0 to 1, of images the last dimension first; default random. */
  readonly randomSamples?: Tensor | null;
  /** Where the random numbers come from; default the one `manualSeed` seeds. */
  readonly generator?: Generator;
}

interface FractionalMaxPool {
  (x: Tensor, kernelSize: Size, options: FractionalMaxPoolOptions & { readonly returnIndices: true }): MaxPoolResult;
  (x: Tensor, kernelSize: Size, options: FractionalMaxPoolOptions & { readonly returnIndices?: false }): Tensor;
  (x: Tensor, kernelSize: Size, options: FractionalMaxPoolOptions): Tensor | MaxPoolResult;
}

/** Where windows begin along one dimension. */
function starts(sample: number, size: number, output: number, kernel: number): number[] {
  const alpha = (size - kernel) / (output - 1);
  return Array.from({ length: output }, (_, i) => (i === output - 1 ? size - kernel : Math.trunc((i + sample) * alpha) - Math.trunc(sample * alpha)));
}

/** Places in the flattened image of all elements of all windows of one image: (windows, elements). */
function windowPlaces(samples: readonly number[], spatial: readonly number[], output: readonly number[], kernel: readonly number[]): number[] {
  const rank = spatial.length;
  // PyTorch takes the samples of images from the last dimension on, those of volumes from the first.
  const begins = spatial.map((n, d) => starts(samples[rank === 2 ? 1 - d : d], n, output[d], kernel[d]));
  const places: number[] = [];
  const elements = (d: number, from: readonly number[], at: number): void => {
    if (d === rank) places.push(at);
    else for (let k = 0; k < kernel[d]; k++) elements(d + 1, from, at * spatial[d] + from[d] + k);
  };
  const windows = (d: number, from: readonly number[]): void => {
    if (d === rank) elements(0, from, 0);
    else for (const begin of begins[d]) windows(d + 1, [...from, begin]);
  };
  windows(0, []);
  return places;
}

function fractional(name: string, rank: 2 | 3, samples: Free<FractionalMaxPool>['samples']): Free<FractionalMaxPool> {
  return free({ name, parameters: ['kernelSize', 'options'], family, torch: `nn.functional.fractional_max_pool${rank}d`, samples }, ((x: Tensor, kernelSize: Size, options: FractionalMaxPoolOptions): Tensor | MaxPoolResult => {
    checkTensor(name, x);
    checkOptions(name, options, ['outputSize', 'outputRatio', 'returnIndices', 'randomSamples', 'generator']);
    if (x.ndim !== rank + 1 && x.ndim !== rank + 2) throw new ShapeError(`${name}: wrong number of dimensions, got ${show(x)}; expected ${rank + 1} or ${rank + 2}`);
    const [hasSize, hasRatio] = [(options.outputSize ?? null) !== null, (options.outputRatio ?? null) !== null];
    if (hasSize === hasRatio) throw new ArgumentError(`${name}: outputSize or outputRatio, got ${hasSize ? 'both' : 'neither'}; expected one of them`);
    const spatial = x.shape.slice(-rank);
    const kernel = sizesOf(name, 'kernelSize', kernelSize, rank, 1);
    const ratios = hasRatio ? [options.outputRatio ?? 0].flat() : [];
    if (ratios.some((r) => !(r > 0 && r < 1))) throw new ArgumentError(`${name}: invalid outputRatio, got ${show(options.outputRatio)}; expected numbers between 0 and 1`);
    const output = hasSize ? sizesOf(name, 'outputSize', options.outputSize, rank, 1) : spatial.map((n, d) => Math.trunc(n * (ratios[d] ?? ratios[0])));
    spatial.forEach((n, d) => {
      // As in PyTorch, volumes need one element more.
      const most = n - kernel[d] + (rank === 2 ? 1 : 0);
      if (output[d] < 1 || output[d] > most) throw new ShapeError(`${name}: windows do not fit, got ${output[d]} of ${kernel[d]} in ${n}; expected 1 to ${most}`);
    });
    const batch = x.ndim === rank + 2 ? x.shape[0] : 1;
    const channels = x.shape[x.ndim - rank - 1];
    const drawn = options.randomSamples ?? rand([batch, channels, rank], { dtype: x.dtype, device: x.device, ...(options.generator !== undefined && { generator: options.generator }) });
    if (!sameShape(drawn.shape, [batch, channels, rank])) throw new ShapeError(`${name}: randomSamples do not fit, got ${show(drawn)}; expected [${batch}, ${channels}, ${rank}]`);
    if (drawn.dtype !== x.dtype) throw new DTypeError(`${name}: randomSamples have another dtype, got ${show(drawn)} for ${show(x)}; expected ${x.dtype}`);
    const numbers = Array.from(drawn.data());
    const images = batch * channels;
    const places = Array.from({ length: images }, (_, i) => windowPlaces(numbers.slice(i * rank, (i + 1) * rank), spatial, output, kernel)).flat();
    const [windows, elements] = [output.reduce((n, k) => n * k, 1), kernel.reduce((n, k) => n * k, 1)];
    const index = tensor(Int32Array.from(places), { dtype: 'int64', device: x.device }).reshape([images, windows * elements]);
    const values = reshape(gather(reshape(x, [images, spatial.reduce((n, k) => n * k, 1)]), 1, index), [images, windows, elements]);
    const best = values.max(2);
    const shape = [...x.shape.slice(0, -rank), ...output];
    const result = reshape(best.values, shape);
    if (options.returnIndices !== true) return result;
    const chosen = gather(index.reshape([images, windows, elements]), 2, best.indices.unsqueeze(2));
    return results({ output: result, indices: reshape(chosen, shape) });
  }) as FractionalMaxPool);
}

/** Largest elements of windows that begin at random places, so that sizes shrink by any factor. @see https://pytorch.org/docs/stable/generated/torch.nn.FractionalMaxPool2d.html and Graham, Fractional Max-Pooling, 2014 */
export const fractionalMaxPool2d: Free<FractionalMaxPool> = fractional('fractionalMaxPool2d', 2, (s) => [
  [s.float([2, 3, 7, 6]), 2, { outputSize: [4, 3], randomSamples: s.float([2, 3, 2], 0, 1) }],
  [s.float([2, 8, 9]), [2, 3], { outputRatio: [0.5, 0.6], randomSamples: s.float([1, 2, 2], 0, 1), returnIndices: true }],
]);
/** The same over three dimensions. @see https://pytorch.org/docs/stable/generated/torch.nn.FractionalMaxPool3d.html */
export const fractionalMaxPool3d: Free<FractionalMaxPool> = fractional('fractionalMaxPool3d', 3, (s) => [
  [s.float([1, 2, 5, 4, 6]), 2, { outputSize: [3, 2, 4], randomSamples: s.float([1, 2, 3], 0, 1) }],
  [s.float([2, 6, 5, 4]), [3, 2, 1], { outputRatio: 0.5, randomSamples: s.float([1, 2, 3], 0, 1), returnIndices: true }],
]);

import { erf, erfinv } from '../core/cpu/special.ts';
import { type TypedArray, isFloat } from '../core/dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkNumber, show } from '../core/errors.ts';
import { empty, tensor } from '../core/ops/creation.ts';
import type { FillOptions } from '../core/ops/randomFill.ts';
import { randperm } from '../core/ops/random.ts';
import { toCamelCase } from '../core/names.ts';
import { noGrad } from '../core/tape.ts';
import { Tensor } from '../core/tensor.ts';
import { given } from '../core/given.ts';
import type { Numbers } from './given.ts';
import { isInitializing } from './initializing.ts';
import { orthonormalize } from './orthonormalize.ts';

/** What follows the layer: it decides how much variance the weights need. */
export type Nonlinearity = 'linear' | 'conv1d' | 'conv2d' | 'conv3d' | 'convTranspose1d' | 'convTranspose2d' | 'convTranspose3d' | 'conv_transpose1d' | 'conv_transpose2d' | 'conv_transpose3d' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'leaky_relu' | 'selu';

/** Options of the Kaiming initialisations. */
export interface KaimingOptions extends FillOptions {
  /** Negative slope of the leaky ReLU that follows; default 0. */
  readonly a?: number;
  /** Keep the variance of the forward pass ('fanIn', default) or of the backward pass ('fanOut'); PyTorch's spelling is understood. */
  readonly mode?: 'fanIn' | 'fanOut' | 'fan_in' | 'fan_out';
  /** What follows the layer; default 'leakyRelu'. */
  readonly nonlinearity?: Nonlinearity;
}

const linearLike: readonly string[] = ['linear', 'conv1d', 'conv2d', 'conv3d', 'convTranspose1d', 'convTranspose2d', 'convTranspose3d', 'sigmoid'];

/**
 * The factor by which a nonlinearity shrinks values: 1 for linear layers and sigmoid, 5/3 for tanh, √2 for relu, √(2/(1 + slope²)) for
 * leakyRelu, 3/4 for selu. PyTorch's spelling, such as 'leaky_relu', is understood.
 *
 * @param param - slope of leakyRelu; default 0.01
 * @throws ArgumentError for another name
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.calculate_gain
 */
export function calculateGain(nonlinearity: Nonlinearity, param?: number): number {
  if (param !== undefined) checkNumber('calculateGain', 'param', param, 'a number', Number.isFinite);
  const name = typeof nonlinearity === 'string' ? toCamelCase(nonlinearity) : nonlinearity;
  if (linearLike.includes(name)) return 1;
  if (name === 'tanh') return 5 / 3;
  if (name === 'relu') return Math.SQRT2;
  if (name === 'leakyRelu') return Math.sqrt(2 / (1 + (param ?? 0.01) ** 2));
  if (name === 'selu') return 3 / 4;
  throw new ArgumentError(`calculateGain: unknown nonlinearity, got ${show(nonlinearity)}; expected one of ${linearLike.join(', ')}, tanh, relu, leakyRelu, selu`);
}

function fill(name: string, t: Tensor, change: () => void): Tensor {
  if (!(t instanceof Tensor)) throw new ArgumentError(`${name}: not a tensor, got ${show(t)}; expected a Tensor`);
  if (isInitializing()) noGrad(change);
  return t;
}

/** Options of `uniform_`. */
export interface UniformOptions extends FillOptions {
  /** Default 0. */
  readonly a?: number;
  /** Default 1. */
  readonly b?: number;
}

/** Options of `normal_`. */
export interface NormalOptions extends FillOptions {
  /** Default 0. */
  readonly mean?: number;
  /** Default 1. */
  readonly std?: number;
}

/** Options of `xavierUniform_`, `xavierNormal_` and `orthogonal_`. */
export interface GainOptions extends FillOptions {
  /** See `calculateGain`; default 1. */
  readonly gain?: number;
}

/** Options of `truncNormal_`. */
export interface TruncNormalOptions extends NormalOptions {
  /** The smallest value; default -2. */
  readonly a?: number;
  /** The largest value; default 2. */
  readonly b?: number;
}

/** Options of `sparse_`. */
export interface SparseOptions extends FillOptions {
  /** Share of zeros in each column. */
  readonly sparsity: number;
  /** Deviation of the others; default 0.01. */
  readonly std?: number;
}

/** Uniform numbers from `a` (default 0) to `b` (default 1). @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.uniform_ */
export function uniform_(t: Tensor, ...rest: Numbers<UniformOptions>): Tensor {
  const { a = 0, b = 1, ...options } = given<UniformOptions>('uniform_', ['a', 'b'], rest, ['generator']);
  return fill('uniform_', t, () => t.uniform_(a, b, options));
}

/** Normal numbers of a mean (default 0) and deviation (default 1). @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.normal_ */
export function normal_(t: Tensor, ...rest: Numbers<NormalOptions>): Tensor {
  const { mean = 0, std = 1, ...options } = given<NormalOptions>('normal_', ['mean', 'std'], rest, ['generator']);
  return fill('normal_', t, () => t.normal_(mean, std, options));
}

/** One value everywhere. @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.constant_ */
export function constant_(t: Tensor, value: number): Tensor {
  checkNumber('constant_', 'value', value, 'a number', () => true);
  return fill('constant_', t, () => t.fill_(value));
}

/** Ones. @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.ones_ */
export function ones_(t: Tensor): Tensor {
  return fill('ones_', t, () => t.fill_(1));
}

/** Zeros. @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.zeros_ */
export function zeros_(t: Tensor): Tensor {
  return fill('zeros_', t, () => t.fill_(0));
}

/** Writes row-major cells into a tensor. */
function write(name: string, t: Tensor, cells: TypedArray): Tensor {
  return fill(name, t, () => t.copy_(tensor(cells, { dtype: t.dtype, device: t.device }).reshape(t.shape)));
}

/** Cells drawn by `draw` for a tensor on any device, to be worked on before they are written. */
function drawCells(name: string, t: Tensor, draw: (x: Tensor) => Tensor): TypedArray {
  if (!(t instanceof Tensor) || !isFloat(t.dtype)) throw new DTypeError(`${name}: not a float tensor, got ${show(t)}; expected float32 or float64`);
  const cells = empty(t.shape, { dtype: t.dtype });
  return (isInitializing() ? draw(cells) : cells).data();
}

/** Ones at the given cells, zeros elsewhere. */
function markCells(name: string, t: Tensor, cells: readonly number[]): Tensor {
  const marks = new Uint8Array(t.numel());
  for (const at of cells) marks[at] = 1;
  return write(name, t, marks);
}

/** The identity matrix, so that a linear layer passes on its input. @throws ShapeError unless there are 2 dimensions @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.eye_ */
export function eye_(t: Tensor): Tensor {
  if (t.ndim !== 2) throw new ShapeError(`eye_: not a matrix, got ${show(t)}; expected 2 dimensions`);
  const [rows, columns] = t.shape;
  return markCells('eye_', t, Array.from({ length: Math.min(rows, columns) }, (_, i) => i * columns + i));
}

/**
 * A kernel that passes on as many channels as it can, (out, in, *kernel) of 3 to 5 dimensions.
 *
 * @param groups - groups of the convolution; default 1
 * @throws ShapeError for other ranks, or when the groups do not divide the channels
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.dirac_
 */
export function dirac_(t: Tensor, groups = 1): Tensor {
  if (t.ndim < 3 || t.ndim > 5) throw new ShapeError(`dirac_: not a kernel, got ${show(t)}; expected 3 to 5 dimensions`);
  const [out, input, ...kernel] = t.shape;
  if (!Number.isInteger(groups) || groups < 1 || out % groups !== 0) throw new ShapeError(`dirac_: groups do not divide the channels, got ${show(groups)} for ${show(t)}; expected a divisor of ${out}`);
  const perGroup = out / groups;
  const size = kernel.reduce((n, k) => n * k, 1);
  const middle = kernel.reduce((at, k) => at * k + Math.floor(k / 2), 0);
  const cells: number[] = [];
  for (let g = 0; g < groups; g++) {
    for (let d = 0; d < Math.min(perGroup, input); d++) cells.push(((g * perGroup + d) * input + d) * size + middle);
  }
  return markCells('dirac_', t, cells);
}

/** Number of inputs each output sees, and of outputs each input reaches. */
function fans(name: string, t: Tensor): { readonly fanIn: number; readonly fanOut: number } {
  if (!(t instanceof Tensor) || t.ndim < 2) throw new ShapeError(`${name}: fans are not defined, got ${show(t)}; expected at least 2 dimensions`);
  const size = t.shape.slice(2).reduce((n, k) => n * k, 1);
  return { fanIn: t.shape[1] * size, fanOut: t.shape[0] * size };
}

function xavierStd(name: string, t: Tensor, gain: number): number {
  checkNumber(name, 'gain', gain, 'a number ≥ 0', (v) => v >= 0);
  const { fanIn, fanOut } = fans(name, t);
  return gain * Math.sqrt(2 / (fanIn + fanOut));
}

/**
 * Uniform on ±gain·√(6/(fanIn + fanOut)); the gain, as of `calculateGain`, is 1 by default.
 *
 * @throws ShapeError for fewer than 2 dimensions
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.xavier_uniform_ and Glorot & Bengio, 2010
 */
export function xavierUniform_(t: Tensor, ...rest: Numbers<GainOptions>): Tensor {
  const { gain = 1, ...options } = given<GainOptions>('xavierUniform_', ['gain'], rest, ['generator']);
  const bound = Math.sqrt(3) * xavierStd('xavierUniform_', t, gain);
  return t.numel() === 0 ? t : uniform_(t, -bound, bound, options);
}

/** Normal with deviation gain·√(2/(fanIn + fanOut)). @throws ShapeError for fewer than 2 dimensions @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.xavier_normal_ */
export function xavierNormal_(t: Tensor, ...rest: Numbers<GainOptions>): Tensor {
  const { gain = 1, ...options } = given<GainOptions>('xavierNormal_', ['gain'], rest, ['generator']);
  const std = xavierStd('xavierNormal_', t, gain);
  return t.numel() === 0 ? t : normal_(t, 0, std, options);
}

function kaimingOptions(name: string, rest: readonly unknown[]): KaimingOptions {
  return given<KaimingOptions>(name, ['a', 'mode', 'nonlinearity'], rest, ['generator']);
}

function kaimingStd(name: string, t: Tensor, options: KaimingOptions): number {
  const { a = 0, nonlinearity = 'leakyRelu' } = options;
  const mode = options.mode === undefined ? 'fanIn' : toCamelCase(String(options.mode));
  if (mode !== 'fanIn' && mode !== 'fanOut') throw new ArgumentError(`${name}: unknown mode, got ${show(options.mode)}; expected 'fanIn' or 'fanOut'`);
  return calculateGain(nonlinearity, a) / Math.sqrt(fans(name, t)[mode]);
}

const fillOptions = ({ generator }: FillOptions): FillOptions => (generator === undefined ? {} : { generator });

/**
 * Uniform on ±gain·√(3/fan). The default of Linear and Conv is `a = √5`, which gives ±1/√fanIn.
 *
 * @throws ShapeError for fewer than 2 dimensions; ArgumentError for unknown modes or nonlinearities
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.kaiming_uniform_ and He et al., 2015
 */
export function kaimingUniform_(t: Tensor, ...rest: Numbers<KaimingOptions>): Tensor {
  const options = kaimingOptions('kaimingUniform_', rest);
  const bound = Math.sqrt(3) * kaimingStd('kaimingUniform_', t, options);
  return t.numel() === 0 ? t : uniform_(t, -bound, bound, fillOptions(options));
}

/** Normal with deviation gain/√fan. @throws as `kaimingUniform_` @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.kaiming_normal_ */
export function kaimingNormal_(t: Tensor, ...rest: Numbers<KaimingOptions>): Tensor {
  const options = kaimingOptions('kaimingNormal_', rest);
  const std = kaimingStd('kaimingNormal_', t, options);
  return t.numel() === 0 ? t : normal_(t, 0, std, fillOptions(options));
}

const normalCdf = (x: number): number => (1 + erf(x / Math.SQRT2)) / 2;

/**
 * Normal numbers of a mean (default 0) and deviation (default 1), drawn anew outside `a` (default -2) to `b` (default 2), by way of the inverse
 * distribution function.
 *
 * @throws ArgumentError for a deviation ≤ 0 or for a > b
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.trunc_normal_
 */
export function truncNormal_(t: Tensor, ...rest: Numbers<TruncNormalOptions>): Tensor {
  const { mean = 0, std = 1, a = -2, b = 2, ...options } = given<TruncNormalOptions>('truncNormal_', ['mean', 'std', 'a', 'b'], rest, ['generator']);
  checkNumber('truncNormal_', 'mean', mean, 'a finite number', Number.isFinite);
  checkNumber('truncNormal_', 'std', std, 'a number > 0', (v) => v > 0 && v < Infinity);
  if (!(a <= b)) throw new ArgumentError(`truncNormal_: not a range, got ${show(a)} to ${show(b)}; expected a ≤ b`);
  const [low, high] = [normalCdf((a - mean) / std), normalCdf((b - mean) / std)];
  const cells = drawCells('truncNormal_', t, (x) => x.uniform_(2 * low - 1, 2 * high - 1, options));
  const [scale, shift, min, max] = tensor([std * Math.SQRT2, mean, a, b], { dtype: t.dtype }).data();
  for (let i = 0; i < cells.length; i++) {
    cells[i] = erfinv(cells[i]);
    cells[i] *= scale;
    cells[i] += shift;
    cells[i] = Math.min(Math.max(cells[i], min), max);
  }
  return write('truncNormal_', t, cells);
}

/**
 * A (semi-)orthogonal matrix, dimensions after the first taken as one: the Q of a normal matrix' QR decomposition with positive diagonal, times
 * `gain` (default 1).
 *
 * @throws ShapeError for fewer than 2 dimensions
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.orthogonal_ and Saxe et al., 2013
 */
export function orthogonal_(t: Tensor, ...rest: Numbers<GainOptions>): Tensor {
  const { gain = 1, ...options } = given<GainOptions>('orthogonal_', ['gain'], rest, ['generator']);
  if (!(t instanceof Tensor) || t.ndim < 2) throw new ShapeError(`orthogonal_: not a matrix, got ${show(t)}; expected at least 2 dimensions`);
  checkNumber('orthogonal_', 'gain', gain, 'a number', Number.isFinite);
  if (t.numel() === 0) return t;
  const rows = t.shape[0];
  const columns = t.numel() / rows;
  const cells = Float64Array.from(drawCells('orthogonal_', t, (x) => x.normal_(0, 1, options)));
  const layout = rows >= columns ? { count: columns, length: rows, first: 1, step: columns } : { count: rows, length: columns, first: columns, step: 1 };
  orthonormalize({ cells, ...layout });
  for (let i = 0; i < cells.length; i++) cells[i] *= gain;
  return write('orthogonal_', t, cells);
}

/**
 * Normal numbers of deviation `std` (default 0.01) with a share `sparsity` of zeros in each column.
 *
 * @throws ShapeError unless there are 2 dimensions; ArgumentError when `sparsity` is outside 0 to 1
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.sparse_ and Martens, 2010
 */
export function sparse_(t: Tensor, ...rest: Numbers<SparseOptions>): Tensor {
  const { sparsity, std = 0.01, ...options } = given<SparseOptions>('sparse_', ['sparsity', 'std'], rest, ['generator']);
  if (!(t instanceof Tensor) || t.ndim !== 2) throw new ShapeError(`sparse_: not a matrix, got ${show(t)}; expected 2 dimensions`);
  checkNumber('sparse_', 'sparsity', sparsity, 'a number from 0 to 1', (v) => v >= 0 && v <= 1);
  const [rows, columns] = t.shape;
  const zeros = Math.ceil(sparsity * rows);
  const cells = drawCells('sparse_', t, (x) => x.normal_(0, std, options));
  for (let c = 0; c < columns; c++) {
    const order = randperm(rows, options).data();
    for (let i = 0; i < zeros; i++) cells[order[i] * columns + c] = 0;
  }
  return write('sparse_', t, cells);
}

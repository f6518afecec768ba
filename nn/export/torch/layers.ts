import { ArgumentError, StateError, show } from '../../../core/errors.ts';
import { toCamelCase } from '../../../core/names.ts';
import * as activation from '../../layers/activation.ts';
import { MultiheadAttention } from '../../layers/attention.ts';
import * as norms from '../../layers/batchnorm.ts';
import * as conv from '../../layers/conv.ts';
import * as distance from '../../layers/distance.ts';
import * as dropout from '../../layers/dropout.ts';
import * as embedding from '../../layers/embedding.ts';
import * as linear from '../../layers/linear.ts';
import { LocalResponseNorm } from '../../layers/localResponseNorm.ts';
import * as loss from '../../layers/loss.ts';
import * as max from '../../layers/maxPool.ts';
import { GroupNorm, LayerNorm, RMSNorm } from '../../layers/norm.ts';
import * as padding from '../../layers/padding.ts';
import * as patches from '../../layers/patches.ts';
import * as pool from '../../layers/pool.ts';
import * as cells from '../../layers/recurrent.ts';
import { GRU, LSTM, RNN } from '../../layers/rnn.ts';
import * as shape from '../../layers/shape.ts';
import * as shaped from '../../layers/shaped.ts';
import * as similarity from '../../layers/similarity.ts';
import * as slopes from '../../layers/slopes.ts';
import { Transformer, TransformerDecoder, TransformerEncoder } from '../../layers/transformer.ts';
import { TransformerDecoderLayer, TransformerEncoderLayer } from '../../layers/transformerLayer.ts';
import * as unpool from '../../layers/unpool.ts';
import * as upsample from '../../layers/upsample.ts';
import type { Module } from '../../module.ts';
import { Parameter } from '../../parameter.ts';
import { python } from './python.ts';

/** How a layer is constructed in PyTorch: arguments that are always given, and keywords with their defaults. */
interface Constructor {
  readonly given: readonly string[];
  readonly keywords: Readonly<Record<string, unknown>>;
}

const c = (given: string, keywords: Readonly<Record<string, unknown>> = {}): Constructor => ({ given: given === '' ? [] : given.split(' '), keywords });

const convolution = c('in_channels out_channels kernel_size', { stride: 1, padding: 0, dilation: 1, groups: 1, bias: true, padding_mode: 'zeros' });
const transposed = c('in_channels out_channels kernel_size', { stride: 1, padding: 0, output_padding: 0, groups: 1, bias: true, dilation: 1 });
const normalised = (affine: boolean): Constructor => c('num_features', { eps: 1e-5, momentum: 0.1, affine, track_running_stats: affine });
const maxPool = c('kernel_size stride', { padding: 0, dilation: 1, ceil_mode: false });
const avgPool = c('kernel_size stride', { padding: 0, ceil_mode: false, count_include_pad: true });
const recurrent = { num_layers: 1, bias: true, batch_first: false, dropout: 0, bidirectional: false };
const dropped = c('p');
const dimension = c('dim');

/** Layers by their class, which is PyTorch's of the same name. */
const constructors = new Map<unknown, Constructor>([
  [linear.Linear, c('in_features out_features', { bias: true })],
  [linear.Bilinear, c('in1_features in2_features out_features', { bias: true })],
  [linear.Identity, c('')],
  [conv.Conv1d, convolution], [conv.Conv2d, convolution], [conv.Conv3d, convolution],
  [conv.ConvTranspose1d, transposed], [conv.ConvTranspose2d, transposed], [conv.ConvTranspose3d, transposed],
  [max.MaxPool1d, maxPool], [max.MaxPool2d, maxPool], [max.MaxPool3d, maxPool],
  [pool.AvgPool1d, avgPool],
  [pool.AvgPool2d, c('kernel_size stride', { ...avgPool.keywords, divisor_override: null })], [pool.AvgPool3d, c('kernel_size stride', { ...avgPool.keywords, divisor_override: null })],
  [pool.AdaptiveAvgPool1d, c('output_size')], [pool.AdaptiveAvgPool2d, c('output_size')], [pool.AdaptiveAvgPool3d, c('output_size')],
  [max.AdaptiveMaxPool1d, c('output_size')], [max.AdaptiveMaxPool2d, c('output_size')], [max.AdaptiveMaxPool3d, c('output_size')],
  [unpool.LPPool1d, c('norm_type kernel_size', { stride: null, ceil_mode: false })], [unpool.LPPool2d, c('norm_type kernel_size', { stride: null, ceil_mode: false })],
  [norms.BatchNorm1d, normalised(true)], [norms.BatchNorm2d, normalised(true)], [norms.BatchNorm3d, normalised(true)],
  [norms.InstanceNorm1d, normalised(false)], [norms.InstanceNorm2d, normalised(false)], [norms.InstanceNorm3d, normalised(false)],
  [GroupNorm, c('num_groups num_channels', { eps: 1e-5, affine: true })],
  [LayerNorm, c('normalized_shape', { eps: 1e-5, elementwise_affine: true, bias: true })],
  [LocalResponseNorm, c('size', { alpha: 1e-4, beta: 0.75, k: 1 })],
  [RMSNorm, c('normalized_shape', { eps: null, elementwise_affine: true })],
  [dropout.Dropout, dropped], [dropout.Dropout1d, dropped], [dropout.Dropout2d, dropped], [dropout.Dropout3d, dropped], [dropout.AlphaDropout, dropped], [dropout.FeatureAlphaDropout, dropped],
  [embedding.Embedding, c('num_embeddings embedding_dim', { padding_idx: null, max_norm: null, norm_type: 2, scale_grad_by_freq: false })],
  [embedding.EmbeddingBag, c('num_embeddings embedding_dim', { max_norm: null, norm_type: 2, scale_grad_by_freq: false, mode: 'mean', include_last_offset: false, padding_idx: null })],
  [LSTM, c('input_size hidden_size', { ...recurrent, proj_size: 0 })], [GRU, c('input_size hidden_size', recurrent)], [RNN, c('input_size hidden_size', { ...recurrent, nonlinearity: 'tanh' })],
  [cells.LSTMCell, c('input_size hidden_size', { bias: true })], [cells.GRUCell, c('input_size hidden_size', { bias: true })], [cells.RNNCell, c('input_size hidden_size', { bias: true, nonlinearity: 'tanh' })],
  [upsample.Upsample, c('', { size: null, scale_factor: null, mode: 'nearest', align_corners: null, recompute_scale_factor: null })],
  [upsample.UpsamplingNearest2d, c('', { size: null, scale_factor: null })], [upsample.UpsamplingBilinear2d, c('', { size: null, scale_factor: null })],
  ...[padding.ReflectionPad1d, padding.ReflectionPad2d, padding.ReflectionPad3d, padding.ReplicationPad1d, padding.ReplicationPad2d, padding.ReplicationPad3d, padding.ZeroPad1d, padding.ZeroPad2d, padding.ZeroPad3d, padding.CircularPad1d, padding.CircularPad2d, padding.CircularPad3d]
    .map((layer): [unknown, Constructor] => [layer, c('padding')]),
  ...[padding.ConstantPad1d, padding.ConstantPad2d, padding.ConstantPad3d].map((layer): [unknown, Constructor] => [layer, c('padding value')]),
  [patches.PixelShuffle, c('upscale_factor')], [patches.PixelUnshuffle, c('downscale_factor')], [patches.ChannelShuffle, c('groups')],
  [patches.Unfold, c('kernel_size', { dilation: 1, padding: 0, stride: 1 })], [patches.Fold, c('output_size kernel_size', { dilation: 1, padding: 0, stride: 1 })],
  [shape.Flatten, c('', { start_dim: 1, end_dim: -1 })], [shape.Unflatten, c('dim unflattened_size')],
  [activation.Softmax, dimension], [activation.LogSoftmax, dimension], [activation.Softmin, dimension], [activation.Softmax2d, c('')], [activation.GLU, c('', { dim: -1 })], [activation.GELU, c('', { approximate: 'none' })],
  ...[activation.ReLU, activation.ReLU6, activation.SELU, activation.SiLU, activation.Mish, activation.Sigmoid, activation.LogSigmoid, activation.Hardsigmoid, activation.Hardswish, activation.Softsign, activation.Tanh, activation.Tanhshrink]
    .map((layer): [unknown, Constructor] => [layer, c('')]),
  [shaped.ELU, c('', { alpha: 1 })], [shaped.CELU, c('', { alpha: 1 })], [shaped.Hardshrink, c('', { lambd: 0.5 })], [shaped.Softshrink, c('', { lambd: 0.5 })], [shaped.Hardtanh, c('', { min_val: -1, max_val: 1 })],
  [shaped.LeakyReLU, c('', { negative_slope: 0.01 })], [slopes.PReLU, c('', { num_parameters: 1 })], [shaped.Softplus, c('', { beta: 1, threshold: 20 })], [shaped.Threshold, c('threshold value')],
  [slopes.RReLU, c('', { lower: 1 / 8, upper: 1 / 3 })],
  [similarity.CosineSimilarity, c('', { dim: 1, eps: 1e-8 })],
  [loss.NLLLoss, c('', { ignore_index: -100, reduction: 'mean' })], [loss.BCELoss, c('', { reduction: 'mean' })],
  [distance.MSELoss, c('', { reduction: 'mean' })], [distance.L1Loss, c('', { reduction: 'mean' })],
]);

/** A setting of a layer by its name in PyTorch. */
function setting(layer: Module, name: string): unknown {
  const field = toCamelCase(name);
  const own: unknown = Reflect.get(layer, field);
  const { options } = layer as { readonly options?: Readonly<Record<string, unknown>> };
  const found = own === undefined && typeof options === 'object' ? options[field] : own;
  if (name === 'bias' && 'biasIh' in layer) return layer.biasIh !== null;
  if (name === 'bias') return found instanceof Parameter || found === true || ('elementwiseAffine' in layer && layer.elementwiseAffine === false);
  return found;
}

/** Whether a setting is PyTorch's default; one number may stand for several. */
function isDefault(value: unknown, standard: unknown): boolean {
  return Array.isArray(value) ? value.every((v) => Object.is(v, standard)) : Object.is(value, standard);
}

const call = (name: string, args: readonly string[]): string => `nn.${name}(${args.join(', ')})`;

function plain(name: string, layer: Module, { given, keywords }: Constructor): string {
  const args = given.map((key) => {
    const value = setting(layer, key);
    // The stride of a pool is its kernel, unless it is given.
    return argument(key, value ?? (key === 'stride' ? setting(layer, 'kernel_size') : value));
  });
  for (const [key, standard] of Object.entries(keywords)) {
    const value = setting(layer, key);
    if (value !== undefined && !isDefault(value, standard)) args.push(`${key}=${argument(key, value)}`);
  }
  return call(name, args);
}

/** A setting in Python: one number where all entries of a list of sizes are equal. */
function argument(key: string, value: unknown): string {
  const isShape = key === 'normalized_shape' || key === 'unflattened_size';
  return python(!isShape && Array.isArray(value) && value.every((v) => Object.is(v, value[0])) ? value[0] : value);
}

function attention(layer: MultiheadAttention): string {
  const { embedDim, numHeads, dropout: p, kdim, vdim, addZeroAttn, batchFirst } = layer;
  const args = [python(embedDim), python(numHeads)];
  if (p !== 0) args.push(`dropout=${python(p)}`);
  if (layer.inProjBias === null) args.push('bias=False');
  if (layer.biasK !== null) args.push('add_bias_kv=True');
  if (addZeroAttn) args.push('add_zero_attn=True');
  if (kdim !== embedDim) args.push(`kdim=${python(kdim)}`);
  if (vdim !== embedDim) args.push(`vdim=${python(vdim)}`);
  if (batchFirst) args.push('batch_first=True');
  return call('MultiheadAttention', args);
}

function transformerLayer(name: string, layer: TransformerEncoderLayer | TransformerDecoderLayer): string {
  const { selfAttn, linear1, dropout: { p }, activation: f, norm1, normFirst } = layer;
  const args = [python(selfAttn.embedDim), python(selfAttn.numHeads), `dim_feedforward=${python(linear1.outFeatures)}`, `dropout=${python(p)}`];
  if (typeof f !== 'string') throw new StateError(`exportTorch: ${name} has a function as its activation, got ${show(f)}; expected 'relu' or 'gelu'`);
  if (f !== 'relu') args.push(`activation=${python(f)}`);
  if (norm1.eps !== 1e-5) args.push(`layer_norm_eps=${python(norm1.eps)}`);
  if (selfAttn.batchFirst) args.push('batch_first=True');
  if (normFirst) args.push('norm_first=True');
  if (linear1.bias === null) args.push('bias=False');
  return call(name, args);
}

/** A stack of equal layers; undefined where they are not. */
function stack(name: string, layers: readonly Module[], norm: Module | null, more: readonly string[]): string | undefined {
  const each = layers.map((layer) => constructorOf(layer));
  if (each[0] === undefined || each.some((text) => text !== each[0])) return undefined;
  const last = norm === null ? null : constructorOf(norm);
  if (last === undefined) return undefined;
  return call(name, [each[0], `num_layers=${layers.length}`, ...(last === null ? [] : [`norm=${last}`]), ...more]);
}

function transformer(layer: Transformer): string | undefined {
  const [encoder, decoder] = [layer.encoder, layer.decoder];
  if (!(encoder instanceof TransformerEncoder) || !(decoder instanceof TransformerDecoder)) return undefined;
  const [first] = encoder.layers;
  if (!(first instanceof TransformerEncoderLayer) || constructorOf(encoder) === undefined || constructorOf(decoder) === undefined) return undefined;
  const inner = /^nn\.TransformerEncoderLayer\(\d+, \d+, (.*)\)$/.exec(transformerLayer('TransformerEncoderLayer', first));
  const counts = `num_encoder_layers=${encoder.layers.length}, num_decoder_layers=${decoder.layers.length}`;
  return call('Transformer', [python(layer.dModel), python(layer.nhead), counts, inner?.[1] ?? '']);
}

/**
 * The call that makes a layer of the library in PyTorch; undefined for other modules.
 *
 * @throws StateError for a layer whose settings PyTorch does not have
 */
export function constructorOf(layer: Module): string | undefined {
  const { constructor } = layer;
  if ('parametrizations' in layer) throw new StateError(`exportTorch: a layer has parametrized weights, got ${constructor.name}; expected plain ones`, { hint: 'removeParametrizations first' });
  if (constructor === MultiheadAttention) return attention(layer as MultiheadAttention);
  if (constructor === TransformerEncoderLayer || constructor === TransformerDecoderLayer) return transformerLayer(constructor.name, layer as TransformerEncoderLayer);
  if (constructor === TransformerEncoder) return stack('TransformerEncoder', [...(layer as TransformerEncoder).layers], (layer as TransformerEncoder).norm, ['enable_nested_tensor=False']);
  if (constructor === TransformerDecoder) return stack('TransformerDecoder', [...(layer as TransformerDecoder).layers], (layer as TransformerDecoder).norm, []);
  if (constructor === Transformer) return transformer(layer as Transformer);
  const known = constructors.get(constructor);
  if (known === undefined) return undefined;
  try {
    return plain(constructor.name, layer, known);
  } catch (error) {
    throw error instanceof StateError ? new ArgumentError(`exportTorch: ${constructor.name} has a setting without a form in Python, got ${error.message}; expected plain values`) : error;
  }
}

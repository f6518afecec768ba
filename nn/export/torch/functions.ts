import type { CrossEntropyAttrs } from '../../../core/cpu/crossEntropy.ts';
import type { ConvGeometry } from '../../../core/cpu/frame.ts';
import type { GatherAttrs, IndexAttrs } from '../../../core/cpu/gather.ts';
import type { PoolAttrs } from '../../../core/cpu/pool.ts';
import { isGlobal, regularOf, windowsOf } from '../../../core/io/onnx/export/rules/windows.ts';
import { toSnakeCase } from '../../../core/names.ts';
import { allOps } from '../../../core/ops/define.ts';
import type { Places } from '../../../core/trace/views.ts';
import type { CodeStep } from './step.ts';
import { python, pythonFloat, pythonList, torchType } from './python.ts';

// Primitives in PyTorch, one expression each. They stand where code calls operations itself; calls of layers stay calls of layers.

type Write = (s: CodeStep) => string;

const operator = (sign: string): Write => (s) => `${s.atom(0)} ${sign} ${s.atom(1)}`;
const call = (name: string, keys: readonly string[] = []): Write => (s) => `${name}(${[...s.step.inputs.map((_, i) => s.in(i)), ...keywords(s, keys)].join(', ')})`;

/** Attributes as keyword arguments, under their names in snake_case. */
function keywords(s: CodeStep, keys: readonly string[]): string[] {
  const attrs = s.attrs<Readonly<Record<string, unknown>>>();
  return keys.flatMap((key) => (attrs[key] === false || attrs[key] === undefined ? [] : [`${toSnakeCase(key)}=${python(attrs[key])}`]));
}

/** A reduction over dimensions. */
const reduced = (name: string): Write => (s) => {
  const { dims, keepdim, correction, p } = s.attrs<{ readonly dims: readonly number[]; readonly keepdim: boolean; readonly correction?: number; readonly p?: number }>();
  const rest = [...(p === undefined ? [] : [`ord=${python(p)}`]), `dim=${dims.length === 1 ? dims[0] : python(dims)}`, ...(correction === undefined || correction === 1 ? [] : [`unbiased=${python(correction !== 0)}`]), ...(keepdim ? ['keepdim=True'] : [])];
  if (correction !== undefined && correction !== 0 && correction !== 1) throw s.refuse(`has correction ${correction}`);
  return `${name}(${[s.in(0), ...rest].join(', ')})`;
};

/** A sum or difference whose second operand may have a factor. */
const scaled = (name: string, sign: string): Write => (s) => {
  const alpha = s.attrs<number | undefined>() ?? 1;
  return alpha === 1 ? operator(sign)(s) : `torch.${name}(${s.in(0)}, ${s.in(1)}, alpha=${python(alpha)})`;
};

const sized = (values: readonly number[]): string => (values.every((v) => v === values[0]) ? python(values[0]) : python(values));

const conv: Write = (s) => {
  const all = s.step.variants as readonly ConvGeometry[];
  const [g] = all;
  const dims = g.rank === 1 ? [1] : [0, 1];
  const before = dims.map((d) => g.padding[d]);
  const even = all.every((v) => dims.every((d) => Math.floor((v.input[d] + 2 * v.padding[d] - v.dilation[d] * (v.kernel[d] - 1) - 1) / v.stride[d]) + 1 === v.output[d]));
  const args = [s.in(0), s.in(1), s.step.inputs.length > 2 ? s.in(2) : 'None'];
  const options: readonly (readonly [string, string, string])[] = [
    ['stride', sized(dims.map((d) => g.stride[d])), '1'], ['padding', even ? sized(before) : '"same"', '0'], ['dilation', sized(dims.map((d) => g.dilation[d])), '1'], ['groups', python(g.groups), '1'],
  ];
  return `F.conv${g.rank}d(${[...args, ...options.flatMap(([key, value, standard]) => (value === standard ? [] : [`${key}=${value}`]))].join(', ')})`;
};

const convTranspose: Write = (s) => {
  const g = s.attrs<ConvGeometry>();
  const dims = g.rank === 1 ? [1] : [0, 1];
  const [first] = s.step.variants as readonly ConvGeometry[];
  const extra = dims.map((d) => first.input[d] - ((first.output[d] - 1) * first.stride[d] - 2 * first.padding[d] + first.dilation[d] * (first.kernel[d] - 1) + 1));
  const list = (key: keyof ConvGeometry): string => sized(dims.map((d) => (first[key] as readonly number[])[d]));
  const bias = s.step.inputs.length > 2 ? s.in(2) : 'None';
  return `F.conv_transpose${g.rank}d(${s.in(0)}, ${s.in(1)}, ${bias}, stride=${list('stride')}, padding=${list('padding')}, output_padding=${sized(extra)}, groups=${g.groups}, dilation=${list('dilation')})`;
};

/** Whether windows share the input evenly. */
const isAdaptive = (all: readonly { readonly size: number; readonly start: readonly number[]; readonly end: readonly number[] }[]): boolean =>
  all.every(({ size, start, end }) => start.every((from, i) => from === Math.floor((i * size) / start.length) && end[i] === Math.ceil(((i + 1) * size) / start.length)));

const pool = (kind: 'avg' | 'max'): Write => (s) => {
  const all = s.step.variants as readonly PoolAttrs[];
  const [{ rank, divisor }] = all;
  const axes = rank === 1 ? ([1] as const) : ([0, 1] as const);
  const windows = axes.map((d) => windowsOf(all, d));
  if (divisor === null && windows.every((w) => isGlobal(w))) return `F.adaptive_${kind}_pool${rank}d(${s.in(0)}, 1)`;
  const each = windows.map((w) => regularOf(w, kind === 'avg' && divisor === null));
  if (each.some((r) => r === null || r.before !== r.behind)) {
    if (windows.every((w) => isAdaptive(w) && w.every((v) => v.start.length === w[0].start.length))) return `F.adaptive_${kind}_pool${rank}d(${s.in(0)}, ${sized(windows.map((w) => w[0].start.length))})`;
    throw s.refuse('has windows that are cut off at the end');
  }
  const regular = each.flatMap((r) => r ?? []);
  const list = (pick: (r: (typeof regular)[number]) => number): string => sized(regular.map(pick));
  const args = [s.in(0), list((r) => r.kernel)];
  if (list((r) => r.stride) !== args[1]) args.push(`stride=${list((r) => r.stride)}`);
  if (list((r) => r.before) !== '0') args.push(`padding=${list((r) => r.before)}`);
  if (kind === 'max' && list((r) => r.dilation) !== '1') args.push(`dilation=${list((r) => r.dilation)}`);
  if (kind === 'avg' && list((r) => r.before) !== '0' && !regular[0].counting && divisor === null) args.push('count_include_pad=False');
  if (divisor !== null) args.push(`divisor_override=${divisor}`);
  return `F.${kind}_pool${rank}d(${args.join(', ')}${kind === 'max' && s.wants(1) ? ', return_indices=True' : ''})`;
};

const index: Write = (s) => {
  const { dims, at } = s.attrs<IndexAttrs>();
  const lead = dims.every((d, i) => d === dims[0] + i) && at === dims[0] ? dims[0] : -1;
  if (lead < 0) throw s.refuse('indexes dimensions that are not side by side');
  return `${s.atom(0)}[${[...new Array<string>(lead).fill(':'), ...dims.map((_, i) => s.in(i + 1))].join(', ')}]`;
};

const norm: Write = (s) => {
  const { eps, normalizedShape } = s.attrs<{ readonly eps: number; readonly normalizedShape: readonly number[] }>();
  const optional = (i: number): string => (typeof s.step.inputs[i] === 'number' ? 'None' : s.in(i));
  return `F.layer_norm(${s.in(0)}, ${s.sizes(normalizedShape)}, ${optional(1)}, ${optional(2)}, eps=${python(eps)})`;
};

const along = (name: string): Write => (s) => `${name}(${s.in(0)}, dim=${s.attrs<{ readonly dim: number }>().dim})`;

interface SliceAttrs {
  readonly dim: number;
  readonly start: number;
  readonly step: number;
  readonly length: number;
  readonly size: number;
}

const slice: Write = (s) => {
  const all = s.step.variants as readonly SliceAttrs[];
  const { dim, step } = all[0];
  const attrs = s.attrs<SliceAttrs>();
  const open = all.every((v) => v.start + v.length * v.step >= v.size);
  const fixed = typeof attrs.start === 'number' && typeof attrs.length === 'number';
  const length = step === 1 ? s.size(attrs.length) : `(${s.size(attrs.length)}) * ${step}`;
  const end = open ? '' : fixed ? String(attrs.start + attrs.length * step) : attrs.start === 0 ? length : `${s.size(attrs.start)} + ${length}`;
  const start = attrs.start === 0 ? '' : s.size(attrs.start);
  return `${s.atom(0)}[${[...new Array<string>(dim).fill(':'), `${start}:${end}${step === 1 ? '' : `:${step}`}`].join(', ')}]`;
};

const select: Write = (s) => {
  const all = s.step.variants as readonly { readonly dim: number; readonly index: number; readonly size: number }[];
  const [{ dim, index: first, size }] = all;
  const at = all.every((v) => v.index === first) ? String(first) : all.every((v) => v.index - v.size === first - size) ? String(first - size) : s.size(s.attrs<SliceAttrs & { readonly index: number }>().index);
  return `${s.atom(0)}[${[...new Array<string>(dim).fill(':'), at].join(', ')}]`;
};

const clamp: Write = (s) => {
  const side = s.attrs<string>();
  const bounds = side === 'both' ? [`min=${s.in(1)}`, `max=${s.in(2)}`] : [`${side}=${s.in(1)}`];
  return `torch.clamp(${s.in(0)}, ${bounds.join(', ')})`;
};

/** The larger or smaller of two tensors, or a bound. */
const bounded = (name: string, side: 'min' | 'max'): Write => (s) => (typeof s.step.inputs[1] === 'number' ? `torch.clamp(${s.in(0)}, ${side}=${s.in(1)})` : `torch.${name}(${s.in(0)}, ${s.in(1)})`);

const indexPut: Write = (s) => {
  const { dims, at, accumulate } = s.attrs<IndexAttrs & { readonly accumulate: boolean }>();
  if (dims.length === 1 && at === dims[0] && s.step.inputs.length === 3) return `${s.atom(0)}.index_${accumulate ? 'add' : 'copy'}(${dims[0]}, ${s.in(2)}, ${s.in(1)})`;
  if (at !== 0 || dims.some((d, i) => d !== i)) throw s.refuse('writes at indices of later dimensions');
  return `${s.atom(0)}.index_put((${dims.map((_, i) => s.in(i + 2)).join(', ')}), ${s.in(1)}${accumulate ? ', accumulate=True' : ''})`;
};

/** Where a view looks, which must be the same whatever the sizes. */
function placesOf(s: CodeStep): Places {
  const places = s.attrs<Places>();
  if (!(places.index instanceof Int32Array)) throw s.refuse('looks at elements by strides that depend on sizes');
  return places;
}

const window = (s: CodeStep): string => {
  const { shape, strides, offset } = s.attrs<{ readonly shape: readonly number[]; readonly strides: readonly number[]; readonly offset: number }>();
  return `torch.as_strided_scatter(${s.in(0)}, ${s.in(1)}, ${s.sizes(shape)}, ${s.sizes(strides)}, ${s.size(offset)})`;
};

/** Primitives whose code is not their name in PyTorch. */
const functions: Readonly<Record<string, Write>> = {
  add: scaled('add', '+'), sub: scaled('sub', '-'), mul: operator('*'), pow: operator('**'), matmul: operator('@'),
  rsub: (s) => (s.attrs<number>() === 1 ? `${s.atom(1)} - ${s.atom(0)}` : `torch.rsub(${s.in(0)}, ${s.in(1)}, alpha=${python(s.attrs<number>())})`),
  div: (s) => ((s.attrs<string | null>() ?? null) === null ? operator('/')(s) : `torch.div(${s.in(0)}, ${s.in(1)}, rounding_mode=${python(s.attrs())})`),
  divRounded: (s) => `torch.div(${s.in(0)}, ${s.in(1)}, rounding_mode=${python(s.attrs())})`,
  eq: operator('=='), ne: operator('!='), lt: operator('<'), le: operator('<='), gt: operator('>'), ge: operator('>='),
  neg: (s) => `-${s.atom(0)}`,
  clamp,
  cast: (s) => `${s.atom(0)}.to(${torchType(s.out.dtype)})`,
  clone: (s) => `${s.atom(0)}.contiguous()`,
  cloneBeside: (s) => `${s.atom(0)}.clone()`,
  identity: (s) => s.in(0),
  copy: (s) => (typeof s.step.inputs[1] === 'number' ? `torch.full(${s.sizes(s.out.shape)}, ${s.in(1)}, dtype=${torchType(s.out.dtype)}, device=${s.device})` : `${s.atom(1)}.to(${torchType(s.out.dtype)}).expand(${s.sizes(s.out.shape)})`),
  where: call('torch.where'),
  maskedFill: (s) => `${s.atom(0)}.masked_fill(${s.in(1)}, ${s.in(2)})`,
  gelu: (s) => `F.gelu(${s.in(0)}${s.attrs<string>() === 'tanh' ? ', approximate="tanh"' : ''})`,
  prelu: (s) => `torch.where(${s.atom(0)} > 0, ${s.in(0)}, ${s.atom(0)} * ${s.atom(1)})`,
  softmax: along('torch.softmax'), logSoftmax: along('torch.log_softmax'), cumsum: along('torch.cumsum'), cumprod: along('torch.cumprod'),
  sum: reduced('torch.sum'), mean: reduced('torch.mean'), amax: reduced('torch.amax'), amin: reduced('torch.amin'), logsumexp: reduced('torch.logsumexp'), var: reduced('torch.var'), std: reduced('torch.std'),
  norm: reduced('torch.linalg.vector_norm'),
  all: (s) => `torch.amin(${s.atom(0)}.bool().int(), dim=${python(s.attrs<{ readonly dims: readonly number[] }>().dims)}).bool()`,
  any: (s) => `torch.amax(${s.atom(0)}.bool().int(), dim=${python(s.attrs<{ readonly dims: readonly number[] }>().dims)}).bool()`,
  countNonzero: (s) => `torch.count_nonzero(${s.in(0)}, dim=${python(s.attrs<{ readonly dims: readonly number[] }>().dims)})`,
  round: (s) => `torch.round(${s.in(0)}${typeof s.step.attrs === 'number' && s.step.attrs !== 0 ? `, decimals=${s.step.attrs}` : ''})`,
  lerp: (s) => `torch.lerp(${s.in(0)}, ${s.in(1)}, ${python(s.attrs<number>())})`,
  addcmul: (s) => `torch.addcmul(${s.in(0)}, ${s.in(1)}, ${s.in(2)}, value=${python(s.attrs<number>())})`,
  addcdiv: (s) => `torch.addcdiv(${s.in(0)}, ${s.in(1)}, ${s.in(2)}, value=${python(s.attrs<number>())})`,
  prod: (s) => {
    const { dims, keepdim } = s.attrs<{ readonly dims: readonly number[]; readonly keepdim: boolean }>();
    return dims.toSorted((a, b) => b - a).reduce((x, d) => `torch.prod(${x}, dim=${d}${keepdim ? ', keepdim=True' : ''})`, s.in(0));
  },
  crossEntropy: (s) => {
    const { ignoreIndex, smoothing, reduction } = s.attrs<CrossEntropyAttrs>();
    const weight = typeof s.step.inputs[2] === 'number' ? 'None' : s.in(2);
    return `F.cross_entropy(${s.in(0)}, ${s.in(1)}, weight=${weight}, ignore_index=${ignoreIndex}, reduction="${reduction}", label_smoothing=${python(smoothing)})`;
  },
  smoothError: (s) => `F.smooth_l1_loss(${s.in(0)}, ${s.in(1)}, reduction="none", beta=${python(s.attrs<number>())})`,
  huberError: (s) => `F.huber_loss(${s.in(0)}, ${s.in(1)}, reduction="none", delta=${python(s.attrs<number>())})`,
  binaryCrossEntropy: (s) => `F.binary_cross_entropy(${s.in(0)}, ${s.in(1)}, reduction="none")`,
  binaryCrossEntropyWithLogits: (s) => `F.binary_cross_entropy_with_logits(${s.in(0)}, ${s.in(1)}, reduction="none")`,
  maximum: bounded('maximum', 'min'),
  minimum: bounded('minimum', 'max'),
  squaredError: (s) => `F.mse_loss(${s.in(0)}, ${s.in(1)}, reduction="none")`,
  absoluteError: (s) => `F.l1_loss(${s.in(0)}, ${s.in(1)}, reduction="none")`,
  argmax: along('torch.argmax'), argmin: along('torch.argmin'), maxDim: along('torch.max'), minDim: along('torch.min'),
  sort: (s) => `torch.topk(${s.in(0)}, ${s.size(s.out.shape[s.attrs<{ readonly dim: number }>().dim])}, dim=${s.attrs<{ readonly dim: number }>().dim}, largest=${python(s.attrs<{ readonly descending: boolean }>().descending)})`,
  cat: (s) => `torch.cat([${s.step.inputs.map((_, i) => s.in(i)).join(', ')}], dim=${s.attrs<{ readonly dim: number }>().dim})`,
  flip: (s) => `torch.flip(${s.in(0)}, ${python(s.attrs<{ readonly dims: readonly number[] }>().dims)})`,
  triangle: (s) => {
    const { diagonal, upper } = s.attrs<{ readonly diagonal: number; readonly upper: boolean }>();
    return `torch.${upper ? 'triu' : 'tril'}(${s.in(0)}${diagonal === 0 ? '' : `, diagonal=${diagonal}`})`;
  },
  linear: call('F.linear'),
  addmm: (s) => {
    const { alpha, beta } = s.attrs<{ readonly alpha: number; readonly beta: number }>();
    return `torch.${s.out.shape.length === 2 ? 'addmm' : 'baddbmm'}(${s.in(0)}, ${s.in(1)}, ${s.in(2)}, beta=${python(beta)}, alpha=${python(alpha)})`;
  },
  causalAttention: (s) => `F.scaled_dot_product_attention(${s.in(0)}, ${s.in(1)}, ${s.in(2)}, is_causal=True, scale=${python(s.attrs<{ readonly scale: number }>().scale)})`,
  conv, convTranspose, avgPool: pool('avg'), maxPool: pool('max'),
  batchNorm: (s) => {
    const optional = (i: number): string => (typeof s.step.inputs[i] === 'number' ? 'None' : s.in(i));
    return `F.batch_norm(${s.in(0)}, ${s.in(3)}, ${s.in(4)}, ${optional(1)}, ${optional(2)}, eps=${python(s.attrs<{ readonly eps: number }>().eps)})`;
  },
  layerNorm: norm,
  index,
  gather: (s) => `torch.gather(${s.in(0)}, ${s.attrs<GatherAttrs>().dim}, ${s.in(1)})`,
  scatter: (s) => `torch.scatter${s.attrs<{ readonly accumulate: boolean }>().accumulate ? '_add' : ''}(${s.in(0)}, ${s.attrs<GatherAttrs>().dim}, ${s.in(1)}, ${s.in(2)})`,
  oneHot: (s) => `F.one_hot(${s.in(0)}, ${s.attrs<{ readonly classes: number }>().classes})`,
  asStridedScatter: window,
  indexPut,
  'view.strided': (s) => {
    const { kept, shape, index } = placesOf(s);
    return `${s.atom(0)}.flatten(${kept})[..., torch.tensor(${pythonList(index, shape, 'int64')}, device=${s.atom(0)}.device)]`;
  },
  put: (s) => {
    const { kept, index } = placesOf(s);
    return `${s.atom(0)}.flatten(${kept}).index_copy(${kept}, torch.tensor(${pythonList(index, [index.length], 'int64')}, device=${s.atom(0)}.device), ${s.atom(1)}.flatten(${kept})).reshape(${s.atom(0)}.shape)`;
  },
  'view.reshape': (s) => `${s.atom(0)}.reshape(${s.reshapeSizes()})`,
  'view.expand': (s) => `${s.atom(0)}.expand(${s.sizes(s.out.shape)})`,
  'view.squeeze': (s) => s.attrs<{ readonly dims: readonly number[] }>().dims.toReversed().reduce((x, d) => `${x}.squeeze(${d})`, s.atom(0)),
  'view.unsqueeze': (s) => s.attrs<{ readonly dims: readonly number[] }>().dims.reduce((x, d) => `${x}.unsqueeze(${d})`, s.atom(0)),
  'view.permute': (s) => `${s.atom(0)}.permute(${s.attrs<{ readonly dims: readonly number[] }>().dims.join(', ')})`,
  'view.slice': slice,
  'view.select': select,
};

/** Primitives whose functions give several results in PyTorch, whether or not they are read. */
export const tuples: readonly string[] = ['maxDim', 'minDim', 'sort', 'cummax', 'cummin'];

/** Functions of PyTorch that have the primitive's name, and take its operands and numbers. */
function byName(s: CodeStep): string | undefined {
  const info = allOps().get(s.step.op);
  const attrs: unknown = s.step.attrs ?? [];
  // Numbers of a formula are further arguments.
  if (info === undefined || info.torch === null || !Array.isArray(attrs)) return undefined;
  const { torch } = info;
  const operands = s.step.inputs.map((x, i) => (typeof x === 'number' ? `torch.tensor(${pythonFloat(x)}, dtype=${torchType(s.out.dtype)}, device=${s.device})` : s.in(i)));
  const args = [...operands, ...attrs.map((v) => python(v))];
  if (torch.startsWith('Tensor.')) return `${s.atom(0)}.${torch.slice(7)}(${args.slice(1).join(', ')})`;
  return `${torch.startsWith('nn.functional.') ? `F.${torch.slice(14)}` : `torch.${torch}`}(${args.join(', ')})`;
}

/**
 * A primitive as an expression in PyTorch.
 *
 * @throws StateError for one that has no form there, naming it and its module
 */
export function expressionOf(s: CodeStep): string {
  const write = Object.hasOwn(functions, s.step.op) ? functions[s.step.op](s) : byName(s);
  if (write === undefined) throw s.refuse('has no form in the code that is written');
  return write;
}

import * as polyak from '../../index.ts';
import { Tensor } from '../../index.ts';
import { toCamelCase } from '../../core/names.ts';
import type { Recorded } from './values.ts';

type Call = (...args: readonly unknown[]) => unknown;

/** A name of PyTorch's as polyak writes it: `masked_fill_` is `maskedFill_`, `atleast_1d` is `atleast1d`. */
export const spelled = (name: string): string => `${toCamelCase(name.replace(/_+$/, '').replace(/_(?=\d)/g, ''))}${/_*$/.exec(name)?.[0] ?? ''}`;

const spaces: Readonly<Record<string, object>> = { '': polyak, 'nn.functional': polyak.F, linalg: polyak.linalg, special: polyak.special };
const member = (of: object, name: string): Call | null => {
  const found: unknown = Reflect.get(of, name);
  return typeof found === 'function' ? (found as Call) : null;
};

/** polyak's function for a name below `torch.`, or what calls the method; null where there is none. */
export function find(name: string): Call | null {
  const cut = name.lastIndexOf('.');
  const [space, last] = [name.slice(0, Math.max(cut, 0)), name.slice(cut + 1)];
  const own = Object.hasOwn(spaces, space) ? member(spaces[space], spelled(last)) ?? member(spaces[space], last) : null;
  const method = [spelled(last), last].find((written) => written in Tensor.prototype);
  if (own !== null || space !== '' || method === undefined) return own;
  return (x, ...rest) => {
    const found: unknown = Reflect.get(x as object, method);
    return typeof found === 'function' ? (found as Call).apply(x, rest) : found;
  };
}

/** What PyTorch's users may give by position and polyak's give in the options: from which place on, and the names. */
const inOptions: Readonly<Record<string, readonly [from: number, names: readonly string[]]>> = {
  argsort: [2, ['descending']], sort: [2, ['descending']], topk: [3, ['largest', 'sorted']], kthvalue: [3, ['keepdim']], mode: [2, ['keepdim']], median: [2, ['keepdim']], nanmedian: [2, ['keepdim']],
  max: [2, ['keepdim']], min: [2, ['keepdim']], logsumexp: [2, ['keepdim']], norm: [3, ['keepdim']], cdist: [3, ['computeMode']], std: [1, ['unbiased', 'keepdim']], var: [1, ['unbiased', 'keepdim']],
  std_mean: [1, ['unbiased']], var_mean: [1, ['unbiased']], 'nn.functional.interpolate': [1, ['size', 'scaleFactor', 'mode', 'alignCorners']], 'nn.functional.unfold': [2, ['dilation', 'padding', 'stride']],
  'nn.functional.avg_pool2d': [2, ['stride', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride']], 'nn.functional.adaptive_max_pool1d': [2, ['returnIndices']],
  'nn.functional.adaptive_max_pool2d': [2, ['returnIndices']], 'nn.functional.adaptive_max_pool3d': [2, ['returnIndices']],
};

type Options = Readonly<Record<string, unknown>>;

/** What the record gives in an order of its own, and sizes that PyTorch takes one by one. */
const inOrder: Readonly<Record<string, (args: readonly unknown[], options: Options) => readonly [unknown[], Options]>> = {
  einsum: ([operands, equation], options) => [[equation, ...(operands as unknown[])], options],
  polygamma: ([x, n], options) => [[n, x], options],
  'special.polygamma': ([x, n], options) => [[n, x], options],
  where: ([x, mask, y], options) => [[mask, x, y], options],
  'nn.functional.embedding': ([weight, input, ...rest], options) => [[input, weight, ...rest], options],
  'nn.functional.embedding_bag': ([weight, input, ...rest], options) => [[input, weight, ...rest], options],
  'linalg.pinv': ([a, b, ...rest], options) => [a instanceof Tensor && b instanceof Tensor ? [a.matmul(b.mT), ...rest] : [a, b, ...rest].filter((v) => v !== undefined), options],
  as_strided: ([x, shape, strides], { storageOffset = 0 }) => [[x, shape, strides, storageOffset], {}],
  as_strided_scatter: ([x, source, shape, strides], { storageOffset = 0 }) => [[x, source, { shape, strides, offset: storageOffset }], {}],
  sum_to_size: ([x, ...sizes], options) => [[x, ...(sizes.every((v) => typeof v === 'number') ? [sizes] : sizes)], options],
};

/** Arguments where polyak wants them. */
export function arranged(name: string, given: readonly unknown[], named: Options): unknown[] {
  const [args, options] = Object.hasOwn(inOrder, name) ? inOrder[name](given, named) : [[...given], named];
  const [from, names] = Object.hasOwn(inOptions, name) ? inOptions[name] : [args.length, []];
  // `x.max(y)` is another function, and dimensions stay in their place.
  const stays = args[from] instanceof Tensor || (names[0] === 'unbiased' && typeof args[from] !== 'boolean');
  const split = stays ? args.length : Math.min(from, args.length);
  const all = { ...options, ...Object.fromEntries(args.slice(split).map((v, i) => [names[i], v])) };
  return Object.keys(all).length === 0 ? args : [...args.slice(0, split), all];
}

/** Options with their names in camelCase. */
export const optionsOf = (options: Readonly<Record<string, Recorded>>, decoded: (v: Recorded) => unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).map(([name, v]) => [spelled(name), decoded(v)]));

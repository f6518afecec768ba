import type { CrossEntropyAttrs } from '../../core/cpu/crossEntropy.ts';
import type { Kernel } from '../../core/op.ts';
import type { Operand } from '../../core/tape.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { Backend, Block } from '../backend.ts';
import { fill, rowMajor, storageOf, zeros } from '../launch.ts';
import { type Lines, type Span, elements, linesAlong, totals, whole } from './lines.ts';
import { softmaxTotals } from './softmax.ts';

/** Weights of the classes: an array, or one number for all. */
interface Weights {
  readonly key: string;
  readonly arrays: Readonly<Record<string, Span>>;
  readonly floats: Readonly<Record<string, number>>;
  /** The weight of a class, in the language of kernels. */
  readonly of: (c: string) => string;
  readonly done: () => void;
}

function weightsOf(weight: Operand): Weights {
  if (typeof weight === 'number') return { key: 'even', arrays: {}, floats: { weight }, of: () => 'weight', done: () => {} };
  const rows = rowMajor(weight);
  return { key: 'weighted', arrays: { weight: rows }, floats: {}, of: (c) => `weight(${c})`, done: rows.done };
}

/** The class of a line. A label outside the classes gives NaN: what is on the device is not looked at before. */
const label = (classes: string): string => `const y = target(line); let known = 0; if (y >= 0 && y < ${classes}) { known = 1; } const c = known > 0.5 ? y : 0;`;

/** The sum of a block, one element. */
function sumOf(backend: Backend, block: Block, n: number): Block {
  return totals(backend, 'sum', { pre: 1, n, post: 1 }, { name: 'x', arrays: { x: whole(block) }, value: 'x(at)' });
}

/** Losses, probabilities, and the weight of all targets that count. */
export const crossEntropy: Kernel<CrossEntropyAttrs> = ([losses, probabilities, total], [logits, labels, weight], { classDim, ignoreIndex, smoothing, reduction }) => {
  const x = logits as Tensor;
  const { backend } = storageOf(x);
  const lines = linesAlong(x.shape, classDim);
  const { pre, n, post } = lines;
  const count = pre * post;
  const perLine: Lines = { pre: count, n: 1, post: 1 };
  if (count * n === 0) {
    // No samples: their mean is 0/0.
    if (losses.numel() > 0) fill(losses, elements(backend, { pre: 1, n: 1, post: 1 }, { name: 'constant', arrays: {}, floats: { v: reduction === 'mean' ? NaN : 0 }, value: 'v' }));
    fill(total, zeros(backend, 1));
    return;
  }
  const [rows, targets, weights] = [rowMajor(x), rowMajor(labels as Tensor), weightsOf(weight)];
  const { most, sum } = softmaxTotals(backend, lines, rows);
  const stats = { most: whole(most), sum: whole(sum) };
  fill(probabilities, elements(backend, lines, { name: 'softmax', arrays: { x: rows, ...stats }, value: 'expOf(x(at) - most(line)) / sum(line)' }));
  const labelled = { target: targets, ...weights.arrays };
  const floats = { ignore: ignoreIndex, nan: NaN, main: 1 - smoothing, share: smoothing / n, ...weights.floats };
  const integers = { classes: n, places: post };
  const even = smoothing === 0 ? '' : `for (let j = 0; j < classes; j++) { loss = loss + share * ${weights.of('j')} * (norm - x(first + j * places)); }`;
  const each = elements(backend, perLine, {
    name: `crossEntropy ${weights.key} ${smoothing === 0 ? '' : 'smooth'}`,
    arrays: { x: rows, ...stats, ...labelled },
    integers,
    floats,
    body: `const outer = idiv(line, places); const first = outer * classes * places + (line - outer * places); ${label('classes')} const norm = most(line) + ln(sum(line));`
      + ` let loss = main * ${weights.of('c')} * (norm - x(first + c * places)); ${even} if (known < 0.5) { loss = nan; } if (y === ignore) { loss = 0; }`,
    value: 'loss',
  });
  const counted = elements(backend, perLine, {
    name: `crossEntropyWeight ${weights.key}`, arrays: labelled, integers, floats, body: `${label('classes')} let v = ${weights.of('c')}; if (y === ignore) { v = 0; }`, value: 'v',
  });
  const all = sumOf(backend, counted, count);
  backend.free(counted);
  if (reduction === 'none') fill(losses, each);
  else {
    const together = sumOf(backend, each, count);
    backend.free(each);
    if (reduction === 'sum') fill(losses, together);
    else {
      fill(losses, elements(backend, { pre: 1, n: 1, post: 1 }, { name: 'quotient', arrays: { a: whole(together), b: whole(all) }, value: 'a(at) / b(at)' }));
      backend.free(together);
    }
  }
  fill(total, all);
  backend.free(most);
  backend.free(sum);
  rows.done();
  targets.done();
  weights.done();
};

/** Gradient of the logits, from the gradient of the loss and the probabilities: softmax minus the target. */
export const crossEntropyBackward: Kernel<CrossEntropyAttrs> = ([out], [grad, probabilities, labels, weight, total], { classDim, ignoreIndex, smoothing, reduction }) => {
  if (out.numel() === 0) return;
  const { backend } = storageOf(out);
  const lines = linesAlong(out.shape, classDim);
  const { n } = lines;
  const [g, p, targets, weights] = [rowMajor(grad as Tensor), rowMajor(probabilities as Tensor), rowMajor(labels as Tensor), weightsOf(weight)];
  const sums = typeof weight === 'number' || smoothing === 0 ? null : sumOf(backend, weights.arrays['weight'].block, n);
  const all = smoothing === 0 ? '0' : sums === null ? 'share * weight * n' : 'share * weightSum(0)';
  const slope = reduction === 'none' ? 'g(line)' : reduction === 'mean' ? 'g(0) / counted(0)' : 'g(0)';
  fill(out, elements(backend, lines, {
    name: `crossEntropyBackward ${weights.key} ${reduction} ${all}`,
    arrays: {
      g, chance: p, target: targets, ...weights.arrays, ...(reduction === 'mean' && { counted: rowMajor(total as Tensor) }), ...(sums !== null && { weightSum: whole(sums) }),
    },
    floats: { ignore: ignoreIndex, nan: NaN, main: 1 - smoothing, share: smoothing / n, ...weights.floats },
    body: `${label('n')} const slope = ${slope}; const own = main * ${weights.of('c')}; let v = chance(at) * (own + ${all}) - share * ${weights.of('i')}; if (i === c) { v = v - own; } v = v * slope; if (known < 0.5) { v = nan; } if (y === ignore) { v = 0; }`,
    value: 'v',
  }));
  if (sums !== null) backend.free(sums);
  for (const rows of [g, p, targets, weights]) rows.done();
};

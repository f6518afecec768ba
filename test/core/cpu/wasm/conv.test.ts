import { test } from 'uvu';
import { convWeightKernel } from '../../../../core/cpu/conv-weight.ts';
import { convInputKernel, convKernel } from '../../../../core/cpu/conv.ts';
import type { FastKernel } from '../../../../core/cpu/engine.ts';
import { fastConvInput } from '../../../../core/cpu/fast/conv-input.ts';
import { splitRanges } from '../../../../core/cpu/fast/conv-layout.ts';
import { fastConvWeight } from '../../../../core/cpu/fast/conv-weight.ts';
import { fastConv } from '../../../../core/cpu/fast/conv.ts';
import type { ConvGeometry, Pair } from '../../../../core/cpu/frame.ts';
import { tilesFor } from '../../../../core/cpu/wasm/conv-tile.ts';
import type { Kernel } from '../../../../core/op.ts';
import { Generator } from '../../../../core/random.ts';
import { Tensor, emptyTensor } from '../../../../core/tensor.ts';
import { conv2d, randn, setNumThreads, tensor, zeros } from '../../../../index.ts';
import { allClose, equal, is, ok } from '../../../assert.ts';

const random = new Generator(3);
const below = (n: number): number => random.random() % n;
const normal = (shape: readonly number[]): Tensor => randn(shape, { generator: random });

interface Sizes {
  readonly batch?: number;
  readonly groups?: number;
  /** Channels of a group. */
  readonly from?: number;
  readonly to?: number;
  readonly input: Pair;
  readonly kernel: Pair;
  readonly stride?: Pair;
  readonly padding?: Pair;
  readonly dilation?: Pair;
  readonly rank?: 1 | 2;
}

function geometryOf({ batch = 1, groups = 1, from = 1, to = 1, input, kernel, stride = [1, 1], padding = [0, 0], dilation = [1, 1], rank = 2 }: Sizes): ConvGeometry {
  const size = (d: 0 | 1): number => Math.floor((input[d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d]) + 1;
  return { rank, batch, groups, inChannels: groups * from, outChannels: groups * to, input, output: [size(0), size(1)], kernel, stride, padding, dilation };
}

const shapeOf = (rank: 1 | 2, first: number, second: number, size: Pair): number[] => (rank === 1 ? [first, second, size[1]] : [first, second, ...size]);

/** A view with the same elements in another order in memory, and between others. */
function scattered(x: Tensor): Tensor {
  const order = x.shape.map((_, d) => d).toSorted(() => below(3) - 1);
  const sizes = order.map((d) => x.shape[d] + below(2));
  const strides: number[] = new Array<number>(x.ndim).fill(0);
  let step = 1 + below(2);
  for (let i = order.length - 1; i >= 0; i--) {
    strides[order[i]] = step;
    step *= sizes[i];
  }
  const view = new Tensor(emptyTensor([step + 1], 'float32', 'cpu').storage, x.shape, strides, 1);
  const [{ cells }, values] = [view.storage, x.data()];
  values.forEach((v, i) => {
    let rest = i;
    let at = 1;
    for (let d = x.ndim - 1; d >= 0; d--) {
      at += (rest % x.shape[d]) * strides[d];
      rest = Math.floor(rest / x.shape[d]);
    }
    cells[at] = Number(v);
  });
  return view;
}

/** What a kernel makes of a result full of NaN. */
function result(kernel: Kernel<ConvGeometry> | FastKernel<ConvGeometry>, shape: readonly number[], inputs: readonly Tensor[], g: ConvGeometry): Tensor {
  const out = emptyTensor(shape, 'float32', 'cpu');
  out.storage.cells.fill(NaN);
  ok(kernel([out], inputs, g) !== false);
  return out;
}

interface Direction {
  readonly name: string;
  readonly fast: FastKernel<ConvGeometry>;
  readonly reference: Kernel<ConvGeometry>;
  readonly shape: readonly number[];
  readonly inputs: readonly Tensor[];
}

/** The convolution and its gradients, with numbers by chance. */
function directions(g: ConvGeometry): Direction[] {
  const x = normal(shapeOf(g.rank, g.batch, g.inChannels, g.input));
  const w = normal(shapeOf(g.rank, g.outChannels, g.inChannels / g.groups, g.kernel));
  const y = normal(shapeOf(g.rank, g.batch, g.outChannels, g.output));
  return [
    { name: 'forward', fast: fastConv, reference: convKernel, shape: y.shape, inputs: [x, w, normal([g.outChannels])] },
    { name: 'forward without bias', fast: fastConv, reference: convKernel, shape: y.shape, inputs: [x, w] },
    { name: 'input', fast: fastConvInput, reference: convInputKernel, shape: x.shape, inputs: [y, w] },
    { name: 'input with bias', fast: fastConvInput, reference: convInputKernel, shape: x.shape, inputs: [y, w, normal([g.inChannels])] },
    { name: 'weight', fast: fastConvWeight, reference: convWeightKernel, shape: w.shape, inputs: [x, y] },
  ];
}

const terms = (g: ConvGeometry): number => Math.max((g.kernel[0] * g.kernel[1] * Math.max(g.inChannels, g.outChannels)) / g.groups, g.batch * g.output[0] * g.output[1]);

/** Compares all directions with the reference, which sums in doubles. */
function agree(g: ConvGeometry): void {
  for (const { name, fast, reference, shape, inputs } of directions(g)) {
    const expected = result(reference, shape, inputs, g);
    const about = `${name} ${JSON.stringify(g)}`;
    try {
      allClose(result(fast, shape, inputs, g), expected, { rtol: 1e-5, atol: 2e-6 * Math.sqrt(terms(g)) });
      const views = inputs.map((x) => (x.ndim === 1 ? x : scattered(x)));
      equal(result(fast, shape, views, g).data(), result(fast, shape, inputs, g).data(), 'strides change bits');
    } catch (error) {
      throw new Error(`${about}: ${String(error)}`, { cause: error });
    }
  }
}

test('tiles cover every number of rows', () => {
  for (let rows = 1; rows < 200; rows++) is(tilesFor(rows).reduce((n, t) => n + t.rows, 0), rows);
});

test('sizes by chance', () => {
  for (let i = 0; i < 250; i++) {
    const [kernel, dilation, stride, padding]: Pair[] = [[1 + below(4), 1 + below(5)], [1 + below(2), 1 + below(2)], [1 + below(3), 1 + below(3)], [below(4), below(4)]];
    const input: Pair = [(kernel[0] - 1) * dilation[0] + 1 + below(12), (kernel[1] - 1) * dilation[1] + 1 + below(14)];
    const groups = [1, 1, 2, 3][below(4)];
    agree(geometryOf({ batch: 1 + below(3), groups, from: 1 + below(6), to: 1 + below(12), input, kernel, stride, padding, dilation }));
  }
});

test('one dimension', () => {
  for (let i = 0; i < 60; i++) {
    const [kernel, dilation] = [1 + below(6), 1 + below(3)];
    const length = (kernel - 1) * dilation + 1 + below(i === 0 ? 1 : 60);
    const geometry = { input: [1, length], kernel: [1, kernel], stride: [1, 1 + below(3)], padding: [0, below(4)], dilation: [1, dilation], rank: 1 } as const;
    agree(geometryOf({ batch: 1 + below(3), groups: 1 + below(2), from: 1 + below(4), to: 1 + below(9), ...geometry }));
  }
});

test('all widths up to 20', () => {
  for (let width = 1; width <= 20; width++) {
    agree(geometryOf({ batch: 2, from: 3, to: 8, input: [width, width], kernel: [1, 1] }));
    agree(geometryOf({ batch: 2, from: 2, to: 5, input: [3, width], kernel: [3, 3], padding: [1, 1] }));
    agree(geometryOf({ from: 2, to: 4, input: [2, width], kernel: [2, 2], padding: [1, 1], stride: [1, 2] }));
  }
});

test('LeNet', () => {
  agree(geometryOf({ batch: 3, from: 1, to: 8, input: [28, 28], kernel: [5, 5] }));
  agree(geometryOf({ batch: 32, from: 8, to: 16, input: [12, 12], kernel: [5, 5] }));
});

test('planes that lie a multiple of 4096 bytes apart, many places, depthwise', () => {
  agree(geometryOf({ batch: 2, from: 12, to: 10, input: [32, 32], kernel: [1, 1] }));
  agree(geometryOf({ batch: 1, from: 2, to: 9, input: [33, 41], kernel: [3, 3], padding: [1, 1] }));
  agree(geometryOf({ batch: 2, groups: 9, input: [11, 13], kernel: [3, 3], padding: [1, 1] }));
  agree(geometryOf({ batch: 2, groups: 6, input: [11, 13], kernel: [3, 3], padding: [1, 1], stride: [2, 2] }));
});

test('an expanded gradient', () => {
  const g = geometryOf({ batch: 2, from: 3, to: 5, input: [9, 8], kernel: [3, 3], padding: [1, 1] });
  const [, , { shape, inputs: [y, w] }, , { inputs: [x], shape: weightShape }] = directions(g);
  const one = new Tensor(tensor([0.5]).storage, y.shape, [0, 0, 0, 0]);
  const full = zeros(y.shape).add(0.5);
  equal(result(fastConvInput, shape, [one, w], g).data(), result(fastConvInput, shape, [full, w], g).data());
  equal(result(fastConvWeight, weightShape, [x, one], g).data(), result(fastConvWeight, weightShape, [x, full], g).data());
});

test('NaN and infinities stay in the windows that hold them', () => {
  const g = geometryOf({ batch: 2, from: 2, to: 6, input: [7, 9], kernel: [3, 3], padding: [1, 1] });
  for (const odd of [NaN, Infinity, -Infinity]) {
    const all = directions(g);
    const [x, y] = [all[0].inputs[0], all[2].inputs[0]];
    x.storage.cells[x.offset + 40] = odd;
    y.storage.cells[y.offset + 61] = odd;
    for (const { fast, reference, shape, inputs } of all) allClose(result(fast, shape, inputs, g), result(reference, shape, inputs, g), { rtol: 1e-4, atol: 1e-4 });
  }
});

test('other dtypes and empty sizes are left to the reference', () => {
  const [x, w] = [zeros([1, 1, 4, 4], { dtype: 'float64' }), zeros([1, 1, 2, 2], { dtype: 'float64' })];
  equal(conv2d(x, w).shape, [1, 1, 3, 3]);
  equal(conv2d(zeros([0, 1, 4, 4]), zeros([2, 1, 2, 2])).shape, [0, 2, 3, 3]);
  is(fastConv([zeros([1, 1, 3, 3], { dtype: 'float64' })], [x, w], geometryOf({ input: [4, 4], kernel: [2, 2] })), false);
});

test('ranges split without gaps', () => {
  for (const [first, second, parts] of [[32, 3, 4], [1, 7, 3], [2, 1, 4], [5, 5, 2], [1, 1, 8]]) {
    const cells = new Set<string>();
    let count = 0;
    for (const [a, n, b, m] of splitRanges(first, second, parts)) {
      ok(n > 0 && m > 0);
      for (let i = a; i < a + n; i++) for (let j = b; j < b + m; j++, count++) cells.add(`${i},${j}`);
    }
    is(cells.size, first * second);
    is(count, first * second);
  }
});

test('any number of threads gives the same bits', () => {
  const shapes: Sizes[] = [
    { batch: 5, from: 9, to: 16, input: [20, 20], kernel: [3, 3], padding: [1, 1] },
    { batch: 1, from: 9, to: 33, input: [25, 25], kernel: [3, 3] },
    { batch: 7, from: 8, to: 12, input: [12, 12], kernel: [5, 5] },
    { batch: 2, groups: 3, from: 6, to: 12, input: [30, 31], kernel: [3, 3], stride: [2, 2], padding: [1, 1] },
    { batch: 1, from: 2, to: 3, input: [130, 90], kernel: [3, 5], stride: [1, 2] },
  ];
  for (const sizes of shapes) {
    const g = geometryOf(sizes);
    for (const { name, fast, shape, inputs } of directions(g)) {
      const whole = result(fast, shape, inputs, g).data();
      for (const threads of [2, 3, 7]) {
        setNumThreads(threads);
        try {
          equal(result(fast, shape, inputs, g).data(), whole, `${name} on ${threads} threads, ${JSON.stringify(g)}`);
        } finally {
          setNumThreads(1);
        }
      }
    }
  }
});

test.run();

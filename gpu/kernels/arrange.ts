import type { TriangleAttrs } from '../../core/cpu/arrange.ts';
import type { Kernel } from '../../core/op.ts';
import { numelOf } from '../../core/shape.ts';
import type { Layout, Tensor } from '../../core/tensor.ts';
import type { Block } from '../backend.ts';
import { blockOf, fill, launch, placed, prefix, rowMajor, runOn, storageOf, zeros } from '../launch.ts';
import { address, coordinates, joined, namesOf, numbersOf } from '../layout.ts';
import { sourceOf } from '../source.ts';
import { linesAlong } from './lines.ts';

/** The elements of a tensor under other strides. */
function copied(out: Tensor, x: Tensor, strides: readonly number[], offset: number): void {
  const walk = joined(out.shape, [strides], [offset]);
  const rank = walk.sizes.length;
  const source = sourceOf(`${prefix(rank)}copy ${rank}`, () => ({ arrays: ['a'], integers: namesOf(rank, ['a']), floats: [], body: `${coordinates(rank)} return a[${address(rank, 'a')}];` }));
  launch(source, out, { arrays: [blockOf(x)], integers: numbersOf(walk) });
}

/** A copy with the order of some dimensions reversed: read from the far end with negative strides. */
export const flip: Kernel<{ readonly dims: readonly number[] }> = ([out], [input], { dims }) => {
  const x = input as Tensor;
  if (x.numel() === 0) return;
  copied(out, x, x.strides.map((s, d) => (dims.includes(d) ? -s : s)), dims.reduce((at, d) => at + (x.shape[d] - 1) * x.strides[d], x.offset));
};

/** Parts that one kernel joins: it can have 7 arrays. */
const PARTS = 6;

/** Tensors one behind the other along a dimension. */
export const cat: Kernel<{ readonly dim: number }> = ([out], inputs, { dim }) => {
  const tensors = (inputs as readonly Tensor[]).filter((x) => x.numel() > 0);
  if (tensors.length === 0) return;
  const { backend } = storageOf(out);
  const { pre, post } = linesAlong(out.shape, dim);
  let before: { readonly block: Block; readonly width: number } | null = null;
  for (let i = 0; i < tensors.length; i += PARTS) {
    const parts = tensors.slice(i, i + PARTS).map((x) => ({ ...rowMajor(x), width: x.shape[dim] }));
    const all = before === null ? parts : [{ block: before.block, offset: 0, width: before.width, done: () => {} }, ...parts];
    const width: number = all.reduce((n, x) => n + x.width, 0);
    const names = all.map((_, k) => `a${k}`);
    const reads = names.map((a, k) => `if (r >= 0 && r < w${k}) { v = ${a}[o${k} + (p * w${k} + r) * post + q]; } r = r - w${k};`);
    const source = sourceOf(`cat ${names.length}`, () => ({
      arrays: names,
      integers: ['width', 'post', ...names.flatMap((_, k) => [`o${k}`, `w${k}`])],
      floats: [],
      body: `const rows = idiv(this.thread.x, post); const q = this.thread.x - rows * post; const p = idiv(rows, width); let r = rows - p * width; let v = 0; ${reads.join(' ')} return v;`,
    }));
    const block = runOn(backend, source, pre * width * post, { arrays: all.map((x) => x.block), integers: [width, post, ...all.flatMap((x) => [x.offset, x.width])] });
    if (before !== null) backend.free(before.block);
    for (const x of parts) x.done();
    before = { block, width };
  }
  if (before !== null) fill(out, before.block);
};

/** Zeros with `x` in a window of one dimension. */
export const place: Kernel<{ readonly dim: number; readonly start: number; readonly step: number }> = ([out], [input], { dim, start, step }) => {
  const x = input as Tensor;
  const { backend } = storageOf(out);
  if (x.numel() === 0) {
    if (out.numel() > 0) fill(out, zeros(backend, out.numel()));
    return;
  }
  const rows = rowMajor(x);
  const { n, post } = linesAlong(out.shape, dim);
  const source = sourceOf('placeAlong', () => ({
    arrays: ['x'],
    integers: ['xo', 'n', 'post', 'm', 'start', 'step'],
    floats: [],
    body: 'const lines = idiv(this.thread.x, post); const q = this.thread.x - lines * post; const p = idiv(lines, n); const i = lines - p * n - start; let j = 0; if (i > 0) { j = idiv(i, step); }'
      + ' let inside = 1; if (i < 0 || j * step !== i || j >= m) { inside = 0; j = 0; } const v = x[xo + (p * m + j) * post + q]; return inside > 0.5 ? v : 0;',
  }));
  launch(source, out, { arrays: [rows.block], integers: [rows.offset, n, post, x.shape[dim], start, step] });
  rows.done();
};

/** Whether a window has each cell once, so that its strides nest. */
function isNested({ shape, strides }: Pick<Layout, 'shape' | 'strides'>): boolean {
  const order = shape.map((_, d) => d).filter((d) => shape[d] !== 1).sort((a, b) => strides[a] - strides[b]);
  let reach = 0;
  for (const d of order) {
    if (strides[d] <= reach) return false;
    reach += (shape[d] - 1) * strides[d];
  }
  return true;
}

/** `x` with the cells of a window replaced by, or added to, those of `source`. Cells that a window has several times are looked for among all its elements. */
export const asStridedScatter: Kernel<Layout & { readonly accumulate: boolean }> = ([out], inputs, window) => {
  const [target, given] = inputs as readonly Tensor[];
  if (out.numel() === 0) return;
  const { backend } = storageOf(out);
  const [x, values] = [rowMajor(target), rowMajor(given)];
  const n = out.numel();
  if (given.numel() === 0) copied(out, target, target.strides, target.offset);
  else if (!window.accumulate && isNested(window)) {
    const [whole, part] = [trimmed(target, x.block, x.offset), trimmed(given, values.block, values.offset)];
    fill(out, placed(backend, whole.block, part.block, window));
    whole.done();
    part.done();
  } else {
    const walk = joined(window.shape, [window.strides], [window.offset]);
    const rank = walk.sizes.length;
    const source = sourceOf(`asStridedScatter ${rank} ${window.accumulate}`, () => ({
      arrays: ['x', 'values'],
      integers: ['xo', 'vo', 'count', ...namesOf(rank, ['w'])],
      floats: [],
      body: `let v = x[xo + this.thread.x]; for (let i = 0; i < count; i++) { ${coordinates(rank, 'i')} const cell = ${address(rank, 'w', 'i')}; if (cell === this.thread.x) { ${window.accumulate ? 'v = v + ' : 'v = '}values[vo + i]; } } return v;`,
    }));
    fill(out, runOn(backend, source, n, { arrays: [x.block, values.block], integers: [x.offset, values.offset, numelOf(window.shape), ...numbersOf(walk)] }));
  }
  x.done();
  values.done();
};

/** A block with the elements of a row-major tensor from its start on: its own where it holds nothing else. */
function trimmed(x: Tensor, block: Block, offset: number): { readonly block: Block; readonly done: () => void } {
  const n = x.numel();
  if (offset === 0 && block.length === n) return { block, done: () => {} };
  const { backend } = storageOf(x);
  const source = sourceOf(`${prefix(1)}copy 1`, () => ({ arrays: ['a'], integers: namesOf(1, ['a']), floats: [], body: `return a[${address(1, 'a')}];` }));
  const made = runOn(backend, source, n, { arrays: [block], integers: [offset, 1] });
  return { block: made, done: () => backend.free(made) };
}

/** One triangle of each matrix, zeros elsewhere. */
export const triangle: Kernel<TriangleAttrs> = ([out], [input], { diagonal, upper }) => {
  const x = input as Tensor;
  const rows = rowMajor(x);
  const [height, width] = x.shape.slice(-2);
  const source = sourceOf(`triangle ${upper}`, () => ({
    arrays: ['x'],
    integers: ['xo', 'height', 'width', 'diagonal'],
    floats: [],
    body: `const lines = idiv(this.thread.x, width); const c = this.thread.x - lines * width; const r = lines - idiv(lines, height) * height; const v = x[xo + this.thread.x]; return c - r ${upper ? '>=' : '<='} diagonal ? v : 0;`,
  }));
  launch(source, out, { arrays: [rows.block], integers: [rows.offset, height, width, diagonal] });
  rows.done();
};

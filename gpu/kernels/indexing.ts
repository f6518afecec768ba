import type { GatherAttrs, IndexAttrs } from '../../core/cpu/gather.ts';
import type { Kernel } from '../../core/op.ts';
import { numelOf, stridesOf } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { Block } from '../backend.ts';
import { blockOf, fill, launch, rowMajor, runOn, storageOf } from '../launch.ts';
import { address, coordinates, joined, namesOf, numbersOf } from '../layout.ts';
import { sourceOf } from '../source.ts';

// Every thread makes one element, so that what is written to many places is gathered: a thread looks for the entries that name its place. An index outside the
// dimension gives NaN where it is read, and is passed over where it is written: what is on the device is not looked at before.

/** `out[i, j] = x[index[i, j], j]` along dimension 0, and likewise along others. */
export const gather: Kernel<GatherAttrs> = ([out], inputs, { dim }) => {
  const [x, index] = inputs as readonly Tensor[];
  const rows = rowMajor(index);
  const walk = joined(index.shape, [x.strides.with(dim, 0)], [x.offset]);
  const rank = walk.sizes.length;
  const source = sourceOf(`gather ${rank}`, () => ({
    arrays: ['x', 'index'],
    integers: ['from', 'size', 'step', ...namesOf(rank, ['x'])],
    floats: ['nan'],
    body: `${coordinates(rank)} const i = index[from + this.thread.x]; let at = i; if (i < 0 || i >= size) { at = 0; } let v = x[${address(rank, 'x')} + at * step]; if (i < 0 || i >= size) { v = nan; } return v;`,
  }));
  launch(source, out, { arrays: [blockOf(x), rows.block], integers: [rows.offset, x.shape[dim], x.strides[dim], ...numbersOf(walk)], floats: [NaN] });
  rows.done();
};

const letters = (rank: number): number[] => Array.from({ length: rank }, (_, d) => d);

/** `x` with `out[index[i, j], j] = source[i, j]` along dimension 0, the last one winning, or with the source added there. */
export const scatter: Kernel<GatherAttrs & { readonly accumulate: boolean }> = ([out], inputs, { dim, accumulate }) => {
  const [target, index, values] = inputs as readonly Tensor[];
  if (out.numel() === 0) return;
  const [x, rows, from] = [rowMajor(target), rowMajor(index), rowMajor(values)];
  const rank = target.ndim;
  const dims = letters(rank);
  const strides = stridesOf(index.shape);
  const others = dims.filter((d) => d !== dim);
  const source = sourceOf(`scatter ${rank} ${dim} ${accumulate}`, () => ({
    arrays: ['x', 'index', 'values'],
    integers: ['xo', 'io', 'vo', 'n0', ...dims.slice(1).map((d) => `n${d}`), ...dims.map((d) => `m${d}`), ...dims.map((d) => `s${d}`)],
    floats: [],
    body: `${rank === 1 ? 'const c0 = this.thread.x;' : coordinates(rank)} let v = x[xo + this.thread.x]; let inside = 1; ${others.map((d) => `if (c${d} >= m${d}) { inside = 0; }`).join(' ')}`
      + ` if (inside > 0.5) { const base = 0 ${others.map((d) => ` + c${d} * s${d}`).join('')}; for (let i = 0; i < m${dim}; i++) { if (index[io + base + i * s${dim}] === c${dim}) { ${accumulate ? 'v = v + ' : 'v = '}values[vo + base + i * s${dim}]; } } } return v;`,
  }));
  const result = runOn(storageOf(out).backend, source, out.numel(), {
    arrays: [x.block, rows.block, from.block], integers: [x.offset, rows.offset, from.offset, ...target.shape, ...index.shape, ...strides],
  });
  fill(out, result);
  for (const part of [x, rows, from]) part.done();
};

/** For every position of index tensors, how far the entry they name is from the start of a row-major `shape`; -1 for none. */
function entries(indices: readonly Tensor[], shape: readonly number[], { dims, wrap }: IndexAttrs): Block {
  const { backend } = storageOf(indices[0]);
  const count = numelOf(indices[0].shape);
  const strides = stridesOf(shape);
  const parts = indices.map(rowMajor);
  const names = indices.map((_, k) => `a${k}`);
  const steps = names.map((a, k) => `let v${k} = ${a}[o${k} + this.thread.x]; ${wrap ? `if (v${k} < 0) { v${k} = v${k} + n${k}; }` : ''} if (v${k} < 0 || v${k} >= n${k}) { known = 0; } at = at + v${k} * s${k};`);
  const source = sourceOf(`entries ${names.length} ${wrap}`, () => ({
    arrays: names,
    integers: names.flatMap((_, k) => [`o${k}`, `n${k}`, `s${k}`]),
    floats: [],
    body: `let known = 1; let at = 0; ${steps.join(' ')} if (known < 0.5) { at = -1; } return at;`,
  }));
  const made = runOn(backend, source, count, { arrays: parts.map(({ block }) => block), integers: parts.flatMap(({ offset }, k) => [offset, shape[dims[k]], strides[dims[k]]]) });
  for (const part of parts) part.done();
  return made;
}

/** Copies the entries of `x` that index tensors name. */
export const index: Kernel<IndexAttrs> = ([out], inputs, attrs) => {
  const [target, ...indices] = inputs as readonly Tensor[];
  if (out.numel() === 0) return;
  const { backend } = storageOf(target);
  const { shape } = target;
  const x = rowMajor(target);
  const rows = entries(indices, shape, attrs);
  const rest = letters(target.ndim).filter((d) => !attrs.dims.includes(d));
  const strides = stridesOf(shape);
  const part = (dims: readonly number[], offset: number): ReturnType<typeof joined> => joined(dims.map((d) => shape[d]), [dims.map((d) => strides[d])], [offset]);
  const [before, after] = [part(rest.slice(0, attrs.at), x.offset), part(rest.slice(attrs.at), 0)];
  const [p, q] = [before.sizes.length, after.sizes.length];
  const source = sourceOf(`index ${p} ${q}`, () => ({
    arrays: ['x', 'rows'],
    integers: ['count', 'post', ...namesOf(p, ['b'], 'n'), ...namesOf(q, ['e'], 'm')],
    floats: ['nan'],
    body: `const lines = idiv(this.thread.x, post); const last = this.thread.x - lines * post; const first = idiv(lines, count); const r = lines - first * count;`
      + ` ${coordinates(p, 'first')} ${coordinates(q, 'last', 'd', 'm')} const row = rows[r]; let at = row; if (row < 0) { at = 0; }`
      + ` let v = x[${address(p, 'b', 'first')} + ${address(q, 'e', 'last', 'd')} + at]; if (row < 0) { v = nan; } return v;`,
  }));
  const post = rest.slice(attrs.at).reduce((n, d) => n * shape[d], 1);
  launch(source, out, { arrays: [x.block, rows], integers: [numelOf(indices[0].shape), post, ...numbersOf(before), ...numbersOf(after)], floats: [NaN] });
  backend.free(rows);
  x.done();
};

/** `x` with the entries that index tensors name replaced by, or added to, those of `values`. */
export const indexPut: Kernel<IndexAttrs & { readonly accumulate: boolean }> = ([out], inputs, attrs) => {
  const [target, given, ...indices] = inputs as readonly Tensor[];
  if (out.numel() === 0) return;
  const { backend } = storageOf(out);
  const { shape } = target;
  const [x, values] = [rowMajor(target), rowMajor(given)];
  const rows = entries(indices, shape, attrs);
  const count = numelOf(indices[0].shape);
  const rank = target.ndim;
  const dims = letters(rank);
  const rest = dims.filter((d) => !attrs.dims.includes(d));
  const strides = stridesOf(shape);
  const post = rest.slice(attrs.at).reduce((n, d) => n * shape[d], 1);
  // Strides of the values: the positions of the index lie between the dimensions that are not indexed.
  const inner = stridesOf([...rest.slice(0, attrs.at).map((d) => shape[d]), count, ...rest.slice(attrs.at).map((d) => shape[d])]);
  const step = (d: number): number => {
    const i = rest.indexOf(d);
    return i < 0 ? 0 : inner[i < attrs.at ? i : i + 1];
  };
  const source = sourceOf(`indexPut ${rank} ${attrs.accumulate}`, () => ({
    arrays: ['x', 'values', 'rows'],
    integers: ['xo', 'vo', 'count', 'post', 'n0', ...dims.slice(1).map((d) => `n${d}`), ...dims.map((d) => `k${d}`), ...dims.map((d) => `v${d}`)],
    floats: [],
    body: `${rank === 1 ? 'const c0 = this.thread.x;' : coordinates(rank)} let v = x[xo + this.thread.x]; const key = ${dims.map((d) => `c${d} * k${d}`).join(' + ')}; const base = ${dims.map((d) => `c${d} * v${d}`).join(' + ')};`
      + ` for (let r = 0; r < count; r++) { if (rows[r] === key) { ${attrs.accumulate ? 'v = v + ' : 'v = '}values[vo + base + r * post]; } } return v;`,
  }));
  const made = runOn(backend, source, out.numel(), {
    arrays: [x.block, values.block, rows],
    integers: [x.offset, values.offset, count, post, ...shape, ...dims.map((d) => (attrs.dims.includes(d) ? strides[d] : 0)), ...dims.map(step)],
  });
  fill(out, made);
  backend.free(rows);
  for (const part of [x, values]) part.done();
};

/** Ones at `x` of the last dimension of the result, zeros elsewhere. */
export const oneHot: Kernel<{ readonly classes: number }> = ([out], [input], { classes }) => {
  const rows = rowMajor(input as Tensor);
  const source = sourceOf('oneHot', () => ({
    arrays: ['x'], integers: ['xo', 'classes'], floats: [],
    body: 'const row = idiv(this.thread.x, classes); const c = this.thread.x - row * classes; return x[xo + row] === c ? 1 : 0;',
  }));
  launch(source, out, { arrays: [rows.block], integers: [rows.offset, classes] });
  rows.done();
};

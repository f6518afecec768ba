import { type I32, f32, i32, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';
import { WasmKernel } from './kernel.ts';
import { transposed } from './transpose.ts';

// Copies between any strides. Every kernel does the two inner dimensions in its own way and up to four more around them in one way. Its
// arguments are (to, from, rows, toRow, fromRow, n, toStep, fromStep), then size, step of `to` and step of `from` of each outer dimension, outermost
// first. Steps are in bytes and may be negative.

/** Bytes of an element that is copied. */
export type ItemSize = 1 | 4;

/** Dimensions around the inner two. */
export const OUTER = 4;

type Inner = (f: FunctionBuilder, to: IntLocal, from: IntLocal, rows: IntLocal, toRow: IntLocal, fromRow: IntLocal, n: IntLocal, toStep: IntLocal, fromStep: IntLocal) => void;

const integers = (n: number): 'i32'[] => new Array<'i32'>(n).fill('i32');

/** Loops over the outer dimensions; the pointers stand where the inner part starts. */
function overOuter(f: FunctionBuilder, to: IntLocal, from: IntLocal, dims: readonly IntLocal[], body: () => void): void {
  if (dims.length === 0) {
    body();
    return;
  }
  const [size, toStep, fromStep, ...rest] = dims;
  f.repeat(size, () => {
    overOuter(f, to, from, rest, body);
    to.increase(toStep);
    from.increase(fromStep);
  });
  to.set(i32.sub(to, i32.mul(size, toStep)));
  from.set(i32.sub(from, i32.mul(size, fromStep)));
}

/** The kernel that does `inner` at every place of the outer dimensions. */
function stridedKernel(name: string, inner: Inner): WasmKernel {
  return new WasmKernel(name, (m) => {
    const part = m.function(`${name}Inner`, integers(8), (f, to, from, rows, toRow, fromRow, n, toStep, fromStep) => {
      inner(f, to, from, rows, toRow, fromRow, n, toStep, fromStep);
    });
    return m.function(name, integers(8 + 3 * OUTER), (f, to, from, ...rest) => {
      overOuter(f, to, from, rest.slice(6), () => f.call(part, to, from, ...rest.slice(0, 6)));
    });
  });
}

/** Runs of bytes from this length on are left to the engine's own copy; below, a loop is faster than the call. */
export const LONG = 512;

/** Copies at least 16 bytes by vectors, the last of which overlaps the one before. The pointers stay. */
export function copyVectors(f: FunctionBuilder, to: I32, from: I32, bytes: I32): void {
  const last = f.i32(i32.sub(bytes, 16));
  const at = f.i32(0);
  f.while(i32.ltS(at, last), () => {
    f.store(i32.add(to, at), v128.load(i32.add(from, at)));
    at.increase(16);
  });
  f.store(i32.add(to, last), v128.load(i32.add(from, last)));
}

/** Rows of `n` bytes, at least 16, that lie side by side in both: the steps do not matter. */
export const copyRows: WasmKernel = stridedKernel('copyRows', (f, to, from, rows, toRow, fromRow, n) => {
  const each = (copy: () => void): void =>
    f.repeat(rows, () => {
      copy();
      to.increase(toRow);
      from.increase(fromRow);
    });
  f.if(
    i32.ltU(n, LONG),
    () => each(() => copyVectors(f, to, from, n)),
    () => each(() => f.copy(to, from, n)),
  );
});

const transposedKernel = (name: string, width: number): WasmKernel =>
  stridedKernel(name, (f, to, from, rows, toRow, _, n, __, fromStep) => transposed(f, to, from, rows, toRow, n, fromStep, width));

/** Rows of `n` elements that lie side by side in `to`, and in columns in `from`: four bytes each, `toStep` and `fromRow` are 4. */
export const copyTransposed: WasmKernel = transposedKernel('copyTransposed', 8);
/**
 * The same for rows of `to` that lie a multiple of 1024 bytes apart: the lines of a column compete for the same few places in the cache, so each is
 * written whole, at once. Elsewhere narrower strips are faster.
 */
export const copyAligned: WasmKernel = transposedKernel('copyAligned', 16);

const loadItem: Readonly<Record<ItemSize, (at: I32) => I32>> = { 1: i32.load8U, 4: i32.load };

function storeItem(f: FunctionBuilder, item: ItemSize, at: I32, value: I32): void {
  if (item === 1) f.store8(at, value);
  else f.store(at, value);
}

/** Does something for one element after the other, in row-major order. */
const elementwise = (name: string, one: (f: FunctionBuilder, to: I32, from: I32) => void): WasmKernel =>
  stridedKernel(name, (f, to, from, rows, toRow, fromRow, n, toStep, fromStep) => {
    const [a, b] = [f.i32(), f.i32()];
    f.repeat(rows, () => {
      a.set(to);
      b.set(from);
      f.repeat(n, () => {
        one(f, a, b);
        a.increase(toStep);
        b.increase(fromStep);
      });
      to.increase(toRow);
      from.increase(fromRow);
    });
  });

const copyItem = (item: ItemSize): WasmKernel => elementwise(`copyItems${item}`, (f, to, from) => storeItem(f, item, to, loadItem[item](from)));

/** One element after the other, with any steps, by the size of an element. */
export const copyItems: Readonly<Record<ItemSize, WasmKernel>> = { 1: copyItem(1), 4: copyItem(4) };

/** `to += from` for floats with any steps; cells may meet. */
export const addFloats: WasmKernel = elementwise('addFloats', (f, to, from) => f.store(to, f32.add(f32.load(to), f32.load(from))));

/** Rows of `n` elements of four bytes, side by side in `to`, that all are the same element of `from`. */
export const copySpread: WasmKernel = stridedKernel('copySpread', (f, to, from, rows, toRow, fromRow, n) => {
  const value = f.v128();
  const at = f.i32();
  const last = f.i32(i32.sub(i32.shl(n, 2), 16));
  f.repeat(rows, () => {
    value.set(v128.load32Splat(from));
    f.if(
      i32.geS(last, 0),
      () => {
        at.set(0);
        f.while(i32.ltS(at, last), () => {
          f.store(i32.add(to, at), value);
          at.increase(16);
        });
        f.store(i32.add(to, last), value);
      },
      () => {
        at.set(to);
        f.repeat(n, () => {
          f.storeLane(at, value, 0);
          at.increase(4);
        });
      },
    );
    to.increase(toRow);
    from.increase(fromRow);
  });
});

/** `to, from, bytes`: bytes that lie side by side. */
export const copyBytes: WasmKernel = new WasmKernel('copyBytes', (m) =>
  m.function('copyBytes', ['i32', 'i32', 'i32'], (f, to, from, bytes) => {
    f.if(
      i32.ltU(i32.sub(bytes, 16), LONG - 16),
      () => copyVectors(f, to, from, bytes),
      () => f.copy(to, from, bytes),
    );
  }),
);

/** `to, bytes`: zeros. */
export const clearBytes: WasmKernel = new WasmKernel('clearBytes', (m) => m.function('clearBytes', ['i32', 'i32'], (f, to, bytes) => f.clear(to, bytes)));

import { type I32, f32, f32x4, i32, i32x4, select, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';
import { WasmKernel } from './kernel.ts';
import { LONG, copyVectors } from './copy.ts';

// Reading and writing where an index says, for elements of four bytes; rows may also be made of other elements. Indices were checked before.

/**
 * `index, n0, n1, n2, step0, step1, step2, low, span`: 1 where every index `v` of the walk has `low ≤ v < low + span`, else 0. A single dimension of
 * neighbours goes four at a time.
 */
export const checkIndices: WasmKernel = new WasmKernel('checkIndices', (m) =>
  m.function(
    'checkIndices',
    ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
    (f, index, n0, n1, n2, step0, step1, step2, low, span) => {
      const bad = f.i32(0);
      const isOutside = (at: I32): I32 => i32.geU(i32.sub(i32.load(at), low), span);
      const at = f.i32();
      const left = f.i32();
      const [lows, spans, bads] = [f.v128(i32x4.splat(low)), f.v128(i32x4.splat(span)), f.v128()];
      const [row, plane] = [f.i32(), f.i32(index)];
      f.repeat(n0, () => {
        row.set(plane);
        f.repeat(n1, () => {
          at.set(row);
          left.set(n2);
          f.if(i32.eq(step2, 4), () =>
            f.while(i32.geS(left, 4), () => {
              bads.set(v128.or(bads, i32x4.geU(i32x4.sub(v128.load(at), lows), spans)));
              at.increase(16);
              left.increase(-4);
            }),
          );
          f.repeat(left, () => {
            bad.set(i32.or(bad, isOutside(at)));
            at.increase(step2);
          });
          row.increase(step1);
        });
        plane.increase(step0);
      });
      f.return(i32.eqz(i32.or(bad, v128.anyTrue(bads))));
    },
    'i32',
  ),
);

/** An index from 0 up: negative ones count from the end. */
const wrapped = (v: I32, size: I32): I32 => i32.add(v, select(size, i32.const(0), i32.ltS(v, 0)));

/**
 * `out, index, n, stride, size, more`: where the rows begin that an index of neighbours names, in bytes: `index * stride`, added to what is there
 * with `more`.
 */
export const rowOffsets: WasmKernel = new WasmKernel('rowOffsets', (m) =>
  m.function('rowOffsets', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, out, index, n, stride, size, more) => {
    const v = f.i32();
    f.repeat(n, () => {
      v.set(i32.load(index));
      v.set(i32.mul(wrapped(v, size), stride));
      f.store(out, i32.add(v, select(i32.load(out), i32.const(0), more)));
      out.increase(4);
      index.increase(4);
    });
  }),
);

type Parts = 'take' | 'put' | 'add';

/**
 * `to, from, index, n, step, stride, size, bytes, outer, toOuter, fromOuter`: for every one of `n` indices a row of bytes, that many times as `outer` says.
 * One side goes on by `step` from row to row, the other lies `index * stride` from its start: `take` reads there, `put` writes there, `add` adds floats.
 */
function rowKernel(name: string, part: Parts): WasmKernel {
  return new WasmKernel(name, (m) =>
    m.function(
      name,
      ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
      (f, to, from, index, n, step, stride, size, bytes, outer, toOuter, fromOuter) => {
        const [at, v, next, row] = [f.i32(), f.i32(), f.i32(), f.i32()];
        const [a, b] = part === 'take' ? [next, row] : [row, next];
        const eachRow = (body: () => void): void =>
          f.repeat(outer, () => {
            at.set(index);
            next.set(part === 'take' ? to : from);
            f.repeat(n, () => {
              v.set(i32.load(at));
              row.set(i32.add(part === 'take' ? from : to, i32.mul(wrapped(v, size), stride)));
              body();
              next.increase(step);
              at.increase(4);
            });
            to.increase(toOuter);
            from.increase(fromOuter);
          });
        const one = (p: I32, q: I32): void => f.store(p, part === 'add' ? f32.add(f32.load(p), f32.load(q)) : i32.load(q));
        const words = (): void => {
          const i = f.i32();
          f.for(i, 0, bytes, 4, () => one(i32.add(a, i), i32.add(b, i)));
        };
        f.if(
          i32.eq(bytes, 4),
          () => eachRow(() => one(a, b)),
          () => (part === 'add' ? eachRow(() => addFloats(f, a, b, bytes)) : anyRows(f, bytes, eachRow, words, a, b)),
        );
      },
    ),
  );
}

/** Rows of any length: short ones by words, where they are made of those. */
function anyRows(f: FunctionBuilder, bytes: IntLocal, eachRow: (body: () => void) => void, words: () => void, a: I32, b: I32): void {
  const whole = (): void => eachRow(() => f.copy(a, b, bytes));
  f.if(
    i32.ltU(bytes, 16),
    () => f.if(i32.eqz(i32.and(bytes, 3)), () => eachRow(words), whole),
    () => f.if(i32.ltU(bytes, LONG), () => eachRow(() => copyVectors(f, a, b, bytes)), whole),
  );
}

/** `a += b` for a row of floats. */
function addFloats(f: FunctionBuilder, a: I32, b: I32, bytes: I32): void {
  const i = f.i32(0);
  const last = f.i32(i32.sub(bytes, 16));
  f.while(i32.leS(i, last), () => {
    f.store(i32.add(a, i), f32x4.add(v128.load(i32.add(a, i)), v128.load(i32.add(b, i))));
    i.increase(16);
  });
  f.while(i32.ltS(i, bytes), () => {
    f.store(i32.add(a, i), f32.add(f32.load(i32.add(a, i)), f32.load(i32.add(b, i))));
    i.increase(4);
  });
}

/** Rows that an index names, side by side. */
export const takeRows: WasmKernel = rowKernel('takeRows', 'take');
/** Rows into the places that an index names, the last one staying. */
export const putRows: WasmKernel = rowKernel('putRows', 'put');
/** Rows of floats added in the places that an index names, in order. */
export const addRows: WasmKernel = rowKernel('addRows', 'add');

/**
 * `to, from, index, n0, n1, n2`, then the three steps of `to`, of `from` and of `index`, then `stride`: `take` is `to = from[index]` at every place of
 * the walk, `put` `to[index] = from`, `add` `to[index] += from`, where `[index]` means `index * stride` bytes further.
 */
function itemKernel(name: string, part: Parts): WasmKernel {
  const i = 'i32';
  return new WasmKernel(name, (m) =>
    m.function(name, [i, i, i, i, i, i, i, i, i, i, i, i, i, i, i, i], (f, to, from, index, n0, n1, n2, t0, t1, t2, f0, f1, f2, i0, i1, i2, stride) => {
      const pointers = [to, from, index];
      const over = (size: I32, steps: readonly I32[], body: () => void): void => {
        f.repeat(size, () => {
          body();
          pointers.forEach((p, k) => p.increase(steps[k]));
        });
        pointers.forEach((p, k) => p.set(i32.sub(p, i32.mul(size, steps[k]))));
      };
      const away = (p: I32): I32 => i32.add(p, i32.mul(i32.load(index), stride));
      const place = f.i32();
      over(n0, [t0, f0, i0], () =>
        over(n1, [t1, f1, i1], () =>
          over(n2, [t2, f2, i2], () => {
            if (part === 'take') f.store(to, i32.load(away(from)));
            else {
              place.set(away(to));
              f.store(place, part === 'add' ? f32.add(f32.load(place), f32.load(from)) : i32.load(from));
            }
          }),
        ),
      );
    }),
  );
}

/** Elements from where an index says. */
export const takeItems: WasmKernel = itemKernel('takeItems', 'take');
/** Elements to where an index says, the last one staying. */
export const putItems: WasmKernel = itemKernel('putItems', 'put');
/** Floats added where an index says, in order. */
export const addItems: WasmKernel = itemKernel('addItems', 'add');

import { type I32, type V128, f32, f32x4, f64, f64x2, i32, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal, Local } from './function.ts';
import { WasmKernel } from './kernel.ts';
import { columnMoments, storeSum } from './normalize.ts';
import { columnSums } from './reduce-columns.ts';
import { floats, mapStretch, storeFirst } from './reduce-loops.ts';

// Normalisation of (N, C): channels are columns. Rows lie `stride` bytes apart; `panel` and `scratch` (16 bytes per
// column) are those of `ColumnSums`.

/** Mean and biased variance of columns: `run(mean, variance, x, rows, stride, columns, panel, scratch)`. */
export const columnStats: WasmKernel = new WasmKernel('columnStats', (m) =>
  m.function('columnStats', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, mean, variance, x, rows, stride, columns, panel, scratch) => {
    const size = f.v128(f64x2.splat(f64.convertI32(rows)));
    columnSums(f, {
      rows, columns, panel, scratch,
      operands: [{ start: x, stride, wide: true }],
      sums: 1,
      terms: ([at], offset) => [v128.load(at, offset)],
      store: ([sum], offset, rest) => storeSum(f, f.i32(i32.add(mean, offset)), f64x2.div(sum.low, size), f64x2.div(sum.high, size), rest),
    });
    columnSums(f, {
      rows, columns, panel, scratch,
      operands: [{ start: x, stride, wide: true }, { start: mean, stride: 0, wide: true }],
      sums: 2,
      terms: ([at, shift], offset) => {
        const d = f.v128(f32x4.sub(v128.load(at, offset), v128.load(shift, offset)));
        return [d, f32x4.mul(d, d)];
      },
      store: (sums, offset, rest) => {
        const to = f.i32(i32.add(mean, offset));
        const found = columnMoments(f, f.v128(v128.load(to)), sums, size);
        store(f, f.i32(i32.add(variance, offset)), found.variance, rest);
        store(f, to, found.mean, rest);
      },
    });
  }),
);

function store(f: FunctionBuilder, to: IntLocal, x: V128, rest: I32 | null): void {
  if (rest === null) f.store(to, x);
  else storeFirst(f, to, f.v128(x), rest);
}

/** `1/√(variance + eps)` of four columns. */
function inverseRoots(f: FunctionBuilder, variance: IntLocal, eps: Local<'v128'>): Local<'v128'> {
  const v = f.v128(v128.load(variance));
  const root = (x: V128): V128 => f64x2.div(f64x2.const(1), f64x2.sqrt(f64x2.add(f64x2.promoteLow(x), eps)));
  return f.v128(floats(root(v), root(v128.shuffle32(v, v, [2, 3, 2, 3]))));
}

/** The columns' vector at an address, or a constant where there is none. */
function optionalVector(f: FunctionBuilder, address: IntLocal, at: IntLocal, missing: number): Local<'v128'> {
  const x = f.v128(f32x4.const(missing));
  f.if(address, () => x.set(v128.load(at)));
  return x;
}

/** Four columns at a time, also the last: what is written lies in scratch, which has room for whole vectors. */
function eachFour(f: FunctionBuilder, columns: IntLocal, pointers: readonly IntLocal[], body: (at: readonly IntLocal[]) => void): void {
  const at = pointers.map((p) => f.i32(p));
  f.repeat(i32.shrU(i32.add(columns, 3), 2), () => {
    body(at);
    for (const p of at) p.increase(16);
  });
}

/** Writes `value` for all elements, row by row. `wide` have an element per column; the others, of which `out` is one, go on to the next row. */
function eachRow(f: FunctionBuilder, rows: IntLocal, stride: IntLocal, columns: IntLocal, tall: readonly IntLocal[], wide: readonly IntLocal[], out: IntLocal, value: (at: (p: IntLocal) => IntLocal) => V128): void {
  const pointers = [...tall, ...wide];
  const here = pointers.map(() => f.i32());
  const at = (p: IntLocal): IntLocal => here[pointers.indexOf(p)];
  f.repeat(rows, () => {
    here.forEach((h, i) => h.set(pointers[i]));
    mapStretch(f, columns, here, at(out), () => value(at));
    for (const p of tall) p.increase(stride);
  });
}

/**
 * `(x - mean)/√(variance + eps)·weight + bias`: `run(out, x, weight, bias, mean, variance, eps, rows, stride, columns, vectors)`; weight and bias may be 0
 * for none. `vectors` is scratch for 8 bytes per column, rounded up to four columns.
 */
export const normColumns: WasmKernel = new WasmKernel('normColumns', (m) =>
  m.function(
    'normColumns',
    ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'i32', 'i32', 'i32', 'i32'],
    (f, out, x, weight, bias, mean, variance, eps, rows, stride, columns, vectors) => {
      const added = f.v128(f64x2.splat(eps));
      const shifts = f.i32(i32.add(vectors, roundUp(columns)));
      eachFour(f, columns, [vectors, shifts, weight, bias, variance], ([scaleAt, shiftAt, w, b, v]) => {
        f.store(scaleAt, f32x4.mul(inverseRoots(f, v, added), optionalVector(f, weight, w, 1)));
        f.store(shiftAt, optionalVector(f, bias, b, 0));
      });
      eachRow(f, rows, stride, columns, [x, out], [mean, vectors, shifts], out, (at) =>
        f32x4.add(f32x4.mul(f32x4.sub(v128.load(at(x)), v128.load(at(mean))), v128.load(at(vectors))), v128.load(at(shifts))),
      );
    },
  ),
);

/** Bytes of a vector of so many floats, rounded up to whole vectors. */
const roundUp = (columns: I32): I32 => i32.shl(i32.and(i32.add(columns, 3), -4), 2);

/**
 * Gradients: `run(dx, dw, db, g, x, weight, mean, variance, eps, rows, stride, columns, training, panel, scratch, vectors)`; `dx` and `weight` may be 0 for
 * none. `vectors` is scratch for 12 bytes per column, rounded up to four columns.
 */
export const normColumnsBackward: WasmKernel = new WasmKernel('normColumnsBackward', (m) =>
  m.function(
    'normColumnsBackward',
    ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
    (f, dx, dw, db, g, x, weight, mean, variance, eps, rows, stride, columns, training, panel, scratch, vectors) => {
      const added = f.v128(f64x2.splat(eps));
      columnSums(f, {
        rows, columns, panel, scratch,
        operands: [{ start: g, stride, wide: true }, { start: x, stride, wide: true }, { start: mean, stride: 0, wide: true }],
        sums: 2,
        terms: ([gAt, xAt, mu], offset) => {
          const s = f.v128(v128.load(gAt, offset));
          return [s, f32x4.mul(s, f32x4.sub(v128.load(xAt, offset), v128.load(mu, offset)))];
        },
        store: ([sum, dot], offset, rest) => {
          storeSum(f, f.i32(i32.add(db, offset)), sum.low, sum.high, rest);
          const inverse = inverseRoots(f, f.i32(i32.add(variance, offset)), added);
          store(f, f.i32(i32.add(dw, offset)), f32x4.mul(floats(dot.low, dot.high), inverse), rest);
        },
      });
      f.if(dx, () => {
        // Given statistics do not depend on the input.
        const part = f.v128(f32x4.splat(f32.div(f32.convertI32(training), f32.convertI32(rows))));
        const slopes = f.i32(i32.add(vectors, roundUp(columns)));
        const scales = f.i32(i32.add(slopes, roundUp(columns)));
        eachFour(f, columns, [vectors, slopes, scales, dw, db, weight, variance], ([averageAt, slopeAt, scaleAt, along, sum, w, v]) => {
          const inverse = inverseRoots(f, v, added);
          f.store(averageAt, f32x4.mul(v128.load(sum), part));
          f.store(slopeAt, f32x4.mul(f32x4.mul(v128.load(along), inverse), part));
          f.store(scaleAt, f32x4.mul(inverse, optionalVector(f, weight, w, 1)));
        });
        eachRow(f, rows, stride, columns, [g, x, dx], [mean, vectors, slopes, scales], dx, (at) => {
          const along = f32x4.mul(f32x4.sub(v128.load(at(x)), v128.load(at(mean))), v128.load(at(slopes)));
          return f32x4.mul(f32x4.sub(f32x4.sub(v128.load(at(g)), v128.load(at(vectors))), along), v128.load(at(scales)));
        });
      });
    },
  ),
);

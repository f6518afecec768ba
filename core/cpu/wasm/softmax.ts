import { type F32, type V128, f32, f32x4, f64, i32, select, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal, Local } from './function.ts';
import { WasmKernel } from './kernel.ts';
import { log } from './math-log.ts';
import { DoubleSum, Queue, eachVector, inFours, largestLane, mapStretch, storeFirst } from './reduce-loops.ts';
import { expNegative } from './softmax-exp.ts';

/** Reads four elements of a row, `offset` bytes behind the pointer. */
export type Load = (at: IntLocal, offset?: number) => V128;

/** The largest of a row in all lanes; where there are NaN, maybe of the others. `at` is moved over the row. */
export function rowMaximum(f: FunctionBuilder, n: IntLocal, at: IntLocal, load: Load = v128.load): Local<'v128'> {
  const none = f.hoist(f32x4.const(-Infinity));
  const [a, b] = [f.v128(none), f.v128(none)];
  f.repeat(i32.shrU(n, 3), () => {
    a.set(f32x4.pmax(a, load(at)));
    b.set(f32x4.pmax(b, load(at, 16)));
    at.increase(32);
  });
  eachVector(
    f,
    f.i32(i32.and(n, 7)),
    [at],
    () => a.set(f32x4.pmax(a, load(at))),
    (mask) => b.set(f32x4.pmax(b, v128.bitselect(load(at), none, mask))),
  );
  return largestLane(f, f.v128(f32x4.pmax(a, b)));
}

/** `Σ exp(x - max)` of a row; the exponentials are written to `to` where that is given. The pointers are moved over the row. */
export function rowPowers(f: FunctionBuilder, n: IntLocal, max: Local<'v128'>, at: IntLocal, to: IntLocal | null, load: Load = v128.load): Local<'f64'> {
  const sum = new DoubleSum(f);
  sum.clear();
  f.repeat(i32.shrU(n, 4), () => {
    const xs = [0, 16, 32, 48].map((offset) => f.v128(f32x4.sub(load(at, offset), max)));
    const ys = f.inTurns(xs.map((x) => () => f.v128(expNegative(f, x))));
    ys.forEach((y, i) => {
      if (to !== null) f.store(to, y, 16 * i);
      sum.add(y);
    });
    at.increase(64);
    if (to !== null) to.increase(64);
  });
  eachVector(
    f,
    f.i32(i32.and(n, 15)),
    to === null ? [at] : [at, to],
    () => {
      const y = expNegative(f, f32x4.sub(load(at), max));
      if (to !== null) f.store(to, y);
      sum.add(y);
    },
    (mask, rest) => {
      // Beyond the row lies anything: zeros keep it from slow numbers.
      const y = f.v128(v128.and(expNegative(f, v128.and(f32x4.sub(load(at), max), mask)), mask));
      if (to !== null) storeFirst(f, to, y, rest);
      sum.add(y);
    },
  );
  return sum.total();
}

/** The logarithm of a double, as a float in all lanes. */
const logOf = (f: FunctionBuilder, x: Local<'f64'>): V128 => log(f, f32x4.splat(f32.demote(x)));

/** Softmax of rows: `run(out, x, rows, n)`; also in place. */
const plainRows: WasmKernel = new WasmKernel('softmaxRows', (m) =>
  m.function('softmaxRows', ['i32', 'i32', 'i32', 'i32'], (f, out, x, rows, n) => {
    const [at, to] = [f.i32(), f.i32()];
    const bytes = f.i32(i32.shl(n, 2));
    f.repeat(rows, () => {
      at.set(x);
      const max = rowMaximum(f, n, at);
      at.set(x);
      to.set(out);
      const total = f.v128(f32x4.splat(f32.demote(rowPowers(f, n, max, at, to))));
      to.set(out);
      mapStretch(f, n, [to], to, () => f32x4.div(v128.load(to), total));
      x.increase(bytes);
      out.increase(bytes);
    });
  }),
);

/** Logarithm of the softmax of rows: `run(out, x, rows, n)`; also in place. */
const logRows: WasmKernel = new WasmKernel('logSoftmaxRows', (m) =>
  m.function('logSoftmaxRows', ['i32', 'i32', 'i32', 'i32'], (f, out, x, rows, n) => {
    const [row, at, to] = [f.i32(x), f.i32(), f.i32()];
    const bytes = f.i32(i32.shl(n, 2));
    const [maxima, sums] = [new Queue(f), new Queue(f)];
    inFours(
      f,
      rows,
      () => {
        at.set(row);
        const max = rowMaximum(f, n, at);
        at.set(row);
        maxima.push(max);
        sums.push(f32x4.splat(f32.demote(rowPowers(f, n, max, at, null))));
        row.increase(bytes);
      },
      () => {
        maxima.push(f32x4.const(0));
        sums.push(f32x4.const(1));
      },
      () => sums.lanes.set(log(f, sums.lanes)),
      () => {
        const [max, shift] = [maxima.shift(), sums.shift()];
        at.set(x);
        to.set(out);
        mapStretch(f, n, [at, to], to, () => f32x4.sub(f32x4.sub(v128.load(at), max), shift));
        x.increase(bytes);
        out.increase(bytes);
      },
    );
  }),
);

/** Gradient of softmax of rows, or of its logarithm: `run(out, g, y, rows, n)`, with `y` the result. */
const softmaxBackwardKernel = (isLog: boolean): WasmKernel =>
  new WasmKernel(isLog ? 'logSoftmaxRowsBackward' : 'softmaxRowsBackward', (m) =>
    m.function('softmaxRowsBackward', ['i32', 'i32', 'i32', 'i32', 'i32'], (f, out, g, y, rows, n) => {
      const [gAt, yAt, to] = [f.i32(), f.i32(), f.i32()];
      const bytes = f.i32(i32.shl(n, 2));
      const sum = new DoubleSum(f);
      const term = (): V128 => (isLog ? v128.load(gAt) : f32x4.mul(v128.load(gAt), v128.load(yAt)));
      f.repeat(rows, () => {
        gAt.set(g);
        yAt.set(y);
        sum.clear();
        eachVector(f, n, [gAt, yAt], () => sum.add(term()), (mask) => sum.add(v128.and(term(), mask)));
        const total = f.v128(f32x4.splat(f32.demote(sum.total())));
        gAt.set(g);
        yAt.set(y);
        to.set(out);
        const slope = (): V128 =>
          isLog ? f32x4.sub(v128.load(gAt), f32x4.mul(expNegative(f, v128.load(yAt)), total)) : f32x4.mul(v128.load(yAt), f32x4.sub(v128.load(gAt), total));
        mapStretch(f, n, [gAt, yAt, to], to, slope);
        for (const p of [g, y, out]) p.increase(bytes);
      });
    }),
  );

/** Softmax along the last dimension. */
export const softmaxRows = { plain: plainRows, log: logRows } as const;
/** Its gradients. */
export const softmaxRowsBackward = { plain: softmaxBackwardKernel(false), log: softmaxBackwardKernel(true) } as const;

/** `log Σ exp(x)` of rows: `run(out, x, rows, rowStride, n)`. */
export const logSumExpRows: WasmKernel = new WasmKernel('logSumExpRows', (m) =>
  m.function('logSumExpRows', ['i32', 'i32', 'i32', 'i32', 'i32'], (f, out, x, rows, rowStride, n) => {
    const at = f.i32();
    f.repeat(rows, () => {
      at.set(x);
      const max = rowMaximum(f, n, at);
      at.set(x);
      const sum = rowPowers(f, n, max, at, null);
      const largest: F32 = f.f32(f32x4.lane(max, 0));
      const y = f.f32(f32.demote(f64.add(f64.promote(largest), f64.promote(f32x4.lane(logOf(f, sum), 0)))));
      // An infinite maximum is the result, unless NaN was among the others: infinity minus itself is NaN, so the sum does not tell.
      f.if(f32.eq(f32.abs(largest), f32.const(Infinity)), () => {
        const nan = f.v128(f32x4.const(0));
        at.set(x);
        eachVector(f, n, [at], () => nan.set(v128.or(nan, f32x4.ne(v128.load(at), v128.load(at)))), (mask) => nan.set(v128.or(nan, v128.and(mask, f32x4.ne(v128.load(at), v128.load(at))))));
        y.set(select<'f32'>(f32.const(NaN), largest, v128.anyTrue(nan)));
      });
      f.store(out, y);
      out.increase(4);
      x.increase(rowStride);
    });
  }),
);

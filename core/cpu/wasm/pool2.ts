import { type I32, type V128, f32x4, i32, i32x4, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';
import { WasmKernel } from './kernel.ts';

// Pools over windows of 2x2 side by side, four windows at once; there are at least four in a row. The arguments begin with images, height and width of
// the input, rows and columns of the result. The last vector of a row overlaps the one before.

type Arguments = readonly IntLocal[];

/** Four windows: where they are read in the input's image (of which `place` is the first element's number), and in the result. */
interface Four {
  /** Address of the upper row's first element in `whole`; the lower row's. */
  readonly upper: IntLocal;
  readonly lower: IntLocal;
  /** Bytes from the start of the result. */
  readonly small: IntLocal;
  readonly place: IntLocal;
}

/** Visits the windows four by four. `whole` is the address of the tensor that has the input's size. */
function eachFour(f: FunctionBuilder, [images, height, width, rows, columns]: Arguments, whole: IntLocal, visit: (four: Four) => void): void {
  const [i, j, start, place, upper, lower, small, rowStart, smallStart] = Array.from({ length: 9 }, () => f.i32());
  const last = f.i32(i32.sub(columns, 4));
  f.repeat(images, () => {
    start.set(0);
    rowStart.set(whole);
    f.for(i, 0, rows, 1, () => {
      j.set(0);
      f.doWhile(() => {
        // The last four of a row.
        f.if(i32.gtS(j, last), () => j.set(last));
        place.set(i32.add(start, i32.shl(j, 1)));
        upper.set(i32.add(rowStart, i32.shl(j, 3)));
        lower.set(i32.add(upper, i32.shl(width, 2)));
        small.set(i32.add(smallStart, i32.shl(j, 2)));
        visit({ upper, lower, small, place });
        j.increase(4);
        return i32.ltS(j, columns);
      });
      start.increase(i32.shl(width, 1));
      rowStart.increase(i32.shl(width, 3));
      smallStart.increase(i32.shl(columns, 2));
    });
    whole.increase(i32.shl(i32.mul(height, width), 2));
  });
}

const even = (a: V128, b: V128): V128 => v128.shuffle32(a, b, [0, 2, 4, 6]);
const odd = (a: V128, b: V128): V128 => v128.shuffle32(a, b, [1, 3, 5, 7]);

/** The elements of four windows by their place in it: upper left, upper right, lower left, lower right. */
function corners(f: FunctionBuilder, { upper, lower }: Four): V128[] {
  return [upper, lower].flatMap((row) => {
    const [a, b] = [f.v128(v128.load(row)), f.v128(v128.load(row, 16))];
    return [f.v128(even(a, b)), f.v128(odd(a, b))];
  });
}

/** Stores elements of four windows, by their place in it. */
function storeCorners(f: FunctionBuilder, { upper, lower }: Four, [a, b, c, d]: readonly V128[]): void {
  for (const [row, left, right] of [[upper, a, b], [lower, c, d]] as const) {
    f.store(row, v128.shuffle32(left, right, [0, 4, 1, 5]));
    f.store(row, v128.shuffle32(left, right, [2, 6, 3, 7]), 16);
  }
}

/** Numbers of the first elements of four windows. */
function firstPlaces(f: FunctionBuilder, place: I32): V128 {
  const steps = f.hoist(i32x4.lanes(0, 2, 4, 6));
  return i32x4.add(i32x4.splat(place), steps);
}

/** A row or column that no window covers keeps nothing: clears everything. */
function clearUncovered(f: FunctionBuilder, [images, height, width, rows, columns]: Arguments, whole: IntLocal): void {
  f.if(i32.or(i32.ne(height, i32.shl(rows, 1)), i32.ne(width, i32.shl(columns, 1))), () => f.clear(whole, i32.shl(i32.mul(images, i32.mul(height, width)), 2)));
}

const ARGUMENTS = 5;

function pool2Kernel(name: string, pointers: number, body: (f: FunctionBuilder, args: Arguments, ...pointers: IntLocal[]) => void): WasmKernel {
  return new WasmKernel(name, (m) =>
    m.function(name, new Array<'i32'>(ARGUMENTS + pointers).fill('i32'), (f, ...args) => body(f, args.slice(0, ARGUMENTS), ...args.slice(ARGUMENTS))),
  );
}

/** `…, x, values, places`: see `maxPool`. */
export const maxPool2: WasmKernel = pool2Kernel('maxPool2', 3, (f, args, x, values, places) => {
  const [best, at, better, first] = [f.v128(), f.v128(), f.v128(), f.v128()];
  eachFour(f, args, x, (four) => {
    const [a, b, c, d] = corners(f, four);
    best.set(a);
    first.set(firstPlaces(f, four.place));
    at.set(first);
    const width = args[2];
    for (const [v, step] of [[b, i32.const(1)], [c, width], [d, i32.add(width, 1)]] as const) {
      better.set(v128.or(f32x4.gt(v, best), f32x4.ne(v, v)));
      best.set(v128.bitselect(v, best, better));
      at.set(v128.bitselect(i32x4.add(first, i32x4.splat(step)), at, better));
    }
    f.store(i32.add(values, four.small), best);
    f.store(i32.add(places, four.small), at);
  });
});

/** `…, g, places, x`: see `maxPoolSpread`. Every place lies in its own window. */
export const maxPool2Spread: WasmKernel = pool2Kernel('maxPool2Spread', 3, (f, args, g, places, x) => {
  clearUncovered(f, args, x);
  const [at, value, first] = [f.v128(), f.v128(), f.v128()];
  const none = f.hoist(f32x4.const(0));
  eachFour(f, args, x, (four) => {
    at.set(v128.load(i32.add(places, four.small)));
    // A sum that starts at 0 is never -0.
    value.set(f32x4.add(v128.load(i32.add(g, four.small)), none));
    first.set(firstPlaces(f, four.place));
    const width = args[2];
    const parts = [i32.const(0), i32.const(1), width, i32.add(width, 1)].map((step) => f.v128(v128.and(value, i32x4.eq(at, i32x4.add(first, i32x4.splat(step))))));
    storeCorners(f, four, parts);
  });
});

/** `…, x, means, divisor`: see `avgPool`; sums are made in floats here. */
export const avgPool2: WasmKernel = pool2Kernel('avgPool2', 3, (f, args, x, means, divisor) => {
  const by = f.v128(f32x4.convertI32x4(i32x4.splat(divisor)));
  eachFour(f, args, x, (four) => {
    const [a, b, c, d] = corners(f, four);
    f.store(i32.add(means, four.small), f32x4.div(f32x4.add(f32x4.add(f32x4.add(a, b), c), d), by));
  });
});

/** `…, g, x, divisor`: see `avgPoolSpread`. */
export const avgPool2Spread: WasmKernel = pool2Kernel('avgPool2Spread', 3, (f, args, g, x, divisor) => {
  clearUncovered(f, args, x);
  const by = f.v128(f32x4.convertI32x4(i32x4.splat(divisor)));
  const none = f.hoist(f32x4.const(0));
  const share = f.v128();
  eachFour(f, args, x, (four) => {
    share.set(f32x4.add(f32x4.div(v128.load(i32.add(g, four.small)), by), none));
    storeCorners(f, four, [share, share, share, share]);
  });
});

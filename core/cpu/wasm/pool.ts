import { type F32, type I32, f32, f64, i32 } from './code.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';
import { WasmKernel } from './kernel.ts';

// Pools with any windows. The windows are tables of 4-byte integers: starts, ends and counts of the rows' windows, then starts, ends and counts of the
// columns' windows. All kernels work image by image; parts with other images write to disjoint places.

/** The arguments that all kernels begin with: table of windows, images, size of the input and of the result, step between the elements of a window. */
export const WINDOW_ARGUMENTS = ['table', 'images', 'height', 'width', 'rows', 'columns', 'rowStep', 'columnStep'] as const;

type Arguments = readonly IntLocal[];

interface Window {
  /** Whether no element lies in it. */
  readonly empty: I32;
  /** Bounds: rows and columns. */
  readonly top: IntLocal;
  readonly bottom: IntLocal;
  readonly left: IntLocal;
  readonly right: IntLocal;
  /** Elements that count in an average. */
  readonly count: () => I32;
}

/** Visits the windows of one image. */
function eachWindow(f: FunctionBuilder, args: Arguments, visit: (w: Window) => void): void {
  const [table, , , , rows, columns] = args;
  const [i, j, rowAt, columnAt, top, bottom, left, right] = Array.from({ length: 8 }, () => f.i32());
  const rowBytes = f.i32(i32.shl(rows, 2));
  const columnBytes = f.i32(i32.shl(columns, 2));
  rowAt.set(table);
  const columnTable = f.i32(i32.add(table, i32.mul(rowBytes, 3)));
  const count = (): I32 => i32.mul(i32.load(i32.add(rowAt, i32.shl(rowBytes, 1))), i32.load(i32.add(columnAt, i32.shl(columnBytes, 1))));
  f.for(i, 0, rows, 1, () => {
    top.set(i32.load(rowAt));
    bottom.set(i32.load(i32.add(rowAt, rowBytes)));
    columnAt.set(columnTable);
    f.for(j, 0, columns, 1, () => {
      left.set(i32.load(columnAt));
      right.set(i32.load(i32.add(columnAt, columnBytes)));
      visit({ empty: i32.or(i32.geS(top, bottom), i32.geS(left, right)), top, bottom, left, right, count });
      columnAt.increase(4);
    });
    rowAt.increase(4);
  });
}

/** Visits the elements of a window: `place` is its number in the image. */
function eachElement(f: FunctionBuilder, args: Arguments, w: Window, visit: (place: IntLocal) => void): void {
  const [, , , width, , , rowStep, columnStep] = args;
  const [r, c, end, place] = [f.i32(), f.i32(), f.i32(), f.i32()];
  f.for(r, w.top, w.bottom, rowStep, () => {
    place.set(i32.mul(r, width));
    end.set(i32.add(place, w.right));
    f.for(c, i32.add(place, w.left), end, columnStep, () => {
      place.set(c);
      visit(place);
    });
  });
}

const element = (base: I32, place: I32): I32 => i32.add(base, i32.shl(place, 2));
const imageBytes = (args: Arguments): I32 => i32.shl(i32.mul(args[2], args[3]), 2);
const integers = (n: number): 'i32'[] => new Array<'i32'>(n).fill('i32');
const zero = f32.const(0);

/** A kernel with `pointers` addresses behind the arguments of the windows. */
function poolKernel(name: string, pointers: number, body: (f: FunctionBuilder, args: Arguments, ...pointers: IntLocal[]) => void): WasmKernel {
  return new WasmKernel(name, (m) =>
    m.function(name, integers(WINDOW_ARGUMENTS.length + pointers), (f, ...args) => body(f, args.slice(0, WINDOW_ARGUMENTS.length), ...args.slice(WINDOW_ARGUMENTS.length))),
  );
}

/** `…, x, values, places`: the largest element of each window and where it lies in its image; NaN counts as largest, -1 stands for an empty window. */
export const maxPool: WasmKernel = poolKernel('maxPool', 3, (f, args, x, values, places) => {
  const [v, best] = [f.f32(), f.f32()];
  const at = f.i32();
  const bytes = f.i32(imageBytes(args));
  f.repeat(args[1], () => {
    eachWindow(f, args, (w) => {
      best.set(f32.const(-Infinity));
      at.set(i32.add(i32.mul(w.top, args[3]), w.left));
      f.if(w.empty, () => at.set(-1), () =>
        eachElement(f, args, w, (place) => {
          v.set(f32.load(element(x, place)));
          f.if(i32.or(f32.gt(v, best), f32.ne(v, v)), () => {
            best.set(v);
            at.set(place);
          });
        }),
      );
      f.store(values, best);
      f.store(places, at);
      values.increase(4);
      places.increase(4);
    });
    x.increase(bytes);
  });
});

/** Visits the places of a max pool, image by image; `at` is 0 where there is none, else the address of its element in an image at `images`. */
function eachPlace(f: FunctionBuilder, args: Arguments, places: IntLocal, images: IntLocal, visit: (place: IntLocal) => void): void {
  const bytes = f.i32(imageBytes(args));
  const count = f.i32(i32.mul(args[4], args[5]));
  const place = f.i32();
  f.repeat(args[1], () => {
    f.repeat(count, () => {
      place.set(i32.load(places));
      visit(place);
      places.increase(4);
    });
    images.increase(bytes);
  });
}

/** `…, g, places, x`: zeros, then each element of `g` added at its place. */
export const maxPoolSpread: WasmKernel = poolKernel('maxPoolSpread', 3, (f, args, g, places, x) => {
  f.clear(x, i32.mul(args[1], imageBytes(args)));
  const at = f.i32();
  eachPlace(f, args, places, x, (place) => {
    f.if(i32.geS(place, 0), () => {
      at.set(element(x, place));
      f.store(at, f32.add(f32.load(at), f32.load(g)));
    });
    g.increase(4);
  });
});

/** `…, x, places, values`: the elements at the places, 0 where there is none. */
export const maxPoolPick: WasmKernel = poolKernel('maxPoolPick', 3, (f, args, x, places, values) => {
  const v = f.f32();
  eachPlace(f, args, places, x, (place) => {
    v.set(zero);
    f.if(i32.geS(place, 0), () => v.set(f32.load(element(x, place))));
    f.store(values, v);
    values.increase(4);
  });
});

/** What an average is divided by: `divisor`, or the elements that count where it is 0. */
const divisorOf = (divisor: IntLocal, w: Window, own: IntLocal, f: FunctionBuilder): IntLocal => {
  own.set(divisor);
  f.if(i32.eqz(divisor), () => own.set(w.count()));
  return own;
};

/** `…, x, means, divisor`: the mean of each window, 0 for an empty one. Sums are made in doubles, row by row. */
export const avgPool: WasmKernel = poolKernel('avgPool', 3, (f, args, x, means, divisor) => {
  const sum = f.f64();
  const mean = f.f32();
  const own = f.i32();
  const bytes = f.i32(imageBytes(args));
  f.repeat(args[1], () => {
    eachWindow(f, args, (w) => {
      mean.set(zero);
      f.if(i32.eqz(w.empty), () => {
        sum.set(f64.const(0));
        eachElement(f, args, w, (place) => sum.set(f64.add(sum, f64.promote(f32.load(element(x, place))))));
        mean.set(f32.demote(f64.div(sum, f64.convertI32(divisorOf(divisor, w, own, f)))));
      });
      f.store(means, mean);
      means.increase(4);
    });
    x.increase(bytes);
  });
});

/** `…, g, x, divisor`: zeros, then each element of `g` spread evenly over its window. */
export const avgPoolSpread: WasmKernel = poolKernel('avgPoolSpread', 3, (f, args, g, x, divisor) => {
  f.clear(x, i32.mul(args[1], imageBytes(args)));
  const share = f.f32();
  const [own, at] = [f.i32(), f.i32()];
  const bytes = f.i32(imageBytes(args));
  f.repeat(args[1], () => {
    eachWindow(f, args, (w) => {
      f.if(i32.eqz(w.empty), () => {
        const total: F32 = f32.demote(f64.div(f64.promote(f32.load(g)), f64.convertI32(divisorOf(divisor, w, own, f))));
        share.set(total);
        eachElement(f, args, w, (place) => {
          at.set(element(x, place));
          f.store(at, f32.add(f32.load(at), share));
        });
      });
      g.increase(4);
    });
    x.increase(bytes);
  });
});

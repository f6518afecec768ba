import { f32x4, i32, v128 } from './code.ts';
import type { IntLocal } from './function.ts';
import { WasmKernel } from './kernel.ts';

/** Bytes of an entry of the table: a number of elements and an address. */
export const ENTRY = 8;
/** Floats of a stretch that is long. */
const LONG = 4096;

/**
 * Whether every float of several stretches is finite, 1 or 0. Its arguments are the address of a table of the stretches (see `ENTRY`) and their number.
 *
 * `x - x` is 0, all of whose bits are, and NaN where x is not finite: what is or-ed together tells of all.
 */
export const allFinite: WasmKernel = new WasmKernel('allFinite', (m) =>
  m.function(
    'allFinite',
    ['i32', 'i32'],
    (f, table, count) => {
      const found = f.v128(f32x4.const(0));
      const at = f.i32();
      const n = f.i32();
      const join = (places: readonly IntLocal[], offsets: readonly number[]): void => {
        const loaded = places.flatMap((place) => offsets.map((offset) => f.v128(v128.load(place, offset))));
        const [first, ...rest] = loaded.map((x) => f32x4.sub(x, x));
        found.set(v128.or(found, rest.reduce((all, x) => v128.or(all, x), first)));
      };
      f.while(i32.gtS(count, 0), () => {
        n.set(i32.load(table));
        at.set(i32.load(table, 4));
        // Four places at once: memory is quicker with several streams than with one.
        f.if(i32.geS(n, LONG), () => {
          const quarter = f.i32(i32.shl(i32.shrU(n, 5), 3));
          const left = f.i32(quarter);
          const places = [at, ...[1, 2, 3].map((i) => f.i32(i32.add(at, i32.mul(quarter, 4 * i))))];
          n.set(i32.sub(n, i32.shl(quarter, 2)));
          f.doWhile(() => {
            join(places, [0, 16]);
            for (const place of places) place.increase(32);
            return left.tee(i32.sub(left, 8));
          });
          at.set(places[3]);
        });
        f.if(i32.geS(n, 16), () =>
          f.doWhile(() => {
            join([at], [0, 16, 32, 48]);
            at.increase(64);
            n.set(i32.sub(n, 16));
            return i32.geS(n, 16);
          }),
        );
        f.while(i32.geS(n, 4), () => {
          join([at], [0]);
          at.increase(16);
          n.set(i32.sub(n, 4));
        });
        f.while(i32.gtS(n, 0), () => {
          const x = f.v128(v128.load32Zero(at));
          found.set(v128.or(found, f32x4.sub(x, x)));
          at.increase(4);
          n.set(i32.sub(n, 1));
        });
        table.increase(ENTRY);
        count.set(i32.sub(count, 1));
      });
      f.return(i32.eqz(v128.anyTrue(found)));
    },
    'i32',
  ),
);

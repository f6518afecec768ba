import { i32, select } from './code.ts';
import { WasmKernel } from './kernel.ts';

/**
 * `to, from, count, rows, columns, diagonal, upper, item`: copies one triangle of each of `count` row-major matrices and zeroes the rest. `to` may be
 * `from`.
 */
export const copyTriangles: WasmKernel = new WasmKernel('copyTriangles', (m) =>
  m.function('copyTriangles', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, to, from, count, rows, columns, diagonal, upper, item) => {
    const [edge, low, high] = [f.i32(), f.i32(), f.i32()];
    const width = f.i32(i32.mul(columns, item));
    f.repeat(count, () => {
      // The first column past the diagonal part: of the zeros of an upper triangle, or of those that stay of a lower one.
      edge.set(i32.add(diagonal, select(i32.const(0), i32.const(1), upper)));
      f.repeat(rows, () => {
        low.set(i32.mul(item, select(i32.const(0), i32.min(edge, columns), i32.ltS(edge, 0))));
        f.if(
          upper,
          () => {
            high.set(width);
            f.clear(to, low);
          },
          () => {
            high.set(low);
            low.set(0);
            f.clear(i32.add(to, high), i32.sub(width, high));
          },
        );
        f.if(i32.ne(to, from), () => f.copy(i32.add(to, low), i32.add(from, low), i32.sub(high, low)));
        to.increase(width);
        from.increase(width);
        edge.increase(1);
      });
    });
  }),
);

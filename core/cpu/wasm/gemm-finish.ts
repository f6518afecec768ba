import { type V128, f32, f32x4, i32, v128 } from './code.ts';
import type { IntLocal } from './function.ts';
import { WasmKernel } from './kernel.ts';

/** Columns of rows that are not long. */
const NARROW = 128;

/**
 * `to = alpha·sums + beta·bias`, or `alpha·sums` where the address of the bias is 0, for `m` rows of `n`:
 * `(to, toRow, toCol, sums, sumsRow, sumsCol, bias, biasRow, biasCol, m, n, alpha, beta)`; distances in bytes. `to` may be the sums or the bias.
 */
export const finish: WasmKernel = new WasmKernel('gemmFinish', (m) =>
  m.function(
    'gemmFinish',
    ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f32', 'f32'],
    (f, to, toRow, toCol, sums, sumsRow, sumsCol, bias, biasRow, biasCol, rows, n, alpha, beta) => {
      const [alpha4, beta4, shift] = [f.v128(f32x4.splat(alpha)), f.v128(f32x4.splat(beta)), f.v128()];
      const [p, q, r] = [f.i32(), f.i32(), f.i32()];
      /** Vectors in a row: none where the elements of a matrix lie apart. */
      const whole = f.i32(i32.shrU(n, 2));
      const aside = i32.or(i32.ne(toCol, 4), i32.ne(sumsCol, 4));
      f.if(i32.or(aside, i32.and(i32.ne(bias, 0), i32.and(i32.ne(biasCol, 4), i32.ne(biasCol, 0)))), () => whole.set(0));
      /** All vectors of a row. */
      const vectors = (moving: readonly IntLocal[], result: (offset: number) => V128): void => {
        const some = (count: number): void => {
          for (let i = 0; i < count; i++) f.store(p, result(16 * i), 16 * i);
          for (const x of moving) x.increase(16 * count);
        };
        f.repeat(i32.shrU(whole, 2), () => some(4));
        f.repeat(i32.and(whole, 3), () => some(1));
      };
      // A bias that is the same for all rows, as that of a linear layer: columns by strips, with their biases in registers. Long rows are better read in order.
      const isVector = i32.and(i32.and(i32.ne(bias, 0), i32.eqz(biasRow)), i32.eq(biasCol, 4));
      f.if(i32.and(isVector, i32.and(i32.ne(whole, 0), i32.leU(n, NARROW))), () => {
        const strip = (count: number): void => {
          const added = Array.from({ length: count }, (_, i) => f.v128(f32x4.mul(beta4, v128.load(bias, 16 * i))));
          p.set(to);
          q.set(sums);
          f.repeat(rows, () => {
            added.forEach((x, i) => f.store(p, f32x4.add(f32x4.mul(alpha4, v128.load(q, 16 * i)), x), 16 * i));
            p.increase(toRow);
            q.increase(sumsRow);
          });
          for (const x of [to, sums, bias]) x.increase(16 * count);
        };
        f.repeat(i32.shrU(whole, 2), () => strip(4));
        f.repeat(i32.and(whole, 3), () => strip(1));
        n.set(i32.and(n, 3));
        whole.set(0);
        f.if(i32.eqz(n), () => f.return());
      });
      const scaled = (offset: number): V128 => f32x4.mul(alpha4, v128.load(q, offset));
      f.repeat(rows, () => {
        p.set(to);
        q.set(sums);
        r.set(bias);
        f.if(
          i32.eqz(bias),
          () => vectors([p, q], scaled),
          () =>
            f.if(
              biasCol,
              () => vectors([p, q, r], (offset) => f32x4.add(scaled(offset), f32x4.mul(beta4, v128.load(r, offset)))),
              () => {
                shift.set(f32x4.mul(beta4, v128.load32Splat(r)));
                vectors([p, q], (offset) => f32x4.add(scaled(offset), shift));
              },
            ),
        );
        f.repeat(i32.sub(n, i32.shl(whole, 2)), () => {
          const product = f.f32(f32.mul(alpha, f32.load(q)));
          f.if(bias, () => product.set(f32.add(product, f32.mul(beta, f32.load(r)))));
          f.store(p, product);
          p.increase(toCol);
          q.increase(sumsCol);
          r.increase(biasCol);
        });
        to.increase(toRow);
        sums.increase(sumsRow);
        bias.increase(biasRow);
      });
    },
  ),
);

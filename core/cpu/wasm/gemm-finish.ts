import { type I32, f32, f32x4, i32, v128 } from './code.ts';
import { WasmKernel } from './kernel.ts';

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
      const sideBySide = i32.and(i32.eq(toCol, 4), i32.eq(sumsCol, 4));
      const biasIs = (step: number): I32 => i32.and(i32.ne(bias, 0), i32.eq(biasCol, step));
      /** Rows of `whole` vectors and what is left of them. */
      const whole = f.i32();
      f.if(sideBySide, () => whole.set(i32.shrU(n, 2)));
      f.if(i32.and(i32.ne(bias, 0), i32.and(i32.ne(biasCol, 4), i32.ne(biasCol, 0))), () => whole.set(0));
      f.repeat(rows, () => {
        p.set(to);
        q.set(sums);
        r.set(bias);
        f.if(
          biasIs(4),
          () =>
            f.repeat(whole, () => {
              f.store(p, f32x4.add(f32x4.mul(alpha4, v128.load(q)), f32x4.mul(beta4, v128.load(r))));
              for (const x of [p, q, r]) x.increase(16);
            }),
          () => {
            f.if(
              bias,
              () => {
                shift.set(f32x4.mul(beta4, v128.load32Splat(r)));
                f.repeat(whole, () => {
                  f.store(p, f32x4.add(f32x4.mul(alpha4, v128.load(q)), shift));
                  for (const x of [p, q]) x.increase(16);
                });
              },
              () =>
                f.repeat(whole, () => {
                  f.store(p, f32x4.mul(alpha4, v128.load(q)));
                  for (const x of [p, q]) x.increase(16);
                }),
            );
          },
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

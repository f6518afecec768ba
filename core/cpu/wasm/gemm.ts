import { type I32, f32, i32, select } from './code.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';
import { ZEROS } from '../memory/heap.ts';
import { COLUMNS, type LeftForm, ROWS, tile } from './gemm-tile.ts';
import { WasmKernel } from './kernel.ts';
import type { ModuleBuilder } from './module.ts';
import { packAcross, packLine, packScattered, packSideBySide } from './pack.ts';

const integers = <N extends number>(n: N): 'i32'[] => new Array<'i32'>(n).fill('i32');

/** Inner size that is worked on at once: 8 packed columns of the right operand stay in the first-level cache. */
export const DEPTH = 384;
/** Columns that are packed at once. */
export const WIDTH = 1024;
/** Rows that are worked on at once: their part of the left operand stays in the second-level cache. */
export const HEIGHT = 240;
/** Rows that the last block may have beyond that, so that no block has fewer than 5. */
const SPARE = 4;
/** Bytes of a row of the last, partial tiles, which are computed beside the result. */
const EDGE_ROW = 4 * COLUMNS;

/** Scratch bytes of a product; parts that run at the same time need their own. */
export function scratchBytes(m: number, n: number, k: number, packsRight: boolean, packsLeft: boolean): number {
  const depth = Math.min(k, DEPTH);
  const edge = n % COLUMNS === 0 ? 0 : m * EDGE_ROW;
  const right = packsRight ? Math.min((n + COLUMNS - 1) & -COLUMNS, WIDTH) * depth * 4 : 0;
  const left = packsLeft ? Math.min(m, HEIGHT + SPARE) * depth * 4 + 16 : 0;
  return edge + right + left;
}

/** Rows of the tiles, in the order in which they cover a block. */
const heights = [5, 4, 3] as const;
type Height = (typeof heights)[number];

/** How many tiles of 5, 4 and 3 rows cover `m` ≥ 5 rows. Small tiles are slow: none has 3 rows but where 6, 7 or 11 are left. */
function cover(f: FunctionBuilder, m: IntLocal): Readonly<Record<5 | 4 | 3, IntLocal>> {
  const fives = f.i32(i32.divU(i32.add(m, ROWS - 1), ROWS));
  // Each four stands for a five that is one row too long.
  const fours = f.i32(i32.sub(i32.mul(fives, ROWS), m));
  const threes = f.i32(i32.const(0));
  f.if(
    i32.gtS(fours, fives),
    () => {
      fives.set(0);
      threes.set(i32.add(i32.eq(m, 6), 1));
      fours.set(i32.shrU(i32.sub(m, i32.mul(threes, 3)), 2));
    },
    () => fives.set(i32.sub(fives, fours)),
  );
  return { 5: fives, 4: fours, 3: threes };
}

/** What is known about a product `c = a @ b`: only the lower triangle of `c` is wanted, or `a` is 0 above the diagonal, or below it. */
export const TRIANGLE = { result: 1, lower: 2, upper: 3 } as const;

/**
 * All rows of 8 columns: `(a, aRow, aStep, b, bStep, c, cRow, m, k, first)`; `aRow` leads from row to row. Of a triangle also `(…, triangle, diagonal)`: the row, counted from
 * the first one here, that ends or begins in the first of the 8 columns (`result`) or of the `k` steps; what is beyond is left out.
 */
function panel(m: ModuleBuilder, form: LeftForm, isTriangular: boolean): FunctionBuilder {
  const kernels = { 5: tile(m, form, 5), 4: tile(m, form, 4), 3: tile(m, form, 3) };
  return m.function(`panel${form}`, integers(isTriangular ? 12 : 10), (f, a, aRow, aStep, b, bStep, c, cRow, rows, k, first, triangle, diagonal) => {
    const init = f.i32(select(i32.const(ZEROS), c, first));
    const initRow = f.i32(select(i32.const(0), cRow, first));
    const counts = cover(f, rows);
    const sums = (r: Height, from: I32, to: I32, steps: I32): void => f.call(kernels[r], from, form === 'rows' ? aRow : aStep, to, bStep, init, initRow, c, cRow, steps);
    const whole = (r: Height): void => sums(r, a, b, k);
    /** The steps of a tile that its triangle leaves, if any. */
    const ofTriangle = (): ((r: Height) => void) => {
      const [row, skip, steps] = [f.i32(i32.sub(0, diagonal)), f.i32(), f.i32()];
      const stepsBefore = (): I32 => i32.min(f.i32(select(row, i32.const(0), i32.gtS(row, 0))), k);
      return (r) => {
        skip.set(select(stepsBefore(), i32.const(0), i32.eq(triangle, TRIANGLE.upper)));
        row.increase(r);
        steps.set(select(stepsBefore(), i32.sub(k, skip), i32.eq(triangle, TRIANGLE.lower)));
        const step = form === 'rows' ? 4 : form === 'steps' ? aStep : 4 * r;
        f.if(i32.or(i32.ne(triangle, TRIANGLE.result), i32.gtS(row, 0)), () => sums(r, i32.add(a, i32.mul(skip, step)), i32.add(b, i32.mul(skip, bStep)), steps));
      };
    };
    const tileOf = isTriangular ? ofTriangle() : whole;
    for (const r of heights) {
      f.repeat(counts[r], () => {
        tileOf(r);
        a.increase(i32.mul(aRow, r));
        c.increase(i32.mul(cRow, r));
        init.increase(i32.mul(initRow, r));
      });
    }
  });
}

/** Packs a block of columns of the right operand: `(to, b, bRow, bCol, n, k)`. */
function packRight(m: ModuleBuilder): FunctionBuilder {
  const [line, sideBySide, across, scattered] = [packLine(m, COLUMNS), packSideBySide(m, COLUMNS), packAcross(m, COLUMNS), packScattered(m)];
  return m.function('packRight', integers(6), (f, to, b, bRow, bCol, n, k) => {
    const strip = f.i32(i32.mul(k, 4 * COLUMNS));
    const lanes = f.i32();
    f.if(i32.eq(bCol, 4), () =>
      f.while(i32.geS(n, 2 * COLUMNS), () => {
        f.call(line, to, strip, b, bRow, k);
        to.increase(i32.shl(strip, 1));
        b.increase(8 * COLUMNS);
        n.increase(-2 * COLUMNS);
      }),
    );
    f.while(i32.gtS(n, 0), () => {
      lanes.set(select(n, i32.const(COLUMNS), i32.ltS(n, COLUMNS)));
      f.if(
        i32.eq(bCol, 4),
        () => f.call(sideBySide, to, b, bRow, k),
        () =>
          f.if(
            i32.eq(bRow, 4),
            () => f.call(across, to, b, bCol, k, lanes),
            () => f.call(scattered, to, b, bCol, bRow, k, lanes, i32.const(COLUMNS)),
          ),
      );
      to.increase(strip);
      b.increase(i32.mul(bCol, COLUMNS));
      n.increase(-COLUMNS);
    });
  });
}

/**
 * Packs a whole right operand for products that share it: `run(to, b, bRow, bCol, n, k)`. Such a product finds it at `to` with distances of 8 floats between rows and `k` floats
 * between columns.
 */
export const packColumns: WasmKernel = new WasmKernel('packColumns', packRight);

/** Packs rows of the left operand, tile by tile: `(to, a, aRow, aCol, m, k)`. */
function packLeft(m: ModuleBuilder): FunctionBuilder {
  const sideBySide = { 5: packSideBySide(m, 5), 4: packSideBySide(m, 4), 3: packSideBySide(m, 3) };
  const across = { 5: packAcross(m, 5), 4: packAcross(m, 4), 3: packAcross(m, 3) };
  const [line, scattered] = [packLine(m, ROWS), packScattered(m)];
  return m.function('packLeft', integers(6), (f, to, a, aRow, aCol, rows, k) => {
    const strip = f.i32(i32.mul(k, 4 * ROWS));
    const counts = cover(f, rows);
    f.if(i32.eq(aRow, 4), () =>
      f.while(i32.geS(counts[5], 4), () => {
        f.call(line, to, strip, a, aCol, k);
        to.increase(i32.shl(strip, 2));
        a.increase(16 * ROWS);
        counts[5].increase(-4);
      }),
    );
    for (const r of heights) {
      f.repeat(counts[r], () => {
        const apart = (): void => f.call(scattered, to, a, aRow, aCol, k, i32.const(r), i32.const(r));
        f.if(
          i32.eq(aRow, 4),
          () => f.call(sideBySide[r], to, a, aCol, k),
          () => f.if(i32.eq(aCol, 4), () => f.call(across[r], to, a, aRow, k, i32.const(r)), apart),
        );
        to.increase(i32.mul(k, 4 * r));
        a.increase(i32.mul(aRow, r));
      });
    }
  });
}

/** One product: the parameters of `gemm` from `a` on. */
function product(m: ModuleBuilder, isTriangular: boolean): FunctionBuilder {
  const [byRows, bySteps, packed] = [panel(m, 'rows', isTriangular), panel(m, 'steps', isTriangular), panel(m, 'packed', isTriangular)];
  const [right, left] = [packRight(m), packLeft(m)];
  return m.function('product', integers(isTriangular ? 17 : 15), (f, a, aRow, aCol, b, bRow, bCol, c, cRow, rows, n, k, packsRight, packsLeft, scratch, adds, triangle, firstRow) => {
    const whole = f.i32(i32.and(n, -COLUMNS));
    const edge = f.i32(scratch);
    const moveEdge = (inwards: boolean): void => {
      const [p, q, j] = [f.i32(i32.add(c, i32.shl(whole, 2))), f.i32(edge), f.i32()];
      f.repeat(rows, () => {
        const [from, to] = inwards ? [p, q] : [q, p];
        f.for(j, 0, i32.shl(i32.sub(n, whole), 2), 4, () => f.store(i32.add(to, j), f32.load(i32.add(from, j))));
        p.increase(cRow);
        q.increase(EDGE_ROW);
      });
    };
    f.if(i32.ne(whole, n), () => {
      scratch.increase(i32.mul(rows, EDGE_ROW));
      f.if(adds, () => moveEdge(true));
    });
    const packedLeft = f.i32();
    const [k0, j0, i0, depth, width, height, j] = [f.i32(), f.i32(), f.i32(), f.i32(), f.i32(), f.i32(), f.i32()];
    const [bk, bp, bStep, bPanel, ak, aTileRow, aStep, to, toRow] = [f.i32(), f.i32(), f.i32(), f.i32(), f.i32(), f.i32(), f.i32(), f.i32(), f.i32()];
    const limit = (x: IntLocal, most: number, slack = 0): void => f.if(i32.gtS(x, most + slack), () => x.set(most));

    f.for(k0, 0, k, DEPTH, () => {
      depth.set(i32.sub(k, k0));
      limit(depth, DEPTH);
      f.for(j0, 0, n, WIDTH, () => {
        width.set(i32.sub(n, j0));
        limit(width, WIDTH);
        bk.set(i32.add(i32.add(b, i32.mul(k0, bRow)), i32.mul(j0, bCol)));
        bStep.set(bRow);
        bPanel.set(i32.mul(bCol, COLUMNS));
        packedLeft.set(scratch);
        f.if(packsRight, () => {
          f.call(right, scratch, bk, bRow, bCol, width, depth);
          bk.set(scratch);
          bStep.set(4 * COLUMNS);
          bPanel.set(i32.mul(depth, 4 * COLUMNS));
          packedLeft.increase(i32.mul(bPanel, i32.divU(i32.add(width, COLUMNS - 1), COLUMNS)));
        });
        i0.set(0);
        f.while(i32.ltS(i0, rows), () => {
          height.set(i32.sub(rows, i0));
          limit(height, HEIGHT, SPARE);
          ak.set(i32.add(i32.add(a, i32.mul(i0, aRow)), i32.mul(k0, aCol)));
          aTileRow.set(aRow);
          aStep.set(aCol);
          f.if(packsLeft, () => {
            f.call(left, packedLeft, ak, aRow, aCol, height, depth);
            ak.set(packedLeft);
            aTileRow.set(i32.shl(depth, 2));
          });
          bp.set(bk);
          f.for(j, j0, i32.add(j0, width), COLUMNS, () => {
            toRow.set(select(cRow, i32.const(EDGE_ROW), i32.ltS(j, whole)));
            to.set(i32.add(select(i32.add(c, i32.shl(j, 2)), edge, i32.ltS(j, whole)), i32.mul(i0, toRow)));
            const args = [ak, aTileRow, aStep, bp, bStep, to, toRow, height, depth, i32.eqz(i32.or(k0, adds))];
            if (isTriangular) args.push(triangle, i32.sub(select(j, k0, i32.eq(triangle, TRIANGLE.result)), i32.add(i0, firstRow)));
            f.if(
              packsLeft,
              () => f.call(packed, ...args),
              () => f.if(i32.eq(aCol, 4), () => f.call(byRows, ...args), () => f.call(bySteps, ...args)),
            );
            bp.increase(bPanel);
          });
          i0.increase(height);
        });
      });
    });
    f.if(i32.ne(whole, n), () => moveEdge(false));
  });
}

/** Bytes of an entry of the table of a batch: what is added to the addresses of `a`, `b` and `c`. */
export const BATCH_ENTRY = 12;

/** Products by table or alone. */
function kernel(isTriangular: boolean): WasmKernel {
  return new WasmKernel(isTriangular ? 'triangularGemm' : 'gemm', (m) => {
    const one = product(m, isTriangular);
    return m.function('gemm', integers(isTriangular ? 19 : 17), (f, table, count, a, aRow, aCol, b, bRow, bCol, c, ...rest) => {
      f.if(
        i32.eqz(table),
        () => f.call(one, a, aRow, aCol, b, bRow, bCol, c, ...rest),
        () =>
          f.repeat(count, () => {
            const [x, y, z] = [a, b, c].map((p, i) => i32.add(p, i32.load(table, 4 * i)));
            f.call(one, x, aRow, aCol, y, bRow, bCol, z, ...rest);
            table.increase(BATCH_ENTRY);
          }),
      );
    });
  });
}

/**
 * `c = a @ b` for at least 5 rows: `(table, count, a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, packsRight, packsLeft, scratch, adds)`, with distances in
 * bytes and the columns of `c` side by side; `count` products where the address of a table of offsets is not 0. Every element is one sum over ascending k that
 * starts from 0, or with `adds` 1 from what `c` holds.
 *
 * The right operand has to be packed (`packsRight` 1) unless its columns lie side by side or it is packed already, both (`packsLeft` 1) unless the inner size (`aCol` 4) or
 * the rows (`aRow` 4) of the left one do.
 */
export const gemm: WasmKernel = kernel(false);

/**
 * The same for a product of which one half is 0 or not wanted: `(…, triangle, firstRow)`, where `firstRow` is the row of the whole product that the first one here is. What
 * lies above the diagonal of a result that is not wanted there may be anything, and steps where `a` is 0 are left out.
 */
export const triangularGemm: WasmKernel = kernel(true);

import { type I32, f32x4, i32, v128 } from './code.ts';
import type { FunctionBuilder } from './function.ts';
import { mulAdd } from './kernel.ts';
import type { ModuleBuilder } from './module.ts';

/** Rows (channels of the result) and vectors of four places that one call of a tile computes. */
export interface TileShape {
  readonly rows: number;
  readonly vectors: number;
}

/**
 * The tiles there are. The first two are the largest that leave registers for the operands and come closest to the peak; they cover any number of rows
 * from 8 on. The others are for what is left of small numbers: the fewer rows, the more vectors, so that sums do not wait for each other.
 */
export const TILES: readonly TileShape[] = [
  { rows: 5, vectors: 2 },
  { rows: 3, vectors: 3 },
  { rows: 4, vectors: 2 },
  { rows: 2, vectors: 4 },
  { rows: 1, vectors: 6 },
];

/** The tiles, from first row to last, that cover so many rows. */
export function tilesFor(rows: number): TileShape[] {
  const [five, three] = TILES;
  // 5a + 3b = rows, with as few threes as there can be.
  for (let b = 0; b < 5 && 3 * b <= rows; b++) {
    if ((rows - 3 * b) % 5 === 0) return [...new Array<TileShape>((rows - 3 * b) / 5).fill(five), ...new Array<TileShape>(b).fill(three)];
  }
  const small = TILES.find((t) => t.rows === rows);
  return small === undefined ? [five, TILES[3]] : [small];
}

/** Entries of the table of tiles: rows, first row, where its panel of weights starts, and from where to where its table of places reaches; 4 bytes each. */
export const tileEntry = { rows: 0, row: 4, panel: 8, places: 12, placesEnd: 16, bytes: 20 } as const;

/** Whether a tile starts at zero or adds to what is there. */
export type TileStart = 'zero' | 'result';

/**
 * The heart of the convolutions: `to[row r][places j] (+)= Σ_k panel[k][r] · base[terms[k] + place j]`, one accumulator per result over ascending `k`.
 * A table gives where each vector of four places reads (from `base`) and writes (from `to`), so neither windows nor rows of the image need a copy.
 *
 * Parameters: `panel, terms, depth, base, to, plane, places`, where `plane` is the distance of the rows of the result. The form keeps V8 from spilling: a
 * function of its own whose only loop is that over `k`, not unrolled, without arithmetic on the accumulators after it.
 */
export function tileFunction(m: ModuleBuilder, { rows, vectors }: TileShape, start: TileStart): FunctionBuilder {
  return m.function(`tile${rows}`, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, panel, terms, depth, base, to, plane, places) => {
    const list = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
    const at = list(vectors, () => f.i32());
    const eachResult = (visit: (r: number, j: number, at: I32) => void): void => {
      at.forEach((p, j) => p.set(i32.add(to, i32.load(places, 4 * (vectors + j)))));
      for (let r = 0; r < rows; r++) {
        at.forEach((p, j) => {
          visit(r, j, p);
          if (r < rows - 1) p.increase(plane);
        });
      }
    };
    const from = list(vectors, (j) => f.i32(i32.add(base, i32.load(places, 4 * j))));
    const sums = list(rows, () => list(vectors, () => f.v128()));
    if (start === 'zero') sums.flat().forEach((s) => s.set(f32x4.const(0)));
    else eachResult((r, j, p) => sums[r][j].set(v128.load(p)));
    const b = list(vectors, () => f.v128());
    const a = f.v128();
    const term = f.i32();
    f.if(depth, () =>
      f.doWhile(() => {
        term.set(i32.load(terms));
        for (let j = 0; j < vectors; j++) b[j].set(v128.load(i32.add(from[j], term)));
        for (let r = 0; r < rows; r++) {
          a.set(v128.load32Splat(panel, 4 * r));
          for (let j = 0; j < vectors; j++) sums[r][j].set(mulAdd(a, b[j], sums[r][j]));
        }
        panel.increase(4 * rows);
        terms.increase(4);
        return depth.tee(i32.sub(depth, 1));
      }),
    );
    eachResult((r, j, p) => f.store(p, sums[r][j]));
  });
}

/** Calls the tile of an entry of the table for all its places. */
export function callTile(f: FunctionBuilder, functions: readonly FunctionBuilder[], entry: I32, args: { readonly panel: I32; readonly terms: I32; readonly depth: I32; readonly base: I32; readonly to: I32; readonly plane: I32 }): void {
  const rows = f.i32(i32.load(entry, tileEntry.rows));
  const end = f.i32(i32.load(entry, tileEntry.placesEnd));
  const places = f.i32();
  TILES.forEach((shape, i) => {
    f.if(i32.eq(rows, shape.rows), () => {
      f.for(places, i32.load(entry, tileEntry.places), end, 8 * shape.vectors, () => {
        f.call(functions[i], args.panel, args.terms, args.depth, args.base, args.to, args.plane, places);
      });
    });
  });
}

/** `(at, bytes, bias)`: adds the number at an address to floats side by side. */
export function biasFunction(m: ModuleBuilder): FunctionBuilder {
  return m.function('bias', ['i32', 'i32', 'i32'], (f, at, bytes, address) => {
    const bias = f.v128(v128.load32Splat(address));
    const end = f.i32(i32.add(at, bytes));
    const wholeEnd = f.i32(i32.sub(end, 15));
    f.while(i32.ltS(at, wholeEnd), () => {
      f.store(at, f32x4.add(v128.load(at), bias));
      at.increase(16);
    });
    f.while(i32.ltS(at, end), () => {
      f.storeLane(at, f32x4.add(v128.load32Zero(at), bias), 0);
      at.increase(4);
    });
  });
}

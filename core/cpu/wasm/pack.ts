import { type I32, type V128, f32, i32, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';
import type { ModuleBuilder } from './module.ts';

// Packing: a strip of a matrix (a few lanes wide, all steps long) is copied so that the lanes of one step lie side by side, step after step: the
// order in which a tile of a product reads it. For the right operand lanes are columns of the product, for the left one rows; steps run along the inner
// size. Distances are in bytes.

const integers = (n: number): 'i32'[] => new Array<'i32'>(n).fill('i32');

/** The columns of the 4x4 matrix with rows `a`, `b`, `c`, `d`, as locals. */
export function transpose4(f: FunctionBuilder, a: V128, b: V128, c: V128, d: V128): readonly [V128, V128, V128, V128] {
  const p = f.v128(v128.shuffle32(a, b, [0, 4, 1, 5]));
  const q = f.v128(v128.shuffle32(c, d, [0, 4, 1, 5]));
  const r = f.v128(v128.shuffle32(a, b, [2, 6, 3, 7]));
  const s = f.v128(v128.shuffle32(c, d, [2, 6, 3, 7]));
  return [
    f.v128(v128.shuffle32(p, q, [0, 1, 4, 5])),
    f.v128(v128.shuffle32(p, q, [2, 3, 6, 7])),
    f.v128(v128.shuffle32(r, s, [0, 1, 4, 5])),
    f.v128(v128.shuffle32(r, s, [2, 3, 6, 7])),
  ];
}

/**
 * Pointers to `count` lanes of which only the first `lanes` exist: the others stand for the last one, so that nothing is read where there may be
 * nothing, and no stray values slow the arithmetic down.
 */
export function lanePointers(f: FunctionBuilder, from: I32, laneStep: I32, lanes: I32, count: number): readonly IntLocal[] {
  const pointers = [f.i32(from)];
  for (let i = 1; i < count; i++) pointers.push(f.i32(i32.add(pointers[i - 1], select0(laneStep, i32.gtS(lanes, i)))));
  return pointers;
}

/** `x` where the condition (0 or 1) holds, else 0. */
const select0 = (x: I32, condition: I32): I32 => i32.mul(x, condition);

/**
 * Lanes lie side by side, steps apart: `(to, from, fromStep, steps)`. Whole vectors are read, up to 7 elements beyond the last lane.
 */
export function packSideBySide(m: ModuleBuilder, width: number): FunctionBuilder {
  return m.function(`packSideBySide${width}`, integers(4), (f, to, from, fromStep, steps) =>
    f.repeat(steps, () => {
      // What is written beyond the last lane is overwritten by the next step: the place for the strip has room for one more vector.
      let lane = 0;
      for (; lane + 4 <= width; lane += 4) f.store(to, v128.load(from, 4 * lane), 4 * lane);
      if (width - lane === 1) f.store(to, f32.load(from, 4 * lane), 4 * lane);
      else if (lane < width) f.store(to, v128.load(from, 4 * lane), 4 * lane);
      to.increase(4 * width);
      from.increase(fromStep);
    }),
  );
}

/**
 * Four strips of 5 lanes, or two of 8, at once, whose lanes lie side by side: `(to, strip, from, fromStep, steps)`, with the bytes of a packed strip. That is about a line of the
 * cache of each step, which would be fetched for each strip otherwise.
 */
export function packLine(m: ModuleBuilder, width: 8 | 5): FunctionBuilder {
  return m.function(`packLine${width}`, integers(5), (f, first, strip, from, fromStep, steps) => {
    const to = [first];
    for (let i = 1; i < (width === 8 ? 2 : 4); i++) to.push(f.i32(i32.add(to[i - 1], strip)));
    f.repeat(steps, () => {
      to.forEach((p, i) => {
        const at = 4 * width * i;
        f.store(p, v128.load(from, at));
        f.store(p, width === 8 ? v128.load(from, at + 16) : f32.load(from, at + 16), 16);
        p.increase(4 * width);
      });
      from.increase(fromStep);
    });
  });
}

/**
 * Steps lie side by side, lanes apart: `(to, from, laneStep, steps, lanes)`, by blocks of 4x4 that are transposed in registers. Up to 3 elements
 * beyond the last step are read.
 */
export function packAcross(m: ModuleBuilder, width: 8 | 5 | 4 | 3): FunctionBuilder {
  const step = 4 * width;
  return m.function(`packAcross${width}`, integers(5), (f, to, from, laneStep, steps, lanes) => {
    // Three lanes are written as four: the next step overwrites the last one, and the place for the strip has room for one more vector.
    const pointers = lanePointers(f, from, laneStep, lanes, Math.max(width, 4));
    /** Packs the first so many of the next four steps, where there are that many. */
    const block = (store: (q: number, write: () => void) => void): void => {
      for (let i = 0; i + 3 <= width; i += 4) {
        const [a, b, c, d] = pointers.slice(i, i + 4).map((p) => f.v128(v128.load(p)));
        transpose4(f, a, b, c, d).forEach((x, q) => store(q, () => f.store(to, x, step * q + 4 * i)));
      }
      if (width !== 5) return;
      const last = f.v128(v128.load(pointers[4]));
      for (let q = 0; q < 4; q++) store(q, () => f.storeLane(to, last, q, step * q + 16));
    };
    f.repeat(i32.shrU(steps, 2), () => {
      block((_, write) => write());
      for (const p of pointers) p.increase(16);
      to.increase(4 * step);
    });
    const rest = f.i32(i32.and(steps, 3));
    f.if(rest, () =>
      block((q, write) => {
        if (q === 0) write();
        else if (q < 3) f.if(i32.gtS(rest, q), write);
      }),
    );
  });
}

/** Neither lies side by side: `(to, from, laneStep, fromStep, steps, lanes, width)`; lanes that are missing stand for the last one. */
export function packScattered(m: ModuleBuilder): FunctionBuilder {
  return m.function('packScattered', integers(7), (f, to, from, laneStep, fromStep, steps, lanes, width) =>
    f.repeat(steps, () => {
      const p = f.i32(from);
      const left = f.i32(lanes);
      f.repeat(width, () => {
        f.store(to, f32.load(p));
        to.increase(4);
        left.increase(-1);
        p.increase(select0(laneStep, i32.gtS(left, 0)));
      });
      from.increase(fromStep);
    }),
  );
}

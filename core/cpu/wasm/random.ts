import { type I32, type V128, f64x2, f32x4, i32, i32x4, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';
import { WasmKernel } from './kernel.ts';
import type { ModuleBuilder } from './module.ts';

// The Mersenne Twister MT19937 (M. Matsumoto, T. Nishimura, 1998), four words at a time. Its state in memory: 624 words, the first four again, and the
// number of the next word. A word that was drawn is replaced at once by that of the next round.

const WORDS = 624;
const MIDDLE = 397;
/** Where the number of the next word lies in the state. */
export const NEXT: number = 4 * (WORDS + 4);
/** Bytes of the state. */
export const STATE_BYTES: number = NEXT + 4;

interface Words<T> {
  readonly and: (a: T, mask: number) => T;
  readonly or: (a: T, b: T) => T;
  readonly xor: (a: T, b: T) => T;
  readonly left: (a: T, bits: number) => T;
  readonly right: (a: T, bits: number) => T;
  readonly negative: (a: T) => T;
}

const single: Words<I32> = { and: i32.and, or: i32.or, xor: i32.xor, left: i32.shl, right: i32.shrU, negative: (a) => i32.sub(0, a) };

const four = (f: FunctionBuilder): Words<V128> => ({
  and: (a, mask) => v128.and(a, f.hoist(i32x4.const(mask))),
  or: v128.or,
  xor: v128.xor,
  left: i32x4.shl,
  right: i32x4.shrU,
  negative: (a) => i32x4.sub(f.hoist(i32x4.const(0)), a),
});

interface Variable<T> {
  set: (x: T) => unknown;
}

/** The output of the twister for words of its state. */
function tempered<T>(w: Words<T>, y: T & Variable<T>): T {
  y.set(w.xor(y, w.right(y, 11)));
  y.set(w.xor(y, w.and(w.left(y, 7), 0x9d2c5680 | 0)));
  y.set(w.xor(y, w.and(w.left(y, 15), 0xefc60000 | 0)));
  return w.xor(y, w.right(y, 18));
}

/** The words of the next round: from a word, the one behind it and the one in the middle. */
function twisted<T>(w: Words<T>, t: T & Variable<T>, a: T, behind: T, middle: T): T {
  t.set(w.or(w.and(a, -0x80000000), w.and(behind, 0x7fffffff)));
  return w.xor(w.xor(middle, w.right(t, 1)), w.and(w.negative(w.and(t, 1)), 0x9908b0df | 0));
}

/** The function `draw(state, out, n)` that writes `n` words. */
function drawFunction(m: ModuleBuilder): FunctionBuilder {
  return m.function('draw', ['i32', 'i32', 'i32'], (f, state, out, n) => {
    const next = f.i32(i32.load(state, NEXT));
    const [p, middle] = [f.i32(), f.i32()];
    const place = (): void => {
      p.set(i32.add(state, i32.shl(next, 2)));
      // The first words come again behind the last, so that four may reach across.
      middle.set(i32.add(p, 4 * MIDDLE));
      f.if(i32.geS(next, WORDS - MIDDLE), () => middle.increase(-4 * WORDS));
    };
    const onward = (count: number, mirror: () => void): void => {
      f.if(i32.ltS(next, 4), mirror);
      next.increase(count);
      f.if(i32.eq(next, WORDS), () => next.set(0));
      out.increase(4 * count);
      n.increase(-count);
    };
    const [y, t] = [f.i32(), f.i32()];
    const one = (): void => {
      place();
      y.set(i32.load(p));
      f.store(p, twisted(single, t, y, i32.load(p, 4), i32.load(middle)));
      f.store(out, tempered(single, y));
      onward(1, () => f.store(p, i32.load(p), 4 * WORDS));
    };
    f.while(i32.and(i32.gtS(n, 0), i32.ne(i32.and(next, 3), 0)), one);
    const [ys, ts] = [f.v128(), f.v128()];
    const w = four(f);
    f.while(i32.geS(n, 4), () => {
      place();
      ys.set(v128.load(p));
      f.store(p, twisted(w, ts, ys, v128.load(p, 4), v128.load(middle)));
      f.store(out, tempered(w, ys));
      onward(4, () => f.store(p, v128.load(p), 4 * WORDS));
    });
    f.while(i32.gtS(n, 0), one);
    f.store(state, next, NEXT);
  });
}

type Fill = (f: FunctionBuilder, words: IntLocal, a: V128, b: V128) => V128;

/**
 * A kernel `state, words, out, n, a, b` that draws `perItem` words for each of `n` floats, four of which `make` computes at a time: as it writes whole
 * vectors, `out` needs room for three more.
 */
function fillKernel(name: string, perItem: 1 | 2, make: Fill): WasmKernel {
  return new WasmKernel(name, (m) => {
    const draw = drawFunction(m);
    return m.function(name, ['i32', 'i32', 'i32', 'i32', 'f64', 'f64'], (f, state, words, out, n, a, b) => {
      const [as, bs] = [f.v128(f64x2.splat(a)), f.v128(f64x2.splat(b))];
      f.call(draw, state, words, i32.mul(n, perItem));
      f.repeat(i32.shrU(i32.add(n, 3), 2), () => {
        f.store(out, make(f, words, as, bs));
        words.increase(16 * perItem);
        out.increase(16);
      });
    });
  });
}

/** The two upper lanes in the place of the lower ones. */
const upper = (x: V128): V128 => v128.shuffle32(x, x, [2, 3, 2, 3]);
const lowHalves = (a: V128, b: V128): V128 => v128.shuffle32(a, b, [0, 1, 4, 5]);

/** Uniform floats of 24 bits, times `a`, plus `b`: rounded once. */
export const fillUniforms: WasmKernel = fillKernel('fillUniforms', 1, (f, words, a, b) => {
  const bits = f.v128(v128.and(v128.load(words), f.hoist(i32x4.const(0xffffff))));
  const scale = f.hoist(f64x2.const(2 ** -24));
  const [low, high] = [bits, upper(bits)].map((x) => f32x4.demote(f64x2.add(f64x2.mul(f64x2.mul(f64x2.convertLowI32x4(x), scale), a), b)));
  return lowHalves(low, high);
});

/** 1 where a uniform number of 53 bits is below `a`, else 0. The first word of two is the upper one. */
export const fillChoices: WasmKernel = fillKernel('fillChoices', 2, (f, words, a) => {
  const [shift, scale, mask] = [f.hoist(f64x2.const(2 ** 32)), f.hoist(f64x2.const(2 ** -53)), f.hoist(i32x4.const(0x1fffff))];
  const pair = (at: number): V128 => {
    const drawn = f.v128(v128.load(words, at));
    const first = v128.and(v128.shuffle32(drawn, drawn, [0, 2, 0, 2]), mask);
    const second = v128.shuffle32(drawn, drawn, [1, 3, 1, 3]);
    return f64x2.lt(f64x2.mul(f64x2.add(f64x2.mul(f64x2.convertLowI32x4(first), shift), f64x2.convertLowU32x4(second)), scale), a);
  };
  return v128.and(v128.shuffle32(pair(0), pair(16), [0, 2, 4, 6]), f.hoist(f32x4.const(1)));
});

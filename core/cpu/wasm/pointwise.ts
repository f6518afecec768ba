import type { Expr } from '../../expr.ts';
import { type F32, type I32, type V128, type Value, type ValueType, f32x4, i16x8, i32, i32x4, i8x16, select, v128 } from './code.ts';
import { type FunctionBuilder, IntLocal, type Local } from './function.ts';
import { WasmKernel } from './kernel.ts';
import { bits, constant } from './math.ts';
import { Graph, type Lanes, type Level, lanesOfIntegers } from './pointwise-graph.ts';

/** What an element is made of in memory. */
export type Element = 'float32' | 'int32' | 'uint8';

/** How an operand is read: a number, or elements that lie side by side, are one element for the whole run, or lie in steps. */
export interface Access {
  readonly from: Element;
  readonly by: 'number' | 'vector' | 'splat' | 'step';
}

/**
 * What is written: floats, truths as bytes, or integers of 32 bits or bytes. Kernels that write integers return 0, or something else where
 * a number did not fit.
 */
export type Target = 'float32' | 'bool' | 'int32' | 'uint8';

/** What a pointwise kernel is made for: an expression of up to three operands as arguments 0 to 2, and of a number as argument 3. */
export interface PointwiseSpec {
  readonly expr: Expr;
  readonly target: Target;
  readonly operands: readonly Access[];
}

/** One operand inside a kernel. */
interface Reader {
  /** Four elements, `ahead` elements from where it stands. With `left`, no more than so many are there. */
  readonly read: (ahead: number, left: I32 | null) => Lanes;
  /** Goes on by `n` elements. */
  readonly advance: (n: number) => void;
}

const nothing: Lanes = { value: null, mask: null };

const lanesFrom = (f: FunctionBuilder, from: Element, x: V128): Lanes =>
  from === 'float32' ? { value: f.v128(x), mask: null } : lanesOfIntegers(f, f.v128(x));

/** An operand whose elements lie side by side. */
function vectorReader(f: FunctionBuilder, from: Element, at: IntLocal): Reader {
  const size = from === 'uint8' ? 1 : 4;
  const load = (n: number): V128 => (from === 'uint8' ? i32x4.extendLowU16(i16x8.extendLowU8(v128.load32Zero(at, n))) : v128.load(at, n * size));
  return { read: (ahead) => lanesFrom(f, from, load(ahead)), advance: (n) => at.increase(n * size) };
}

/** An operand whose elements lie `step` bytes apart; it goes on with every read, and never behind the last element. */
function stepReader(f: FunctionBuilder, from: Element, at: IntLocal, step: I32): Reader {
  const read = (_: number, left: I32 | null): Lanes => {
    const x = f.v128(i32x4.const(0));
    for (let i = 0; i < 4; i++) {
      x.set(from === 'uint8' ? v128.load8Lane(at, x, 4 * i) : v128.load32Lane(at, x, i));
      at.increase(left === null ? step : select(step, i32.const(0), i32.gtS(left, i + 1)));
    }
    return lanesFrom(f, from, x);
  };
  return { read, advance: () => {} };
}

/** One element in all lanes. */
function splat(f: FunctionBuilder, from: Element, at: I32): Lanes {
  return lanesFrom(f, from, from === 'uint8' ? i32x4.splat(i32.load8U(at)) : v128.load32Splat(at));
}

/** How results are written. */
interface Writer {
  readonly size: number;
  /** Vectors of four, from `out` on. */
  readonly whole: (out: I32, results: readonly Lanes[]) => void;
  /** The first `left` of four, fewer than four. */
  readonly part: (out: I32, result: Lanes, left: I32) => void;
}

function got<T>(x: T | null | undefined): T {
  if (x === null || x === undefined) throw new Error('pointwise: a value is used that was not made');
  return x;
}

/** Calls `store` for the lanes before `left`, of which there are one to three. */
function eachLane(f: FunctionBuilder, left: I32, store: (lane: number) => void): void {
  store(0);
  f.if(i32.gtS(left, 1), () => {
    store(1);
    f.if(i32.gtS(left, 2), () => store(2));
  });
}

function wordsWriter(f: FunctionBuilder, words: (result: Lanes, left: I32 | null) => V128): Writer {
  return {
    size: 4,
    whole: (out, results) => results.forEach((r, i) => f.store(out, words(r, null), 16 * i)),
    part: (out, result, left) => {
      const x = f.v128(words(result, left));
      eachLane(f, left, (i) => f.storeLane(out, x, i, 4 * i));
    },
  };
}

/** 32-bit integers as bytes, 16 at a time where there are four vectors. */
function bytesWriter(f: FunctionBuilder, integers: (result: Lanes, left: I32 | null) => V128): Writer {
  return {
    size: 1,
    whole: (out, results) => {
      const [a, b, c, d] = results.map((r) => f.v128(integers(r, null)));
      if (results.length === 4) {
        f.store(out, i8x16.narrowU(i16x8.narrowS(a, b), i16x8.narrowS(c, d)));
        return;
      }
      const pair = f.v128(i16x8.narrowS(a, b ?? a));
      const four = f.v128(i8x16.narrowU(pair, pair));
      results.forEach((_, i) => f.storeLane(out, four, i, 4 * i));
    },
    part: (out, result, left) => {
      const x = f.v128(integers(result, left));
      eachLane(f, left, (i) => f.store8(out, i32x4.lane(x, i), i));
    },
  };
}

/** Floats as integers between `low` and `high`, both excluded; others are noted in `unfit`. */
function integerWriter(f: FunctionBuilder, target: 'int32' | 'uint8', unfit: Local<'v128'>): Writer {
  const [low, high] = target === 'int32' ? [-2147483904, 2147483648] : [-1, 256];
  const convert = ({ value }: Lanes, left: I32 | null): V128 => {
    const x = got(value);
    const outside = v128.or(f32x4.le(x, constant(f, low)), f32x4.ge(x, constant(f, high)));
    // Lanes behind the last element may hold anything.
    const counted = left === null ? outside : v128.and(outside, i32x4.ltS(f.hoist(i32x4.lanes(0, 1, 2, 3)), i32x4.splat(left)));
    unfit.set(v128.or(unfit, counted));
    return i32x4.truncSatF32x4(x);
  };
  return target === 'int32' ? wordsWriter(f, convert) : bytesWriter(f, convert);
}

/** The writer of a target, and what stands at the end of the kernel. */
function writerOf(f: FunctionBuilder, target: Target): { readonly writer: Writer; readonly finish: () => void } {
  if (target === 'float32') return { writer: wordsWriter(f, ({ value }) => got(value)), finish: () => {} };
  if (target === 'bool') return { writer: bytesWriter(f, ({ mask }) => v128.and(got(mask), bits(f, 1))), finish: () => {} };
  const unfit = f.v128(i32x4.const(0));
  return { writer: integerWriter(f, target, unfit), finish: () => f.return(v128.anyTrue(unfit)) };
}

const resultOf = (target: Target): ValueType | null => (target === 'int32' || target === 'uint8' ? 'i32' : null);

/** A run of `left` elements from `out` on; pointers and `left` are used up. `done` holds what does not change within the run. */
function emitRun(f: FunctionBuilder, graph: Graph, readers: readonly Reader[], writer: Writer, left: IntLocal, out: IntLocal, done: readonly (Lanes | undefined)[]): void {
  const [root] = graph.roots;
  const compute = (vectors: readonly number[], limit: I32 | null): Lanes[] => {
    const read = vectors.map((u) => readers.map((r) => r.read(4 * u, limit)));
    return f.inTurns(vectors.map((u) => () => {
      const values = [...done];
      graph.emit(f, 'element', values, (i) => read[u][i]);
      return got(values[root]);
    }));
  };
  const advance = (n: number): void => {
    for (const r of readers) r.advance(n);
    out.increase(n * writer.size);
    left.set(i32.sub(left, n));
  };
  // Four vectors are what bytes are stored from.
  const vectors = Array.from({ length: Math.min(graph.abreast, 4 * writer.size) }, (_, u) => u);
  const block = 4 * vectors.length;
  f.if(i32.geS(left, block), () =>
    f.doWhile(() => {
      writer.whole(out, compute(vectors, null));
      advance(block);
      return i32.geS(left, block);
    }),
  );
  f.while(i32.gtS(left, 0), () => {
    const [result] = compute([0], left);
    f.if(
      i32.geS(left, 4),
      () => writer.whole(out, [result]),
      () => writer.part(out, result, left),
    );
    advance(4);
  });
}

type Parameter = IntLocal | Local<'f32'>;

function addressIn(x: Parameter): IntLocal {
  if (x instanceof IntLocal) return x;
  throw new Error('pointwise: a number stands for an address');
}

/** The number that a parameter is, in all lanes. */
const numberIn = (f: FunctionBuilder, x: Value): Lanes => ({ value: f.v128(f32x4.splat(x as F32)), mask: null });

const isVectorial = ({ by }: Access): boolean => by === 'vector' || by === 'step';
const unread: Reader = { read: () => nothing, advance: () => {} };

/**
 * `out[i] = expr(x[i], y[i], …, w)` for elements side by side. Arguments of the kernel: the number of elements, the address of `out`, for
 * each operand its address or number, and `w`.
 */
export function flatKernel({ expr, target, operands }: PointwiseSpec): WasmKernel {
  const types = operands.map(({ by }) => (by === 'number' ? 'f32' : 'i32'));
  return new WasmKernel('pointwise', (m) =>
    m.function(
      'pointwise',
      ['i32', 'i32', ...types, 'f32'],
      (f, n, out, ...rest) => {
        const levelOf = (i: number): Level => (i < operands.length && isVectorial(operands[i]) ? 'element' : 'fixed');
        const graph = new Graph([expr], target === 'bool' ? 'mask' : 'value', levelOf);
        const { writer, finish } = writerOf(f, target);
        const done: (Lanes | undefined)[] = [];
        graph.emit(f, 'fixed', done, (i) =>
          i >= operands.length || operands[i].by === 'number' ? numberIn(f, rest[Math.min(i, operands.length)]) : splat(f, operands[i].from, addressIn(rest[i])),
        );
        const readers = operands.map((o, i) => (o.by === 'vector' ? vectorReader(f, o.from, addressIn(rest[i])) : unread));
        emitRun(f, graph, readers, writer, n, out, done);
        finish();
      },
      resultOf(target),
    ),
  );
}

/**
 * The same over rows: arguments are the number of rows, of elements in a row, the address of `out` and its step from row to row, for each
 * operand its address or number, its step from row to row and from element to element (where it is read by steps), and `w`. All steps are in bytes.
 */
export function planeKernel({ expr, target, operands }: PointwiseSpec): WasmKernel {
  const types = operands.flatMap(({ by }) => [by === 'number' ? 'f32' : 'i32', 'i32', 'i32'] as const);
  return new WasmKernel('pointwiseRows', (m) =>
    m.function(
      'pointwiseRows',
      ['i32', 'i32', 'i32', 'i32', ...types, 'f32'],
      (f, rows, columns, out, outRow, ...rest) => {
        const levelOf = (i: number): Level => (i >= operands.length || operands[i].by === 'number' ? 'fixed' : operands[i].by === 'splat' ? 'row' : 'element');
        const graph = new Graph([expr], target === 'bool' ? 'mask' : 'value', levelOf);
        const { writer, finish } = writerOf(f, target);
        const done: (Lanes | undefined)[] = [];
        graph.emit(f, 'fixed', done, (i) => numberIn(f, rest[Math.min(3 * i, types.length)]));
        const at = operands.map(() => f.i32());
        const readers = operands.map(({ from, by }, i) => (by === 'vector' ? vectorReader(f, from, at[i]) : by === 'step' ? stepReader(f, from, at[i], addressIn(rest[3 * i + 2])) : unread));
        const [left, to] = [f.i32(), f.i32()];
        f.repeat(rows, () => {
          const row = [...done];
          graph.emit(f, 'row', row, (i) => splat(f, operands[i].from, addressIn(rest[3 * i])));
          left.set(columns);
          to.set(out);
          operands.forEach((o, i) => {
            if (isVectorial(o)) at[i].set(addressIn(rest[3 * i]));
          });
          emitRun(f, graph, readers, writer, left, to, row);
          out.increase(outRow);
          operands.forEach(({ by }, i) => {
            if (by !== 'number') addressIn(rest[3 * i]).increase(addressIn(rest[3 * i + 1]));
          });
        });
        finish();
      },
      resultOf(target),
    ),
  );
}

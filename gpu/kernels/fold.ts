import type { DType } from '../../core/dtype.ts';
import { type Expr, type Fold, arg, e } from '../../core/expr.ts';
import type { Formula, Kernel } from '../../core/op.ts';
import type { Tensor } from '../../core/tensor.ts';
import { print, stored } from '../expression.ts';
import { blockOf, launch, runOn, storageOf } from '../launch.ts';
import { address, coordinates, joined, namesOf, numbersOf } from '../layout.ts';
import { type Source, sourceOf } from '../source.ts';

/** Elements that one thread takes in; more are split among threads, whose totals are folded in turn. */
const SHARE = 256;

const associative = ['add', 'mul', 'max', 'min', 'and', 'or'] as const;

/** Folds the totals of parts: what the step does to the total, done with another total. */
function mergeOf({ step }: Fold): Expr | null {
  const { fn, args } = step(arg(0), arg(1));
  const [total] = args;
  if (total.fn !== 'arg' || total.value !== 0) return null;
  return associative.some((name) => name === fn) ? e[fn as (typeof associative)[number]](arg(0), arg(1)) : null;
}

interface Stage {
  readonly source: Source;
  readonly constants: readonly number[];
}

/** One thread per result (and part) goes through elements `first`, `first + parts`, …: what `step` and `finish` say. */
function stage(key: string, op: string, step: Expr, finish: Expr, dtype: DType, outer: number, inner: number): Stage {
  const constants: number[] = [];
  const loop = print(op, [step], (i) => (i === 0 ? 'total' : 'v'), 't', constants);
  const end = print(op, [finish], (i) => (i === 0 ? 'total' : 'count'), 'f', constants);
  const source = sourceOf(key, () => ({
    arrays: ['a'],
    // The outer walk has its offset; the inner one starts there.
    integers: ['parts', 'size', ...namesOf(outer, ['a']), ...namesOf(inner, ['b'], 'm')],
    floats: ['start', 'limit', 'count', ...constants.map((_, k) => `k${k}`)],
    body: `const place = idiv(this.thread.x, parts); const part = this.thread.x - place * parts; ${coordinates(outer, 'place')}`
      + ` const base = ${address(outer, 'a', 'place')}; let total = start; let i = part;`
      + ` for (let j = 0; j < size; j++) { if (i < limit) { ${coordinates(inner, 'i', 'd', 'm')} const v = a[base + ${address(inner, 'b', 'i', 'd')}]; ${loop.body} total = ${loop.results[0]}; } i = i + parts; }`
      + ` ${end.body} return ${stored(dtype, end.results[0])};`,
  }));
  return { source, constants };
}

/** The kernel of a fold over dimensions: long ones in two or more stages. */
export function foldKernel<A>(name: string, formula: Formula<A> & { readonly kind: 'fold' }): Kernel<A> {
  return ([out], [input], attrs) => {
    const x = input as Tensor;
    const fold = formula.fold(attrs);
    const dims = formula.dims(attrs);
    const pick = (reduced: boolean): number[] => x.shape.map((_, d) => d).filter((d) => dims.includes(d) === reduced);
    const [kept, gone] = [pick(false), pick(true)];
    const outer = joined(kept.map((d) => x.shape[d]), [kept.map((d) => x.strides[d])], [x.offset]);
    const inner = joined(gone.map((d) => x.shape[d]), [gone.map((d) => x.strides[d])], [0]);
    const count = gone.reduce((n, d) => n * x.shape[d], 1);
    const rows = kept.reduce((n, d) => n * x.shape[d], 1);
    const step = fold.step(arg(0), arg(1));
    const finish = fold.finish === undefined ? arg(0) : fold.finish(arg(0), arg(1));
    const merge = mergeOf(fold);
    const key = `fold ${name} ${formula.key(attrs)}`;
    const ranks = `${outer.sizes.length} ${inner.sizes.length}`;
    const parts = merge === null ? 1 : Math.ceil(count / SHARE);
    const numbers = (n: number): number[] => [n, Math.ceil(count / n), ...numbersOf(outer), ...numbersOf(inner)];
    if (parts <= 1 || merge === null) {
      const { source, constants } = stage(`${key} ${out.dtype} ${ranks}`, name, step, finish, out.dtype, outer.sizes.length, inner.sizes.length);
      launch(source, out, { arrays: [blockOf(x)], integers: numbers(1), floats: [fold.start, count, count, ...constants] });
      return;
    }
    const { backend } = storageOf(x);
    const first = stage(`${key} part ${ranks}`, name, step, arg(0), 'float32', outer.sizes.length, inner.sizes.length);
    let totals = runOn(backend, first.source, rows * parts, { arrays: [blockOf(x)], integers: numbers(parts), floats: [fold.start, count, count, ...first.constants] });
    let left = parts;
    while (left > SHARE) {
      const fewer = Math.ceil(left / SHARE);
      const next = stage(`${key} merge`, name, merge, arg(0), 'float32', 1, 1);
      const merged = runOn(backend, next.source, rows * fewer, { arrays: [totals], integers: [fewer, Math.ceil(left / fewer), 0, left, 0, 1], floats: [fold.start, left, left, ...next.constants] });
      backend.free(totals);
      [totals, left] = [merged, fewer];
    }
    const last = stage(`${key} end ${out.dtype}`, name, merge, finish, out.dtype, 1, 1);
    launch(last.source, out, { arrays: [totals], integers: [1, left, 0, left, 0, 1], floats: [fold.start, left, count, ...last.constants] });
    backend.free(totals);
  };
}

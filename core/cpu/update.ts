import type { DType, TypedArray } from '../dtype.ts';
import type { Expr } from '../expr.ts';
import { isContiguous } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { compile, statements } from './codegen.ts';
import { interpreter } from './interpreter.ts';
import { coalesce, walkOuter } from './layout.ts';

/** One pass over `n` elements: `cells[c]` from `at[c]` on in steps of `steps[c]`. */
type Pass = (n: number, scalars: readonly number[], cells: readonly TypedArray[], at: readonly number[], steps: readonly number[]) => void;

/** Every intermediate value is rounded to float32 where the columns are float32, as separate operations would round it. */
function makePass(body: readonly (Expr | null)[], scalars: number, dtype: DType): Pass {
  const rounded = (text: string): string => (dtype === 'float32' ? `f(${text})` : text);
  const columns = [...body.keys()];
  const names = new Map<Expr, string>();
  const lines: string[] = [];
  const stores: string[] = [];
  body.forEach((value, c) => {
    if (value === null) return;
    const { body: text, result } = statements(value, (i) => (i < columns.length ? `x${i}` : `s${i - columns.length}`), rounded, names);
    lines.push(text);
    stores.push(`a${c}[i${c}]=${result};`);
  });
  const setup = columns.map((c) => `const a${c}=cells[${c}],d${c}=steps[${c}];let i${c}=at[${c}];`);
  const constants = Array.from({ length: scalars }, (_, i) => `const s${i}=${rounded(`scalars[${i}]`)};`);
  const loads = columns.map((c) => `const x${c}=a${c}[i${c}];`);
  const steps = columns.map((c) => `i${c}+=d${c};`);
  return compile<Pass>(
    ['n', 'scalars', 'cells', 'at', 'steps'],
    `const f=Math.fround;${[...setup, ...constants].join('')}for(let i=0;i<n;i++){${[...loads, ...lines, ...stores, ...steps].join('')}}`,
    () => interpretedPass(body, scalars, dtype),
  );
}

/** The same where code cannot be generated. */
function interpretedPass(body: readonly (Expr | null)[], scalars: number, dtype: DType): Pass {
  const rounded = dtype === 'float32' ? Math.fround : (x: number): number => x;
  const written = [...body.keys()].filter((c) => body[c] !== null);
  const compute = interpreter(body.filter((value) => value !== null), rounded);
  const args = new Float64Array(body.length + scalars);
  return (n, values, cells, at, steps) => {
    for (let i = 0; i < scalars; i++) args[body.length + i] = rounded(values[i]);
    for (let i = 0; i < n; i++) {
      for (let c = 0; c < body.length; c++) args[c] = cells[c][at[c] + i * steps[c]];
      const results = compute(args);
      for (let k = 0; k < written.length; k++) cells[written[k]][at[written[k]] + i * steps[written[k]]] = results[k];
    }
  };
}

const none = new Float32Array(0);

/** The reference CPU kernel of an update rule: one pass per target, any strides, no allocation where all columns are contiguous. */
export function updateKernel(body: readonly (Expr | null)[], scalars: number): (targets: readonly (readonly Tensor[])[], values: readonly number[]) => void {
  const passes = new Map<DType, Pass>();
  const cells = body.map((): TypedArray => none);
  const at = body.map(() => 0);
  const ones = body.map(() => 1);
  return (targets, values) => {
    for (let k = 0; k < targets[0].length; k++) {
      const { dtype, shape } = targets[0][k];
      let pass = passes.get(dtype);
      if (pass === undefined) passes.set(dtype, (pass = makePass(body, scalars, dtype)));
      let contiguous = true;
      for (let c = 0; c < targets.length; c++) {
        const x = targets[c][k];
        cells[c] = x.storage.cells;
        at[c] = x.offset;
        contiguous &&= isContiguous(shape, x.strides);
      }
      if (contiguous) pass(targets[0][k].numel(), values, cells, at, ones);
      else strided(pass, targets.map((column) => column[k]), values, cells);
    }
    cells.fill(none);
  };
}

function strided(pass: Pass, operands: readonly Tensor[], values: readonly number[], cells: readonly TypedArray[]): void {
  const walk = coalesce(operands[0].shape, operands.map((x) => x.strides));
  const inner = walk.sizes.length - 1;
  const n = inner < 0 ? 1 : walk.sizes[inner];
  const steps = walk.strides.map((s) => (inner < 0 ? 0 : s[inner]));
  walkOuter(walk, Math.min(1, walk.sizes.length), operands.map((x) => x.offset), (offsets) => pass(n, values, cells, offsets, steps));
}

import type { Backend, Block } from '../backend.ts';
import { runOn } from '../launch.ts';
import { sourceOf } from '../source.ts';

/** A row-major tensor seen along one dimension: `pre` · `n` · `post` elements, of which lines of `n` lie `post` apart. */
export interface Lines {
  readonly pre: number;
  readonly n: number;
  readonly post: number;
}

/** The lines along a dimension of a shape. */
export function linesAlong(shape: readonly number[], dim: number): Lines {
  const product = (sizes: readonly number[]): number => sizes.reduce((total, size) => total * size, 1);
  return { pre: product(shape.slice(0, dim)), n: shape[dim], post: product(shape.slice(dim + 1)) };
}

/** The elements of an array that start somewhere in a block. */
export interface Span {
  readonly block: Block;
  readonly offset: number;
}

/** What is computed for the elements of lines, in the language of kernels. */
export interface Term {
  /** Names the kernel, with everything its text depends on. */
  readonly name: string;
  /** Arrays by the names that `value` uses: `x(at)` in it stands for element `at`. */
  readonly arrays: Readonly<Record<string, Span>>;
  readonly integers?: Readonly<Record<string, number>>;
  readonly floats?: Readonly<Record<string, number>>;
  /** Statements before `value`. */
  readonly body?: string;
  /** Of the element with number `i` in line (`p`, `q`), which lies at `at`; the line's own number is `line`. */
  readonly value: string;
}

/** How totals are taken: a sum, or the largest. */
export type Taking = 'sum' | 'max';

/** Elements that one thread takes in. */
const SHARE = 256;

/** `x(i)` is `x[xo + i]`. */
function reads(text: string, names: readonly string[]): string {
  if (names.length === 0) return text;
  let out = '';
  const pattern = new RegExp(`\\b(${names.join('|')})\\(`, 'g');
  let from = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const open = match.index + match[0].length;
    let depth = 1;
    let end = open;
    for (; depth > 0; end++) {
      if (text[end] === '(') depth++;
      if (text[end] === ')') depth--;
    }
    out += `${text.slice(from, match.index)}${match[1]}[${match[1]}o + ${reads(text.slice(open, end - 1), names)}]`;
    from = end;
    pattern.lastIndex = end;
  }
  return out + text.slice(from);
}

const taking: Readonly<Record<Taking, { readonly start: number; readonly step: (total: string, x: string) => string }>> = {
  sum: { start: 0, step: (total, x) => `${total} + ${x}` },
  max: { start: -Infinity, step: (total, x) => `larger(${total}, ${x})` },
};

/** One total per line, `pre` · `post` of them. Long lines are split among threads, whose totals are taken in turn. */
export function totals(backend: Backend, how: Taking, { pre, n, post }: Lines, term: Term): Block {
  const rows = pre * post;
  const parts = Math.max(1, Math.ceil(n / SHARE));
  const names = Object.keys(term.arrays);
  const { integers = {}, floats = {}, body = '', value } = term;
  const { start, step } = taking[how];
  const source = sourceOf(`total ${how} ${term.name}`, () => ({
    arrays: names,
    integers: ['parts', 'size', 'n', 'post', ...names.map((name) => `${name}o`), ...Object.keys(integers)],
    floats: ['start', ...Object.keys(floats)],
    body: 'const line = idiv(this.thread.x, parts); const part = this.thread.x - line * parts; const p = idiv(line, post); const q = line - p * post; let total = start; let i = part;'
      + ` for (let j = 0; j < size; j++) { if (i < n) { const at = (p * n + i) * post + q; ${reads(body, names)} const v = ${reads(value, names)}; total = ${step('total', 'v')}; } i = i + parts; } return total;`,
  }));
  const spans = Object.values(term.arrays);
  const made = runOn(backend, source, rows * parts, {
    arrays: spans.map(({ block }) => block),
    integers: [parts, Math.ceil(n / parts), n, post, ...spans.map(({ offset }) => offset), ...Object.values(integers)],
    floats: [start, ...Object.values(floats)],
  });
  if (parts === 1) return made;
  const whole = totals(backend, how, { pre: rows, n: parts, post: 1 }, { name: 'parts', arrays: { x: { block: made, offset: 0 } }, value: 'x(at)' });
  backend.free(made);
  return whole;
}

/** One value per element, in row-major order. */
export function elements(backend: Backend, { pre, n, post }: Lines, term: Term): Block {
  const names = Object.keys(term.arrays);
  const { integers = {}, floats = {}, body = '', value } = term;
  const source = sourceOf(`elements ${term.name}`, () => ({
    arrays: names,
    integers: ['n', 'post', ...names.map((name) => `${name}o`), ...Object.keys(integers)],
    floats: Object.keys(floats),
    body: 'const rows = idiv(this.thread.x, post); const q = this.thread.x - rows * post; const p = idiv(rows, n); const i = rows - p * n; const line = p * post + q; const at = this.thread.x;'
      + ` ${reads(body, names)} return ${reads(value, names)};`,
  }));
  const spans = Object.values(term.arrays);
  return runOn(backend, source, pre * n * post, {
    arrays: spans.map(({ block }) => block),
    integers: [n, post, ...spans.map(({ offset }) => offset), ...Object.values(integers)],
    floats: Object.values(floats),
  });
}

/** A whole block. */
export const whole = (block: Block): Span => ({ block, offset: 0 });

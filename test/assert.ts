import { equal, is, not, ok, unreachable } from 'uvu/assert';
import { Tensor } from '../index.ts';

export { equal, is, not, ok, unreachable };

/** What `allClose` compares: a tensor, a typed or plain array, nested arrays, or a number. */
export type Values = Tensor | ArrayLike<number> | number | boolean | readonly Values[];

/** How far values may lie apart: `|actual - expected| ≤ atol + rtol·|expected|`. */
export interface Tolerance {
  readonly rtol?: number;
  readonly atol?: number;
}

function flatten(values: Values, out: number[] = []): number[] {
  if (typeof values === 'number' || typeof values === 'boolean') out.push(Number(values));
  else if (values instanceof Tensor) for (const v of values.data()) out.push(v);
  else for (let i = 0; i < values.length; i++) flatten(values[i], out);
  return out;
}

/** The shape of a tensor or of nested arrays; a flat array stands for any shape. */
function shapeOf(values: Values): readonly number[] | null {
  if (values instanceof Tensor) return values.shape;
  const shape: number[] = [];
  for (let v: Values = values; Array.isArray(v); v = v[0] as Values) shape.push(v.length);
  return shape.length < 2 ? null : shape;
}

const position = (at: number, shape: readonly number[] | null): string => {
  if (shape === null) return `[${at}]`;
  const index: number[] = [];
  for (let d = shape.length - 1, rest = at; d >= 0; rest = Math.floor(rest / shape[d]), d--) index.unshift(rest % shape[d]);
  return `[${index.join(', ')}]`;
};

/**
 * Fails unless all values agree within the tolerance; reports the worst place, both values and the error. NaN agrees with
 * NaN, and an infinity with itself. Shapes must agree where both sides have one.
 */
export function allClose(actual: Values, expected: Values, { rtol = 1e-5, atol = 1e-8 }: Tolerance = {}): void {
  const [before, after] = [shapeOf(actual), shapeOf(expected)];
  if (before !== null && after !== null) equal([...before], [...after], `shapes differ: [${before.join(', ')}], expected [${after.join(', ')}]`);
  const [a, b] = [flatten(actual), flatten(expected)];
  is(a.length, b.length, `lengths differ: ${a.length}, expected ${b.length}`);
  let worst = -1;
  let excess = 0;
  let wrong = 0;
  for (let i = 0; i < a.length; i++) {
    if (Object.is(a[i], b[i]) || a[i] === b[i]) continue;
    const error = Math.abs(a[i] - b[i]);
    const allowed = atol + rtol * Math.abs(b[i]);
    if (error <= allowed && Number.isFinite(b[i])) continue;
    wrong++;
    const by = Number.isFinite(error) && allowed > 0 ? error / allowed : Infinity;
    if (worst < 0 || by > excess) [worst, excess] = [i, by];
  }
  if (worst < 0) return;
  const error = Math.abs(a[worst] - b[worst]);
  unreachable(
    `${wrong} of ${a.length} values differ, worst at ${position(worst, before ?? after)}: ` +
      `${a[worst]}, expected ${b[worst]}; error ${error}, allowed ${atol + rtol * Math.abs(b[worst])}`,
  );
}

type ErrorClass = new (...args: never[]) => Error;

function checkError(error: unknown, kind: ErrorClass, message: RegExp): void {
  ok(error instanceof kind, `wrong class: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}, expected ${kind.name}`);
  ok(message.test(error.message), `wrong message: ${error.message}, expected ${message}`);
}

/** Fails unless `fn` throws an error of the class with a matching message. */
export function throwsError(fn: () => unknown, kind: ErrorClass, message: RegExp): void {
  let result: unknown;
  try {
    result = fn();
  } catch (error) {
    checkError(error, kind, message);
    return;
  }
  unreachable(result instanceof Promise ? 'returned a promise: use rejectsError' : `did not throw, expected ${kind.name} ${message}`);
}

/** Fails unless the promise of `fn` is rejected with an error of the class with a matching message. */
export async function rejectsError(fn: () => Promise<unknown>, kind: ErrorClass, message: RegExp): Promise<void> {
  try {
    await fn();
  } catch (error) {
    checkError(error, kind, message);
    return;
  }
  unreachable(`was not rejected, expected ${kind.name} ${message}`);
}

import { StateError } from './errors.ts';
import type { Tensor } from './tensor.ts';

/** What is told of operations while they run. Elements of a result may be read at once, not later. */
export interface TraceListener {
  /** A primitive has run; in place, its only output is its first input. */
  ran(op: { readonly name: string }, inputs: readonly (Tensor | number)[], outputs: readonly Tensor[], attrs: unknown): void;
  /** A tensor is about to be written in place. */
  writing(x: Tensor): void;
  /** Views of a tensor were made. */
  viewed(name: string, x: Tensor, views: readonly Tensor[]): void;
  /** Elements are about to be read into JavaScript. */
  reading(x: Tensor): void;
}

/** The listener of the trace that is running, or null. The engine looks at it once per operation. */
export let tracing: TraceListener | null = null;

function withListener<T>(listener: TraceListener | null, fn: () => T): T {
  const before = tracing;
  tracing = listener;
  try {
    return fn();
  } finally {
    tracing = before;
  }
}

/**
 * Runs a function and tells the listener of every operation in it.
 *
 * @throws StateError inside another trace
 */
export function withTracing<T>(listener: TraceListener, fn: () => T): T {
  if (tracing !== null) throw new StateError('trace: a trace inside another one, got a second listener; expected one at a time');
  return withListener(listener, fn);
}

/** Runs a function whose operations no listener is told of. */
export function untraced<T>(fn: () => T): T {
  return withListener(null, fn);
}

import { ArgumentError, StateError, checkOptions, show } from './errors.ts';
import { cpu } from './cpu/memory/storage.ts';
import { Node } from './tape.ts';
import type { Tensor } from './tensor.ts';

/** Options of `detectAnomaly` and `setDetectAnomaly`. */
export interface AnomalyOptions {
  /** Look at every gradient for NaN; default true. Without it operations are only traced. */
  readonly checkNan?: boolean;
}

const FRAMES = 24;

let enabled = false;
/** Looks at gradients when that is wanted. A program that cannot want it does not need the function. */
let check: typeof checkGradient | null = null;

/** Where operations were called, by their node. */
const calls = new WeakMap<Node, string>();

/** Keeps the stack at which an operation was recorded. */
function trace(node: Node): void {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  const stack = new Error('trace').stack ?? '';
  Error.stackTraceLimit = limit;
  calls.set(node, stack.split('\n').slice(3).join('\n')); // without the message, this function and the node's constructor
}

/**
 * Switches the search for NaN in gradients on or off; prefer `detectAnomaly`. Every backward pass gets slower.
 *
 * @param on - whether to search
 * @throws ArgumentError for anything but a boolean and `{ checkNan }`
 * @see https://pytorch.org/docs/stable/autograd.html#torch.autograd.set_detect_anomaly
 */
export function setDetectAnomaly(on: boolean, options: AnomalyOptions = {}): void {
  checkOptions('setDetectAnomaly', options, ['checkNan']);
  const { checkNan = true } = options;
  for (const value of [on, checkNan]) if (typeof value !== 'boolean') throw new ArgumentError(`setDetectAnomaly: not a boolean, got ${show(value)}; expected true or false`);
  setMode(on, on && checkNan ? checkGradient : null);
}

function setMode(on: boolean, how: typeof checkGradient | null): void {
  enabled = on;
  check = how;
  Node.tracer = on ? trace : null;
}

/** Whether operations are traced for anomalies. @see https://pytorch.org/docs/stable/autograd.html#torch.autograd.set_detect_anomaly */
export function isAnomalyEnabled(): boolean {
  return enabled;
}

/** Whether backward passes look at their gradients for NaN. @see https://pytorch.org/docs/stable/autograd.html#torch.autograd.set_detect_anomaly */
export function isAnomalyCheckNanEnabled(): boolean {
  return check !== null;
}

/** What looks at the gradients of a backward pass; null when nothing does. */
export function gradientCheck(): typeof checkGradient | null {
  return check;
}

/**
 * Runs `fn` so that a backward pass in it fails at the first operation whose gradient formula makes a NaN. The error names the operation
 * and the input, and has the stack of the call in the forward pass, if that was in `fn` too. For debugging: every operation and every gradient is
 * slower. Gradients on other devices than the CPU, whose elements cannot be read at once, are not looked at.
 *
 * @param fn - a function without promises
 * @returns what `fn` returns
 * @throws StateError at the first NaN; `values` has `operation`, `input`, and `call`, the stack in the forward pass
 * @see https://pytorch.org/docs/stable/autograd.html#torch.autograd.detect_anomaly
 */
export function detectAnomaly<T>(fn: () => T, options: AnomalyOptions = {}): T {
  checkOptions('detectAnomaly', options, ['checkNan']);
  const before = [enabled, check] as const;
  setDetectAnomaly(true, options);
  try {
    const result = fn();
    if (result instanceof Promise) {
      throw new StateError('detectAnomaly: the function is asynchronous, got a promise; expected a synchronous function', {
        hint: 'setDetectAnomaly(true) before, and setDetectAnomaly(false) after',
      });
    }
    return result;
  } finally {
    setMode(...before);
  }
}

/** Refuses a gradient with a NaN that the formula of a node made for one of its inputs. */
function checkGradient(node: Node, input: number, grad: Tensor | null | undefined): void {
  if (grad === null || grad === undefined || grad.storage.device !== cpu) return;
  const values = grad.data();
  let count = 0;
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) count++;
  if (count === 0) return;
  const call = calls.get(node);
  throw new StateError(`backward: the gradient of '${node.name}' is not a number, got NaN for its input ${input} (${count} of ${values.length} elements); expected numbers`, {
    values: { operation: node.name, input, count, call: call ?? null },
    hint: call === undefined ? 'run the forward pass inside detectAnomaly too, to see where the operation was called' : `the operation was called\n${call}`,
  });
}

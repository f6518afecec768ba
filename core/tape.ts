import { StateError, show } from './errors.ts';
import type { Shape } from './shape.ts';
import type { DType } from './dtype.ts';
import type { Device, Storage } from './storage.ts';
import type { Tensor } from './tensor.ts';

/** A tensor or a plain number, as operations take them. */
export type Operand = Tensor | number;

/** What a hook does: looks at a gradient and may replace it. */
export type GradHook = (grad: Tensor) => Tensor | void;

/** What the engine runs to go from gradients of outputs to gradients of inputs; null where there is none. */
export type BackwardFn = (node: Node, ...grads: (Tensor | null)[]) => readonly (Tensor | null)[];

interface OutputInfo {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly device: Device;
}

interface Saved {
  readonly value: Operand;
  readonly version: number;
  readonly storage: Storage | null;
}

const saveOf = (value: Operand): Saved =>
  typeof value === 'number' ? { value, version: 0, storage: null } : { value, version: value.storage.version, storage: value.storage };

/**
 * One recorded operation: where gradients go next, and the values its gradient formula needs. A formula reads them through
 * `input(i)`, `operand(i)` and `output(i)`, which refuse values that were overwritten since.
 */
export class Node {
  private static created = 0;
  readonly name: string;
  readonly backward: BackwardFn;
  /** Arguments of the operation that are no tensors. */
  readonly attrs: unknown;
  /** Order of creation: inputs come before the operations that use them. */
  readonly id: number = Node.created++;
  /** For each input, the node that made it (or sums its gradient), or null when it needs none. */
  readonly next: readonly (Node | null)[];
  /** For each input, which output of `next` it was. */
  readonly nextIndex: readonly number[];
  /** For each input, shape and dtype its gradient must have. */
  readonly inputs: readonly (OutputInfo | null)[];
  /** Shape and dtype of each output. */
  readonly outputs: readonly OutputInfo[];
  /** Hooks of each output, run on its whole gradient. */
  hooks: (GradHook[] | undefined)[] | null = null;
  /** Gradients that have arrived so far, during a backward pass. */
  pending: (Tensor | null)[] | null = null;
  /** For a node that sums into a leaf: the leaf. */
  readonly leaf: Tensor | null;
  private savedInputs: readonly (Saved | null)[] | null = null;
  private savedOutputs: readonly Saved[] | null = null;
  private released = false;

  constructor(
    name: string,
    backward: BackwardFn,
    inputs: readonly (Operand | null)[],
    outputs: readonly Tensor[],
    attrs?: unknown,
    leaf: Tensor | null = null,
  ) {
    this.name = name;
    this.backward = backward;
    this.attrs = attrs;
    this.leaf = leaf;
    this.next = inputs.map((x) => (typeof x === 'object' && x !== null && x.requiresGrad ? historyOf(x) : null));
    this.nextIndex = inputs.map((x) => (typeof x === 'object' && x !== null && x.node !== null ? x.outputIndex : 0));
    this.inputs = inputs.map((x) => (typeof x === 'object' && x !== null ? infoOf(x) : null));
    this.outputs = outputs.map(infoOf);
  }

  /** Keeps the inputs whose values the formula reads. */
  saveInputs(inputs: readonly (Operand | null)[]): void {
    this.savedInputs = inputs.map((x) => (x === null ? null : saveOf(x)));
  }

  /** Keeps the outputs. */
  saveOutputs(outputs: readonly Tensor[]): void {
    this.savedOutputs = outputs.map(saveOf);
  }

  /** Whether input `i` needs a gradient. */
  needs(i: number): boolean {
    return this.next[i] !== null && this.next[i] !== undefined;
  }

  /** The tensor that was input `i`. */
  input(i: number): Tensor {
    const x = this.operand(i);
    if (typeof x === 'number') throw new StateError(`${this.name}: input ${i} was a number, got ${x}; expected a tensor`);
    return x;
  }

  /** The tensor or number that was input `i`. */
  operand(i: number): Operand {
    const saved = this.savedInputs?.[i];
    if (saved === null || saved === undefined) throw this.missing(`input ${i}`);
    return this.check(saved);
  }

  /** Output `i`. */
  output(i = 0): Tensor {
    const saved = this.savedOutputs?.[i];
    if (saved === undefined || saved === null) throw this.missing(`output ${i}`);
    const x = this.check(saved);
    if (typeof x === 'number') throw this.missing(`output ${i}`);
    return x;
  }

  /** Lets go of saved values after a backward pass that does not keep the graph. */
  release(): void {
    if (this.savedInputs === null && this.savedOutputs === null) return;
    this.savedInputs = null;
    this.savedOutputs = null;
    this.released = true;
  }

  private check({ value, version, storage }: Saved): Operand {
    if (storage === null || typeof value === 'number') return value;
    if (storage !== value.storage || storage.version !== version) {
      throw new StateError(
        `${this.name}: a value needed for its gradient was overwritten in place, got ${show(value)} at version ${value.storage.version}; expected version ${version}`,
        { hint: 'use the out-of-place form, or clone() before the in-place operation' },
      );
    }
    return value;
  }

  private missing(what: string): StateError {
    if (this.released) return freedGraph(this.name);
    return new StateError(`${this.name}: ${what} was not saved, got a read in its gradient; expected it among the saved values`);
  }

  /** Refuses a second backward pass through a node that was released. */
  checkAlive(): void {
    if (this.released) throw freedGraph(this.name);
  }
}

function freedGraph(name: string): StateError {
  return new StateError(`backward: the graph was already freed, got a second pass through ${name}; expected a live graph`, {
    hint: 'pass { retainGraph: true } to the first pass',
  });
}

function infoOf(x: Tensor): OutputInfo {
  return { shape: x.shape, dtype: x.dtype, device: x.device };
}

/** The node whose output a tensor is; for a leaf the node that sums into its `grad`. */
export function historyOf(x: Tensor): Node {
  if (x.base !== null && x.baseVersion !== x.base.rebased) refreshView(x, x.base);
  if (x.node !== null) return x.node;
  x.accumulator ??= new Node('accumulateGrad', () => [], [], [x], undefined, x);
  return x.accumulator;
}

/** A view whose base was written through another view takes its history from the base anew. */
export function refreshView(x: Tensor, base: Tensor): void {
  x.baseVersion = base.rebased;
  const fresh = enableGrad(() => base.asStrided(x.shape, x.strides, x.offset));
  x.node = fresh.node;
  x.outputIndex = fresh.outputIndex;
}

let gradEnabled = true;

/** True while operations are recorded. */
export function isGradEnabled(): boolean {
  return gradEnabled;
}

/** Switches recording on or off and returns what it was; prefer `noGrad` and `enableGrad`. */
export function setGradEnabled(enabled: boolean): boolean {
  const before = gradEnabled;
  gradEnabled = enabled;
  return before;
}

/**
 * Runs `fn` without recording.
 *
 * @param fn - a synchronous function
 * @returns what `fn` returns
 * @throws StateError when `fn` returns a promise: the mode would leak into whatever runs during the wait
 * @see https://pytorch.org/docs/stable/generated/torch.no_grad.html
 */
export function noGrad<T>(fn: () => T): T {
  return withMode(false, 'noGrad', fn);
}

/** Runs `fn` with recording on, inside `noGrad`. @see https://pytorch.org/docs/stable/generated/torch.enable_grad.html */
export function enableGrad<T>(fn: () => T): T {
  return withMode(true, 'enableGrad', fn);
}

function withMode<T>(mode: boolean, name: string, fn: () => T): T {
  const before = setGradEnabled(mode);
  try {
    const result = fn();
    if (typeof result === 'object' && result !== null && 'then' in result && typeof result.then === 'function') {
      throw new StateError(`${name}: the function is asynchronous, got a promise; expected a synchronous function`, {
        hint: `await first, and call ${name} around the tensor code`,
      });
    }
    return result;
  } finally {
    setGradEnabled(before);
  }
}

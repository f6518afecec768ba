import { StateError, show } from './errors.ts';
import type { Shape } from './shape.ts';
import type { DType } from './dtype.ts';
import type { Storage } from './storage.ts';
import type { Tensor } from './tensor.ts';

/** A tensor or a plain number, as operations take them. */
export type Operand = Tensor | number;

/** What a hook does: looks at a gradient and may replace it. */
export type GradHook = (grad: Tensor) => Tensor | void;

/** What the engine runs to go from gradients of outputs to gradients of inputs; null where there is none. */
export type BackwardFn = (node: Node, ...grads: (Tensor | null)[]) => readonly (Tensor | null)[];

/**
 * The gradient of one input: from the gradient of the output and the node's saved values. `into` is what other uses of the input have given so far, where nobody
 * else can see it: a formula that adds to it in place returns it, and spares a result and an addition.
 */
export type GradFn = (grad: Tensor, node: Node, into: Tensor | null) => Tensor;

/** One input of a recorded operation: where its gradient goes, what that must look like, and the value if it is kept. */
export class Input {
  /** The node that made it (or sums its gradient), or null when it needs none. */
  readonly next: Node | null;
  /** Which output of `next` it was. */
  readonly nextIndex: number;
  /** Shape and dtype its gradient must have; [] for a number. */
  readonly shape: Shape;
  readonly dtype: DType | null;
  /** The value, when the gradient formula reads it. */
  value: Operand | undefined = undefined;
  private version = 0;
  private storage: Storage | null = null;

  constructor(x: Operand) {
    if (typeof x === 'number') {
      this.next = null;
      this.nextIndex = 0;
      this.shape = scalarShape;
      this.dtype = null;
    } else {
      this.next = x.requiresGrad ? historyOf(x) : null;
      this.nextIndex = x.node === null ? 0 : x.outputIndex;
      this.shape = x.shape;
      this.dtype = x.dtype;
    }
  }

  /** Keeps the value with its version. */
  save(value: Operand): void {
    this.value = value;
    if (typeof value === 'number') return;
    this.storage = value.storage;
    this.version = value.storage.version;
    value.storage.saves++;
  }

  /** Lets go of the value. */
  drop(): void {
    if (this.storage !== null) this.storage.unsave();
    this.storage = null;
    this.value = undefined;
  }

  /** Takes over what another input keeps; that keeps it too if `shared`. */
  take(other: Input, shared: boolean): void {
    this.value = other.value;
    this.version = other.version;
    this.storage = other.storage;
    if (shared) {
      if (this.storage !== null) this.storage.saves++;
      return;
    }
    other.value = undefined;
    other.storage = null;
  }

  /** Refuses a value that was overwritten since it was saved. */
  check(name: string): void {
    const { value, storage, version } = this;
    if (storage === null || typeof value !== 'object') return;
    if (storage !== value.storage || storage.version !== version) {
      throw overwritten(name, value, version);
    }
  }
}

const scalarShape: Shape = [];
const noInputs: readonly Input[] = [];

function overwritten(name: string, value: Tensor, version: number): StateError {
  return new StateError(
    `${name}: a value needed for its gradient was overwritten in place, got ${show(value)} at version ${value.storage.version}; expected version ${version}`,
    { hint: 'use the out-of-place form, or clone() before the in-place operation' },
  );
}

/** What a node knows of its operation. */
export interface Rule {
  readonly name: string;
  /** Gradient formula per input (the last one serves further inputs too), or one function for all of them. */
  readonly backward?: readonly (GradFn | null)[] | BackwardFn | undefined;
}

/** Computes saved values again that were let go. */
export interface Recomputation {
  refill(): void;
}

/** Gradients and values of the outputs behind the first, which few operations have. */
interface Further {
  readonly pending: (Tensor | null)[];
  readonly kept: Input[];
}

/**
 * One recorded operation: where gradients go next, and the values its gradient formula needs. A formula reads them through
 * `input(i)`, `operand(i)` and `output(i)`, which refuse values that were overwritten since.
 */
export class Node {
  private static created = 0;
  /** Where operations are listed as they are recorded; null when nobody wants to know. */
  static recorder: Node[] | null = null;
  /** Called with every operation as it is recorded; null when nobody wants to know. */
  static tracer: ((node: Node) => void) | null = null;
  private readonly rule: Rule;
  /** Arguments of the operation that are no tensors. */
  readonly attrs: unknown;
  /** Order of creation: inputs come before the operations that use them. */
  readonly id: number = Node.created++;
  /** The inputs; none any more once the graph was freed. */
  inputs: readonly Input[];
  /** For a node that sums into a leaf: the leaf. */
  readonly leaf: Tensor | null;
  /** Hooks of each output, run on its whole gradient. */
  hooks: (GradHook[] | undefined)[] | null = null;
  /** Gradient of output 0 as far as it has arrived, during a backward pass. */
  pending: Tensor | null = null;
  /** The last backward pass that came by. */
  pass = 0;
  /** Uses whose gradients are still to come, during a backward pass. */
  waiting = 0;
  /** Output 0 when the gradient formula reads it, with the block it lay in and its version. */
  private kept: Tensor | null = null;
  private keptStorage: Storage | null = null;
  private keptVersion = 0;
  private readonly further: Further | null;
  private state: 'plain' | 'saved' | 'dropped' | 'released' = 'plain';
  private recomputation: Recomputation | null = null;

  constructor(rule: Rule, inputs: readonly Operand[], outputs: number, attrs?: unknown, leaf: Tensor | null = null) {
    this.rule = rule;
    this.attrs = attrs;
    this.leaf = leaf;
    this.further = outputs === 1 ? null : { pending: new Array<Tensor | null>(outputs).fill(null), kept: [] };
    const edges = new Array<Input>(inputs.length);
    for (let i = 0; i < inputs.length; i++) edges[i] = new Input(inputs[i]);
    this.inputs = edges;
    if (Node.recorder !== null && leaf === null) Node.recorder.push(this);
    if (Node.tracer !== null && leaf === null) Node.tracer(this);
  }

  /** The operation's name. */
  get name(): string {
    return this.rule.name;
  }

  /** Gradient formula per input, or one function for all of them. */
  get backward(): Rule['backward'] {
    return this.rule.backward;
  }

  /** Number of outputs. */
  get outputs(): number {
    return this.further === null ? 1 : this.further.pending.length;
  }

  /** The gradient that has arrived at an output. */
  pendingAt(i: number): Tensor | null {
    return i === 0 ? this.pending : (this.further?.pending[i] ?? null);
  }

  /** Sets the gradient of an output. */
  setPending(i: number, grad: Tensor | null): void {
    if (i === 0) this.pending = grad;
    else if (this.further !== null) this.further.pending[i] = grad;
  }

  /** Keeps the value of input `i`. */
  saveInput(i: number, value: Operand): void {
    this.state = 'saved';
    this.inputs[i].save(value);
  }

  /** Keeps the outputs. */
  saveOutputs(outputs: readonly Tensor[]): void {
    const [first] = outputs;
    this.state = 'saved';
    this.kept = first;
    this.keptStorage = first.storage;
    first.storage.saves++;
    this.keptVersion = first.storage.version;
    this.saveFurther(outputs);
  }

  /** Keeps the outputs behind the first. */
  saveFurther(outputs: readonly Tensor[]): void {
    this.state = 'saved';
    if (this.further === null) return;
    for (let i = 1; i < outputs.length; i++) (this.further.kept[i] = new Input(0)).save(outputs[i]);
  }

  /** Whether input `i` needs a gradient. */
  needs(i: number): boolean {
    return i < this.inputs.length && this.inputs[i].next !== null;
  }

  /** The tensor that was input `i`. */
  input(i: number): Tensor {
    const x = this.operand(i);
    if (typeof x === 'number') throw new StateError(`${this.name}: input ${i} was a number, got ${x}; expected a tensor`);
    return x;
  }

  /** The tensor or number that was input `i`. */
  operand(i: number): Operand {
    const kept = this.inputs[i];
    if (kept?.value === undefined) return this.again(`input ${i}`).operand(i);
    kept.check(this.name);
    return kept.value;
  }

  /** Output `i`. */
  output(i = 0): Tensor {
    if (i > 0) {
      const more = this.further?.kept[i];
      if (typeof more?.value !== 'object') return this.again(`output ${i}`).output(i);
      more.check(this.name);
      return more.value;
    }
    const { kept, keptVersion } = this;
    if (kept === null) return this.again(`output ${i}`).output(i);
    if (kept.storage !== this.keptStorage || kept.storage.version !== keptVersion) throw overwritten(this.name, kept, keptVersion);
    return kept;
  }

  /** Lets go of saved values, and of the graph below, after a backward pass that does not keep the graph. */
  release(): void {
    if (this.state !== 'saved') return;
    this.state = 'released';
    const { inputs, further, keptStorage } = this;
    for (let i = 0; i < inputs.length; i++) inputs[i].drop();
    this.inputs = noInputs;
    this.kept = null;
    this.keptStorage = null;
    if (keptStorage !== null) keptStorage.unsave();
    if (further === null) return;
    for (const kept of further.kept) kept?.drop();
    further.kept.length = 0;
  }

  /** Lets go of saved values, which `recomputation` brings back when they are read. */
  drop(recomputation: Recomputation): void {
    if (this.state !== 'saved') return;
    this.state = 'dropped';
    this.recomputation = recomputation;
    for (const input of this.inputs) input.drop();
    this.kept = null;
    this.keptStorage?.unsave();
    this.keptStorage = null;
    for (const kept of this.further?.kept ?? []) kept?.drop();
  }

  /** Takes the saved values of the same operation run again; that one keeps them too if `shared`. */
  refill(from: Node, shared: boolean): void {
    if (this.state !== 'dropped') return;
    this.state = 'saved';
    this.recomputation = null;
    for (let i = 0; i < this.inputs.length; i++) this.inputs[i].take(from.inputs[i], shared);
    this.kept = from.kept;
    this.keptStorage = from.keptStorage;
    this.keptVersion = from.keptVersion;
    if (shared) {
      if (this.keptStorage !== null) this.keptStorage.saves++;
    } else {
      from.kept = null;
      from.keptStorage = null;
    }
    this.further?.kept.forEach((kept, i) => {
      const other = from.further?.kept[i];
      if (other !== undefined) kept.take(other, shared);
    });
  }

  /** This node, once its saved values are there again. */
  private again(what: string): this {
    const { recomputation } = this;
    if (recomputation === null) throw this.missing(what);
    recomputation.refill();
    if (this.recomputation !== null) throw this.missing(what);
    return this;
  }

  private missing(what: string): StateError {
    if (this.state === 'released') return freedGraph(this.name);
    return new StateError(`${this.name}: ${what} was not saved, got a read in its gradient; expected it among the saved values`);
  }

  /** Refuses a second backward pass through a node that was released. */
  checkAlive(): void {
    if (this.state === 'released') throw freedGraph(this.name);
  }
}

function freedGraph(name: string): StateError {
  return new StateError(`backward: the graph was already freed, got a second pass through ${name}; expected a live graph`, {
    hint: 'pass { retainGraph: true } to the first pass',
  });
}

const accumulateGrad: Rule = { name: 'accumulateGrad', backward: [] };

/** The node whose output a tensor is; for a leaf the node that sums into its `grad`. */
export function historyOf(x: Tensor): Node {
  if (x.isStale && x.base !== null) refreshView(x, x.base);
  if (x.node !== null) return x.node;
  x.accumulator ??= new Node(accumulateGrad, [], 1, undefined, x);
  return x.accumulator;
}

/** A view whose base was written through another view takes its history from the base anew. */
export function refreshView(x: Tensor, base: Tensor): void {
  x.viewOf(base);
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

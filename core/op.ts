import { type Device, Storage } from './storage.ts';
import { type DType, canCast, isFloat } from './dtype.ts';
import { ArgumentError, DTypeError, DeviceError, ShapeError, StateError, show } from './errors.ts';
import type { Expr, Fold } from './expr.ts';
import { KernelTable } from './kernels.ts';
import { type Shape, isContiguous, numelOf, sameShape } from './shape.ts';
import type { Batching } from './batching.ts';
import { type BackwardFn, type GradFn, Node, type Operand, historyOf, isGradEnabled, noGrad } from './tape.ts';
import { type Layout, Tensor, emptyTensor } from './tensor.ts';
import { tracing } from './tracing.ts';

export type { GradFn, Operand } from './tape.ts';

/** Shape and dtype of a result. */
export interface Spec {
  readonly shape: Shape;
  readonly dtype: DType;
  /** Strides of a result without gaps whose dimensions lie in another order than the usual one, for kernels that can write it so. */
  readonly arranged?: readonly number[] | undefined;
}

/** Fills the outputs from the inputs on one device. Outputs are fresh, and contiguous except in place and where the operation arranges them. */
export type Kernel<A> = (outputs: readonly Tensor[], inputs: readonly Operand[], attrs: A) => void;

/** How the elements of a result are computed, as data from which a device makes its own kernel. */
export type Formula<A> =
  | {
      readonly kind: 'pointwise';
      /** Tells attributes apart that give different expressions. */
      readonly key: (attrs: A) => string;
      /** From the operands, `arg(0)` to `arg(2)`, and the number of the attributes, `arg(3)`. */
      readonly expr: (attrs: A) => Expr;
      readonly scalar?: ((attrs: A) => number) | undefined;
    }
  | {
      readonly kind: 'fold';
      readonly fold: (attrs: A) => Fold;
      /** Tells attributes apart that give different folds. */
      readonly key: (attrs: A) => string;
      /** The dimensions it goes over. */
      readonly dims: (attrs: A) => readonly number[];
    }
  | {
      readonly kind: 'rows';
      /** Operand k is (N, inputs[k]·H): so many parts of H columns each, which are the arguments of the formulas, in order. */
      readonly inputs: readonly number[];
      /** Parts of each result, whose formulas follow each other in `body`. */
      readonly outputs: readonly number[];
      readonly body: readonly Expr[];
    };

/**
 * Which values the gradient formulas of an operation read: 'further' are the inputs and the outputs behind the first, which callers do not get to see; a function names single inputs. Nothing is
 * kept by default.
 */
export type Saves = 'inputs' | 'outputs' | 'both' | 'further' | ((input: number) => boolean) | undefined;

/** What the engine needs to run and differentiate an operation. */
export interface Primitive<A> {
  /** Name in messages and on the tape. */
  readonly name: string;
  /** Shapes and dtypes of the outputs; refuses inputs that do not fit. */
  readonly infer: (inputs: readonly Operand[], attrs: A) => Spec | readonly Spec[];
  readonly kernels: KernelTable<Kernel<A>>;
  /** Gradient formula per input (null: none), or one function for all of them. Absent: not differentiable. */
  readonly backward?: readonly (GradFn | null)[] | BackwardFn | undefined;
  /** Which values the gradient formulas read. */
  readonly saves?: Saves;
  /** How it runs for many examples at once. Absent: one after the other. */
  readonly batching?: Batching<A> | undefined;
  /** The computation as data, where it is an expression or a fold. */
  readonly formula?: Formula<A> | undefined;
}

/** A primitive as it is written down: the CPU kernel stands beside the rules. */
export interface PrimitiveDefinition<A> extends Omit<Primitive<A>, 'kernels'> {
  readonly cpu: Kernel<A>;
}

declare module './storage.ts' {
  // What a device can do that stands on another one, such as that of `vmap`.
  interface Device {
    /** The kernel of an operation that has none in its table: devices that stand on another one, or compile formulas, make kernels themselves. */
    kernelOf?<A>(op: Primitive<A>): Kernel<A> | undefined;
    /** Whether tensors of another device take part in operations on this one. */
    lifts?(other: Device): boolean;
    /** Runs a function of tensors once per example, on a device that stands for many. */
    each?(name: string, inputs: readonly Tensor[], fn: (inputs: readonly Tensor[]) => Tensor): Tensor;
    /** A tensor without its history, where that is more than the tensor's own. */
    detached?(x: Tensor): Tensor;
    /** How its tensors print, where their elements cannot be read. */
    format?(x: Tensor): string;
  }
}

const primitives = new Map<string, Primitive<never>>();

/** Defines a primitive operation: shapes, CPU kernel and gradient in one place. */
export function primitive<A = undefined>(definition: PrimitiveDefinition<A>): Primitive<A> {
  const { name, infer, cpu, backward, saves, batching, formula } = definition;
  if (primitives.has(name)) throw new StateError(`primitive: '${name}' is defined twice, got a second definition; expected distinct names`);
  // All fields in one order, so that the engine finds them at the same place in every primitive.
  const made: Primitive<A> = { name, infer, kernels: new KernelTable(cpu), backward, saves, batching, formula };
  primitives.set(made.name, made);
  return made;
}

/** All primitives by name: what a device can give kernels for. */
export function allPrimitives(): ReadonlyMap<string, Primitive<never>> {
  return primitives;
}

/** The device all tensor operands live on. */
export function commonDevice(name: string, inputs: readonly Operand[]): Device {
  let device: Device | undefined;
  for (const x of inputs) {
    if (typeof x === 'number') continue;
    if (device === undefined) device = x.device;
    else if (device !== x.device) {
      if (device.lifts?.(x.device) === true) continue;
      if (x.device.lifts?.(device) === true) {
        device = x.device;
        continue;
      }
      throw new DeviceError(`${name}: tensors on different devices, got ${device.name} and ${x.device.name}; expected one device`, {
        hint: "move one with .to('…')",
      });
    }
  }
  if (device === undefined) throw new ArgumentError(`${name}: no tensor among the operands, got ${show(inputs)}; expected at least one tensor`);
  return device;
}

/** Runs a primitive with one output and records it. */
export function apply<A>(op: Primitive<A>, inputs: readonly Operand[], attrs: A): Tensor {
  const device = commonDevice(op.name, inputs);
  const kernel = kernelFor(op, device);
  const spec = op.infer(inputs, attrs);
  if (isMany(spec)) return run(op, inputs, attrs, kernel, spec.map((s) => unfilled(device, s)))[0];
  const out = unfilled(device, spec);
  const outputs = [out];
  kernel(outputs, inputs, attrs);
  if (op.backward !== undefined && isRecorded(inputs)) record(op, inputs, outputs, attrs);
  if (tracing !== null) tracing.ran(op, inputs, outputs, attrs);
  return out;
}

/** Runs a primitive and records it. */
export function applyMany<A>(op: Primitive<A>, inputs: readonly Operand[], attrs: A): Tensor[] {
  const device = commonDevice(op.name, inputs);
  const kernel = kernelFor(op, device);
  const spec = op.infer(inputs, attrs);
  return run(op, inputs, attrs, kernel, isMany(spec) ? spec.map((s) => unfilled(device, s)) : [unfilled(device, spec)]);
}

function run<A>(op: Primitive<A>, inputs: readonly Operand[], attrs: A, kernel: Kernel<A>, outputs: Tensor[]): Tensor[] {
  kernel(outputs, inputs, attrs);
  if (op.backward !== undefined && isRecorded(inputs)) record(op, inputs, outputs, attrs);
  if (tracing !== null) tracing.ran(op, inputs, outputs, attrs);
  return outputs;
}

/** A result that a kernel will fill. */
function unfilled(device: Device, { shape, dtype, arranged }: Spec): Tensor {
  const length = numelOf(shape);
  const storage = device.empty === undefined ? device.allocate(dtype, length) : device.empty(dtype, length);
  if (Storage.scoped !== null && Storage.temporaries === null) Storage.scoped.push(storage);
  return arranged === undefined ? new Tensor(storage, shape) : new Tensor(storage, shape, arranged);
}

function isMany(specs: Spec | readonly Spec[]): specs is readonly Spec[] {
  return Array.isArray(specs);
}

function kernelFor<A>(op: Primitive<A>, device: Device): Kernel<A> {
  const kernel = op.kernels.on(device) ?? device.kernelOf?.(op);
  if (kernel === undefined) {
    throw new DeviceError(`${op.name}: no kernel on this device, got '${device.name}'; expected one of ${op.kernels.names().join(', ')}`);
  }
  return kernel;
}

/** True when an operation on these inputs goes onto the tape. */
export function isRecorded(inputs: readonly Operand[]): boolean {
  if (!isGradEnabled()) return false;
  for (const x of inputs) if (typeof x !== 'number' && x.requiresGrad) return true;
  return false;
}

function record<A>(op: Primitive<A>, inputs: readonly Operand[], outputs: readonly Tensor[], attrs: A): void {
  const node = new Node(op, inputs, outputs.length, attrs);
  saveInputs(op, node, inputs);
  attach(node, outputs);
  if (op.saves === 'outputs' || op.saves === 'both') node.saveOutputs(outputs);
  else if (op.saves === 'further') node.saveFurther(outputs);
}

function saveInputs<A>({ saves }: Primitive<A>, node: Node, inputs: readonly Operand[]): void {
  if (saves === undefined || saves === 'outputs') return;
  for (let i = 0; i < inputs.length; i++) if (typeof saves !== 'function' || saves(i)) node.saveInput(i, inputs[i]);
}

function attach(node: Node, outputs: readonly Tensor[]): void {
  for (let i = 0; i < outputs.length; i++) {
    if (!isFloat(outputs[i].dtype)) continue;
    outputs[i].node = node;
    outputs[i].outputIndex = i;
  }
}

/**
 * Runs a primitive in place on its first input, which receives the result.
 *
 * @throws StateError for a leaf that requires grad; ShapeError or DTypeError when the result does not fit
 */
export function applyInPlace<A>(op: Primitive<A>, inputs: readonly [Tensor, ...Operand[]], attrs: A): Tensor {
  const [self] = inputs;
  const name = `${op.name}_`;
  const device = commonDevice(name, inputs);
  if (device !== self.device) {
    throw new DeviceError(`${name}: a tensor that is the same for all examples would differ, got an operand on ${device.name}; expected one that is the same too`, {
      hint: 'use the out-of-place form',
    });
  }
  const kernel = kernelFor(op, device);
  const spec = op.infer(inputs, attrs);
  if (isMany(spec)) throw new StateError(`${name}: several outputs, got an in-place call; expected one output`);
  checkFits(name, self, spec);
  const recorded = checkWritable(name, self, inputs);
  if (tracing !== null) for (const x of inputs) if (typeof x !== 'number') tracing.writing(x);
  const operands = separated(inputs, self);
  if (recorded && op.backward !== undefined) {
    const node = new Node(op, inputs, 1, attrs);
    saveInputs(op, node, inputs.includes(self) && savesAny(op, inputs, self) ? replaced(inputs, self, originalOf(self)) : inputs);
    kernel([self], operands, attrs);
    self.storage.version++;
    rebase(self, node);
    if (op.saves === 'outputs' || op.saves === 'both') node.saveOutputs([self]);
    if (tracing !== null) tracing.ran(op, inputs, [self], attrs);
    return self;
  }
  if (op.backward === undefined && self.requiresGrad && isGradEnabled()) {
    throw new StateError(`${name}: not differentiable, got a tensor that requires grad; expected noGrad or detach`);
  }
  kernel([self], operands, attrs);
  self.storage.version++;
  if (tracing !== null) tracing.ran(op, inputs, [self], attrs);
  return self;
}

function checkFits(name: string, self: Tensor, spec: Spec): void {
  if (!sameShape(spec.shape, self.shape)) {
    throw new ShapeError(`${name}: the result does not fit in place, got [${spec.shape.join(', ')}] for ${show(self)}; expected [${self.shape.join(', ')}]`);
  }
  if (!canCast(spec.dtype, self.dtype)) {
    throw new DTypeError(`${name}: the result does not fit in place, got ${spec.dtype} for ${show(self)}; expected a dtype that casts to ${self.dtype}`);
  }
}

/**
 * Refuses in-place writes that autograd cannot follow, and tells whether this one is recorded.
 */
export function checkWritable(name: string, self: Tensor, inputs: readonly Operand[]): boolean {
  for (let d = 0; d < self.shape.length; d++) {
    if (self.strides[d] === 0 && self.shape[d] > 1) {
      throw new StateError(`${name}: several elements share one cell, got an expanded ${show(self)}; expected a tensor of its own`, { hint: 'clone() it first' });
    }
  }
  if (!isRecorded(inputs)) return false;
  const owner = self.base ?? self;
  if (owner.node === null && owner.requiresGrad) {
    const what = self.base === null ? 'a leaf that requires grad' : 'a view of a leaf that requires grad';
    throw new StateError(`${name}: ${what} was written in place, got ${show(self)}; expected noGrad or a copy`, {
      hint: 'noGrad(() => …) for updates by hand, or the out-of-place form',
    });
  }
  if (!isFloat(self.dtype)) throw new DTypeError(`${name}: a gradient cannot flow into ${self.dtype}, got ${show(self)}; expected a float tensor`);
  return true;
}

/** Gives a tensor that was written in place its new history; through a view, the base and its other views follow. */
export function rebase(self: Tensor, node: Node): void {
  self.node = node;
  self.outputIndex = 0;
  const { base } = self;
  if (base === null) {
    self.rebased++;
    return;
  }
  self.viewOf(base);
  const owner = ownerOf(base);
  const layout: Layout = { shape: self.shape, strides: self.strides, offset: self.offset };
  const scatter = new Node(
    { name: 'viewScatter', backward: (_, grad) => {
      if (grad === null) return [null, null];
      const [whole, window] = overStorage(grad, owner, layout);
      const rest = whole.asStridedScatter(emptyTensor(layout.shape, grad.dtype, grad.device), window);
      return [fromStorage(rest, owner), whole.asStrided(window.shape, window.strides, window.offset)];
    } },
    [base, self],
    1,
  );
  base.node = scatter;
  base.outputIndex = 0;
  base.rebased++;
}

/** How a tensor lies in its storage, and the length of that. */
export interface Owner extends Layout {
  readonly length: number;
}

/** The layout of a tensor, kept for its gradients. */
export function ownerOf({ shape, strides, offset, storage }: Tensor): Owner {
  return { shape, strides, offset, length: storage.length };
}

/** A gradient of `owner` laid out like its storage, row-major, and a window of the storage as a window of that. */
export function overStorage(grad: Tensor, owner: Owner, window: Layout): [Tensor, Layout] {
  if (!isContiguous(owner.shape, owner.strides)) {
    return [emptyTensor([owner.length], grad.dtype, grad.device).asStridedScatter(grad, owner), window];
  }
  return [rowMajor(grad), { ...window, offset: window.offset - owner.offset }];
}

/** A gradient of the storage of `owner` as a gradient of `owner`. */
export function fromStorage(grad: Tensor, owner: Owner): Tensor {
  return isContiguous(owner.shape, owner.strides) ? grad : grad.asStrided(owner.shape, owner.strides, owner.offset);
}

/** The tensor itself where it is row-major from the start of its storage, else a copy that is. */
export function rowMajor(x: Tensor): Tensor {
  return x.offset === 0 && x.isContiguous() ? x : x.clone();
}

/** The operands, with copies of those that share cells with `self` in another layout. */
function separated(inputs: readonly Operand[], self: Tensor): readonly Operand[] {
  for (let i = 1; i < inputs.length; i++) {
    const x = inputs[i];
    if (typeof x !== 'number' && x.storage === self.storage && x !== self && overlaps(x, self)) {
      return inputs.map((y) => (typeof y !== 'number' && y !== self && overlaps(y, self) ? copyOf(y) : y));
    }
  }
  return inputs;
}

function overlaps(x: Tensor, self: Tensor): boolean {
  if (x.storage !== self.storage) return false;
  return x.offset !== self.offset || !sameShape(x.shape, self.shape) || x.strides.some((s, i) => s !== self.strides[i] && x.shape[i] > 1);
}

function copyOf(x: Tensor): Tensor {
  return noGrad(() => x.clone());
}

function savesAny<A>({ saves }: Primitive<A>, inputs: readonly Operand[], self: Tensor): boolean {
  if (saves === undefined || saves === 'outputs') return false;
  return typeof saves !== 'function' || inputs.some((x, i) => x === self && saves(i));
}

function replaced(inputs: readonly Operand[], self: Tensor, by: Tensor): readonly Operand[] {
  return inputs.map((x) => (x === self ? by : x));
}

/** The values before the write, with the history before the write. */
function originalOf(self: Tensor): Tensor {
  const before = copyOf(self);
  before.node = self.node === null ? null : historyOf(self);
  before.outputIndex = self.outputIndex;
  return before;
}

/** A view: the same storage under another layout, with a gradient formula. */
export function makeView(name: string, x: Tensor, layout: Layout, backward: GradFn): Tensor {
  const view = new Tensor(x.storage, layout.shape, layout.strides, layout.offset);
  view.viewOf(x.base ?? x);
  if (isGradEnabled() && x.requiresGrad && isFloat(x.dtype)) view.node = new Node({ name, backward: [backward] }, [x], 1);
  if (tracing !== null) tracing.viewed(name, x, [view]);
  return view;
}

/** Several views of one tensor, which share one gradient formula. */
export function makeViews(name: string, x: Tensor, layouts: readonly Layout[], backward: (grads: readonly (Tensor | null)[]) => Tensor): Tensor[] {
  const views = layouts.map(({ shape, strides, offset }) => {
    const view = new Tensor(x.storage, shape, strides, offset);
    view.viewOf(x.base ?? x);
    return view;
  });
  if (isRecorded([x]) && isFloat(x.dtype)) attach(new Node({ name, backward: (_, ...grads) => [backward(grads)] }, [x], views.length), views);
  if (tracing !== null) tracing.viewed(name, x, views);
  return views;
}

import { grad } from '../autograd.ts';
import { isFloat } from '../dtype.ts';
import { DTypeError, ShapeError, StateError, show } from '../errors.ts';
import { collect } from '../graph.ts';
import { eye } from '../ops/creation.ts';
import { detach, permute, reshape } from '../ops/view.ts';
import { sameShape } from '../shape.ts';
import { enableGrad, historyOf, isGradEnabled } from '../tape.ts';
import { Tensor, emptyTensor } from '../tensor.ts';
import { vmap } from './vmap.ts';

// A function at a point as a linear map: its value, and products of its Jacobian with vectors from both sides. All transforms stand on this.

/** The value of a function at a point and how it depends on the point. */
export interface Linearized {
  readonly outputs: readonly Tensor[];
  /** Where derivatives are taken. */
  readonly inputs: readonly Tensor[];
  /** Whether derivatives are to be differentiated themselves. */
  readonly createGraph: boolean;
}

/** What decides whether derivatives have a history: they have one if the value depends on more than the point, or never, or always. */
export type Graph = 'auto' | boolean;

/** A starting point of this derivative alone: the outer tape, if any, goes on behind it. */
function startingPoint(name: string, x: Tensor, connected: boolean): Tensor {
  if (!isFloat(x.dtype)) throw new DTypeError(`${name}: no derivative with respect to ${x.dtype}, got ${show(x)}; expected float tensors`);
  if (connected && x.requiresGrad) return permute(x, x.shape.map((_, d) => d));
  return detach(x).requiresGrad_();
}

/** Whether results depend on leaves other than these. */
function dependsOnOthers(outputs: readonly Tensor[], inputs: readonly Tensor[]): boolean {
  const roots = outputs.filter((y) => y.requiresGrad).map(historyOf);
  return collect(roots).some(({ leaf }) => leaf !== null && !inputs.includes(leaf));
}

/** Runs a function at a point. `run` gives the tensors whose derivatives are wanted. */
export function linearizeAt(name: string, run: (inputs: readonly Tensor[]) => readonly Tensor[], at: readonly Tensor[], graph: Graph = 'auto'): Linearized {
  const recording = isGradEnabled();
  return enableGrad(() => {
    const inputs = at.map((x) => startingPoint(name, x, graph === true || (graph === 'auto' && recording)));
    const outputs = run(inputs);
    for (const y of outputs) if (!(y instanceof Tensor)) throw new StateError(`${name}: the function gave no tensor, got ${show(y)}; expected tensors`);
    return { inputs, outputs, createGraph: graph === 'auto' ? recording && dependsOnOthers(outputs, inputs) : graph };
  });
}

/** Zeros like a tensor. */
function zerosAs(x: Tensor): Tensor {
  return emptyTensor(x.shape, x.dtype, x.device);
}

/** Refuses vectors that do not fit. */
export function checkVectors(name: string, what: string, vectors: readonly Tensor[], like: readonly Tensor[]): void {
  if (vectors.length !== like.length) throw new ShapeError(`${name}: ${what} differ in number, got ${vectors.length}; expected ${like.length}`);
  vectors.forEach((v, i) => {
    if (!(v instanceof Tensor) || !sameShape(v.shape, like[i].shape)) throw new ShapeError(`${name}: ${what} do not fit, got ${show(v)}; expected ${show(like[i])}`);
  });
}

/** `vᵀ·J`: gradients of the inputs from those of the outputs; zeros where nothing flows, or an error if `strict`. */
export function pullBack(name: string, { outputs, inputs }: Linearized, cotangents: readonly Tensor[], createGraph: boolean, strict = false): Tensor[] {
  const used = outputs.map((_, i) => i).filter((i) => outputs[i].requiresGrad);
  const found =
    used.length === 0
      ? inputs.map(() => null)
      : grad(used.map((i) => outputs[i]), inputs, { gradOutputs: used.map((i) => cotangents[i]), createGraph, retainGraph: true, allowUnused: true });
  if (strict && (used.length < outputs.length || found.includes(null))) {
    throw new StateError(`${name}: an output does not depend on an input, got strict: true; expected every output to depend on every input`);
  }
  return found.map((g, i) => g ?? zerosAs(inputs[i]));
}

/** `J·v`: the gradient of `uᵀ·J` with respect to u, in the direction v. */
export function pushForward(name: string, at: Linearized, strict = false): (tangents: readonly Tensor[]) => Tensor[] {
  const dummies = at.outputs.map((y) => zerosAs(y).requiresGrad_());
  const pulled = enableGrad(() => pullBack(name, at, dummies, true, strict));
  const linear: Linearized = { outputs: pulled, inputs: dummies, createGraph: at.createGraph };
  return (tangents) => pullBack(name, linear, tangents, at.createGraph, strict);
}

/** The unit vectors of the space of a tensor: (n, …). */
function basis(x: Tensor): Tensor {
  return reshape(eye(x.numel(), { dtype: x.dtype, device: x.device }), [x.numel(), ...x.shape]);
}

/** How Jacobians are computed: all rows at once, at most so many at once, or one after the other. */
export interface JacobianMode {
  readonly vectorize: boolean;
  readonly chunkSize?: number | null | undefined;
}

/** The Jacobian of each output with respect to each input, `[output][input]` of shape (…output, …input), row by row of the output. */
export function reverseJacobian(name: string, at: Linearized, mode: JacobianMode, strict = false): Tensor[][] {
  return at.outputs.map((y, i) => {
    const pull = (v: Tensor): Tensor[] => pullBack(name, at, at.outputs.map((other, k) => (k === i ? v : zerosAs(other))), at.createGraph, strict);
    const rows = rowsOf(pull, basis(y), mode);
    return rows.map((row, k) => reshape(row, [...y.shape, ...at.inputs[k].shape]));
  });
}

/** The same, column by column of the input. */
export function forwardJacobian(name: string, at: Linearized, mode: JacobianMode): Tensor[][] {
  const push = pushForward(name, at);
  const columns = at.inputs.map((x, k) => rowsOf((v) => push(at.inputs.map((other, j) => (j === k ? v : zerosAs(other)))), basis(x), mode));
  return at.outputs.map((y, i) =>
    at.inputs.map((x, k) => {
      const flat = reshape(columns[k][i], [x.numel(), y.numel()]);
      return reshape(flat.t(), [...y.shape, ...x.shape]);
    }),
  );
}

function rowsOf(fn: (v: Tensor) => Tensor[], vectors: Tensor, { vectorize, chunkSize }: JacobianMode): Tensor[] {
  if (vectors.shape[0] === 0) return fn(emptyTensor(vectors.shape.slice(1), vectors.dtype, vectors.device)).map((y) => emptyTensor([0, ...y.shape], y.dtype, y.device));
  return vmap(fn, { chunkSize: vectorize ? (chunkSize ?? null) : 1 })(vectors);
}

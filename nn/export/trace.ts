import { ArgumentError, ShapeError, show } from '../../core/errors.ts';
import { noGrad } from '../../core/tape.ts';
import { Tensor } from '../../core/tensor.ts';
import { type Graph, mergeTraces } from '../../core/trace/merge.ts';
import type { Trace } from '../../core/trace/graph.ts';
import { Recorder, record } from '../../core/trace/record.ts';
import { type Axis, gridOf } from '../../core/trace/sizes.ts';
import { untraced } from '../../core/tracing.ts';
import { flip } from '../../core/ops/arrange.ts';
import { indexSelect } from '../../core/ops/lookup.ts';
import { tensor } from '../../core/ops/creation.ts';
import { Module } from '../module.ts';
import { stateTensors } from './names.ts';

/** Axes of the arguments that may have other sizes later, by argument: `[{ 0: 'batch' }]`. */
export type DynamicAxes = readonly (Readonly<Record<number, string>> | null)[];

/** A call of a module in a trace: the steps from `from` to before `to`. */
export interface ModuleCall {
  readonly path: string;
  readonly module: Module;
  /** How many calls it is inside of. */
  readonly depth: number;
  /** The arguments, with values in place of tensors. */
  readonly args: readonly unknown[];
  /** What it returned, with values in place of tensors. */
  readonly output: unknown;
  readonly from: number;
  readonly to: number;
}

/** What was seen of a model. */
export interface ModuleTrace {
  readonly graph: Graph;
  /** The first trace. */
  readonly trace: Trace;
  /** What `forward` returned in it. */
  readonly result: unknown;
  /** Calls of modules in it, as they ended: the model's own is last. */
  readonly calls: readonly ModuleCall[];
}

/** Tensors of what `forward` returned: a tensor, or arrays and objects with tensors in them. */
export function tensorsOf(result: unknown, out: Tensor[] = []): Tensor[] {
  if (result instanceof Tensor) out.push(result);
  else if (Array.isArray(result)) for (const part of result) tensorsOf(part, out);
  else if (typeof result === 'object' && result !== null) for (const part of Object.values(result)) tensorsOf(part, out);
  return out;
}

/** A tree with values in place of tensors. */
function valuesOf(recorder: Recorder, tree: unknown): unknown {
  if (tree instanceof Tensor) return untraced(() => recorder.valueOf(tree));
  if (Array.isArray(tree)) return tree.map((part: unknown) => valuesOf(recorder, part));
  if (typeof tree !== 'object' || tree === null || tree instanceof Module) return tree;
  // Results with names, which iterate in PyTorch's order, are tuples.
  if (Symbol.iterator in tree) return Array.from(tree as Iterable<unknown>, (part) => valuesOf(recorder, part));
  return Object.fromEntries(Object.entries(tree).map(([key, part]) => [key, valuesOf(recorder, part)]));
}

/** How an axis is varied. Small sizes grow, for 1 means something else; others shrink, since tables of positions end somewhere. */
function varied(name: string, size: number): Axis {
  if (size >= 4) return { name, low: size, high: size - 1, check: size - 2 };
  const low = Math.max(2, size);
  return { name, low, high: low + 1, check: low + 3 };
}

function axesOf(op: string, args: readonly Tensor[], dynamic: DynamicAxes): Axis[] {
  const axes = new Map<string, Axis & { readonly size: number }>();
  if (dynamic.length > args.length) throw new ArgumentError(`${op}: more dynamicAxes than arguments, got ${dynamic.length} for ${args.length}; expected at most one entry per argument`);
  dynamic.forEach((named, i) => {
    for (const [key, name] of Object.entries(named ?? {})) {
      const size = args[i].shape.at(Number(key));
      if (!Number.isInteger(Number(key)) || Number(key) < 0 || size === undefined) throw new ArgumentError(`${op}: no such axis, got ${key} of argument ${i}, ${show(args[i])}; expected 0 to ${args[i].ndim - 1}`);
      if (typeof name !== 'string' || !/^[A-Za-z_]\w*$/.test(name)) throw new ArgumentError(`${op}: not a name for an axis, got ${show(name)}; expected letters, digits and underscores`);
      const known = axes.get(name);
      if (known !== undefined && known.size !== size) throw new ShapeError(`${op}: axes of one name differ in size, got ${known.size} and ${size} for '${name}'; expected one size`);
      axes.set(name, { ...varied(name, size), size });
    }
  });
  if (axes.size > 3) throw new ArgumentError(`${op}: too many names of axes, got ${[...axes.keys()].join(', ')}; expected at most 3`);
  return [...axes.values()];
}

/** An argument with other sizes, its entries repeated or left out; from the second trace on also with other values. */
function variant(x: Tensor, named: Readonly<Record<number, string>> | null | undefined, sizes: ReadonlyMap<string, number>, turned: boolean): Tensor {
  let y = x;
  for (const [key, name] of Object.entries(named ?? {})) {
    const [d, n] = [Number(key), sizes.get(name) ?? 0];
    if (x.shape[d] === 0) throw new ShapeError(`trace: an empty axis, got ${show(x)}; expected entries along axis ${d}`);
    if (x.shape[d] !== n) y = indexSelect(y, d, tensor(Array.from({ length: n }, (_, i) => i % x.shape[d]), { dtype: 'int64', device: x.device }));
  }
  // Masks and indices keep their form: only floats get other values.
  if (turned && (x.dtype === 'float32' || x.dtype === 'float64')) y = flip(y, y.shape.map((_, d) => d)).mul(0.75);
  return y === x ? x.clone() : y;
}

/** Tells the recorder which module is running, and collects calls. Gives the function that ends it. */
function follow(model: Module, recorder: Recorder, calls: ModuleCall[]): () => void {
  const open: { readonly path: string; readonly from: number; readonly args: readonly unknown[]; readonly tensors: readonly Tensor[] }[] = [];
  const ends = model.namedModules().flatMap(([path, module]) => {
    if (typeof module.forward !== 'function') return [];
    const before = module.registerForwardPreHook((_, args: readonly unknown[]) => {
      open.push({ path, from: recorder.steps.length, args: args.map((x) => valuesOf(recorder, x)), tensors: tensorsOf(args) });
      recorder.scope = path;
    }, { prepend: true });
    const after = module.registerForwardHook((_, __, output: unknown) => {
      const call = open.pop();
      if (call === undefined) return undefined;
      const { tensors, ...rest } = call;
      const handed = output instanceof Tensor && tensors.includes(output) ? recorder.handedOn(output) : undefined;
      calls.push({ ...rest, module, depth: open.length, output: valuesOf(recorder, handed ?? output), to: recorder.steps.length });
      recorder.scope = open.at(-1)?.path ?? '';
      return handed;
    });
    return [before, after];
  });
  return () => ends.forEach((end) => end());
}

/** Runs something with the model in evaluation mode, and puts every module back into its own. */
function evaluating<T>(model: Module, fn: () => T): T {
  const modes = model.modules().map((module) => [module, module.training] as const);
  model.eval();
  try {
    return fn();
  } finally {
    for (const [module, training] of modes) module.training = training;
  }
}

/**
 * Runs a model on examples, in evaluation mode and with several sizes of the dynamic axes, and gives the graph of its primitives.
 *
 * @param whole - keep also what the results do not need
 * @throws what `forward` throws; StateError where it reads values, or does other things for other sizes
 */
export function traceModule(op: string, model: Module, args: readonly Tensor[], dynamic: DynamicAxes = [], whole = false): ModuleTrace {
  args.forEach((x, i) => {
    if (!(x instanceof Tensor)) throw new ArgumentError(`${op}: argument ${i} is not a tensor, got ${show(x)}; expected a Tensor`);
  });
  const axes = axesOf(op, args, dynamic);
  const grid = axes.length === 0 ? [[], []] : gridOf(axes);
  const named = stateTensors(model);
  const runs = evaluating(model, () => noGrad(() => grid.map((sizes, t) => {
    const bySize = new Map(axes.map(({ name }, i) => [name, sizes[i]]));
    const inputs = args.map((x, i) => variant(x, dynamic[i], bySize, t > 0));
    const recorder = new Recorder(named);
    const calls: ModuleCall[] = [];
    const end = follow(model, recorder, calls);
    try {
      const forward = (): unknown => model.forward(...(inputs as never[]));
      return { recorder, calls, ...record(recorder, inputs, forward, (result) => tensorsOf(result)) };
    } finally {
      end();
    }
  })));
  const [{ calls, trace, result }] = runs;
  return { graph: mergeTraces(axes, runs.map((run) => run.trace), whole), trace, result, calls };
}

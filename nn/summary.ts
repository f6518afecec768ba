import { type DType, isFloat, itemSize } from '../core/dtype.ts';
import { ArgumentError, StateError, checkOptions, show } from '../core/errors.ts';
import { zeros } from '../core/ops/creation.ts';
import { type Shape, checkShape, numelOf } from '../core/shape.ts';
import { noGrad } from '../core/tape.ts';
import { Tensor } from '../core/tensor.ts';
import { addHook } from './hooks.ts';
import { Module } from './module.ts';
import { isUninitialized } from './shapeless.ts';

/** Options of `summary`. */
export interface SummaryOptions {
  /** Dtype of the inputs made from shapes; default that of the first floating parameter, else float32. */
  readonly dtype?: DType;
}

/** What `summary` runs the model on: the shape of its input, several shapes, a tensor, or several. */
export type SummaryInput = Shape | readonly Shape[] | Tensor | readonly Tensor[];

function inputsOf(model: Module, input: SummaryInput, dtype: DType | undefined): Tensor[] {
  if (input instanceof Tensor) return [input];
  if (!Array.isArray(input)) throw new ArgumentError(`summary: not an input, got ${show(input)}; expected a shape, a tensor, or an array of either`);
  const first = model.parameters().find((p) => isFloat(p.dtype));
  const make = (shape: unknown): Tensor => {
    if (shape instanceof Tensor) return shape;
    checkShape('summary', shape);
    return zeros(shape, { dtype: dtype ?? first?.dtype ?? 'float32', device: first?.device ?? 'cpu' });
  };
  const items: readonly unknown[] = input;
  return items.length > 0 && items.every((x) => x instanceof Tensor || Array.isArray(x)) ? items.map(make) : [make(items)];
}

/** Shapes in whatever a module returned. */
function describeOutput(output: unknown): string {
  if (output instanceof Tensor) return `[${output.shape.join(', ')}]`;
  if (typeof output !== 'object' || output === null) return '-';
  const parts = Object.values(output).filter((x) => x instanceof Tensor || Array.isArray(x)).map(describeOutput);
  return parts.length === 0 ? '-' : parts.join(', ');
}

/** Runs the model once and notes what each module gave; leaves modes and hooks as they were. */
function outputShapes(model: Module, inputs: readonly Tensor[]): Map<Module, string> {
  const shapes = new Map<Module, string>();
  const modules = model.modules();
  const modes = modules.map((m) => m.training);
  const removers: (() => void)[] = [];
  try {
    for (const module of modules) {
      if (typeof module.forward !== 'function') continue;
      const note = (_: unknown, __: unknown, output: unknown): void => {
        if (!shapes.has(module)) shapes.set(module, describeOutput(output));
      };
      removers.push(addHook('summary', module, 'after', note, undefined));
    }
    model.eval();
    noGrad(() => {
      const forward: (...args: readonly Tensor[]) => unknown = model.forward.bind(model) as (...args: readonly Tensor[]) => unknown;
      forward(...inputs);
    });
  } finally {
    for (const remove of removers) remove();
    modules.forEach((m, i) => {
      m.training = modes[i];
    });
  }
  return shapes;
}

const thousands = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

const sum = (tensors: readonly Tensor[]): number => tensors.reduce((n, t) => n + (isUninitialized(t) ? 0 : t.numel()), 0);

function kilobytes(tensors: readonly Tensor[]): string {
  const seen = new Set(tensors);
  const bytes = [...seen].reduce((n, t) => n + (isUninitialized(t) ? 0 : numelOf(t.shape) * itemSize(t.dtype)), 0);
  return (bytes / 1024).toFixed(2);
}

/** Columns padded to their widest cell, the last one to the right; a rule under the head. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, c) => Math.max(...[head, ...rows].map((row) => row[c].length)));
  const last = head.length - 1;
  const line = (row: readonly string[]): string => row.map((cell, c) => (c === last ? cell.padStart(widths[c]) : cell.padEnd(widths[c]))).join('  ');
  const rule = '='.repeat(widths.reduce((a, b) => a + b, 2 * last));
  return [line(head), rule, ...rows.map(line), rule];
}

/**
 * A table of a model's layers: path and type, shape of the output, number of parameters of their own (shared ones count where they come
 * first), and totals. With an input, the model runs once in evaluation mode without recording; modes, hooks and statistics are as before
 * afterwards, also when it throws. Without an input the shapes are left out.
 *
 * @param model - the model
 * @param input - the shape of its input (filled with zeros), several shapes, a tensor, or several
 * @returns the text
 * @throws ArgumentError when `model` is no Module, or `input` is no input
 * @see https://github.com/TylerYep/torchinfo
 */
export function summary(model: Module, input?: SummaryInput, options?: SummaryOptions): string {
  if (!(model instanceof Module)) throw new ArgumentError(`summary: not a Module, got ${show(model)}; expected a Module`);
  checkOptions('summary', options, ['dtype']);
  const inputs = input === undefined ? null : inputsOf(model, input, options?.dtype);
  if (inputs !== null && typeof model.forward !== 'function') throw new StateError(`summary: ${model.constructor.name} has no forward, got an input; expected none`);
  const shapes = inputs === null ? null : outputShapes(model, inputs);
  const counted = new Set<Tensor>();
  const rows = model.namedModules().map(([path, module]) => {
    const own = ownParameters(module, model).filter((p) => !counted.has(p));
    for (const p of own) counted.add(p);
    const name = path === '' ? module.constructor.name : `${path} (${module.constructor.name})`;
    const count = own.length === 0 ? '-' : thousands(sum(own));
    return shapes === null ? [name, count] : [name, shapes.get(module) ?? '-', count];
  });
  const parameters = model.parameters();
  const trainable = parameters.filter((p) => p.requiresGrad);
  const buffers = model.buffers();
  return [
    ...table(shapes === null ? ['Layer (type)', 'Parameters'] : ['Layer (type)', 'Output shape', 'Parameters'], rows),
    `Total parameters: ${thousands(sum(parameters))}`,
    `Trainable parameters: ${thousands(sum(trainable))}`,
    `Non-trainable parameters: ${thousands(sum(parameters) - sum(trainable))}`,
    `Buffers: ${buffers.length} (${thousands(sum(buffers))} elements)`,
    `Size: ${kilobytes([...parameters, ...buffers])} KB`,
  ].join('\n');
}

/** The parameters of a module that belong to none of its submodules: its own, and those in its arrays, Maps and objects. */
function ownParameters(module: Module, root: Module): readonly Tensor[] {
  const below = new Set<Tensor>();
  for (const child of module.children()) if (child !== root) for (const p of child.parameters()) below.add(p);
  const direct = new Set<Tensor>(module.parameters({ recurse: false }));
  return module.parameters().filter((p) => direct.has(p) || !below.has(p));
}

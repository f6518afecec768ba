import { StateError } from '../../../core/errors.ts';
import type { Value } from '../../../core/trace/graph.ts';
import { type Graph, type GraphStep, type GraphValue, isValue } from '../../../core/trace/merge.ts';
import { SymbolicSize } from '../../../core/trace/sizes.ts';
import { toSnakeCase } from '../../../core/names.ts';
import type { Module } from '../../module.ts';
import type { ModuleCall } from '../trace.ts';
import { expressionOf, tuples } from './functions.ts';
import { below, expressionAt } from './paths.ts';
import { python, pythonList, pythonName, torchType } from './python.ts';
import { CodeStep } from './step.ts';

/** Something that a forward does: a step of its own, or a call of a module below. */
type Item = { readonly kind: 'step'; readonly step: GraphStep } | { readonly kind: 'call'; readonly call: ModuleCall };

/** Whether a leaf of arguments is a tensor of the trace. */
function isTraced(x: unknown): x is Value {
  return typeof x === 'object' && x !== null && 'id' in x && 'dtype' in x && 'shape' in x;
}

/** Tensors among arguments or results, in order. */
export function leavesOf(tree: unknown, out: Value[] = []): Value[] {
  if (isTraced(tree)) out.push(tree);
  else if (Array.isArray(tree)) for (const part of tree) leavesOf(part, out);
  else if (typeof tree === 'object' && tree !== null) for (const part of Object.values(tree)) leavesOf(part, out);
  return out;
}

/** Names of the parameters of a function, as far as its text tells. */
function parameterNames(module: Module): string[] {
  const prototype: unknown = Object.getPrototypeOf(module);
  const forward: unknown = typeof prototype === 'object' && prototype !== null ? Reflect.get(prototype, 'forward') : null;
  const text = typeof forward === 'function' ? Function.prototype.toString.call(forward) : '';
  const list = /^[^(]*\(([^)]*)\)/.exec(text)?.[1] ?? '';
  return list.split(',').map((part) => /^\s*(?:\.\.\.)?([A-Za-z_$][\w$]*)\s*(?:=.*)?$/.exec(part)?.[1] ?? '');
}

/** The tensors that a call is given, with names: those of the arguments, and of the options they came in. */
export function argumentsOf(call: ModuleCall): { readonly name: string; readonly value: Value }[] {
  const names = parameterNames(call.module);
  const found: { name: string; value: Value }[] = [];
  const visit = (x: unknown, name: string): void => {
    if (isTraced(x)) found.push({ name, value: x });
    else if (Array.isArray(x)) x.forEach((part, i) => visit(part, `${name}_${i}`));
    else if (typeof x === 'object' && x !== null) for (const [key, part] of Object.entries(x)) visit(part, toSnakeCase(key));
  };
  call.args.forEach((x, i) => {
    const own = names[i] ?? '';
    visit(x, own === '' ? (i === 0 ? 'x' : `x${i}`) : toSnakeCase(own));
  });
  const taken = new Set<string>();
  return found.map(({ name, value }) => {
    let plain = pythonName(name);
    while (taken.has(plain)) plain += '_';
    taken.add(plain);
    return { name: plain, value };
  });
}

/** What writes one `forward`. */
export class ForwardWriter {
  private readonly graph: Graph;
  private readonly call: ModuleCall;
  private readonly calls: readonly ModuleCall[];
  /** Whether a module is written as one of PyTorch's, so that its call is passed options as they are. */
  private readonly isKnown: (module: Module) => boolean;
  private readonly names = new Map<number, string>();
  private readonly lastRead = new Map<number, number>();
  private readonly axes = new Map<string, string>();
  private readonly taken = new Set<string>();
  private readonly lines: string[] = [];
  private now = 0;

  constructor(graph: Graph, calls: readonly ModuleCall[], call: ModuleCall, isKnown: (module: Module) => boolean) {
    this.graph = graph;
    this.call = call;
    this.calls = calls;
    this.isKnown = isKnown;
  }

  /** Steps and calls in order, without those inside the calls. */
  private items(): Item[] {
    const { from, to, depth } = this.call;
    const inside = this.calls.filter((c) => c !== this.call && c.depth === depth + 1 && c.from >= from && c.to <= to && this.calls.indexOf(c) < this.calls.indexOf(this.call) && this.isOwn(c));
    const steps = this.graph.steps.filter(({ at }) => at >= from && at < to && !inside.some((c) => at >= c.from && at < c.to));
    const placed = [...steps.map((step): [number, Item] => [step.at, { kind: 'step', step }]), ...inside.map((call): [number, Item] => [call.from - 0.5, { kind: 'call', call }])];
    return placed.sort((a, b) => a[0] - b[0]).map(([, item]) => item);
  }

  private isOwn(call: ModuleCall): boolean {
    return below(call.path, this.call.path) !== null;
  }

  private reads(item: Item): number[] {
    if (item.kind === 'step') return item.step.inputs.flatMap((x) => (isValue(x) ? [x.id] : []));
    return leavesOf(item.call.args).map(({ id }) => id);
  }

  private makes(item: Item): number[] {
    return item.kind === 'step' ? item.step.outputs.map(({ id }) => id) : leavesOf(item.call.output).map(({ id }) => id);
  }

  /** What the results need, and where each value is read last. */
  private needed(items: readonly Item[], results: readonly Value[]): Item[] {
    const wanted = new Set(results.map(({ id }) => id));
    for (const { id } of results) this.lastRead.set(id, items.length);
    const kept: Item[] = [];
    for (let i = items.length - 1; i >= 0; i--) {
      const item = items[i];
      if (item.kind === 'step' && item.step.op === 'rowStats') continue;
      if (!this.makes(item).some((id) => wanted.has(id))) continue;
      kept.unshift(item);
      const reads = item.kind === 'step' && item.step.op === 'layerNorm' ? this.reads(item).slice(0, -2) : this.reads(item);
      for (const id of reads) {
        wanted.add(id);
        this.lastRead.set(id, Math.max(this.lastRead.get(id) ?? -1, i));
      }
    }
    return kept;
  }

  private unique(base: string): string {
    let name = base;
    for (let i = 1; this.taken.has(name); i++) name = `${base}${i}`;
    this.taken.add(name);
    return name;
  }

  /** A name for a result: that of an operand that is read no more, or a new one. */
  private nameFor(reads: readonly number[], at: number): string {
    for (const id of reads) {
      const name = this.names.get(id);
      const shared = [...this.names].some(([other, text]) => other !== id && text === name && (this.lastRead.get(other) ?? -1) > at);
      if (name !== undefined && /^\w+$/.test(name) && !shared && (this.lastRead.get(id) ?? -1) <= at) return name;
    }
    return this.unique('h');
  }

  private axis(name: string): string {
    const known = this.axes.get(name);
    if (known !== undefined) return known;
    for (const { name: variable, value } of argumentsOf(this.call)) {
      const d = this.graph.values[value.id]?.shape.findIndex((n) => n instanceof SymbolicSize && n.axis === name) ?? -1;
      if (d < 0) continue;
      const text = this.unique(pythonName(name));
      this.lines.unshift(`${text} = ${variable}.shape[${d}]`);
      this.axes.set(name, text);
      return text;
    }
    throw new StateError(`exportTorch: a size that no argument of '${this.call.path}' has, got ${name}; expected an argument with that axis`);
  }

  private value(x: GraphValue): string {
    const known = this.names.get(x.id);
    if (known !== undefined) return known;
    const { origin, dtype, shape } = x;
    if (origin.kind === 'parameter') {
      const rest = below(origin.name, this.call.path);
      if (rest === null) throw new StateError(`exportTorch: '${this.call.path}' reads a tensor of another module, got '${origin.name}'; expected its own members`, { hint: 'pass it as an argument' });
      return expressionAt(this.call.module, rest);
    }
    const device = this.device();
    const typed = `dtype=${torchType(dtype)}, device=${device}`;
    const sizes = (): string => `(${shape.map((n) => this.step(null).size(n)).join(', ')}${shape.length === 1 ? ',' : ''})`;
    if (origin.kind === 'constant') {
      if (origin.data.length > 4 && origin.data.every((v) => Object.is(v, origin.data[0]))) return `torch.full(${sizes()}, ${python(origin.data[0])}, ${typed})`;
      return `torch.tensor(${pythonList(origin.data, shape as readonly number[], dtype)}, ${typed})`;
    }
    if (origin.kind === 'filled') return `torch.full(${sizes()}, ${python(origin.value)}, ${typed})`;
    if (origin.kind === 'range') return `torch.arange(${this.step(null).size(shape[0])}, ${typed})${origin.step === 1 ? '' : ` * ${python(origin.step)}`}${origin.start === 0 ? '' : ` + ${python(origin.start)}`}`;
    throw new StateError(`exportTorch: '${this.call.path}' reads a tensor that was made outside of its forward, got value ${x.id}; expected arguments`, { hint: 'pass it as an argument' });
  }

  /** Where constants are made: beside the first argument or parameter. */
  private device(): string {
    const [first] = argumentsOf(this.call);
    return first === undefined ? '"cpu"' : `${this.names.get(first.value.id) ?? first.name}.device`;
  }

  private step(step: GraphStep | null): CodeStep {
    return new CodeStep(step as GraphStep, { value: (x) => this.value(x), axis: (name) => this.axis(name), isRead: (x) => (this.lastRead.get(x.id) ?? -1) > this.now });
  }

  private argument(x: unknown): string {
    if (isTraced(x)) return this.value(this.graph.values[x.id] as GraphValue);
    if (Array.isArray(x)) return `(${x.map((part) => this.argument(part)).join(', ')}${x.length === 1 ? ',' : ''})`;
    return python(x);
  }

  /** The call of a module below. */
  private called(call: ModuleCall): string {
    const target = expressionAt(this.call.module, below(call.path, this.call.path) ?? '');
    if (!this.isKnown(call.module)) return `${target}(${argumentsOf(call).map(({ value }) => this.argument(value)).join(', ')})`;
    const args = call.args.flatMap((x) => {
      if (x === undefined) return [];
      if (isTraced(x) || Array.isArray(x) || typeof x !== 'object' || x === null) return [this.argument(x)];
      return Object.entries(x).flatMap(([key, part]) => (part === undefined ? [] : [`${toSnakeCase(key)}=${this.argument(part)}`]));
    });
    return `${target}(${args.join(', ')})`;
  }

  /** Names for a tree of results; `_` for what nobody reads. */
  private pattern(tree: unknown, reads: readonly number[], at: number): string {
    if (isTraced(tree)) {
      if ((this.lastRead.get(tree.id) ?? -1) <= at) return '_';
      const name = this.nameFor(reads, at);
      this.names.set(tree.id, name);
      return name;
    }
    const parts = Array.isArray(tree) ? tree : typeof tree === 'object' && tree !== null ? Object.values(tree) : [];
    // Only the first may take over the name of an operand.
    const texts = parts.map((part: unknown, i) => {
      const text = this.pattern(part, i === 0 ? reads : [], at);
      return Array.isArray(part) ? `(${text})` : text;
    });
    return texts.length === 0 ? '_' : texts.join(', ');
  }

  private write(item: Item, at: number): void {
    this.now = at;
    const reads = this.reads(item);
    if (item.kind === 'call') {
      const text = this.called(item.call);
      this.lines.push(`${this.pattern(item.call.output, reads, at)} = ${text}`);
      return;
    }
    const { step } = item;
    const text = expressionOf(this.step(step));
    const read = step.outputs.filter((y) => (this.lastRead.get(y.id) ?? -1) > at);
    // Losses and the like have further outputs that only gradients read.
    const several = tuples.includes(step.op) || read.some((y) => y !== step.outputs[0]);
    const name = several ? step.outputs.map((y) => this.pattern({ ...y, shape: [] }, y === step.outputs[0] ? reads : [], at)).join(', ') : this.pattern({ ...step.outputs[0], shape: [] }, reads, at);
    if (text === name) return;
    this.lines.push(`${name} = ${text}`);
  }

  private result(tree: unknown): string {
    if (isTraced(tree)) return this.argument(tree);
    if (Array.isArray(tree)) return tree.map((part) => (Array.isArray(part) ? `(${this.result(part)})` : this.result(part))).join(', ') + (tree.length === 1 ? ',' : '');
    if (typeof tree === 'object' && tree !== null) return `{${Object.entries(tree).map(([key, part]) => `${JSON.stringify(key)}: ${this.result(part)}`).join(', ')}}`;
    return python(tree);
  }

  /** The lines of `def forward`. */
  method(): string[] {
    const given = argumentsOf(this.call);
    for (const { name, value } of given) {
      this.names.set(value.id, name);
      this.taken.add(name);
    }
    const items = this.items();
    const kept = this.needed(items, leavesOf(this.call.output));
    for (const item of kept) this.write(item, items.indexOf(item));
    this.now = items.length;
    const result = this.result(this.call.output);
    const signature = ['self', ...given.map(({ name }) => name)].join(', ');
    return [`def forward(${signature}):`, ...[...this.lines, `return ${result}`].map((line) => `    ${line}`)];
  }
}

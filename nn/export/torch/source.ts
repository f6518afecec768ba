import { StateError } from '../../../core/errors.ts';
import { Tensor } from '../../../core/tensor.ts';
import { ModuleDict, ModuleList, ParameterDict, ParameterList } from '../../layers/containers.ts';
import { Sequential } from '../../layers/sequential.ts';
import { Module } from '../../module.ts';
import { Buffer, Parameter } from '../../parameter.ts';
import { type Container, isContainer } from '../../traverse.ts';
import type { ModuleTrace } from '../trace.ts';
import { ForwardWriter } from './forward.ts';
import { constructorOf } from './layers.ts';
import { checkKey, expressionAt } from './paths.ts';
import { indented, python, pythonList, pythonName, pythonText, torchType } from './python.ts';

/** Writes the classes of a model, each once. */
export class ModelWriter {
  private readonly trace: ModuleTrace;
  private readonly root: Module;
  /** Bodies of classes that are written, by their text, and their names in order. */
  private readonly bodies = new Map<string, string>();
  private readonly classes: string[] = [];
  private readonly taken = new Set<string>();
  /** What makes each module. */
  private readonly made = new Map<Module, string>();
  private readonly paths: ReadonlyMap<Module, string>;

  constructor(root: Module, trace: ModuleTrace) {
    this.root = root;
    this.trace = trace;
    this.paths = new Map(root.namedModules().map(([path, module]) => [module, path]));
  }

  /** The expression that makes a module; classes that it needs are written before. */
  expression(module: Module): string {
    const known = this.made.get(module);
    if (known !== undefined) return known;
    const text = this.library(module) ?? `${this.classOf(module)}()`;
    this.made.set(module, text);
    return text;
  }

  /** Whether a module is one that PyTorch has. */
  readonly isKnown = (module: Module): boolean => module.constructor === Sequential || constructorOf(module) !== undefined;

  private library(module: Module): string | undefined {
    const { constructor } = module;
    if (constructor === Sequential) return this.sequence(module as Sequential);
    if (constructor === ModuleList) return `nn.ModuleList([${this.parts(module.memberEntries())}])`;
    if (constructor === ModuleDict) return `nn.ModuleDict({${this.entries(module.memberEntries())}})`;
    if (constructor === ParameterList) return `nn.ParameterList([${this.parts(module.memberEntries())}])`;
    if (constructor === ParameterDict) return `nn.ParameterDict({${this.entries(module.memberEntries())}})`;
    return constructorOf(module);
  }

  private sequence(module: Sequential): string {
    const entries = [...module.memberEntries()].filter((entry): entry is readonly [string, Module] => entry[1] instanceof Module);
    if (entries.every(([key], i) => key === String(i))) return block('nn.Sequential', entries.map(([, child]) => this.expression(child)));
    return `nn.Sequential(OrderedDict([${entries.map(([key, child]) => `(${pythonText(key)}, ${this.expression(child)})`).join(', ')}]))`;
  }

  private member(value: unknown): string {
    if (value instanceof Module) return this.expression(value);
    if (value instanceof Parameter) return parameter(value);
    return this.container(value as Container);
  }

  private parts(entries: Iterable<readonly [string, unknown]>): string {
    return [...entries].filter(([, value]) => isMemberLike(value)).map(([, value]) => this.member(value)).join(', ');
  }

  private entries(entries: Iterable<readonly [string, unknown]>): string {
    return [...entries].filter(([, value]) => isMemberLike(value)).map(([key, value]) => `${pythonText(key)}: ${this.member(value)}`).join(', ');
  }

  /** Arrays, Maps and objects in a field are lists and dictionaries in PyTorch. */
  private container(value: Container): string {
    if (Array.isArray(value)) {
      const entries = value.map((part: unknown, i): [string, unknown] => [String(i), part]);
      return `nn.${value.some((part) => part instanceof Parameter) ? 'ParameterList' : 'ModuleList'}([${this.parts(entries)}])`;
    }
    const entries = value instanceof Map ? [...(value as ReadonlyMap<string, unknown>)] : Object.entries(value);
    return `nn.${entries.some(([, part]) => part instanceof Parameter) ? 'ParameterDict' : 'ModuleDict'}({${this.entries(entries)}})`;
  }

  /** The name of the class of a module of the user's. */
  private classOf(module: Module): string {
    const path = this.paths.get(module) ?? '';
    const body = [...this.constructorBody(module), '', ...this.forward(module, path)];
    const text = body.join('\n');
    const key = `${module.constructor.name}\n${text}`;
    const known = this.bodies.get(key);
    if (known !== undefined) return known;
    const base = pythonName(module.constructor.name || 'Model');
    let name = base;
    for (let i = 2; this.taken.has(name); i++) name = `${base}${i}`;
    this.taken.add(name);
    this.bodies.set(key, name);
    this.classes.push([`class ${name}(nn.Module):`, ...indented(body)].join('\n'));
    return name;
  }

  private constructorBody(module: Module): string[] {
    const lines = ['def __init__(self):', '    super().__init__()'];
    const seen = new Map<unknown, string>();
    for (const [key, value] of module.memberEntries()) {
      if (!isMemberLike(value)) continue;
      const name = pythonName(checkKey(key));
      const before = seen.get(value);
      seen.set(value, name);
      if (before !== undefined) lines.push(`    self.${name} = self.${before}`);
      else if (value instanceof Buffer) lines.push(...buffer(key, value).map((line) => `    ${line}`));
      else lines.push(...`self.${name} = ${this.member(value)}`.split('\n').map((line) => `    ${line}`));
    }
    return lines;
  }

  private forward(module: Module, path: string): string[] {
    const calls = this.trace.calls.filter((call) => call.module === module);
    if (calls.length === 0) return ['def forward(self, *args):', '    raise NotImplementedError("forward of this module was not called when the model was exported")'];
    const texts = calls.map((call) => new ForwardWriter(this.trace.graph, this.trace.calls, call, this.isKnown).method());
    const odd = texts.find((text) => text.join('\n') !== texts[0].join('\n'));
    if (odd !== undefined) throw new StateError(`exportTorch: forward of '${path}' does other things in other calls, got two forms; expected one`, { hint: 'use a module for each form' });
    return texts[0];
  }

  /** Assignments that tie parameters under several names, as lines on `model`. */
  private ties(): string[] {
    const first = new Map<Parameter, string>();
    const modules = new Map(this.root.namedModules().map(([path, module]) => [module, path]));
    const lines: string[] = [];
    const shared: string[] = [];
    for (const [path, module] of this.root.namedModules({ removeDuplicate: false })) {
      const own = modules.get(module);
      if (own === undefined || own === path || shared.some((above) => path.startsWith(`${above}.`))) continue;
      shared.push(path);
      if (parentOf(own) !== parentOf(path)) lines.push(`${expressionAt(this.root, path, 'model')} = ${expressionAt(this.root, own, 'model')}`);
    }
    for (const [name, p] of this.root.namedParameters({ removeDuplicate: false })) {
      const before = first.get(p);
      if (before === undefined) first.set(p, name);
      else if (!shared.some((above) => name.startsWith(`${above}.`)) && parentOf(before) !== parentOf(name)) lines.push(`${expressionAt(this.root, name, 'model')} = ${expressionAt(this.root, before, 'model')}`);
    }
    return lines;
  }

  /** The text of model.py. */
  text(): string {
    const made = this.expression(this.root);
    const ties = this.ties();
    const double = this.root.parameters().some((p) => p.dtype === 'float64') ? ['model.to(torch.float64)'] : [];
    const body = [`model = ${made}`, ...ties, ...double, 'return model'];
    return [
      '"""The model that polyak exported, as a module of PyTorch. `load_model()` gives it with its weights."""',
      '',
      'from collections import OrderedDict  # noqa: F401',
      'from pathlib import Path',
      '',
      'import torch',
      'import torch.nn.functional as F  # noqa: F401',
      'from torch import nn',
      '',
      'from safetensors_file import load_file',
      ...this.classes.flatMap((text) => ['', '', text]),
      '',
      '',
      'def build_model() -> nn.Module:',
      '    """A model with weights of its own."""',
      ...indented(body),
      '',
      '',
      'def load_model(path=Path(__file__).with_name("model.safetensors")) -> nn.Module:',
      '    """The model with the weights of a file."""',
      '    model = build_model()',
      '    model.load_state_dict(load_file(path), strict=True)',
      '    return model',
      '',
    ].join('\n');
  }
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('.')));

function isMemberLike(value: unknown): boolean {
  if (value instanceof Module || value instanceof Parameter || value instanceof Buffer) return true;
  if (value instanceof Tensor || !isContainer(value)) return false;
  const parts: unknown[] = Array.isArray(value) ? value : value instanceof Map ? [...(value as ReadonlyMap<unknown, unknown>).values()] : Object.values(value);
  return parts.some((part) => isMemberLike(part));
}

function parameter({ shape, dtype, requiresGrad }: Parameter): string {
  const typed = dtype === 'float32' ? '' : `, dtype=${torchType(dtype)}`;
  return `nn.Parameter(torch.zeros(${python(shape)}${typed})${requiresGrad ? '' : ', requires_grad=False'})`;
}

function buffer(key: string, value: Buffer): string[] {
  const { shape, dtype } = value;
  if (value.persistent) return [`self.register_buffer(${pythonText(key)}, torch.zeros(${python(shape)}, dtype=${torchType(dtype)}))`];
  return [`self.register_buffer(${pythonText(key)}, torch.tensor(${pythonList(value.data(), shape, dtype)}, dtype=${torchType(dtype)}), persistent=False)`];
}

/** A call whose arguments stand on lines of their own where there are several. */
function block(name: string, args: readonly string[]): string {
  return args.length < 2 ? `${name}(${args.join(', ')})` : `${name}(\n${indented(args.map((a) => `${a},`)).join('\n')}\n)`;
}

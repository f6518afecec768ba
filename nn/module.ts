import type { DType } from '../core/dtype.ts';
import { ArgumentError, checkOptions, show } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import type { Gradients } from './backwardHooks.ts';
import { type ModuleTarget, bringAll, convertAll } from './convert.ts';
import { type HookOptions, addHook } from './hooks.ts';
import { toSnakeCase } from '../core/names.ts';
import { Buffer, type BufferOptions, Parameter } from './parameter.ts';
import { formatModule } from './repr.ts';
import { type LoadStateDictOptions, type LoadStateDictResult, type StateDict, type StateDictOptions, type Adapter, emptyState, loadState, stateEntries } from './state.ts';
import { type MemberHolder, type NamedOptions, childrenOf, fieldLister, lookUp, namedTensors, places, register } from './traverse.ts';
import { isUninitialized } from './shapeless.ts';

/** Modules that are being switched or printed: references back to a parent end there. */
const switching = new Set<Module>();
const printing = new Set<Module>();

/** Under this name Node looks for a print form. */
const inspection = Symbol.for('nodejs.util.inspect.custom');

/**
 * Base class of everything that has parameters. A subclass sets Parameters, Buffers and other Modules as fields and defines `forward`; they
 * are found by looking at the instance's own fields, also inside arrays, Maps and plain objects, which count as anonymous child modules
 * (`layers.0.weight`). Names are the fields' in snake_case, as in PyTorch's state dictionaries (`runningMean` → `running_mean`); keys of Maps
 * stay as they are. `#private` fields cannot be seen: keep members in ordinary fields, TypeScript's `private` included.
 *
 * Order is PyTorch's: own parameters, own buffers, then children, each as their fields were declared or assigned.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html
 */
export abstract class Module implements MemberHolder {
  /**
   * Stands in classes of the library whose `forward` keeps neither its argument nor its result, by themselves: what lies between two such layers of a
   * `Sequential` is nobody else's, and its memory can go early. Subclasses do not count as such.
   */
  static readonly keepsNothing: boolean = false;
  /** Whether the module is in training mode; dropout and batch norm look at it. */
  training = true;

  /** What the module computes; typed by each subclass. */
  abstract forward(...inputs: never[]): unknown;

  /** Lists what may be a member, under its state-dictionary name: own fields. Containers override it. */
  memberEntries(): Iterable<readonly [string, unknown]> {
    return Object.entries(this).map(([field, value]: [string, unknown]): [string, unknown] => [toSnakeCase(field), value]);
  }

  get [fieldLister](): MemberHolder {
    return Module.prototype;
  }

  // ---- registering by name ----

  /**
   * Sets a field to a Parameter, or to null for none.
   *
   * @throws ArgumentError for a bad or taken name, or a value that is no Parameter
   */
  registerParameter(name: string, parameter: Parameter | null): void {
    if (parameter !== null && !(parameter instanceof Parameter)) {
      throw new ArgumentError(`registerParameter: '${name}' is not a Parameter, got ${show(parameter)}; expected a Parameter or null`);
    }
    register('registerParameter', this, name, parameter);
  }

  /**
   * Sets a field to a Buffer that shares the tensor's memory, or to null for none.
   *
   * @throws ArgumentError for a bad or taken name, or a value that is no tensor
   */
  registerBuffer(name: string, tensor: Tensor | null, options?: BufferOptions): void {
    checkOptions('registerBuffer', options, ['persistent']);
    if (tensor !== null && !(tensor instanceof Tensor)) {
      throw new ArgumentError(`registerBuffer: '${name}' is not a tensor, got ${show(tensor)}; expected a Tensor or null`);
    }
    const keep = tensor === null || (tensor instanceof Buffer && options?.persistent === undefined);
    register('registerBuffer', this, name, keep ? tensor : new Buffer(tensor, options));
  }

  /**
   * Sets a field to a Module, or to null for none.
   *
   * @throws ArgumentError for a bad or taken name, or a value that is no Module
   */
  registerModule(name: string, module: Module | null): void {
    if (module !== null && !(module instanceof Module)) {
      throw new ArgumentError(`registerModule: '${name}' is not a Module, got ${show(module)}; expected a Module or null`);
    }
    register('registerModule', this, name, module);
  }

  // ---- listing ----

  /** The parameters, each once. @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.parameters */
  parameters(options?: Pick<NamedOptions, 'recurse'>): Parameter[] {
    checkOptions('parameters', options, ['recurse']);
    return this.namedParameters(options).map(([, parameter]) => parameter);
  }

  /** Names and parameters, in PyTorch's order. */
  namedParameters(options?: NamedOptions): [string, Parameter][] {
    return namedTensors('namedParameters', this, (place) => place.parameters, options);
  }

  /** The buffers, each once, persistent or not. */
  buffers(options?: Pick<NamedOptions, 'recurse'>): Buffer[] {
    checkOptions('buffers', options, ['recurse']);
    return this.namedBuffers(options).map(([, buffer]) => buffer);
  }

  /** Names and buffers, in PyTorch's order, persistent or not. */
  namedBuffers(options?: NamedOptions): [string, Buffer][] {
    return namedTensors('namedBuffers', this, (place) => place.buffers, options);
  }

  /** The modules directly below, each once; those in arrays, Maps and plain objects included. */
  children(): Module[] {
    return this.namedChildren().map(([, module]) => module);
  }

  /** Names and modules directly below. */
  namedChildren(): [string, Module][] {
    return childrenOf(this).filter((child): child is [string, Module] => child[1] instanceof Module);
  }

  /** This module and all below it, parents first, each once. */
  modules(): Module[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** Paths and modules: this one under `''` (or `prefix`), and all below it. */
  namedModules(options?: Pick<NamedOptions, 'prefix' | 'removeDuplicate'>): [string, Module][] {
    checkOptions('namedModules', options, ['prefix', 'removeDuplicate']);
    const named: [string, Module][] = [];
    for (const { path, owner } of places(this, options?.prefix ?? '', !(options?.removeDuplicate ?? true))) {
      if (owner instanceof Module) named.push([path, owner]);
    }
    return named;
  }

  /** The parameter at a path such as `'layers.0.weight'`. @throws ArgumentError when there is none */
  getParameter(path: string): Parameter {
    return lookUp('getParameter', path, this.namedParameters({ removeDuplicate: false }));
  }

  /** The buffer at a path such as `'bn.running_mean'`. @throws ArgumentError when there is none */
  getBuffer(path: string): Buffer {
    return lookUp('getBuffer', path, this.namedBuffers({ removeDuplicate: false }));
  }

  /** The module at a path such as `'layers.0'`; `''` is this one. @throws ArgumentError when there is none */
  getSubmodule(path: string): Module {
    return lookUp('getSubmodule', path, this.namedModules({ removeDuplicate: false }));
  }

  // ---- state ----

  /**
   * The parameters and persistent buffers by name, detached, in the module's own memory: later training changes them. Tied tensors are listed
   * under each of their names.
   *
   * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.state_dict
   */
  stateDict(options?: StateDictOptions): StateDict {
    checkOptions('stateDict', options, ['prefix', 'keepVars']);
    const state = emptyState();
    const prefix = options?.prefix ?? '';
    for (const [key, tensor] of stateEntries(this)) state[prefix + key] = options?.keepVars === true || isUninitialized(tensor) ? tensor : tensor.detach();
    return state;
  }

  /**
   * Copies values into the module's tensors, cast to their dtypes; shapes must be the same, nothing is broadcast.
   *
   * @returns the names that were missing and those that were not expected; both are errors unless `strict` is false
   * @throws StateError with the whole difference, before anything is written
   * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict
   */
  loadStateDict(state: Readonly<Record<string, unknown>>, options?: LoadStateDictOptions): LoadStateDictResult {
    const adapters: Adapter[] = [];
    for (const [path, module] of this.namedModules({ removeDuplicate: false })) {
      if (module.prepareStateDict !== Module.prototype.prepareStateDict) adapters.push([path, (own) => module.prepareStateDict(own)]);
    }
    return loadState(this.constructor.name, this, state, adapters, options);
  }

  /**
   * Adapts a state to this module before names are matched: old names, defaults for entries that old files lack. Keys are relative to this
   * module, and `state` is an object of its own that may be changed. Also called when the module is part of another.
   */
  protected prepareStateDict(state: Record<string, unknown>): Record<string, unknown> {
    return state;
  }

  // ---- modes and conversions ----

  /** Sets training mode here and below. Returns the module. */
  train(mode = true): this {
    if (typeof mode !== 'boolean') throw new ArgumentError(`train: mode is not a boolean, got ${show(mode)}; expected true or false`);
    once(this, switching, () => {
      this.training = mode;
      for (const child of this.children()) child.train(mode);
    });
    return this;
  }

  /** Sets evaluation mode here and below: `train(false)`. */
  eval(): this {
    return this.train(false);
  }

  /** Calls `fn` with every module below, children first, then with this one. Returns the module. */
  apply(fn: (module: Module) => void): this {
    applyTo(this, fn, new Set());
    return this;
  }

  /** Sets `requiresGrad` of every parameter. Returns the module. */
  requiresGrad_(value = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = value;
    return this;
  }

  /** Forgets the gradients of every parameter, or with `setToNone: false` fills them with zeros. */
  zeroGrad(options?: { readonly setToNone?: boolean }): void {
    checkOptions('zeroGrad', options, ['setToNone']);
    for (const parameter of this.parameters()) {
      if (parameter.gradient === null) continue;
      if (options?.setToNone ?? true) parameter.grad = null;
      else parameter.grad = parameter.gradient.detach().zero_();
    }
  }

  /**
   * Changes dtype (of floating tensors only), device, or both, in place: Parameters and Buffers stay the same objects, so optimizers and
   * averages keep them; ties and `requiresGrad` stay. Returns the module.
   *
   * @throws DTypeError for a dtype that is no float; DeviceError for an unknown device; nothing is changed then
   */
  to(target: ModuleTarget, options?: { readonly dtype?: DType }): this {
    convertAll([...this.parameters(), ...this.buffers()], target, options);
    return this;
  }

  /**
   * Brings Parameters, Buffers and gradients from another device to the CPU, in place, as `to` does; a promise of the module, since other devices answer later.
   *
   * @throws DeviceError, in the promise, when the device was lost; nothing is changed then
   */
  async cpu(): Promise<this> {
    await bringAll([...this.parameters(), ...this.buffers()]);
    return this;
  }

  /** Floating tensors become float32. Returns the module. */
  float(): this {
    return this.to('float32');
  }

  /** Floating tensors become float64. Returns the module. */
  double(): this {
    return this.to('float64');
  }

  // ---- hooks ----

  /**
   * Runs `hook(module, inputs, output)` after every `forward`; what it returns, unless undefined, replaces the output.
   *
   * @returns a function that removes the hook
   */
  registerForwardHook<M extends Module>(
    this: M,
    hook: (module: M, inputs: Parameters<M['forward']>, output: ReturnType<M['forward']>) => ReturnType<M['forward']> | void,
    options?: HookOptions,
  ): () => void {
    return addHook('registerForwardHook', this, 'after', hook, options);
  }

  /**
   * Runs `hook(module, inputs)` before every `forward`; what it returns, unless undefined, replaces the inputs (an array of them, or the only one).
   *
   * @returns a function that removes the hook
   */
  registerForwardPreHook<M extends Module>(
    this: M,
    hook: (module: M, inputs: Parameters<M['forward']>) => unknown,
    options?: HookOptions,
  ): () => void {
    return addHook('registerForwardPreHook', this, 'before', hook, options);
  }

  /**
   * Runs `hook(module, gradInput, gradOutput)` in every backward pass through the module, when the gradients of all its inputs are known; what it returns, unless
   * undefined, replaces those of the inputs. What has no gradient is null. The module must give a tensor or an array of tensors.
   *
   * @returns a function that removes the hook
   * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_hook
   */
  registerFullBackwardHook(hook: (module: this, gradInput: Gradients, gradOutput: Gradients) => Gradients | Tensor | void, options?: HookOptions): () => void {
    return addHook('registerFullBackwardHook', this, 'backward', hook, options);
  }

  /**
   * Runs `hook(module, gradOutput)` in every backward pass through the module, before the gradients of its inputs are computed; what it returns, unless undefined,
   * replaces those of the outputs. The module must give a tensor or an array of tensors.
   *
   * @returns a function that removes the hook
   * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_pre_hook
   */
  registerFullBackwardPreHook(hook: (module: this, gradOutput: Gradients) => Gradients | Tensor | void, options?: HookOptions): () => void {
    return addHook('registerFullBackwardPreHook', this, 'backwardBefore', hook, options);
  }

  // ---- printing ----

  /** What stands in the brackets when the module is printed; subclasses override it. */
  extraRepr(): string {
    return '';
  }

  /** PyTorch's print form, one line per module. */
  toString(): string {
    let text = `${this.constructor.name}(...)`;
    once(this, printing, () => {
      text = formatModule(this.constructor.name, this.extraRepr(), this.namedChildren().map(([name, child]) => [name, child.toString()]));
    });
    return text;
  }

  /** What Node prints for `console.log(module)`. */
  [inspection](): string {
    return this.toString();
  }
}

/** Runs something that calls itself for children, unless it is already running for this module. */
function once(module: Module, active: Set<Module>, run: () => void): void {
  if (active.has(module)) return;
  active.add(module);
  try {
    run();
  } finally {
    active.delete(module);
  }
}

function applyTo(module: Module, fn: (module: Module) => void, above: Set<Module>): void {
  if (above.has(module)) return;
  above.add(module);
  for (const child of module.children()) applyTo(child, fn, above);
  above.delete(module);
  fn(module);
}

import { ArgumentError, show } from '../../core/errors.ts';
import { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { type MemberHolder, fieldLister } from '../traverse.ts';
import { checkName, position } from './names.ts';

/** A Module that takes one tensor and gives one. */
export type TensorModule = Module & { forward(x: Tensor): Tensor };

function checkLayer(name: string, layer: unknown): void {
  if (!(layer instanceof Module)) throw new ArgumentError(`Sequential: '${name}' is not a Module, got ${show(layer)}; expected a Module`);
}

/** Whether a layer of the library runs as it was written: not a subclass of one, and without hooks. */
function keepsNothing(layer: TensorModule): boolean {
  return Object.hasOwn(layer.constructor, 'keepsNothing') && !Object.hasOwn(layer, 'forward');
}

type Named = ReadonlyMap<string, TensorModule> | Readonly<Record<string, TensorModule>>;

function namedLayers(args: readonly unknown[]): readonly (readonly [string, unknown])[] {
  const [first] = args;
  if (args.length === 1 && !(first instanceof Module)) {
    if (first instanceof Map) return [...first];
    if (Array.isArray(first)) return namedLayers(first);
    if (typeof first === 'object' && first !== null) return Object.entries(first);
  }
  return args.map((layer, i) => [String(i), layer]);
}

/**
 * Layers one after the other: each gets what the one before gave. Made from layers, an array of them, or a Map or object of named ones, whose
 * names are used as they are.
 *
 * @throws ArgumentError for anything that is no Module, or a name with a dot
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Sequential.html
 */
export class Sequential extends Module {
  /** The layers by name, in order. */
  readonly _modules: Map<string, TensorModule> = new Map();

  constructor(...layers: readonly TensorModule[]);
  constructor(layers: readonly TensorModule[] | Named);
  constructor(...args: readonly unknown[]) {
    super();
    for (const [name, layer] of namedLayers(args)) {
      checkName('Sequential', name);
      checkLayer(name, layer);
      this._modules.set(name, layer as TensorModule);
    }
  }

  override memberEntries(): Iterable<readonly [string, unknown]> {
    return [...[...super.memberEntries()].filter(([, value]) => value !== this._modules), ...this._modules];
  }

  override get [fieldLister](): MemberHolder {
    return Sequential.prototype;
  }

  /** Number of layers. */
  get length(): number {
    return this._modules.size;
  }

  /** The layer at a position, negative from the end. @throws ArgumentError outside */
  at(index: number): TensorModule {
    return [...this._modules.values()][position('Sequential', index, this.length)];
  }

  /** The layer of a name, or undefined. */
  get(name: string): TensorModule | undefined {
    return this._modules.get(name);
  }

  /** Some of the layers as a Sequential of its own that shares them, with Array's rules for the bounds; names stay. */
  slice(start?: number, end?: number): Sequential {
    return new Sequential(new Map([...this._modules].slice(start, end)));
  }

  /** Adds a layer at the end, named by its position. Returns the module. */
  append(layer: TensorModule): this {
    const name = String(this.length);
    checkLayer(name, layer);
    if (this._modules.has(name)) throw new ArgumentError(`Sequential: the name is taken, got '${name}'; expected layers named by position`);
    this._modules.set(name, layer);
    return this;
  }

  /** Adds layers at the end. Returns the module. */
  extend(layers: Iterable<TensorModule>): this {
    for (const layer of layers) this.append(layer);
    return this;
  }

  /** Replaces the layer at a position; the name stays. @throws ArgumentError outside, or for anything that is no Module */
  set(index: number, layer: TensorModule): void {
    const name = [...this._modules.keys()][position('Sequential', index, this.length)];
    checkLayer(name, layer);
    this._modules.set(name, layer);
  }

  /** Puts a layer before a position; those behind move up, and all are named by position. Returns the module. @throws ArgumentError outside, or for anything that is no Module */
  insert(index: number, layer: TensorModule): this {
    const at = index === this.length ? index : position('Sequential', index, this.length);
    checkLayer(String(at), layer);
    this.renumber([...this._modules.values()].toSpliced(at, 0, layer));
    return this;
  }

  /** Removes the layer at a position and gives it; all are named by position then. @throws ArgumentError outside */
  pop(index: number): TensorModule {
    const layers = [...this._modules.values()];
    const [layer] = layers.splice(position('Sequential', index, this.length), 1);
    this.renumber(layers);
    return layer;
  }

  private renumber(layers: readonly TensorModule[]): void {
    this._modules.clear();
    layers.forEach((layer, i) => this._modules.set(String(i), layer));
  }

  [Symbol.iterator](): Iterator<TensorModule> {
    return this._modules.values();
  }

  forward(x: Tensor): Tensor {
    let y = x;
    // True while `y` was made by a layer of ours and given to nobody else: its memory can go when the next layer has done with it.
    let own = false;
    for (const layer of this._modules.values()) {
      const z = layer.forward(y);
      const quiet = z instanceof Tensor && keepsNothing(layer);
      if (!quiet || z.storage !== y.storage) {
        if (own && quiet) y.storage.discard();
        own = quiet;
      }
      y = z;
    }
    return y;
  }
}

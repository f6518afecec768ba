import { ArgumentError, ShapeError, StateError, checkOptions, show } from '../core/errors.ts';
import { toCamelCase, toSnakeCase } from '../core/names.ts';
import { sameShape } from '../core/shape.ts';
import { noGrad } from '../core/tape.ts';
import { Tensor } from '../core/tensor.ts';
import { ModuleDict, ModuleList } from './layers/containers.ts';
import { Module } from './module.ts';
import { Buffer, Parameter } from './parameter.ts';

/**
 * A Module that computes a tensor from one or several others, and back: `rightInverse` gives tensors from which `forward` makes its argument. Without it,
 * what was there becomes the argument of `forward`.
 */
export type Parametrization = Module & { forward(...originals: Tensor[]): Tensor; rightInverse?(value: Tensor): Tensor | readonly Tensor[] };

/** What a parametrised tensor is computed from: `original`, or `original0`, `original1`, …, and the parametrizations `0`, `1`, … */
export class ParametrizationList extends ModuleList<Parametrization> {
  /** How many originals there are, or null for one called `original`. */
  readonly ntensors: number | null;

  constructor(parametrization: Parametrization, tensor: Parameter | Buffer) {
    super([parametrization]);
    const made = noGrad(() => parametrization.rightInverse?.(tensor.detach())) ?? tensor;
    const wrap = (x: Tensor): Parameter | Buffer => {
      const own = x.detach().clone();
      return tensor instanceof Parameter ? new Parameter(own, { requiresGrad: tensor.requiresGrad }) : new Buffer(own, { persistent: tensor.persistent });
    };
    if (made instanceof Tensor) {
      this.ntensors = null;
      if (made !== tensor) noGrad(() => tensor.copy_(made));
      Reflect.set(this, 'original', tensor);
    } else {
      this.ntensors = made.length;
      made.forEach((x, i) => Reflect.set(this, `original${i}`, wrap(x)));
    }
  }

  /** The tensors that the parametrised one is computed from. */
  originals(): readonly (Parameter | Buffer)[] {
    const names = this.ntensors === null ? ['original'] : Array.from({ length: this.ntensors }, (_, i) => `original${i}`);
    return names.map((name) => Reflect.get(this, name) as Parameter | Buffer);
  }

  /** The parametrised tensor. */
  value(): Tensor {
    let value: Tensor | null = null;
    for (const parametrization of this) value = value === null ? parametrization.forward(...this.originals()) : parametrization.forward(value);
    return value ?? this.originals()[0];
  }

  /** Gives the originals the values from which `value()` makes `tensor`. @throws StateError where a parametrization has no `rightInverse` */
  assign(tensor: Tensor): void {
    noGrad(() => {
      let made: Tensor | readonly Tensor[] = tensor.detach();
      for (const parametrization of [...this].reverse()) {
        if (parametrization.rightInverse === undefined || !(made instanceof Tensor)) {
          throw new StateError(`parametrize: ${parametrization.constructor.name} cannot be turned round, got a value to set; expected a rightInverse method`);
        }
        made = parametrization.rightInverse(made);
      }
      const values = made instanceof Tensor ? [made] : made;
      this.originals().forEach((original, i) => original.copy_(values[i]));
    });
  }
}

type Lists = ModuleDict<ParametrizationList>;

/** The parametrised tensors of a module by state-dictionary name, or undefined. */
function listsOf(module: Module): Lists | undefined {
  const lists: unknown = Reflect.get(module, 'parametrizations');
  return lists instanceof ModuleDict ? (lists as Lists) : undefined;
}

/** The field of a name in either spelling. */
const fieldOf = (module: Module, name: string): string => (name in module ? name : toCamelCase(name));

function listAt(module: Module, field: string): ParametrizationList | undefined {
  const lists = listsOf(module);
  const key = toSnakeCase(field);
  return lists?.has(key) === true ? lists.get(key) : undefined;
}

/** Puts a computed property over a field. It finds everything through `this`, so it also serves deep copies; it is no member of the module. */
function install(module: Module, field: string): void {
  Object.defineProperty(module, field, {
    configurable: true,
    enumerable: false,
    get(this: Module): Tensor | undefined {
      return listAt(this, field)?.value();
    },
    set(this: Module, value: Tensor) {
      listAt(this, field)?.assign(value);
    },
  });
}

/** Options of `registerParametrization`. */
export interface ParametrizationOptions {
  /** Do not check that shape and dtype stay; default false. */
  readonly unsafe?: boolean;
}

/**
 * Replaces a Parameter or Buffer of a module by what a parametrization makes of its originals, which become the members
 * `parametrizations.<name>.original` (or `original0`, `original1`, …). The field is computed at every reading; assigning to it sets the originals. Deep
 * copies, state dictionaries and averages see originals only, and a parametrization's buffers. A second parametrization works on what the first gives.
 *
 * @param tensorName - the field, or its state-dictionary name
 * @returns the module
 * @throws ArgumentError when the module has no such tensor; ShapeError when the parametrization changes its shape or dtype, before anything is changed
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrize.register_parametrization.html
 */
export function registerParametrization<M extends Module>(module: M, tensorName: string, parametrization: Parametrization, options?: ParametrizationOptions): M {
  const op = 'registerParametrization';
  checkOptions(op, options, ['unsafe']);
  for (const x of [module, parametrization]) if (!(x instanceof Module)) throw new ArgumentError(`${op}: not a Module, got ${show(x)}; expected a module and a parametrization`);
  const field = fieldOf(module, tensorName);
  const list = listAt(module, field);
  const tensor: unknown = Reflect.get(module, field);
  if (list === undefined && !(tensor instanceof Parameter) && !(tensor instanceof Buffer)) {
    throw new ArgumentError(`${op}: no such tensor, got ${show(tensorName)} of ${module.constructor.name}; expected a Parameter or Buffer`);
  }
  const before = tensor as Tensor;
  if (options?.unsafe !== true) {
    const after = noGrad(() => {
      const inverse = list === undefined ? (parametrization.rightInverse?.(before.detach()) ?? before) : before;
      return parametrization.forward(...(inverse instanceof Tensor ? [inverse] : inverse));
    });
    if (!(after instanceof Tensor) || !sameShape(after.shape, before.shape) || after.dtype !== before.dtype) {
      throw new ShapeError(`${op}: the parametrization makes something else, got ${show(after)} of ${show(before)}; expected the same shape and dtype`, { hint: '{ unsafe: true } allows it' });
    }
  }
  if (list !== undefined) {
    list.append(parametrization);
    parametrization.train(module.training);
    return module;
  }
  const made = new ParametrizationList(parametrization, before);
  made.train(module.training);
  const lists = listsOf(module) ?? new ModuleDict<ParametrizationList>();
  Reflect.set(module, 'parametrizations', lists.set(toSnakeCase(field), made));
  install(module, field);
  return module;
}

/** Whether a module has parametrised tensors, or this one. @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrize.is_parametrized.html */
export function isParametrized(module: Module, tensorName?: string): boolean {
  const lists = listsOf(module);
  if (tensorName === undefined) return lists !== undefined && lists.size > 0;
  return listAt(module, fieldOf(module, tensorName)) !== undefined;
}

/**
 * Makes a parametrised tensor a plain one again, with the value it has (default) or, with `leaveParametrized` false, that of its original.
 *
 * @returns the module
 * @throws ArgumentError when it is not parametrised; StateError for `leaveParametrized` false and several originals
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrize.remove_parametrizations.html
 */
export function removeParametrizations<M extends Module>(module: M, tensorName: string, options?: { readonly leaveParametrized?: boolean }): M {
  const op = 'removeParametrizations';
  checkOptions(op, options, ['leaveParametrized']);
  const field = fieldOf(module, tensorName);
  const [list, lists] = [listAt(module, field), listsOf(module)];
  if (list === undefined || lists === undefined) throw new ArgumentError(`${op}: not parametrised, got ${show(tensorName)} of ${module.constructor.name}; expected a parametrised tensor`);
  const leave = options?.leaveParametrized ?? true;
  const [first] = list.originals();
  if (!leave && list.ntensors !== null) throw new StateError(`${op}: several originals, got ${list.ntensors} and leaveParametrized false; expected one`);
  let value = first;
  if (leave) {
    const computed = noGrad(() => list.value().detach());
    if (list.ntensors === null && sameShape(computed.shape, first.shape) && computed.dtype === first.dtype) noGrad(() => first.copy_(computed));
    else value = first instanceof Parameter ? new Parameter(computed.clone(), { requiresGrad: first.requiresGrad }) : new Buffer(computed.clone());
  }
  Object.defineProperty(module, field, { value, configurable: true, enumerable: true, writable: true });
  lists.delete(toSnakeCase(field));
  if (lists.size === 0) Reflect.deleteProperty(module, 'parametrizations');
  return module;
}

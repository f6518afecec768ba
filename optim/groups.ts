import { ArgumentError, StateError, checkOptions, show } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { checkNonNegative, withDefaults } from './check.ts';

/** What every optimizer has. */
export interface OptimizerOptions {
  /** Learning rate, ≥ 0. */
  lr: number;
}

/** Parameters that are updated with the same options. Options may be changed between steps. */
export type ParamGroup<O extends OptimizerOptions = OptimizerOptions> = O & {
  /** What is updated, in order. */
  params: Tensor[];
  /** The learning rate before any schedule, set by the first scheduler. */
  initialLr?: number;
};

/** A group as it is given: options left out take the optimizer's. */
export type ParamGroupInput<O extends OptimizerOptions = OptimizerOptions> = Partial<O> & {
  readonly params: Tensor | Iterable<Tensor>;
  readonly initialLr?: number;
};

/** What an optimizer is made from: parameters, or groups of them with options of their own. */
export type ParamsInput<O extends OptimizerOptions = OptimizerOptions> = Iterable<Tensor> | Iterable<ParamGroupInput<O>>;

/** What may stand behind the parameters: options, of which the learning rate may come first by place. */
export type OptimizerArguments<O extends OptimizerOptions> = [options?: Partial<O>] | [lr: number, options?: Partial<Omit<O, 'lr'>>];

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value && typeof value[Symbol.iterator] === 'function';
}

function isGroup(value: unknown): value is { readonly params: unknown } {
  return typeof value === 'object' && value !== null && !(value instanceof Tensor) && 'params' in value;
}

/** The parameters of one group, checked. */
function readParams(name: string, where: string, params: unknown): Tensor[] {
  if (!(params instanceof Tensor) && !isIterable(params)) {
    const hint = typeof params === 'object' && params !== null && 'parameters' in params ? { hint: 'pass module.parameters()' } : {};
    throw new ArgumentError(`${name}: ${where} is not iterable, got ${show(params)}; expected tensors`, hint);
  }
  const list = params instanceof Tensor ? [params] : [...params];
  return list.map((p, i) => {
    if (!(p instanceof Tensor)) {
      const hint = Array.isArray(p) && p[1] instanceof Tensor ? { hint: 'pass parameters(), not namedParameters()' } : {};
      throw new ArgumentError(`${name}: ${where}[${i}] is not a tensor, got ${show(p)}; expected tensors`, hint);
    }
    if (!p.isLeaf) {
      throw new StateError(`${name}: ${where}[${i}] is not a leaf, got ${show(p)} made by ${p.node?.name ?? 'an operation'}; expected leaf tensors`, {
        hint: 'call requiresGrad_() after the last operation on it, or detach() it',
      });
    }
    return p;
  });
}

/** One group over the defaults, checked; nothing of the input is kept but the tensors. */
export function readGroup<O extends OptimizerOptions>(name: string, where: string, input: unknown, defaults: O, check: (options: O) => void): ParamGroup<O> {
  if (!isGroup(input)) throw new ArgumentError(`${name}: ${where} is not a group, got ${show(input)}; expected { params, … }`);
  const { params, ...rest } = input;
  const given: Record<string, unknown> = rest;
  const { initialLr, ...options } = given;
  checkOptions(`${name}, ${where}`, given, [...Object.keys(defaults), 'initialLr']);
  const merged = withDefaults(name, options as Partial<O>, defaults);
  check(merged);
  if (initialLr !== undefined) checkNonNegative(name, 'initialLr', initialLr);
  const group: ParamGroup<O> = { ...merged, params: readParams(name, `${where}.params`, params) };
  if (typeof initialLr === 'number') group.initialLr = initialLr;
  return group;
}

/** Refuses a tensor that is in two places: it would be updated twice a step. */
export function checkDistinct(name: string, groups: readonly ParamGroup[]): void {
  const seen = new Map<Tensor, string>();
  groups.forEach(({ params }, g) => {
    params.forEach((p, i) => {
      const before = seen.get(p);
      const here = `group ${g}, parameter ${i}`;
      if (before !== undefined) {
        throw new ArgumentError(`${name}: a tensor appears twice, got ${show(p)} as ${before} and as ${here}; expected each parameter once`, {
          hint: 'parameters() of a module lists tied tensors once',
        });
      }
      seen.set(p, here);
    });
  });
}

/** All groups of an optimizer, checked. */
export function readGroups<O extends OptimizerOptions>(name: string, input: unknown, defaults: O, check: (options: O) => void): ParamGroup<O>[] {
  if (input instanceof Tensor) {
    throw new ArgumentError(`${name}: params is a single tensor, got ${show(input)}; expected an iterable of tensors or of groups`, { hint: 'pass [tensor]' });
  }
  const list = isIterable(input) ? [...input] : readParams(name, 'params', input);
  if (list.length === 0) throw new ArgumentError(`${name}: no parameters, got an empty list; expected at least one tensor or group`);
  const inputs = isGroup(list[0]) ? list : [{ params: readParams(name, 'params', list) }];
  const groups = inputs.map((group, i) => readGroup(name, inputs === list ? `group ${i}` : 'params', group, defaults, check));
  checkDistinct(name, groups);
  return groups;
}

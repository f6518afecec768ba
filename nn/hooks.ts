import { ArgumentError, StateError, checkOptions, show } from '../core/errors.ts';
import { withBackwardHooks } from './backwardHooks.ts';

/**
 * What runs around `forward`. Before it: looks at the inputs and may return others, as an array or, if it is one, bare. After it: looks at
 * inputs and output and may return another output.
 */
export type Hook = (module: never, inputs: never, output: never) => unknown;

/** Options of `registerForwardHook` and `registerForwardPreHook`. */
export interface HookOptions {
  /** Run before the hooks that are there already; default false. */
  readonly prepend?: boolean;
}

const state: unique symbol = Symbol('polyak.nn.hooks');

interface Hooks {
  readonly before: { readonly run: Hook }[];
  readonly after: { readonly run: Hook }[];
  readonly backwardBefore: { readonly run: Hook }[];
  readonly backward: { readonly run: Hook }[];
  /** A `forward` that was a property of the instance itself. */
  readonly own: PropertyDescriptor | undefined;
}

interface Hooked {
  readonly forward: unknown;
  [state]?: Hooks;
}

type AnyFunction = (this: object, ...inputs: unknown[]) => unknown;

/** Stands in for `forward` while a module has hooks; it finds everything through `this`, so it also serves deep copies. */
function forwardWithHooks(this: Hooked, ...inputs: unknown[]): unknown {
  const hooks = this[state];
  const prototype = Object.getPrototypeOf(this) as { readonly forward: AnyFunction };
  const forward = (hooks?.own?.value as AnyFunction | undefined) ?? prototype.forward;
  if (hooks === undefined) return forward.apply(this, inputs);
  let args = inputs;
  for (const { run } of hooks.before.slice()) {
    const replaced = run(this as never, args as never, undefined as never);
    if (replaced !== undefined) args = Array.isArray(replaced) ? replaced : [replaced];
  }
  const { backward, backwardBefore } = hooks;
  const run = (given: readonly unknown[]): unknown => forward.apply(this, [...given]);
  let output = backward.length + backwardBefore.length === 0 ? run(args) : withBackwardHooks(this.constructor.name, args, {
    before: backwardBefore.map((hook) => (grads) => hook.run(this as never, grads as never, undefined as never)),
    after: backward.map((hook) => (gradInput, gradOutput) => hook.run(this as never, gradInput as never, gradOutput as never)),
  }, run);
  for (const { run } of hooks.after.slice()) {
    const replaced = run(this as never, args as never, output as never);
    if (replaced !== undefined) output = replaced;
  }
  return output;
}

/** Puts the stand-in over `forward` of this one module. */
function install(module: Hooked): Hooks {
  const hooks: Hooks = { before: [], after: [], backwardBefore: [], backward: [], own: Object.getOwnPropertyDescriptor(module, 'forward') };
  Object.defineProperty(module, state, { value: hooks, configurable: true });
  Object.defineProperty(module, 'forward', { value: forwardWithHooks, configurable: true, writable: true });
  return hooks;
}

function uninstall(module: Hooked, hooks: Hooks): void {
  delete module[state];
  if (Object.getOwnPropertyDescriptor(module, 'forward')?.value !== forwardWithHooks) return;
  Reflect.deleteProperty(module, 'forward');
  if (hooks.own !== undefined) Object.defineProperty(module, 'forward', hooks.own);
}

/** Adds a hook before or after `forward`, and gives the function that removes it. */
export function addHook(op: string, module: Hooked, when: 'before' | 'after' | 'backwardBefore' | 'backward', run: Hook, options: HookOptions | undefined): () => void {
  checkOptions(op, options, ['prepend']);
  if (typeof run !== 'function') throw new ArgumentError(`${op}: not a function, got ${show(run)}; expected a function`);
  if (typeof module.forward !== 'function') {
    throw new StateError(`${op}: ${module.constructor.name} has no forward, got a hook for it; expected a forward method`);
  }
  const hooks = module[state] ?? install(module);
  const list = hooks[when];
  const entry = { run };
  if (options?.prepend === true) list.unshift(entry);
  else list.push(entry);
  return () => {
    const i = list.indexOf(entry);
    if (i < 0) return;
    list.splice(i, 1);
    if (hooks.before.length + hooks.after.length + hooks.backward.length + hooks.backwardBefore.length === 0) uninstall(module, hooks);
  };
}

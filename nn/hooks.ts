/**
 * What runs around `forward`. Before it: looks at the inputs and may return others, as an array or, if it is one, bare. After it: looks at
 * inputs and output and may return another output.
 */
export type Hook = (module: never, inputs: never, output: never) => unknown;

const state: unique symbol = Symbol('polyak.nn.hooks');

interface Hooks {
  readonly before: { readonly run: Hook }[];
  readonly after: { readonly run: Hook }[];
  /** A `forward` that was a property of the instance itself. */
  readonly own: PropertyDescriptor | undefined;
}

interface Hooked {
  [state]?: Hooks;
}

type AnyFunction = (this: object, ...inputs: unknown[]) => unknown;

/** Stands in for `forward` while a module has hooks; it finds everything through `this`, so it also serves deep copies. */
function forwardWithHooks(this: object & Hooked, ...inputs: unknown[]): unknown {
  const hooks = this[state];
  const prototype = Object.getPrototypeOf(this) as { readonly forward: AnyFunction };
  const forward = (hooks?.own?.value as AnyFunction | undefined) ?? prototype.forward;
  if (hooks === undefined) return forward.apply(this, inputs);
  let args = inputs;
  for (const { run } of [...hooks.before]) {
    const replaced = run(this as never, args as never, undefined as never);
    if (replaced !== undefined) args = Array.isArray(replaced) ? replaced : [replaced];
  }
  let output = forward.apply(this, args);
  for (const { run } of [...hooks.after]) {
    const replaced = run(this as never, args as never, output as never);
    if (replaced !== undefined) output = replaced;
  }
  return output;
}

/** Puts the stand-in over `forward` of this one module. */
function install(module: object & Hooked): Hooks {
  const hooks: Hooks = { before: [], after: [], own: Object.getOwnPropertyDescriptor(module, 'forward') };
  Object.defineProperty(module, state, { value: hooks, configurable: true });
  Object.defineProperty(module, 'forward', { value: forwardWithHooks, configurable: true, writable: true });
  return hooks;
}

function uninstall(module: object & Hooked, hooks: Hooks): void {
  delete module[state];
  if (Object.getOwnPropertyDescriptor(module, 'forward')?.value !== forwardWithHooks) return;
  Reflect.deleteProperty(module, 'forward');
  if (hooks.own !== undefined) Object.defineProperty(module, 'forward', hooks.own);
}

/** Adds a hook before or after `forward`, and gives the function that removes it. */
export function addHook(module: object & Hooked, when: 'before' | 'after', run: Hook, prepend: boolean): () => void {
  const hooks = module[state] ?? install(module);
  const list = hooks[when];
  const entry = { run };
  if (prepend) list.unshift(entry);
  else list.push(entry);
  return () => {
    const i = list.indexOf(entry);
    if (i < 0) return;
    list.splice(i, 1);
    if (hooks.before.length === 0 && hooks.after.length === 0) uninstall(module, hooks);
  };
}

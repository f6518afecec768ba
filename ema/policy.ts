import { isFloat } from '../core/dtype.ts';
import { ArgumentError, StateError, show } from '../core/errors.ts';
import { sameShape } from '../core/shape.ts';
import type { Storage } from '../core/storage.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Module } from '../nn/module.ts';
import type { Includes } from './counterparts.ts';
import type { Matched, Pair } from './match.ts';

/**
 * What becomes of an entry: `'average'` by the rule (integers are copied when the rule is applied), `'copy'` from the source at every call, `'skip'`: it stays
 * as it was when the average was made.
 */
export type EntryPolicy = 'average' | 'copy' | 'skip';

/**
 * Policies of entries: a function of the entry's name and tensor, or policies by glob, of which the first that matches counts. In a glob `*` stands for any
 * part of one name between dots, `**` for any number of names: `'layers.*.bias'`, `'**.weight'`, `'head.**'`. Names are PyTorch's, as in the model's state
 * dictionary. What no glob matches, and what the function gives undefined for, is treated as without a policy.
 */
export type PolicyOption = ((name: string, tensor: Tensor) => EntryPolicy | undefined) | Readonly<Record<string, EntryPolicy>>;

const known: readonly unknown[] = ['average', 'copy', 'skip'];
const expected = "'average', 'copy' or 'skip'";

/** The expression of a glob. */
function compile(glob: string): RegExp {
  const text = glob.replace(/\*\*\.|\*\*|\*|[.+?^${}()|[\]\\]/g, (found) => {
    if (found === '**.') return '(?:.*\\.)?';
    if (found === '**') return '.*';
    return found === '*' ? '[^.]*' : `\\${found}`;
  });
  return new RegExp(`^${text}$`);
}

/** Parameters and buffers under all their names. */
function entriesOf(module: Module): { readonly kind: 'parameter' | 'buffer'; readonly entries: readonly (readonly [string, Tensor])[] }[] {
  const every = { removeDuplicate: false };
  return [
    { kind: 'parameter', entries: module.namedParameters(every) },
    { kind: 'buffer', entries: module.namedBuffers(every) },
  ];
}

/** The policy function of an option. */
function decider(who: string, option: PolicyOption): (name: string, tensor: Tensor) => EntryPolicy | undefined {
  if (typeof option === 'function') {
    return (name, tensor) => {
      const policy = option(name, tensor);
      if (policy !== undefined && !known.includes(policy)) throw new ArgumentError(`${who}: unknown policy of '${name}', got ${show(policy)}; expected ${expected}`);
      return policy;
    };
  }
  const globs = Object.entries(option).map(([glob, policy]) => [compile(glob), policy] as const);
  return (name) => globs.find(([glob]) => glob.test(name))?.[1];
}

/**
 * Refuses what is no policy, and globs that match nothing.
 *
 * @throws ArgumentError; StateError for a tensor whose names have different policies
 */
export function checkPolicy(who: string, option: PolicyOption, module: Module): void {
  if (typeof option !== 'function') {
    if (typeof option !== 'object' || option === null || Array.isArray(option) || option instanceof Map) {
      throw new ArgumentError(`${who}: invalid policy, got ${show(option)}; expected a function (name, tensor) => policy, or policies by glob`);
    }
    const names = entriesOf(module).flatMap(({ entries }) => entries.map(([name]) => name));
    for (const [glob, policy] of Object.entries(option) as [string, unknown][]) {
      if (!known.includes(policy)) throw new ArgumentError(`${who}: unknown policy of '${glob}', got ${show(policy)}; expected ${expected}`);
      const expression = compile(glob);
      if (names.some((name) => expression.test(name))) continue;
      throw new ArgumentError(`${who}: a policy is for no entry, got '${glob}' for ${show(names)}; expected a glob that matches one`, {
        values: { glob, names },
        hint: "'*' stops at dots, '**' does not; names are those of model.stateDict()",
      });
    }
  }
  policiesOf(who, module, option, false);
}

/**
 * The policy of every entry of an averaged module, under all its names.
 *
 * @param tracksBuffers - whether buffers are averaged where nothing is said of them
 * @throws StateError for a tensor whose names have different policies; ArgumentError for a function that gives none
 */
export function policiesOf(who: string, module: Module, option: PolicyOption | null, tracksBuffers: boolean): Map<string, EntryPolicy> {
  const decide = option === null ? () => undefined : decider(who, option);
  const policies = new Map<string, EntryPolicy>();
  for (const { kind, entries } of entriesOf(module)) {
    const usual: EntryPolicy = kind === 'parameter' || tracksBuffers ? 'average' : 'copy';
    for (const group of tied(entries)) {
      let chosen: { readonly name: string; readonly policy: EntryPolicy } | null = null;
      for (const [name, tensor] of group) {
        const policy = decide(name, tensor);
        if (policy === undefined) continue;
        if (chosen !== null && chosen.policy !== policy) {
          throw new StateError(`${who}: tied entries have different policies, got '${chosen.policy}' for '${chosen.name}' and '${policy}' for '${name}'; expected one policy for one tensor`);
        }
        chosen = { name, policy };
      }
      for (const [name] of group) policies.set(name, chosen?.policy ?? usual);
    }
  }
  return policies;
}

/** The policy of one entry. @throws ArgumentError for a name that is not there */
export function policyIn(who: string, policies: ReadonlyMap<string, EntryPolicy>, name: string): EntryPolicy {
  const policy = policies.get(name);
  if (policy === undefined) throw new ArgumentError(`${who}: no such entry, got ${show(name)}; expected one of ${show([...policies.keys()])}`);
  return policy;
}

/** Tells which entries are not skipped. */
export function unskipped(policies: ReadonlyMap<string, EntryPolicy>): Includes {
  return (name) => policies.get(name) !== 'skip';
}

/** The pairs that `includes` tells to keep; all, where it is not given. */
export function withoutSkipped({ parameters, buffers }: Matched, includes: Includes | undefined): Matched {
  const kept = (pair: Pair): boolean => includes?.(pair.name) ?? true;
  return { parameters: parameters.filter(kept), buffers: buffers.filter(kept) };
}

/** Entries by the cells that they lie in. */
function tied(entries: readonly (readonly [string, Tensor])[]): (readonly [string, Tensor])[][] {
  const groups: (readonly [string, Tensor])[][] = [];
  const byStorage = new Map<Storage, (readonly [string, Tensor])[][]>();
  for (const entry of entries) {
    const there = byStorage.get(entry[1].storage) ?? [];
    byStorage.set(entry[1].storage, there);
    const group = there.find(([[, x]]) => x === entry[1] || sameCells(x, entry[1]));
    if (group !== undefined) group.push(entry);
    else {
      const made = [entry];
      there.push(made);
      groups.push(made);
    }
  }
  return groups;
}

function sameCells(a: Tensor, b: Tensor): boolean {
  return a.offset === b.offset && sameShape(a.shape, b.shape) && sameShape(a.strides, b.strides);
}

/** Names of saved floating entries that are no averages, for what is done with averages of several times. */
export function notAveraged(module: Module, policies: ReadonlyMap<string, EntryPolicy>): string[] {
  const saved = new Map(Object.entries(module.stateDict()));
  return [...policies].flatMap(([name, policy]) => {
    const entry = saved.get(name);
    return policy !== 'average' && entry !== undefined && isFloat(entry.dtype) ? [name] : [];
  });
}

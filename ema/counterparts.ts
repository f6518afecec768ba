import { ArgumentError, StateError, show } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { Module } from '../nn/module.ts';
import { type Pair, matchEntries } from './match.ts';

/** Whether an entry belongs to the average, by name; the others stay with their owners. */
export type Includes = (name: string) => boolean;

const all: Includes = () => true;

/** Parameters and buffers under all their names, also those that are not saved. */
export function entriesOf(module: Module): [string, Tensor][] {
  const every = { removeDuplicate: false };
  return [...module.namedParameters(every), ...module.namedBuffers(every)];
}

/**
 * Every tensor of a model beside the average's of the same name: what an average is written to, or exchanged with. Unlike `matchEntries` it leaves out no
 * tensor that merely lies in the same memory as another; tied names come once.
 *
 * @throws ArgumentError for what is no module, and for the averaged copy itself; StateError for another architecture, and for shared memory
 */
export function counterparts(who: string, averaged: Module, model: Module, includes: Includes = all): Pair[] {
  if (!(model instanceof Module)) throw new ArgumentError(`${who}: not a module, got ${show(model)}; expected the model that is trained`);
  if (model === averaged) {
    throw new ArgumentError(`${who}: the model is the average's own copy, got average.module; expected the model that is trained`);
  }
  matchEntries(who, averaged, model);
  const own = new Map(entriesOf(averaged));
  const pairs: Pair[] = [];
  const seen = new Map<Tensor, Set<Tensor>>();
  for (const [name, source] of entriesOf(model)) {
    const mine = own.get(name);
    if (mine === undefined || !includes(name)) continue;
    const partners = seen.get(source) ?? new Set();
    seen.set(source, partners);
    if (!partners.has(mine)) pairs.push({ name, averaged: mine, source });
    partners.add(mine);
  }
  refuseSharing(who, pairs);
  return pairs;
}

function refuseSharing(who: string, pairs: readonly Pair[]): void {
  const own = new Set(pairs.map(({ averaged }) => averaged.storage));
  const shared = pairs.find(({ source }) => own.has(source.storage));
  if (shared === undefined) return;
  throw new StateError(`${who}: the model and the average share memory, got '${shared.name}' in both; expected a model of its own`, { values: { name: shared.name } });
}

/** Tied entries of one side that are not tied on the other, in words. */
function looseTies(pairs: readonly Pair[], side: 'averaged' | 'source'): string[] {
  const other = side === 'averaged' ? 'source' : 'averaged';
  const first = new Map<Tensor, Pair>();
  return pairs.flatMap((pair) => {
    const known = first.get(pair[side]);
    if (known === undefined) first.set(pair[side], pair);
    return known === undefined || known[other] === pair[other] ? [] : [`'${known.name}' and '${pair.name}' are one tensor in the ${side === 'averaged' ? 'average' : 'model'} only`];
  });
}

/**
 * Refuses entries that are tied on one side and not on the other.
 *
 * @param sides - where ties must have their counterpart on the other side
 * @throws StateError that lists them
 */
export function checkTies(who: string, pairs: readonly Pair[], sides: readonly ('averaged' | 'source')[]): void {
  const problems = sides.flatMap((side) => looseTies(pairs, side));
  if (problems.length === 0) return;
  throw new StateError(`${who}: tied entries differ, got ${problems.length} difference${problems.length === 1 ? '' : 's'}; expected the same ties in the model and in the average\n  ${problems.join('\n  ')}`, {
    values: { problems },
    hint: 'make the average after tying weights',
  });
}

import { isFloat } from '../core/dtype.ts';
import { StateError, show } from '../core/errors.ts';
import { sameShape } from '../core/shape.ts';
import type { Storage } from '../core/storage.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Module } from '../nn/module.ts';
import { type Place, join, places } from '../nn/traverse.ts';

/** One tensor of the average beside the tensor of the source with the same name. */
export interface Pair {
  /** PyTorch's name of the entry, as in `layers.0.weight`. */
  readonly name: string;
  readonly averaged: Tensor;
  readonly source: Tensor;
}

/** All entries of a module and its average, each distinct tensor of the average once. */
export interface Matched {
  readonly parameters: readonly Pair[];
  readonly buffers: readonly Pair[];
}

type Named = readonly (readonly [string, Tensor])[];

/**
 * Pairs the entries of an average with those of its source by name, and refuses everything that does not fit in one
 * error, before anyone writes.
 *
 * @throws StateError that lists all missing, extra and mis-shaped names
 */
export function matchEntries(who: string, averaged: Module, source: Module): Matched {
  const problems: string[] = [];
  const [own, other] = [places(averaged, '', true), places(source, '', true)];
  const parameters = pairUp(problems, 'parameter', listed(own, (p) => p.parameters), listed(other, (p) => p.parameters));
  const buffers = pairUp(problems, 'buffer', listed(own, (p) => p.buffers), listed(other, (p) => p.buffers));
  if (problems.length > 0) {
    throw new StateError(`${who}: the source does not match the average, got ${problems.length} difference${problems.length === 1 ? '' : 's'}; expected the same names and shapes\n  ${problems.join('\n  ')}`, {
      values: { problems },
    });
  }
  return { parameters, buffers };
}

/** Tensors under all their full names. */
function listed(where: readonly Place[], pick: (place: Place) => Named): Named {
  return where.flatMap((place) => pick(place).map(([key, tensor]) => [join(place.path, key), tensor] as const));
}

function pairUp(problems: string[], kind: string, averaged: Named, source: Named): Pair[] {
  const byName = new Map(source);
  const pairs: Pair[] = [];
  const seen = new Map<Storage, Tensor[]>();
  for (const [name, tensor] of averaged) {
    const from = byName.get(name);
    byName.delete(name);
    if (from === undefined) problems.push(`missing ${kind} '${name}': the average has ${show(tensor)}`);
    else if (!sameShape(tensor.shape, from.shape)) problems.push(`mis-shaped ${kind} '${name}': the average has ${show(tensor)}, the source ${show(from)}`);
    else if (isFloat(tensor.dtype) !== isFloat(from.dtype)) problems.push(`${kind} '${name}' of another kind: the average has ${show(tensor)}, the source ${show(from)}`);
    else if (isFirst(tensor, seen)) pairs.push({ name, averaged: tensor, source: from });
  }
  for (const [name, tensor] of byName) problems.push(`extra ${kind} '${name}': the source has ${show(tensor)}`);
  return pairs;
}

/** Notes a tensor, and tells whether none before lies in the same cells: those would be averaged twice. */
function isFirst(tensor: Tensor, seen: Map<Storage, Tensor[]>): boolean {
  const there = seen.get(tensor.storage) ?? [];
  seen.set(tensor.storage, there);
  const { shape, strides, offset } = tensor;
  return there.every((x) => x !== tensor && (x.offset !== offset || !sameShape(x.shape, shape) || !sameShape(x.strides, strides))) && there.push(tensor) > 0;
}

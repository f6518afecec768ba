import { isFloat } from '../core/dtype.ts';
import { zeros } from '../core/ops/creation.ts';
import { chosen } from '../core/ops/select.ts';
import { noGrad } from '../core/tape.ts';
import type { Tensor } from '../core/tensor.ts';
import { ExactBuffer, restoreExact } from './exact.ts';
import type { Module } from '../nn/module.ts';
import type { Pair } from './match.ts';
import type { EntryPolicy } from './policy.ts';
import { type BufferTree, bufferAt, putBuffer } from './tree.ts';

/** A float64 copy of a tensor, of its own. */
export function exactCopy(x: Tensor): ExactBuffer {
  return noGrad(() => {
    const values = zeros(x.shape, { dtype: 'float64', device: x.device });
    values.copy_(x.detach());
    return new ExactBuffer(values);
  });
}

/** Shadows of the float32 entries of a module that are averaged. */
export function makeShadows(module: Module, policies: ReadonlyMap<string, EntryPolicy>): BufferTree {
  const tree: BufferTree = new Map();
  for (const [name, x] of [...module.namedParameters(), ...module.namedBuffers()]) {
    if (x.dtype === 'float32' && policies.get(name) === 'average') putBuffer(tree, name, exactCopy(x));
  }
  return tree;
}

/**
 * The shadow of an averaged entry; one is made where there is none and the entry is float32.
 *
 * @returns null for an entry that is exact itself
 */
export function shadowOf(tree: BufferTree, { name, averaged }: Pair): ExactBuffer | null {
  if (!isFloat(averaged.dtype)) return null;
  const there = bufferAt(tree, name);
  if (there !== undefined) {
    restoreExact(there);
    if (there.device !== averaged.device) noGrad(() => there.assign_(there.detach().to(averaged.device)));
    if (String(there.shape) === String(averaged.shape)) return there;
  }
  if (averaged.dtype !== 'float32') return null;
  const made = exactCopy(averaged);
  putBuffer(tree, name, made);
  return made;
}

/** Takes into a shadow what was written to the visible entry, and only that: elsewhere the shadow has more digits of the same numbers. */
export function settle(visible: Tensor, shadow: Tensor): void {
  const rounded = shadow.to('float32');
  const seen = visible.detach();
  // An entry that was float32 once and is float64 now shows the rounded numbers.
  const same = seen.dtype === 'float32' ? rounded.eq(seen) : shadow.eq(seen).logicalOr(rounded.to(seen).eq(seen));
  shadow.copy_(chosen(same, shadow.detach(), seen.to('float64')));
}

/** After a conversion of the average: entries that have become float64 show all digits. */
export function showAll(tree: BufferTree, entries: readonly (readonly [string, Tensor])[]): void {
  noGrad(() => {
    for (const [name, visible] of entries) {
      const shadow = bufferAt(tree, name);
      if (shadow === undefined || visible.dtype !== 'float64') continue;
      settle(visible, shadow);
      visible.copy_(shadow);
    }
  });
}

import { StateError, show } from '../core/errors.ts';
import { noGrad } from '../core/tape.ts';
import type { Module } from '../nn/module.ts';
import { type Includes, checkTies, counterparts } from './counterparts.ts';

/**
 * Writes an average into a model: converts everything first, since that can fail, and then copies.
 *
 * @param who - for messages
 * @param averaged - the average's module
 * @param includes - which entries are written
 * @throws ArgumentError, StateError; nothing is written then
 */
export function writeInto(who: string, averaged: Module, model: Module, includes?: Includes): void {
  const pairs = counterparts(who, averaged, model, includes);
  // Tied tensors of the average go to each of the model's; two values cannot go to one.
  checkTies(who, pairs, ['source']);
  for (const { name, source } of pairs) {
    if (!source.strides.some((step, d) => step === 0 && source.shape[d] > 1)) continue;
    throw new StateError(`${who}: several elements of '${name}' share one cell, got ${show(source)}; expected a tensor of its own`, { values: { name } });
  }
  noGrad(() => {
    const ready = pairs.map(({ averaged: from, source: to }) => [to, from.detach().to(to)] as const);
    for (const [to, value] of ready) to.copy_(value);
  });
}

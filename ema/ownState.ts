import { tensor } from '../core/ops/creation.ts';
import { noGrad } from '../core/tape.ts';
import { Tensor } from '../core/tensor.ts';
import type { StateDict } from '../nn/state.ts';

/** Before the names of entries of the averaged copy. */
export const PREFIX = 'module.';
/** Before the names of float64 shadows. */
export const SHADOW = 'shadow.';

/**
 * A state as the average has it: names of a plain model get the prefix of the averaged copy, where the average has such an entry; what is missing since the state
 * comes from an average without shadows or counts is added, and what this average has no use for is left out.
 *
 * @param own - the average's state
 * @param counters - names of counters that are 0 where a state lacks them
 */
export function adaptState(state: Readonly<Record<string, unknown>>, own: Readonly<StateDict>, counters: readonly string[]): Record<string, unknown> {
  const out = Object.create(null) as Record<string, unknown>;
  const keys = Object.keys(state);
  const isAverage = keys.some((key) => key.startsWith(PREFIX));
  const hasShadow = Object.keys(own).some((key) => key.startsWith(SHADOW));
  for (const key of keys) {
    const isOwn = key === 'steps' || key.startsWith(PREFIX) || (isAverage && (Object.hasOwn(own, key) || key.startsWith(SHADOW) || counters.includes(key)));
    if (!isOwn && Object.hasOwn(own, PREFIX + key)) out[PREFIX + key] = state[key];
    else if (!isOwn || Object.hasOwn(own, key) || key.startsWith(PREFIX) || (hasShadow && key.startsWith(SHADOW))) out[key] = state[key];
  }
  for (const name of counters) if (Object.hasOwn(own, name) && !Object.hasOwn(out, name)) out[name] = tensor(0, { dtype: own[name].dtype });
  for (const key of Object.keys(own)) {
    if (!key.startsWith(SHADOW) || Object.hasOwn(out, key)) continue;
    const entry = PREFIX + key.slice(SHADOW.length);
    // An entry that is not saved is not loaded either.
    const value = Object.hasOwn(out, entry) ? out[entry] : Object.hasOwn(own, entry) ? undefined : own[key];
    if (value instanceof Tensor) out[key] = noGrad(() => value.detach().to('float64').clone());
  }
  return out;
}

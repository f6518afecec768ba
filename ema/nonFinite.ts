import { StateError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';

const SHOWN = 3;

function describe(name: string, x: Tensor): string | null {
  let bad = 0;
  let first = 0;
  const values = x.data();
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    if (bad++ === 0) first = values[i];
  }
  return bad === 0 ? null : `${first} in '${name}' (${bad} of ${values.length} elements)`;
}

/** The error of a source that is not finite, with the first entries that are not. */
export function nonFiniteError(who: string, names: readonly string[], sources: readonly Tensor[]): StateError {
  const found: string[] = [];
  const entries: string[] = [];
  sources.forEach((x, k) => {
    const text = describe(names[k], x);
    if (text === null) return;
    entries.push(names[k]);
    if (found.length < SHOWN) found.push(text);
  });
  const more = entries.length > SHOWN ? ` and ${entries.length - SHOWN} more` : '';
  return new StateError(`${who}: the source is not finite, got ${found.join(', ')}${more}; expected finite numbers`, {
    values: { entries },
    hint: "nonFinite: 'skip' leaves such models out, 'propagate' averages them",
  });
}

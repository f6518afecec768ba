import { whenFast } from '../cpu/engine.ts';
import type { Tensor } from '../tensor.ts';

const writer = whenFast(({ fastWrite }) => fastWrite);
const integerWriter = whenFast(({ fastWriteInteger }) => fastWriteInteger);

/**
 * Copies sources into targets, as `copy_` does one by one, for tensors of one shape and device. Nothing is recorded; to be called under `noGrad`.
 *
 * @param targets - what is overwritten
 * @param sources - as many tensors of the same shapes
 */
export function copyEach(targets: readonly Tensor[], sources: readonly Tensor[]): void {
  const write = writer();
  for (let k = 0; k < targets.length; k++) {
    const target = targets[k];
    if (write?.(target, sources[k]) === true) target.storage.version++;
    else target.copy_(sources[k]);
  }
}

/** Sets all elements, as `fill_` does; for counters, which are set often. To be called under `noGrad`. */
export function setTo(target: Tensor, value: number): void {
  if (integerWriter()?.(target, value) === true) target.storage.version++;
  else target.fill_(value);
}

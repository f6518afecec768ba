import { ArgumentError, checkOptions, show } from '../errors.ts';
import { STATE_BYTES, stateFromBytes, stateToBytes } from '../randomState.ts';
import { Tensor } from '../tensor.ts';
import { tensor } from './creation.ts';
import { generatorOf } from './random.ts';
import type { FillOptions } from './randomFill.ts';

/**
 * The state of the default generator, or of the one in the options, in the bytes of PyTorch's `torch.get_rng_state()`: uint8[5056]. What it restores, here or there, goes on with the
 * same numbers, kept normal values included.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.get_rng_state.html
 */
export function getRngState(options?: FillOptions): Tensor {
  checkOptions('getRngState', options, ['generator']);
  return tensor(stateToBytes(generatorOf('getRngState', options?.generator).getState()));
}

/**
 * Goes on from a state of `getRngState`, or of PyTorch's `torch.get_rng_state()`: the default generator, or the one in the options. PyTorch's seeds of more than 53 bits become their
 * low 32 bits, which start the same numbers.
 *
 * @throws ArgumentError for anything that is no such state; the generator is as before then
 * @see https://pytorch.org/docs/stable/generated/torch.set_rng_state.html
 */
export function setRngState(state: Tensor, options?: FillOptions): void {
  checkOptions('setRngState', options, ['generator']);
  const generator = generatorOf('setRngState', options?.generator);
  if (!(state instanceof Tensor) || state.dtype !== 'uint8' || state.ndim !== 1) throw new ArgumentError(`setRngState: not a state, got ${show(state)}; expected uint8[${STATE_BYTES}]`);
  generator.setState(stateFromBytes(Uint8Array.from(state.data())));
}

/**
 * Runs a function and brings the default generator, or the one in the options, back to where it was before, also when the function throws.
 *
 * @returns what the function gives
 * @see https://pytorch.org/docs/stable/random.html#torch.random.fork_rng
 */
export function forkRng<T>(fn: () => T, options?: FillOptions): T {
  checkOptions('forkRng', options, ['generator']);
  const generator = generatorOf('forkRng', options?.generator);
  if (typeof fn !== 'function') throw new ArgumentError(`forkRng: not a function, got ${show(fn)}; expected a function`);
  const before = generator.getState();
  try {
    return fn();
  } finally {
    generator.setState(before);
  }
}

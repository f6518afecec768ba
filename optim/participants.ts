import { ArgumentError, DTypeError, DeviceError, ShapeError, StateError, show } from '../core/errors.ts';
import { type Shape, sameShape } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import type { ParamState } from './state.ts';

/** An optimizer: the name of its class is for messages. */
interface Owner {
  stateShape(name: string, param: Tensor): Shape;
}

/**
 * The parameters of a group that take part in a step, and their gradients. The lists are made anew only when something is not as it was in the step before,
 * so that a step allocates nothing and optimizers can keep what they derive from `params`.
 */
export class Participants {
  /** Parameters that have a gradient, in order. Another list whenever they, their storages, or the tensors of their state are others. */
  params: readonly Tensor[] = [];
  /** Their gradients; always the same list, filled anew. */
  readonly grads: Tensor[] = [];
  /** What `params` depends on, in the order it was looked at, and how much of it was found again. */
  private readonly seen: unknown[] = [];
  private found = 0;
  private changed = false;
  /** Whether some state has another dtype or device than its parameter. */
  private strayed = false;

  /**
   * Finds out who takes part, and refuses gradients and state that do not fit.
   *
   * @param owner - the optimizer, for messages
   * @param all - the parameters of the group
   */
  collect(owner: Owner, all: readonly Tensor[], states: ReadonlyMap<Tensor, ParamState>): void {
    const { grads, seen } = this;
    let n = 0;
    this.found = 0;
    this.changed = false;
    this.strayed = false;
    for (let i = 0; i < all.length; i++) {
      const p = all[i];
      const { gradient } = p;
      if (gradient === null) continue;
      checkGradient(owner, p, gradient);
      this.look(p);
      this.look(p.storage);
      const state = states.get(p);
      this.look(state);
      if (state !== undefined) this.examine(owner, p, state);
      grads[n++] = gradient;
    }
    if (!this.changed && this.found === seen.length) return;
    seen.length = this.found;
    grads.length = n;
    this.params = all.filter((p) => p.gradient !== null);
  }

  /** State follows parameters that changed dtype or device. */
  moveState(states: ReadonlyMap<Tensor, ParamState>): void {
    if (!this.strayed) return;
    for (const p of this.params) {
      const state = states.get(p);
      for (const key in state) {
        const value = state[key];
        if (typeof value === 'object' && !isLike(value, p)) state[key] = value.to(p);
      }
    }
  }

  /** Lets go of the gradients: their memory need not wait for the next step. */
  release(): void {
    const { params, grads } = this;
    for (let i = 0; i < grads.length; i++) grads[i] = params[i];
  }

  private look(x: unknown): void {
    const { seen, found } = this;
    this.found = found + 1;
    if (found < seen.length && seen[found] === x) return;
    seen[found] = x;
    this.changed = true;
  }

  private examine(owner: Owner, p: Tensor, state: ParamState): void {
    for (const key in state) {
      const value = state[key];
      if (typeof value !== 'object') continue;
      this.look(value);
      if (!sameShape(value.shape, owner.stateShape(key, p))) {
        throw new StateError(`${stepOf(owner)}: the parameter changed shape, got ${show(p)} with ${key} ${show(value)}; expected its state to fit`, {
          hint: 'state.delete(parameter) starts it anew',
        });
      }
      if (!isLike(value, p)) this.strayed = true;
    }
  }
}

const stepOf = (owner: object): string => `${owner.constructor.name}.step`;

function isLike({ storage: a }: Tensor, { storage: b }: Tensor): boolean {
  return a.dtype === b.dtype && a.device === b.device;
}

function checkGradient(owner: object, p: Tensor, grad: Tensor): void {
  if (!(grad instanceof Tensor)) throw new ArgumentError(`${stepOf(owner)}: a gradient is not a tensor, got ${show(grad)}; expected a Tensor or null`);
  if (isLike(grad, p) && sameShape(grad.shape, p.shape)) return;
  if (!sameShape(grad.shape, p.shape)) {
    throw new ShapeError(`${stepOf(owner)}: a gradient has another shape, got ${show(grad)} for ${show(p)}; expected equal shapes`);
  }
  if (grad.dtype !== p.dtype) throw new DTypeError(`${stepOf(owner)}: a gradient has another dtype, got ${show(grad)} for ${show(p)}; expected ${p.dtype}`);
  throw new DeviceError(`${stepOf(owner)}: a gradient is on another device, got ${grad.device.name} for ${p.device.name}; expected one device`);
}

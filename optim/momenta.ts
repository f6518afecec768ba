import { StateError } from '../core/errors.ts';
import type { Optimizer } from './optimizer.ts';

/** A group that has a momentum under one of two names. */
interface WithMomentum {
  momentum?: number;
  betas?: readonly [number, number];
}

/**
 * The momentum of the groups of an optimizer, `momentum` or the first of `betas`, for schedules that move it.
 *
 * @throws StateError for an optimizer without
 */
export class Momenta {
  /** Whether it is the first of `betas`. */
  readonly useBeta1: boolean;
  private readonly optimizer: Optimizer;

  constructor(name: string, optimizer: Optimizer) {
    const defaults: WithMomentum = optimizer.defaults as WithMomentum;
    if (!('momentum' in defaults) && !('betas' in defaults)) {
      throw new StateError(`${name}: the optimizer has no momentum, got ${optimizer.constructor.name}; expected 'momentum' or 'betas' with cycleMomentum`, { hint: 'pass { cycleMomentum: false }' });
    }
    this.useBeta1 = 'betas' in defaults;
    this.optimizer = optimizer;
  }

  /** Sets the momentum of a group. */
  set(group: number, value: number): void {
    const options: WithMomentum = this.optimizer.paramGroups[group] as WithMomentum;
    if (!this.useBeta1) options.momentum = value;
    else if (options.betas !== undefined) options.betas = [value, options.betas[1]];
  }
}

import type { Module } from '../nn/module.ts';
import { LerpAverage } from './lerp.ts';

/**
 * Stochastic weight averaging: the plain mean of the models taken in,
 * `avg ← avg + (source - avg) / (⌊steps / interval⌋ + 1)`.
 *
 * @see Izmailov et al. 2018, Averaging weights leads to wider optima and better generalization, https://arxiv.org/abs/1803.05407
 */
export class StochasticWeightAverage<M extends Module = Module> extends LerpAverage<M> {
  override weight(steps: number): number {
    return 1 / (Math.floor(steps / this.interval) + 1);
  }
}

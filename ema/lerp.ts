import { between } from '../core/ops/ternary.ts';
import { type UpdateRule, applyUpdate, updateRule } from '../core/ops/update.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Module } from '../nn/module.ts';
import { BaseAveragedModel } from './averaged.ts';

/** `lerp_` over lists, with the same bits. */
const lerpRule: UpdateRule = updateRule({
  name: 'lerp',
  columns: ['averaged', 'source'],
  scalars: ['weight'],
  body: ([averaged, source], [weight]) => [between(averaged, source, weight), null],
});

/** Columns and number of the update at hand. */
const none: readonly Tensor[] = [];
const columns = [none, none];
const scalars = [NaN];

/**
 * An average that takes in each model with a weight of its own: `avg ← avg + weight·(source - avg)`, where `weight(steps)` is what subclasses define. All
 * entries are averaged in one pass. A source that does not change is an exact fixed point.
 *
 *     class HalfAverage extends LerpAverage {
 *       override weight() {
 *         return 0.5;
 *       }
 *     }
 */
export abstract class LerpAverage<M extends Module = Module> extends BaseAveragedModel<M> {
  /**
   * Weight of the newest model.
   *
   * @param steps - number of calls of `updateParameters` before this one, ≥ 1
   */
  abstract weight(steps: number): number;

  override avgFunc(averaged: Tensor, source: Tensor, steps: number): void {
    averaged.lerp_(source, this.weight(steps));
  }

  protected override avgLists(averaged: readonly Tensor[], sources: readonly Tensor[], steps: number): void {
    columns[0] = averaged;
    columns[1] = sources;
    scalars[0] = this.weight(steps);
    applyUpdate(lerpRule, columns, scalars);
    columns[0] = columns[1] = none;
  }
}

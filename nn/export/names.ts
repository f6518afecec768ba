import type { Tensor } from '../../core/tensor.ts';
import type { Module } from '../module.ts';

/** Parameters and buffers under their state-dictionary names, tied ones under the first. */
export function stateTensors(model: Module): [string, Tensor][] {
  return [...model.namedParameters(), ...model.namedBuffers()];
}

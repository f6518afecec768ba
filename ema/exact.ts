import { type ModuleTarget, convertAll } from '../nn/convert.ts';
import type { Module } from '../nn/module.ts';
import { Buffer } from '../nn/parameter.ts';
import type { DType } from '../core/dtype.ts';
import { noGrad } from '../core/tape.ts';

/** A buffer of an average, beside the averaged copy, that keeps its dtype when the average is converted: float64 shadows and counters. */
export class ExactBuffer extends Buffer {}

/** What `Module.to` does, for an average: buffers that must stay exact go to the device only. */
export function convertAround(module: Module, steps: Buffer, target: ModuleTarget, options: { readonly dtype?: DType } | undefined): void {
  const exact: Buffer[] = [];
  const others: Buffer[] = [];
  for (const buffer of module.buffers()) (buffer instanceof ExactBuffer ? exact : others).push(buffer);
  convertAll([...module.parameters(), ...others], target, options);
  convertAll(exact, steps.device, undefined);
}

/** Makes float64 again what a conversion of a module around the average has made float32. */
export function restoreExact(buffer: Buffer): void {
  if (buffer.dtype === 'float64') return;
  noGrad(() => buffer.assign_(buffer.detach().to('float64')));
  buffer.storage.pinned = true;
}

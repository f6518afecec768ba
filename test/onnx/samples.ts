import { allOps } from '../../core/ops/define.ts';
import { type Tensor, noGrad } from '../../index.ts';
import { tensorsOf } from '../../nn/export/trace.ts';
import { makeSampler, mapTensors, tensorsIn } from '../sampler.ts';
import { Lambda, type OnnxCase } from './cases.ts';

/** Results of an operation, where it gives tensors for these arguments. */
function resultsOf(model: Lambda, inputs: readonly Tensor[]): readonly Tensor[] {
  try {
    return tensorsOf(noGrad(() => model.forward(...inputs)));
  } catch {
    return [];
  }
}

/** Every operation of the registry on its samples, but for those that draw random numbers, and empty ones. */
export function sampleCases(): OnnxCase[] {
  const cases: OnnxCase[] = [];
  for (const [name, op] of allOps()) {
    // onnxruntime sorts NaN in another place.
    if (op.family === 'random' || op.family === 'dropout' || name === 'nanmedian') continue;
    op.samples(makeSampler('float32')).forEach((args, k) => {
      const inputs = tensorsIn(args);
      const model = new Lambda((...xs) => {
        let i = 0;
        return Reflect.apply(op, undefined, mapTensors(args, () => xs[i++]) as unknown[]) as unknown;
      });
      // onnxruntime ends the process on some empty tensors.
      const all = [...inputs, ...resultsOf(model, inputs)];
      if (inputs.length === 0 || all.length === inputs.length || all.some((x) => x.numel() === 0)) return;
      cases.push({ name: `${name} ${k}`, model: () => model, inputs: () => inputs, tolerance: 2e-5 });
    });
  }
  return cases;
}

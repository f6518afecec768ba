import { DTypeError, DeviceError, Tensor } from '../../index.ts';
import type { OpInfo } from '../../core/ops/define.ts';
import { cotangent, isPlain, makeSampler, mapTensors, tensorsIn } from '../sampler.ts';

// Runs the samples of an operation on the CPU and on the device and compares values, dtypes, shapes and gradients.

/** A public operation of the registry. */
export type Op = OpInfo & ((...args: never[]) => unknown);

/** What came of an operation: the samples that agree, why others do not run, and what differs. */
export interface Outcome {
  readonly agreed: number;
  /** Why the others do not run: primitives without a kernel, elements that are looked at, doubles. */
  readonly missing: readonly string[];
  readonly failures: readonly string[];
}

interface Result {
  readonly outputs: readonly Tensor[];
  readonly grads: readonly (Tensor | null)[];
}

/** Outputs, and the gradients of all float tensors among the arguments. */
function run(op: Op, args: readonly unknown[], device: string): Result {
  const moved = mapTensors(args, (x) => (x.device.name === device ? x.detach() : x.to(device))) as readonly unknown[];
  const leaves = tensorsIn(moved).filter((x) => x.dtype === 'float32');
  if (op.differentiable) for (const x of leaves) x.requiresGrad_();
  const made: unknown = Reflect.apply(op, undefined, moved);
  const outputs = tensorsIn(isPlain(made) || Array.isArray(made) || made instanceof Tensor ? made : typeof made === 'object' && made !== null ? [...(made as Iterable<unknown>)] : []);
  const recorded = outputs.filter((y) => y.requiresGrad && y.dtype === 'float32' && y.numel() > 0);
  const sums = recorded.map((y, o) => {
    const g = new Tensor(y.detach().clone().storage, y.shape);
    const values = Float32Array.from({ length: y.numel() }, (_, k) => cotangent(o, k));
    return y.mul(new Tensor(g.device.adopt('float32', values), y.shape)).sum();
  });
  if (sums.length > 0) sums.reduce((a, b) => a.add(b)).backward();
  return { outputs, grads: leaves.map((x) => x.grad) };
}

/** Where two tensors differ by more than a part of the element (of 0.05 for smaller ones), if they do. */
function difference(expected: Tensor, got: Tensor, tolerance: number): string | null {
  if (String(expected.shape) !== String(got.shape)) return `shape [${got.shape.join(', ')}], expected [${expected.shape.join(', ')}]`;
  if (expected.dtype !== got.dtype) return `dtype ${got.dtype}, expected ${expected.dtype}`;
  const [a, b] = [expected.data(), got.data()];
  for (let i = 0; i < a.length; i++) {
    const bound = tolerance * Math.max(Math.abs(a[i]), 0.05);
    if (Object.is(a[i], b[i]) || a[i] === b[i] || Math.abs(a[i] - b[i]) <= bound) continue;
    return `element ${i} is ${b[i]}, expected ${a[i]}`;
  }
  return null;
}

/** Why an operation does not run on the device, if the error says so. */
function reasonOf(error: unknown): string | null {
  if (!(error instanceof DeviceError || error instanceof DTypeError)) return null;
  const kernel = /^(\S+): (?:no kernel on this device|the function '\w+' has no form)/.exec(error.message);
  if (kernel !== null) return `no kernel for ${kernel[1]}`;
  if (error.message.includes('elements are not on the CPU')) return 'looks at elements';
  return error.message.includes('no doubles on the device') ? 'float64' : null;
}

/** Compares all samples of an operation. */
export async function compare(op: Op, tolerance: number): Promise<Outcome> {
  const count = op.samples(makeSampler('float32')).length;
  const missing = new Set<string>();
  const failures: string[] = [];
  let agreed = 0;
  for (let i = 0; i < count; i++) {
    const args = op.samples(makeSampler('float32'))[i];
    if (tensorsIn(args).some((x) => x.dtype === 'float64') || args.includes('float64')) continue;
    let expected: Result;
    try {
      expected = run(op, args, 'cpu');
    } catch {
      continue;
    }
    try {
      const got = run(op, args, 'gpu');
      const problems: string[] = [];
      for (const [what, a, b] of [['output', expected.outputs, got.outputs], ['gradient', expected.grads, got.grads]] as const) {
        if (a.length !== b.length) problems.push(`${b.length} ${what}s, expected ${a.length}`);
        for (let k = 0; k < a.length; k++) {
          const [x, y] = [a[k], b[k]];
          if (x === null || y === null || y === undefined) {
            if (x !== y) problems.push(`${what} ${k} is missing`);
            continue;
          }
          const told = difference(x, await y.cpu(), tolerance);
          if (told !== null) problems.push(`${what} ${k}: ${told}`);
        }
      }
      if (problems.length === 0) agreed++;
      else failures.push(`sample ${i}: ${problems.join('; ')}`);
    } catch (error) {
      const reason = reasonOf(error);
      if (reason !== null) missing.add(reason);
      else failures.push(`sample ${i}: ${error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 4).join(' | ') : String(error)}`);
    }
  }
  return { agreed, missing: [...missing], failures };
}

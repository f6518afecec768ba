import { test } from 'uvu';
import { type Tensor, func, isTensor, noGrad, tensor } from '../../../index.ts';
import { type OpInfo, allOps } from '../../../core/ops/define.ts';
import { allClose, ok } from '../../assert.ts';
import { makeSampler, mapTensors, tensorsIn } from '../../sampler.ts';

// The derivative in a direction of every differentiable operation, on all of its samples: against finite differences, and against the product from the other side.

type Op = OpInfo & ((...args: never[]) => unknown);

/** Operations whose derivative in a direction cannot be taken, since it is that of a gradient, and why. */
const onceOnly: Readonly<Record<string, string>> = {
  ctcLoss: 'its gradient cannot be differentiated again',
};

/** Operations whose gradient is not the derivative, and why. */
const notDerivatives: Readonly<Record<string, string>> = {
  embedding: 'the row at paddingIdx gets none',
  mode: 'one of several equal entries gets all',
};

/** Operations that read one triangle of a symmetric matrix: directions are symmetric there. */
const symmetric: readonly string[] = ['cholesky', 'linalg.choleskyEx', 'linalg.eigh', 'linalg.eigvalsh'];

const only = process.env.OPS?.split(',');
const STEP = 1e-6;

const isFloatTensor = (x: Tensor): boolean => x.dtype === 'float32' || x.dtype === 'float64';

function resultsOf(value: unknown): Tensor[] {
  return isTensor(value) ? [value] : [...(value as Iterable<unknown>)].filter(isTensor);
}

/** Numbers that differ from each other and are neither large nor small. */
function direction(x: Tensor, seed: number): Tensor {
  return tensor(Float64Array.from({ length: x.numel() }, (_, k) => (((k * 7 + seed * 3 + 4) % 11) - 5) / 8 + 0.05)).reshape(x.shape);
}

function compare(name: string, op: Op, args: readonly unknown[]): void {
  const inputs = [...new Set(tensorsIn(args))].filter(isFloatTensor);
  const primals = inputs.map((x) => x.detach().clone());
  const run = (...xs: Tensor[]): Tensor[] => {
    const replaced = new Map(inputs.map((x, i) => [x, xs[i]]));
    return resultsOf(op(...(args.map((arg) => mapTensors(arg, (x) => replaced.get(x) ?? x)) as never[]))).filter(isFloatTensor);
  };
  const tangents = primals.map((x, i) => {
    const v = direction(x, i);
    return symmetric.includes(name) && x.ndim >= 2 ? v.add(v.transpose(-1, -2)) : v;
  });
  const [values, pushed] = func.jvp(run, primals, tangents);
  const [, pull] = func.vjp(run, ...primals);
  const cotangents = values.map((y, o) => direction(y, o + 5));
  const pulled: unknown = pull(cotangents);
  const back = isTensor(pulled) ? [pulled] : (pulled as Tensor[]);
  const dot = (as: readonly Tensor[], bs: readonly Tensor[]): number => as.reduce((sum, a, i) => sum + a.mul(bs[i]).sum().item(), 0);
  allClose(dot(pushed, cotangents), dot(back, tangents), { rtol: 1e-8, atol: 1e-8 });
  if (Object.hasOwn(notDerivatives, name)) return;
  const at = (sign: number): Tensor[] => noGrad(() => run(...primals.map((x, i) => x.add(tangents[i].mul(sign * STEP)))));
  const [above, below] = [at(1), at(-1)];
  pushed.forEach((d, k) => allClose(d, above[k].sub(below[k]).div(2 * STEP), { rtol: 2e-5, atol: 2e-6 }));
}

for (const [name, op] of allOps()) {
  if (!op.differentiable || Object.hasOwn(onceOnly, name) || (only !== undefined && !only.includes(name))) continue;
  const samples = op.samples(makeSampler('float64')).filter((args) => tensorsIn(args).some((x) => isFloatTensor(x) && x.numel() > 0));
  if (samples.length === 0) continue;
  test(`jvp of ${name}`, () => {
    samples.forEach((args, i) => {
      try {
        compare(name, op, args);
      } catch (error) {
        if (error instanceof Error) error.message = `sample ${i}: ${error.message}`;
        throw error;
      }
    });
  });
}

test('the lists of exceptions name differentiable operations', () => {
  for (const name of [...Object.keys(onceOnly), ...Object.keys(notDerivatives), ...symmetric]) ok(allOps().get(name)?.differentiable, name);
});

test.run();

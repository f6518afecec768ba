import { test } from 'uvu';
import { StateError, Tensor, grad, isTensor, stack, vmap } from '../../../index.ts';
import { type OpInfo, allOps } from '../../../core/ops/define.ts';
import { allClose, is, ok } from '../../assert.ts';
import { makeSampler, mapTensors, tensorsIn } from '../../sampler.ts';

// Every operation under vmap: on all of its samples, for two examples, against one example after the other; values and gradients.

type Op = OpInfo & ((...args: never[]) => unknown);

/** Operations that vmap cannot run, and why. */
const unbatched: Readonly<Record<string, string>> = {
  allclose: 'gives a boolean',
  equal: 'gives a boolean',
  asStrided: 'addresses the storage',
  asStridedScatter: 'addresses the storage',
  cpu: 'gives a promise',
  to: 'names a device or dtype',
};

/** Operations that read values, for some arguments at least, since the shape of the result or the way to it depends on them: those are refused. */
const dependent: readonly string[] = [
  'bincount', 'ctcLoss', 'embeddingBag', 'histc', 'histogram', 'index', 'indexPut', 'linalg.lstsq', 'maskedScatter', 'maskedSelect', 'narrow', 'nonzero', 'oneHot', 'repeatInterleave', 'tensorSplit', 'unique',
  'where',
];

const only = process.env.OPS?.split(',');

const resultsOf = (value: unknown): Tensor[] => (value instanceof Tensor ? [value] : [...(value as Iterable<unknown>)].filter((y) => y instanceof Tensor));

/** The arguments with other tensors in the places of their own, in order. */
function withTensors(args: readonly unknown[], tensors: readonly Tensor[]): never[] {
  let i = 0;
  return args.map((arg) => mapTensors(arg, () => tensors[i++])) as never[];
}

function compare(op: Op, args: readonly unknown[], which: readonly boolean[]): void {
  const first = tensorsIn(args);
  const floats = first.map((x) => x.dtype === 'float32' || x.dtype === 'float64');
  const second = first.map((x, i) => (floats[i] && which[i] ? x.mul(0.875) : x));
  const batches = first.map((x, i) => (which[i] ? stack([x, second[i]]).detach() : x.detach()));
  const leaves = batches.filter((_, i) => floats[i]);
  if (op.differentiable) for (const x of leaves) x.requiresGrad = true;
  const run = (...tensors: Tensor[]): Tensor[] => resultsOf(op(...withTensors(args, tensors)));
  const each = [0, 1].map((b) => run(...batches.map((x, i) => (which[i] ? x.select(0, b) : x))));
  const expected = each[0].map((_, k) => stack(each.map((ys) => ys[k])));
  const actual = vmap(run, { inDims: which.map((w) => (w ? 0 : null)) })(...batches);
  is(actual.length, expected.length);
  actual.forEach((y, k) => {
    is(y.dtype, expected[k].dtype, 'dtype');
    allClose(y, expected[k], { rtol: 1e-9, atol: 1e-11 });
  });
  const gradients = (ys: readonly Tensor[]): (Tensor | null)[] | null => {
    const outputs = ys.filter((y) => y.requiresGrad);
    return outputs.length === 0 ? null : grad(outputs.map((y) => y.mul(y).sum()), leaves, { allowUnused: true });
  };
  const [a, e] = [gradients(actual), gradients(expected)];
  is(a === null, e === null, 'whether gradients flow');
  a?.forEach((g, i) => {
    const other = e?.[i] ?? null;
    if (leaves[i].numel() > 0) is(isTensor(g), isTensor(other), `whether a gradient flows into input ${i}`);
    if (g !== null && other !== null) allClose(g, other, { rtol: 1e-8, atol: 1e-9 });
  });
}

for (const [name, op] of allOps()) {
  if (only !== undefined && !only.includes(name)) continue;
  if (Object.hasOwn(unbatched, name) ) continue;
  const samples = op.samples(makeSampler('float64')).filter((args) => tensorsIn(args).length > 0);
  if (samples.length === 0) continue;
  test(`vmap of ${name}`, () => {
    samples.forEach((args, i) => {
      const count = tensorsIn(args).length;
      const patterns = [new Array<boolean>(count).fill(true)];
      if (count > 1) for (let k = 0; k < Math.min(count, 3); k++) patterns.push(Array.from({ length: count }, (_, j) => j === k));
      for (const which of patterns) {
        try {
          compare(op, args, which);
        } catch (error) {
          if (dependent.includes(name) && error instanceof StateError && error.message.includes('values cannot be read')) continue;
          if (error instanceof Error) error.message = `sample ${i} with [${which.join(', ')}]: ${error.message}`;
          throw error;
        }
      }
    });
  });
}

test('the lists of exceptions name operations', () => {
  for (const name of [...Object.keys(unbatched), ...dependent]) ok(allOps().has(name), name);
});

test.run();

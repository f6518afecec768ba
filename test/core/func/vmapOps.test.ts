import { test } from 'uvu';
import { StateError, Tensor, grad, isTensor, stack, vmap } from '../../../index.ts';
import { type OpInfo, allOps } from '../../../core/ops/define.ts';
import { allClose, is, ok } from '../../assert.ts';
import { isPlain, makeSampler, mapTensors, tensorsIn } from '../../sampler.ts';

// Every operation under vmap: on all of its samples, for two examples in several places, against one example after the other; values and gradients.

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
  'bincount', 'ctcLoss', 'embeddingBag', 'fractionalMaxPool2d', 'fractionalMaxPool3d', 'histc', 'histogram', 'histogramdd', 'index', 'indexPut', 'linalg.lstsq', 'maskedScatter', 'maskedSelect', 'narrow', 'nonzero',
  'oneHot', 'repeatInterleave', 'tensorSplit', 'unique', 'uniqueConsecutive',
  'where',
];

const only = process.env.OPS?.split(',');

const resultsOf = (value: unknown): Tensor[] => (value instanceof Tensor ? [value] : [...(value as Iterable<unknown>)].filter((y) => y instanceof Tensor));

/** The arguments with other tensors in the places of their own, in order. */
function withTensors(args: readonly unknown[], tensors: readonly Tensor[]): never[] {
  let i = 0;
  return args.map((arg) => mapTensors(arg, () => tensors[i++])) as never[];
}

/** Where the examples are among the dimensions of argument `i`; undefined for an argument that is the same for all. */
type Places = readonly (number | undefined)[];

/** A function of tensors that `compare` takes. */
type Form = Pick<Op, 'differentiable'> & ((...args: never[]) => unknown);

function compare(op: Form, args: readonly unknown[], places: Places, outDim: number): void {
  const first = tensorsIn(args);
  const floats = first.map((x) => x.dtype === 'float32' || x.dtype === 'float64');
  const second = first.map((x, i) => (floats[i] && places[i] !== undefined ? x.mul(0.875) : x));
  const batches = first.map((x, i) => {
    const at = places[i];
    return at === undefined ? x.detach() : stack([x, second[i]], at).detach();
  });
  const leaves = batches.filter((_, i) => floats[i]);
  if (op.differentiable) for (const x of leaves) x.requiresGrad = true;
  const run = (...tensors: Tensor[]): Tensor[] => resultsOf(op(...withTensors(args, tensors)));
  const each = [0, 1].map((b) =>
    run(
      ...batches.map((x, i) => {
        const at = places[i];
        return at === undefined ? x : x.select(at, b).contiguous();
      }),
    ),
  );
  const expected = each[0].map((_, k) => stack(each.map((ys) => ys[k]), outDim));
  const actual = vmap(run, { inDims: places.map((at) => at ?? null), outDims: outDim })(...batches);
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

/** All arguments with examples in front, behind, and each somewhere else; and one with examples among others without. */
function patterns(tensors: readonly Tensor[]): (readonly [Places, number])[] {
  const count = tensors.length;
  const all: (readonly [Places, number])[] = [
    [tensors.map(() => 0), 0],
    [tensors.map(() => -1), -1],
    [tensors.map((x, i) => (i + 1) % (x.ndim + 1)), 0],
  ];
  if (count > 1) for (let k = 0; k < Math.min(count, 3); k++) all.push([tensors.map((_, i) => (i === k ? 0 : undefined)), 0]);
  return all;
}

for (const [name, op] of allOps()) {
  if (only !== undefined && !only.includes(name)) continue;
  if (Object.hasOwn(unbatched, name)) continue;
  const samples = op.samples(makeSampler('float64')).filter((args) => tensorsIn(args).length > 0);
  if (samples.length === 0) continue;
  test(`vmap of ${name}`, () => {
    let refused = 0;
    samples.forEach((args, i) => {
      for (const [places, outDim] of patterns(tensorsIn(args))) {
        try {
          compare(op, args, places, outDim);
        } catch (error) {
          if (dependent.includes(name) && error instanceof StateError && error.message.includes('values cannot be read')) {
            refused++;
            continue;
          }
          if (error instanceof Error) error.message = `sample ${i} with [${places.join(', ')}]: ${error.message}`;
          throw error;
        }
      }
    });
    is(refused > 0, dependent.includes(name), 'whether values are read');
  });
}

/** Whether the in-place form takes a sample: the result fits into the first argument. */
function fitsInPlace(op: Op, args: readonly unknown[]): boolean {
  const [self] = args;
  if (!isTensor(self) || args.slice(1).some((arg) => isPlain(arg) && 'dtype' in arg)) return false;
  const [y] = resultsOf(op(...(args as never[])));
  return y.dtype === self.dtype && y.shape.join() === self.shape.join();
}

for (const [name, op] of allOps()) {
  const { inPlace } = op;
  if (inPlace === null || Object.hasOwn(unbatched, name) || dependent.includes(name) || (only !== undefined && !only.includes(name))) continue;
  const samples = op.samples(makeSampler('float64')).filter((args) => fitsInPlace(op, args));
  if (samples.length === 0) continue;
  test(`vmap of ${name}_`, () => {
    const written = (self: Tensor, ...rest: never[]): Tensor => inPlace(self.clone(), ...rest);
    const form: Form = Object.assign(written, { differentiable: op.differentiable });
    for (const args of samples) for (const places of [tensorsIn(args).map(() => 0), tensorsIn(args).map(() => -1)]) compare(form, args, places, 0);
  });
}

test('the lists of exceptions name operations', () => {
  for (const name of [...Object.keys(unbatched), ...dependent]) ok(allOps().has(name), name);
});

test.run();

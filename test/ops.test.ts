import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { type DType, PolyakError, Tensor, canCast, grad, gradcheck, gradgradcheck } from '../index.ts';
import { type OpInfo, allOps } from '../core/ops/define.ts';
import { allClose, equal, is, ok, throwsError } from './assert.ts';
import { digest, encodedSamples } from './fixtures/make_ops.ts';
import { cotangent, isPlain, makeSampler, mapTensors, tensorsIn } from './sampler.ts';

// Every sample of every operation: PyTorch's values, dtypes, shapes and gradients, finite differences of first and second order,
// inputs that are not contiguous, the method form and the in-place form.

type Op = OpInfo & ((...args: never[]) => unknown);
type Args = readonly unknown[];

interface Recorded {
  /** Digest of the arguments. */
  readonly args: string;
  readonly outputs?: readonly { readonly dtype: DType; readonly shape: readonly number[]; readonly values: readonly (number | string)[] }[];
  readonly grads?: readonly (readonly (number | string)[] | null)[] | null;
  readonly error?: string;
}

const fixtures = (JSON.parse(readFileSync(new URL('fixtures/ops.json', import.meta.url), 'utf8')) as { ops: Record<string, Recorded[]> }).ops;

/** Operations without samples, and why. */
const untried: Readonly<Record<string, string>> = {
  at: 'select along dimension 0; see test/core/ops/view.test.ts',
  allclose: 'gives a boolean; see test/core/ops/close.test.ts',
  equal: 'gives a boolean; see test/core/ops/close.test.ts',
  cpu: 'gives a promise; see test/core/device.test.ts',
  empty: 'its values mean nothing',
  emptyLike: 'its values mean nothing',
  emptyStrided: 'its values mean nothing; see test/core/ops/strided.test.ts',
  pcaLowrank: 'draws random numbers; see test/core/ops/linalg/lowrank.test.ts',
  svdLowrank: 'draws random numbers; see test/core/ops/linalg/lowrank.test.ts',
};

/** Families without samples, and why. */
const untriedFamilies: Readonly<Record<string, string>> = {
  random: 'their results depend on the generator; see test/core/random.test.ts',
};

/** Where PyTorch's own float64 results are less exact than 1e-9, and why. */
const inexact: Readonly<Record<string, string>> = {
  bartlettWindow: 'recorded in float32',
  blackmanWindow: 'recorded in float32',
  celu: 'PyTorch keeps 1/alpha in float32',
  hammingWindow: 'recorded in float32',
  hannWindow: 'recorded in float32',
  hardsigmoid: 'PyTorch keeps 1/6 in float32',
  huberLoss: 'PyTorch keeps delta in float32',
  kaiserWindow: 'recorded in float32',
  poissonNllLoss: 'PyTorch keeps eps in float32',
  smoothL1Loss: 'PyTorch keeps beta in float32',
};

/** Operations that refuse inputs that are not contiguous, and why. */
const contiguousOnly: Readonly<Record<string, string>> = {
  asStrided: 'addresses the storage',
  view: 'never copies',
  viewAs: 'never copies',
};

/** Operations whose gradient is not the derivative, and why; PyTorch's gradients still hold. */
const notDerivatives: Readonly<Record<string, string>> = {
  ctcLoss: 'it is that of the logits before a log-softmax',
  embedding: 'the row at paddingIdx gets none',
  mode: 'one of several equal entries gets all',
};

/** Operations that read one triangle of a symmetric matrix, whose gradient is symmetric: finite differences vary both triangles. */
const symmetric: readonly string[] = ['cholesky', 'linalg.choleskyEx', 'linalg.eigh', 'linalg.eigvalsh'];

/** Operations whose results are unique up to the signs of vectors: PyTorch's values are compared without signs, its gradients not at all; see test/core/ops/linalg. */
const upToSign: readonly string[] = ['linalg.eigh', 'linalg.svd', 'svd'];
/** Operations whose gradient cannot be differentiated again, and why. */
const onceOnly: Readonly<Record<string, string>> = {
  ctcLoss: 'PyTorch has no second derivative either; see test/core/ops/ctcLoss.test.ts',
};

/** Operations whose in-place form does something else than the function, and why. */
const inPlaceDiffers: Readonly<Record<string, string>> = {
  igamma: 'only a float fits, which has no derivative; see test/core/ops/gamma.test.ts',
  igammac: 'only a float fits, which has no derivative; see test/core/ops/gamma.test.ts',
};

const callOp = (op: Op, args: Args): unknown => op(...(args as never[]));

function callMethod(name: string, args: Args): unknown {
  const method: unknown = Reflect.get(Tensor.prototype, name);
  ok(typeof method === 'function', `no method ${name}`);
  return Reflect.apply(method as (...rest: unknown[]) => unknown, args[0], args.slice(1));
}

function resultsOf(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (typeof value === 'object' && value !== null && Symbol.iterator in value) return [...(value as Iterable<Tensor>)].filter((y) => y instanceof Tensor);
  throw new Error(`no tensor: ${String(value)}`);
}

const samplesOf = (op: Op, floats: 'float32' | 'float64'): readonly Args[] => op.samples(makeSampler(floats));
const floatsIn = (args: Args): Tensor[] => tensorsIn(args).filter((x) => x.dtype === 'float32' || x.dtype === 'float64');

function track(args: Args): Tensor[] {
  const leaves = [...new Set(floatsIn(args))];
  for (const x of leaves) x.requiresGrad = true;
  return leaves;
}

/** Gradients of the outputs, weighted by fixed cotangents, with respect to all float inputs; null where nothing flows. */
function gradientsOf(results: readonly Tensor[], leaves: readonly Tensor[]): (Tensor | null)[] | null {
  const outputs = results.map((y, o) => ({ y, o })).filter(({ y }) => y.requiresGrad);
  if (outputs.length === 0) return null;
  const gradOutputs = outputs.map(({ y, o }) => {
    const seed = y.detach().clone();
    for (let k = 0; k < seed.numel(); k++) seed.storage.cells[k] = cotangent(o, k);
    return seed;
  });
  return grad(outputs.map(({ y }) => y), leaves, { gradOutputs, allowUnused: true });
}

const numbersOf = (values: readonly (number | string)[]): number[] => values.map(Number);

/** The same elements in a storage with gaps, last dimension first. */
function scattered(x: Tensor): Tensor {
  const turned = x.ndim < 2 ? x : x.transpose(0, -1);
  const wide = turned.detach().unsqueeze(-1).expand([...turned.shape, 2]).clone().select(-1, 1);
  return (x.ndim < 2 ? wide : wide.transpose(0, -1)).detach();
}

function sameTensors(actual: readonly Tensor[], expected: readonly Tensor[]): void {
  is(actual.length, expected.length, 'number of results');
  actual.forEach((y, i) => {
    is(y.dtype, expected[i].dtype, 'dtype');
    allClose(y, expected[i], { rtol: 1e-12, atol: 1e-14 });
  });
}

function sameGradients(actual: readonly (Tensor | null)[] | null, expected: readonly (Tensor | null)[] | null): void {
  is(actual === null, expected === null, 'whether gradients flow');
  actual?.forEach((g, i) => {
    const e = expected?.[i] ?? null;
    is(g === null, e === null, `whether a gradient flows into input ${i}`);
    if (g !== null && e !== null) allClose(g, e, { rtol: 1e-12, atol: 1e-14 });
  });
}

function eachSample(op: Op, floats: 'float32' | 'float64', body: (args: Args, i: number) => void): void {
  samplesOf(op, floats).forEach((args, i) => {
    try {
      body(args, i);
    } catch (error) {
      if (error instanceof Error) error.message = `sample ${i}: ${error.message}`;
      throw error;
    }
  });
}

function checkPyTorch(op: Op, name: string): void {
  const recorded = fixtures[name] ?? [];
  const digests = encodedSamples(name).map(digest);
  equal(recorded.map((r) => r.args), digests, `the samples changed since PyTorch ran them; run 'npm run fixtures'`);
  for (const { error } of recorded) is(error, undefined, `PyTorch refused a sample: ${error}`);
  const compare = (floats: 'float32' | 'float64', rtol: number, atol: number): void => {
    eachSample(op, floats, (args, i) => {
      const results = resultsOf(callOp(op, args));
      const outputs = recorded[i].outputs ?? [];
      is(results.length, outputs.length, 'number of results');
      results.forEach((y, o) => {
        const { dtype, shape, values } = outputs[o];
        if (floats === 'float32') is(y.dtype, dtype);
        equal([...y.shape], [...shape]);
        const exact = dtype !== 'float32' && dtype !== 'float64';
        const signless = upToSign.includes(name);
        allClose(signless ? y.abs() : y, signless ? numbersOf(values).map(Math.abs) : numbersOf(values), exact ? { rtol: 0, atol: 0 } : y.dtype === 'float32' ? { rtol: 1e-5, atol: 2e-6 } : { rtol, atol });
      });
    });
  };
  compare('float32', 1e-5, 2e-6);
  compare('float64', Object.hasOwn(inexact, name) ? 1e-6 : 1e-9, Object.hasOwn(inexact, name) ? 1e-7 : 1e-11);
}

function checkPyTorchGradients(op: Op, name: string): void {
  eachSample(op, 'float64', (args, i) => {
    const expected = fixtures[name]?.[i].grads ?? null;
    const leaves = track(args);
    const actual = gradientsOf(resultsOf(callOp(op, args)), leaves);
    if (leaves.length === 0) return;
    leaves.forEach((x, j) => {
      const zeros = new Array<number>(x.numel()).fill(0);
      const rtol = Object.hasOwn(inexact, name) ? 1e-6 : 1e-9;
      allClose(actual?.[j]?.data() ?? zeros, numbersOf(expected?.[j] ?? zeros), { rtol, atol: 1e-11 });
    });
  });
}

function checkGradients(op: Op, name: string): void {
  let tried = 0;
  eachSample(op, 'float64', (args) => {
    const leaves = track(args);
    if (leaves.length === 0) return;
    const results = resultsOf(callOp(op, args));
    if (results.some((y) => y.dtype === 'float32') || !results.some((y) => y.requiresGrad)) return;
    tried++;
    const call = (): Tensor[] => resultsOf(callOp(op, symmetric.includes(name) ? args.map((x) => (x instanceof Tensor ? x.add(x.mT).mul(0.5) : x)) : args));
    if (!Object.hasOwn(notDerivatives, name)) gradcheck(call, leaves);
    if (!Object.hasOwn(onceOnly, name)) gradgradcheck(call, leaves);
  });
  const flows = samplesOf(op, 'float64').some((args) => floatsIn(args).length > 0);
  if (flows) ok(tried > 0, 'no sample has a gradient: say differentiable: false');
}

function checkNoGradients(op: Op): void {
  eachSample(op, 'float64', (args) => {
    track(args);
    for (const y of resultsOf(callOp(op, args))) is(y.requiresGrad, false, 'a result requires grad; say differentiable: true');
  });
}

function checkLayouts(op: Op): void {
  eachSample(op, 'float64', (args) => {
    const moved = args.map((arg) => mapTensors(arg, scattered));
    const [before, after] = [track(args), track(moved)];
    const [expected, actual] = [resultsOf(callOp(op, args)), resultsOf(callOp(op, moved))];
    sameTensors(actual, expected);
    sameGradients(gradientsOf(actual, after), gradientsOf(expected, before));
  });
}

function checkMethod(op: Op, name: string): void {
  eachSample(op, 'float64', (args) => {
    if (args[0] instanceof Tensor) sameTensors(resultsOf(callMethod(name, args)), resultsOf(callOp(op, args)));
  });
}

/** The names of an operation's arguments: those with a place of their own, and options that may stand by place. */
function namesOf({ parameters }: Op): { readonly places: readonly string[]; readonly late: readonly string[] } {
  const slot = parameters.indexOf('options');
  return slot < 0 ? { places: parameters, late: [] } : { places: parameters.slice(0, slot), late: parameters.slice(slot + 1) };
}

/** Arguments from place `from` on by name, in the options object; undefined where there are none. */
function byName(op: Op, args: Args, from: number): Args | undefined {
  const { places } = namesOf(op);
  const options: Record<string, unknown> = {};
  args.slice(from).forEach((arg, i) => {
    const at = from + i - 1;
    if (at < places.length && !isPlain(arg)) options[places[at]] = arg;
    else Object.assign(options, arg);
  });
  return args.length > from && Object.keys(options).some((key) => places.includes(key)) ? [...args.slice(0, from), options] : undefined;
}

function checkNames(op: Op, name: string): void {
  let tried = 0;
  eachSample(op, 'float64', (args) => {
    for (let from = 1; from < args.length; from++) {
      const named = byName(op, args, from);
      if (named === undefined) continue;
      tried++;
      sameTensors(resultsOf(callOp(op, named)), resultsOf(callOp(op, args)));
      if (op.isMethod) sameTensors(resultsOf(callMethod(name, named)), resultsOf(callOp(op, args)));
    }
    throwsError(() => callOp(op, [...args.filter((arg) => !isPlain(arg)), { wrong: 1 }]), PolyakError, /wrong/);
  });
  ok(tried > 0, 'no sample has an argument to name');
}

/** Options that have a place, given by place. */
function checkPlaces(op: Op, name: string): void {
  const { places, late } = namesOf(op);
  eachSample(op, 'float64', (args) => {
    const options = args.find(isPlain) ?? {};
    const named = args.filter((arg) => !isPlain(arg));
    if (named.length > places.length + 1) return;
    const padded = [...named, ...new Array<undefined>(places.length + 1 - named.length).fill(undefined)];
    const rest = Object.fromEntries(Object.entries(options).filter(([key]) => !late.includes(key)));
    const values = late.map((key) => (options as Readonly<Record<string, unknown>>)[key]);
    const forms = [[...padded, ...values, ...(Object.keys(rest).length > 0 ? [rest] : [])], [...padded, values[0], options === rest ? {} : Object.fromEntries(Object.entries(options).filter(([key]) => key !== late[0]))]];
    for (const form of forms) {
      sameTensors(resultsOf(callOp(op, form)), resultsOf(callOp(op, args)));
      if (op.isMethod) sameTensors(resultsOf(callMethod(name, form)), resultsOf(callOp(op, args)));
    }
    throwsError(() => callOp(op, [...padded, ...late.map((key) => (options as Readonly<Record<string, unknown>>)[key] ?? null), 1]), PolyakError, /too many arguments/);
  });
}

function checkInPlace(op: Op, name: string): void {
  let tried = 0;
  eachSample(op, 'float64', (args) => {
    const [self, ...rest] = args;
    if (!(self instanceof Tensor) || rest.some((arg) => isPlain(arg) && 'dtype' in arg)) return; // a dtype is for copies
    const leaves = op.differentiable ? track(args) : [];
    const [expected] = resultsOf(callOp(op, args));
    const target = self.requiresGrad ? self.clone() : self.detach().clone();
    const fits = canCast(expected.dtype, target.dtype) && equalShape(expected, target) && !(expected.requiresGrad && target.dtype !== expected.dtype);
    if (!fits) {
      const before = target.data();
      throwsError(() => callMethod(`${name}_`, [target, ...rest]), PolyakError, /expected/);
      allClose(target.data(), before, { rtol: 0, atol: 0 });
      return;
    }
    tried++;
    const version = target.storage.version;
    const result = callMethod(`${name}_`, [target, ...rest]);
    ok(result === target, 'the in-place form returns another tensor');
    ok(target.storage.version > version || target.numel() === 0, 'the version did not change');
    allClose(target, expected, { rtol: 1e-12, atol: 1e-14 });
    is(target.dtype, self.dtype);
    if (leaves.length > 0) sameGradients(gradientsOf([target], leaves), gradientsOf([expected], leaves));
  });
  ok(tried > 0, 'no sample fits in place');
}

const equalShape = (a: Tensor, b: Tensor): boolean => a.shape.length === b.shape.length && a.shape.every((n, d) => n === b.shape[d]);

/** `OPS=einsum,kron npm test -- test/ops.test.ts` tries these alone. */
const only = process.env.OPS?.split(',');

for (const [name, op] of allOps()) {
  if (only !== undefined && !only.includes(name)) continue;
  const count = samplesOf(op, 'float32').length;
  if (count === 0) {
    test(`${name}: has samples`, () => ok(Object.hasOwn(untried, name) || Object.hasOwn(untriedFamilies, op.family), 'an operation without samples must be listed with a reason'));
    continue;
  }
  if (op.torch !== null) test(`${name}: PyTorch's values`, () => checkPyTorch(op, name));
  if (op.torch !== null && op.differentiable && !upToSign.includes(name)) test(`${name}: PyTorch's gradients`, () => checkPyTorchGradients(op, name));
  if (op.differentiable) test(`${name}: finite differences`, () => checkGradients(op, name));
  else test(`${name}: no gradient`, () => checkNoGradients(op));
  if (!Object.hasOwn(contiguousOnly, name)) test(`${name}: any layout`, () => checkLayouts(op));
  if (op.isMethod) test(`${name}: as a method`, () => checkMethod(op, name));
  if (namesOf(op).places.length > 0 && op.family !== 'dropout') test(`${name}: by name`, () => checkNames(op, name));
  if (namesOf(op).late.length > 0 && op.family !== 'dropout') test(`${name}: options by place`, () => checkPlaces(op, name));
  if (op.inPlace !== null && !Object.hasOwn(inPlaceDiffers, name)) test(`${name}: in place`, () => checkInPlace(op, name));
}

test('the lists of exceptions name operations', () => {
  for (const name of [...Object.keys(untried), ...Object.keys(inexact), ...Object.keys(contiguousOnly), ...Object.keys(notDerivatives), ...Object.keys(inPlaceDiffers), ...symmetric, ...upToSign]) ok(allOps().has(name), name);
  for (const name of [...Object.keys(untried), ...Object.keys(inexact), ...Object.keys(contiguousOnly), ...Object.keys(notDerivatives), ...Object.keys(onceOnly), ...Object.keys(inPlaceDiffers)]) ok(allOps().has(name), name);
});

test('nothing is recorded for operations that are gone', () => {
  for (const name of Object.keys(fixtures)) ok(allOps().has(name) && allOps().get(name)?.torch !== null, `${name}: run 'npm run fixtures'`);
});

test.run();

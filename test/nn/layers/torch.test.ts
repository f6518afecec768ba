// Every layer against PyTorch: constructor arguments, state keys and their order, starting values of a seed, print form, outputs, gradients and buffers; and what
// both refuse. The table is test/fixtures/layers_table.py.
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { Module, PackedSequence, PolyakError, Tensor, manualSeed, packPaddedSequence, tensor } from '../../../index.ts';
import * as nn from '../../../nn/index.ts';
import type { DType } from '../../../core/dtype.ts';
import { toCamelCase } from '../../../core/names.ts';
import { numelOf } from '../../../core/shape.ts';
import { equal, is, ok } from '../../assert.ts';

type Encoded = unknown;
type Fields = Readonly<Record<string, Encoded>>;

interface Row {
  readonly layer: string;
  readonly args?: readonly Encoded[];
  readonly options?: Fields;
  readonly inputs: readonly Encoded[];
  readonly call?: Fields;
  readonly eval?: boolean;
}

interface Recorded extends Row {
  /** Shape and digest of the bytes of what a seed gives. */
  readonly keys: Readonly<Record<string, readonly [readonly number[], number]>>;
  readonly repr: string;
  readonly output: readonly (readonly [readonly number[], readonly number[]])[];
  readonly grads?: readonly (readonly number[] | null)[];
  readonly weights?: Readonly<Record<string, readonly number[] | null>>;
  readonly buffers?: Readonly<Record<string, readonly number[]>>;
}

const { cases, refused } = JSON.parse(readFileSync(new URL('../../fixtures/layers.json', import.meta.url), 'utf8')) as { readonly cases: readonly Recorded[]; readonly refused: readonly Row[] };

/** What has no row, and why. */
const without: Readonly<Record<string, string>> = {
  OnnxModule: 'runs a graph; see test/nn/export/importOnnx.test.ts',
  Module: 'the base class',
  ModuleList: 'containers.test.ts',
  ModuleDict: 'containers.test.ts',
  ParameterList: 'containers.test.ts',
  ParameterDict: 'containers.test.ts',
  Sequential: 'sequential.test.ts',
  ParametrizationList: 'parametrize.test.ts',
  RNNBase: 'the base class of RNN, LSTM and GRU',
  RNNCellBase: 'the base class of the cells',
};

const wave = (shape: readonly number[], k: number, dtype: DType): Tensor =>
  tensor(Float64Array.from({ length: numelOf(shape) }, (_, i) => 2 * Math.sin(2.399963 * (i + 1) + k)), { dtype }).reshape(shape);

const isFields = (v: Encoded): v is Fields => typeof v === 'object' && v !== null && !Array.isArray(v);

/** What data stands for; floats become leaves of the list. */
function build(v: Encoded, dtype: DType, leaves: Tensor[]): unknown {
  if (Array.isArray(v)) return v.map((x) => build(x, dtype, leaves));
  if (!isFields(v)) return v;
  const shape = (Object.values(v)[0] ?? []) as readonly number[];
  const cells = (kind: DType, cell: (i: number) => number): Tensor => tensor(Array.from({ length: numelOf(shape) }, (_, i) => cell(i)), { dtype: kind }).reshape(shape);
  if ('float' in v) {
    leaves.push(wave(shape, v['k'] as number, dtype).requiresGrad_());
    return leaves[leaves.length - 1];
  }
  if ('prob' in v) return wave(shape, 3, dtype).mul(0.2).add(0.5);
  if ('sign' in v) return wave(shape, 5, dtype).sign();
  if ('plain' in v) return wave(shape, v['k'] as number, dtype);
  if ('int' in v) return cells('int64', (i) => (7 * i + 3) % (v['below'] as number));
  if ('mask' in v) return cells('bool', (i) => Number(i % 4 === 3));
  if ('values' in v) return tensor(v['values'] as number[], { dtype: v['dtype'] as DType });
  if ('causal' in v) return nn.Transformer.generateSquareSubsequentMask(v['causal'] as number, { dtype });
  if ('layer' in v) return make(v as object as Row, dtype);
  if ('packed' in v) return packPaddedSequence(build(v['packed'], dtype, leaves) as Tensor, v['lengths'] as number[], { enforceSorted: false });
  if ('tuple' in v) return build(v['tuple'], dtype, leaves);
  if ('function' in v) return (a: Tensor, b: Tensor): Tensor => a.sub(b).abs().sum(-1);
  throw new Error(`unknown data: ${JSON.stringify(v)}`);
}

const camel = (fields: Fields, dtype: DType, leaves: Tensor[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([key, v]) => [toCamelCase(key), build(v, dtype, leaves)]));

function make({ layer, args = [], options }: Row, dtype: DType): Module {
  const kind: unknown = Reflect.get(nn, layer);
  if (typeof kind !== 'function') throw new Error(`no layer ${layer}`);
  const given = args.map((a) => build(a, dtype, []));
  if (options !== undefined) given.push(camel(options, dtype, []));
  return Reflect.construct(kind, given) as Module;
}

/** Calls forward as the table says. */
function call(layer: Module, { inputs, call: options }: Row, dtype: DType, leaves: Tensor[]): Tensor[] {
  const given = inputs.map((x) => build(x, dtype, leaves));
  if (options !== undefined) given.push(camel(options, dtype, leaves));
  return flat(layer.forward(...(given as never[])));
}

function flat(y: unknown): Tensor[] {
  if (y === null || y === undefined) return [];
  if (y instanceof Tensor) return [y];
  if (y instanceof PackedSequence) return [y.data];
  return [...(y as Iterable<unknown>)].flatMap(flat);
}

/** The values of a small tensor, else sums that tell tensors apart. */
function numbers(x: Tensor): number[] {
  const v = Array.from(x.detach().to('float64').data(), (a) => (Number.isFinite(a) ? a : Number.isNaN(a) ? 777 : Math.sign(a) * 1000));
  if (v.length <= 8) return v;
  const sum = (weigh: (a: number, i: number) => number): number => v.reduce((s, a, i) => s + weigh(a, i), 0);
  return [sum(Math.abs), sum((a, i) => a * Math.cos(i)), sum((a, i) => a * Math.sin(1.7 * i + 1)), v[0], v[v.length - 1]];
}

/** FNV-1a of the bytes. */
function digest(x: Tensor): number {
  const data = x.detach().data();
  const bytes = x.dtype === 'int64' ? new BigInt64Array(Array.from(data, BigInt)) : data;
  let h = 2166136261;
  for (const byte of new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)) h = Math.imul(h ^ byte, 16777619);
  return h >>> 0;
}

function near(actual: readonly number[], expected: readonly number[], tolerance: number, what: string): void {
  is(actual.length, expected.length, `${what}: ${actual.length} numbers, expected ${expected.length}`);
  const size = Math.max(1, ...expected.map(Math.abs));
  actual.forEach((a, i) => ok(Math.abs(a - expected[i]) <= tolerance * size, `${what}: [${actual.join(', ')}], expected [${expected.join(', ')}]`));
}

const title = ({ layer, args = [], options = {} }: Row): string => `${layer}(${[...args, ...Object.entries(options).map(([k, v]) => `${k}=${JSON.stringify(v)}`)].map((v) => (typeof v === 'string' ? v : JSON.stringify(v))).join(', ')})`;

function compare(row: Recorded, dtype: 'float32' | 'float64', tolerance: number): void {
  manualSeed(0);
  const layer = make(row, 'float64');
  // Lazy layers take their shapes from a first input.
  if (row.layer.startsWith('Lazy')) call(layer.eval(), row, 'float32', []);
  const state = layer.stateDict();
  equal(Object.keys(state), Object.keys(row.keys), 'state keys');
  for (const [key, [shape, bits]] of Object.entries(row.keys)) {
    equal(state[key].shape, shape, key);
    is(digest(state[key]), bits, `the starting value of ${key} has other bits`);
  }
  const [printed, wanted] = [layer.toString().split('\n'), row.repr.split('\n')];
  printed.forEach((line, i) => ok(line === wanted[i], `printed ${line}, expected ${wanted[i]}`));
  is(printed.length, wanted.length, 'lines of the print form');
  layer.to(dtype).train(row.eval !== true);
  const leaves: Tensor[] = [];
  manualSeed(1);
  const results = call(layer, row, dtype, leaves);
  equal(results.map((y) => y.shape), row.output.map(([shape]) => shape), 'shapes of the output');
  results.forEach((y, i) => near(numbers(y), row.output[i][1], tolerance, `output ${i}`));
  if (row.grads !== undefined) {
    const parts = results.flatMap((y, j) => (y.requiresGrad ? [y.mul(wave(y.shape, 90 + j, dtype)).sum()] : []));
    ok(parts.length > 0, 'no output requires a gradient');
    parts.reduce((a, b) => a.add(b)).backward();
    const compareGrad = (x: Tensor, expected: readonly number[] | null, what: string): void => {
      if (expected === null) ok(x.grad === null || x.grad.abs().max().item() === 0, `${what} has a gradient`);
      else near(x.grad === null ? [] : numbers(x.grad), expected, tolerance * 10, `gradient of ${what}`);
    };
    leaves.forEach((x, i) => compareGrad(x, row.grads?.[i] ?? null, `input ${i}`));
    const weights = row.weights ?? {};
    equal(layer.namedParameters().map(([key]) => key), Object.keys(weights), 'parameters');
    for (const [key, p] of layer.namedParameters()) compareGrad(p, weights[key], key);
  }
  const buffers = Object.fromEntries(layer.namedBuffers());
  equal(Object.keys(buffers), Object.keys(row.buffers ?? {}), 'buffers');
  for (const [key, expected] of Object.entries(row.buffers ?? {})) near(numbers(buffers[key]), expected, tolerance, key);
}

const layers = Object.entries(nn).flatMap(([name, value]) => (typeof value === 'function' && value.prototype instanceof Module ? [name] : []));

test('every layer has a row in the table, or a reason', () => {
  const rows = new Set(cases.map(({ layer }) => layer));
  for (const name of layers) ok(rows.has(name) !== (without[name] !== undefined), `${name}: ${rows.has(name) ? 'a row and a reason' : 'neither row nor reason'}`);
  for (const name of Object.keys(without)) ok(name in nn, `${name} is no layer`);
});

for (const name of new Set(cases.map(({ layer }) => layer))) {
  test(name, () => {
    const problems: string[] = [];
    for (const row of cases.filter(({ layer }) => layer === name)) {
      for (const [dtype, tolerance] of [['float64', 1e-6], ['float32', 2e-4]] as const) {
        // PyTorch draws other places for windows in float32.
        if (dtype === 'float32' && name.startsWith('Fractional')) continue;
        try {
          compare(row, dtype, tolerance);
        } catch (error) {
          problems.push(`${title(row)} ${dtype}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    }
    ok(problems.length === 0, problems.join('\n'));
  });
}

test('what PyTorch refuses is refused', () => {
  const problems: string[] = [];
  for (const row of refused) {
    try {
      const layer = make(row, 'float64').double();
      if (row.inputs !== undefined) call(layer, row, 'float64', []);
      problems.push(`accepted: ${JSON.stringify(row)}`);
    } catch (error) {
      if (!(error instanceof PolyakError)) problems.push(`${JSON.stringify(row)}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`);
    }
  }
  ok(problems.length === 0, problems.join('\n'));
});

test.run();

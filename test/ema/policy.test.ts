import { test } from 'uvu';
import {
  ArgumentError, BatchNorm1d, Buffer, type EntryPolicy, ExponentialMovingAverage, LatestWeightAverage, Linear, MemorySnapshots, Module, Parameter, PowerFunctionEMA, Sequential, StateError, type Tensor,
  deepCopy, noGrad, putSnapshot, tensor,
} from '../../index.ts';
import { equal, is, ok, throwsError } from '../assert.ts';

class Net extends Module {
  body: Sequential = new Sequential(new Linear(1, 1), new BatchNorm1d(1));
  head: Linear = new Linear(1, 1);
  scale: Buffer = new Buffer(tensor([1]));
  mask: Buffer = new Buffer(tensor([1]), { persistent: false });
  forward(x: Tensor): Tensor {
    return this.head.forward(this.body.forward(x));
  }
}

const fill = (m: Module, value: number): void => noGrad(() => [...m.parameters(), ...m.buffers()].forEach((x) => x.fill_(value)));
const values = (m: Module): Record<string, number> =>
  Object.fromEntries([...m.namedParameters({ removeDuplicate: false }), ...m.namedBuffers({ removeDuplicate: false })].map(([name, x]) => [name, Number(x.data()[0])]));
const bits = (m: Module): string => JSON.stringify(Object.entries(m.stateDict()).map(([k, t]) => [k, t.dtype, Array.from(t.data())]));

/** All entries after sources of 1, 3 and 5 with momentum 0.5, from a model of 0. */
function after(options: ConstructorParameters<typeof ExponentialMovingAverage>[1], sources: readonly number[] = [1, 3, 5]): Record<string, number> {
  const model = new Net();
  fill(model, 0);
  const average = new ExponentialMovingAverage(model, { momentum: 0.5, ...options });
  for (const v of sources) {
    fill(model, v);
    average.updateParameters(model);
  }
  return values(average.module);
}

const averaged = 3.5; // ((1 + 3) / 2 + 5) / 2

test('without a policy, and with globs, of which the first that matches counts', () => {
  const usual = after({});
  equal(usual, {
    'body.0.weight': averaged, 'body.0.bias': averaged, 'body.1.weight': averaged, 'body.1.bias': averaged, 'head.weight': averaged, 'head.bias': averaged,
    scale: 5, mask: 5, 'body.1.running_mean': 5, 'body.1.running_var': 5, 'body.1.num_batches_tracked': 5,
  });
  equal(after({ policy: {} }), usual);
  equal(after({ policy: { 'head.bias': 'average', 'head.*': 'skip', '**.bias': 'copy', scale: 'average' } }), {
    ...usual, 'head.weight': 0, 'body.0.bias': 5, 'body.1.bias': 5, scale: averaged,
  });
});

test("'*' stops at dots, '**' does not, and '**.' is for none too", () => {
  const skipped = (glob: string): string[] => Object.entries(after({ policy: { [glob]: 'skip' } })).flatMap(([name, v]) => (v === 0 ? [name] : []));
  equal(skipped('body.*.bias'), ['body.0.bias', 'body.1.bias']);
  equal(skipped('*.weight'), ['head.weight']);
  equal(skipped('**.weight'), ['body.0.weight', 'body.1.weight', 'head.weight']);
  equal(skipped('**.scale'), ['scale']);
  equal(skipped('b**.weight'), ['body.0.weight', 'body.1.weight']);
  equal(skipped('*a*'), ['scale', 'mask']);
  is(skipped('**').length, 11);
});

test('a function, for parameters and buffers, with the tensor; undefined is the usual', () => {
  const seen: string[] = [];
  const policy = (name: string, x: Tensor): EntryPolicy | undefined => {
    seen.push(`${name} ${x.dtype}`);
    return name.startsWith('head') ? 'copy' : x.dtype === 'int64' ? 'skip' : undefined;
  };
  const result = after({ policy });
  equal([result['head.weight'], result['head.bias'], result['body.1.num_batches_tracked'], result['body.0.weight'], result.scale], [5, 5, 0, averaged, 5]);
  ok(seen.includes('body.1.num_batches_tracked int64') && seen.includes('mask float32') && !seen.some((s) => s.startsWith('module')));
});

test('policies are evaluated when entries are matched, and kept', () => {
  let calls = 0;
  const model = new Net();
  const average = new ExponentialMovingAverage(model, { momentum: 0.5, policy: () => (calls++, 'copy') });
  average.updateParameters(model);
  const before = calls;
  for (let i = 0; i < 5; i++) average.updateParameters(model);
  is(calls, before);
});

test('updateBuffers says what buffers are where no policy does; integers follow when the rule is applied', () => {
  const result = after({ updateBuffers: true, policy: { scale: 'copy', mask: 'skip' } });
  equal([result['body.1.running_mean'], result.scale, result.mask, result['body.1.num_batches_tracked']], [averaged, 5, 0, 5]);
  const interval = after({ interval: 2, policy: { '**': 'average', 'body.**': 'copy' } }, [1, 3, 5, 9]);
  equal([interval.scale, interval['head.bias'], interval['body.1.num_batches_tracked']], [3, 3, 5]);
  const copied = after({ interval: 2, policy: { 'body.**': 'copy', '**': 'average' } }, [1, 3, 5, 9]);
  equal([copied.scale, copied['body.0.bias'], copied['body.1.num_batches_tracked']], [3, 9, 9]);
});

test('policyOf', () => {
  const average = new ExponentialMovingAverage(new Net(), { policy: { 'head.*': 'skip' } });
  equal(['head.weight', 'body.0.weight', 'scale'].map((name) => average.policyOf(name)), ['skip', 'average', 'copy']);
  is(new ExponentialMovingAverage(new Net(), { updateBuffers: true }).policyOf('scale'), 'average');
  throwsError(() => average.policyOf('module.scale'), ArgumentError, /policyOf: no such entry, got 'module\.scale'; expected one of/);
});

test('syncs, swaps and copies leave out what is skipped', () => {
  const model = new Net();
  fill(model, 0);
  const average = new ExponentialMovingAverage(model, { momentum: 0.5, policy: { 'head.*': 'skip', mask: 'skip' } });
  fill(model, 4);
  average.syncParameters(model);
  average.syncBuffers(model);
  equal([values(average.module)['head.weight'], values(average.module)['body.0.weight'], values(average.module).mask, values(average.module).scale], [0, 4, 0, 4]);
  average.updateParameters(model);
  fill(model, 8);
  const swap = average.swap(model);
  equal([model.head.weight.item(), values(model)['body.0.weight'], model.mask.item()], [8, 4, 8]);
  swap.restore();
  average.copyTo(model);
  equal([model.head.weight.item(), values(model)['body.0.weight'], model.mask.item()], [8, 4, 8]);
});

test('tied entries have one policy, under whichever name it is given', () => {
  class Tied extends Module {
    embed: Parameter = new Parameter(tensor([0]));
    head: Parameter = this.embed;
    forward(): Tensor {
      return this.embed;
    }
  }
  const model = new Tied();
  const average = new ExponentialMovingAverage(model, { momentum: 0.5, policy: { head: 'skip' } });
  equal([average.policyOf('embed'), average.policyOf('head')], ['skip', 'skip']);
  fill(model, 1);
  average.updateParameters(model);
  is(average.module.embed.item(), 0);
  throwsError(() => new ExponentialMovingAverage(model, { policy: { head: 'skip', embed: 'copy' } }), StateError, /tied entries.*'copy' for 'embed' and 'skip' for 'head'/);
});

test('a deep copy and a conversion keep the policy', () => {
  const model = new Net();
  fill(model, 0);
  const average = new ExponentialMovingAverage(model, { momentum: 0.5, policy: { '**.bias': 'skip' } });
  fill(model, 2);
  const copied = deepCopy(average);
  copied.updateParameters(model);
  copied.to('float64');
  fill(model, 4);
  copied.updateParameters(model);
  equal([values(copied.module)['head.bias'], values(copied.module)['head.weight']], [0, 3]);
});

test('a snapshot names what is no average', async () => {
  const model = new Net();
  const policy: Record<string, EntryPolicy> = { 'head.bias': 'skip', 'head.weight': 'copy', 'body.1.running_var': 'average' };
  const average = new PowerFunctionEMA(model, { gamma: 2, policy });
  average.updateParameters(model);
  equal((await putSnapshot(new MemorySnapshots(), average)).copied, ['head.weight', 'head.bias', 'scale', 'body.1.running_mean']);
});

test('bad policies are refused at construction', () => {
  const make = (policy: unknown): unknown => new ExponentialMovingAverage(new Net(), { policy: policy as 'x' & Record<string, EntryPolicy> });
  for (const bad of [3, 'copy', [], new Map()]) throwsError(() => make(bad), ArgumentError, /ExponentialMovingAverage: invalid policy, got/);
  throwsError(() => make({ scale: 'freeze' }), ArgumentError, /unknown policy of 'scale', got 'freeze'; expected 'average', 'copy' or 'skip'/);
  throwsError(() => make(() => 'freeze'), ArgumentError, /unknown policy of 'body\.0\.weight', got 'freeze'/);
  throwsError(() => make({ scale: 'copy', 'heads.*': 'skip' }), ArgumentError, /no entry, got 'heads\.\*' for \['body\.0\.weight'.*hint: '\*' stops/s);
  throwsError(() => make({ 'module.scale': 'copy' }), ArgumentError, /no entry/);
  throwsError(() => make(() => { throw new TypeError('mine'); }), TypeError, /mine/);
});

test('a function that fails later changes nothing', () => {
  let policy: unknown = 'copy';
  const model = new Net();
  const average = new ExponentialMovingAverage(model, { momentum: 0.5, policy: () => policy as EntryPolicy });
  average.updateParameters(model);
  fill(model, 3);
  policy = 'no';
  model.scale = new Buffer(tensor([7]));
  const before = bits(average);
  throwsError(() => average.updateParameters(model), ArgumentError, /updateParameters: unknown policy of/);
  is(bits(average), before);
});

test('other rules have policies too', () => {
  const model = new Net();
  fill(model, 0);
  const average = new LatestWeightAverage(model, { k: 2, policy: { 'head.*': 'skip', 'body.0.*': 'copy' } });
  for (const v of [1, 3, 5]) {
    fill(model, v);
    average.updateParameters(model);
  }
  equal([model, average.module].map((m) => [values(m)['head.weight'], values(m)['body.0.weight'], values(m)['body.1.weight']]), [[5, 5, 5], [0, 5, 4]]);
  ok(!Object.keys(average.stateDict()).some((key) => /^snapshots\.\d\.(head|body\.0)/.test(key)));
});

test.run();

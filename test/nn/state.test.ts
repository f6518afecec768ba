import { test } from 'uvu';
import { equal, is, ok, throwsError } from '../assert.ts';
import { ArgumentError, StateError, type Tensor, noGrad, ones, tensor, zeros } from '../../index.ts';
import { Module } from '../../nn/module.ts';
import { Buffer, Parameter } from '../../nn/parameter.ts';

class Inner extends Module {
  weight = new Parameter(tensor([[1, 2, 3]]));
  runningMean = new Buffer(zeros([2]));
  count = new Buffer(tensor(4, { dtype: 'int64' }));
  scratch = new Buffer(zeros([1]), { persistent: false });
  forward(x: Tensor): Tensor {
    return x.mul(this.weight);
  }
}

class Net extends Module {
  inner = new Inner();
  gain = new Parameter(ones([2]));
  forward(x: Tensor): Tensor {
    return this.inner.forward(x);
  }
}

const bits = (m: Module): number[][] => Object.values(m.stateDict()).map((t) => [...t.data()]);

const caught = (fn: () => unknown): StateError => {
  try {
    fn();
  } catch (error) {
    if (error instanceof StateError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

test('a state dictionary has no prototype, is detached and shares memory', () => {
  const net = new Net();
  const state = net.stateDict();
  is(Object.getPrototypeOf(state), null);
  equal(Object.keys(state), ['gain', 'inner.weight', 'inner.running_mean', 'inner.count']);
  is(state['inner.weight'] instanceof Parameter, false);
  is(state['inner.weight'].requiresGrad, false);
  noGrad(() => net.inner.weight.fill_(9));
  equal(state['inner.weight'].array(), [[9, 9, 9]]);
  is(net.stateDict({ keepVars: true })['inner.weight'], net.inner.weight);
});

test('what was saved loads, into the same tensors', () => {
  const a = new Net();
  const b = new Net();
  noGrad(() => a.inner.weight.fill_(5));
  const kept = b.inner.weight;
  equal(b.loadStateDict(a.stateDict()), { missingKeys: [], unexpectedKeys: [] });
  is(b.inner.weight, kept);
  is(b.inner.weight.requiresGrad, true);
  equal(bits(b), bits(a));
  noGrad(() => a.inner.weight.fill_(6));
  equal(b.inner.weight.array(), [[5, 5, 5]]);
});

test('loading casts to the dtype of the module', () => {
  const net = new Net();
  const state = net.stateDict();
  net.loadStateDict({ ...state, gain: tensor([3, 4], { dtype: 'int32' }), 'inner.weight': tensor([[7, 8, 9]], { dtype: 'float64' }) });
  is(net.gain.dtype, 'float32');
  equal(net.gain.array(), [3, 4]);
  is(net.inner.weight.dtype, 'float32');
  equal(net.inner.weight.array(), [[7, 8, 9]]);
});

test('the whole difference is reported at once, and nothing is written', () => {
  const net = new Net();
  const before = bits(net);
  const versions = net.parameters().map((p) => p.storage.version);
  const error = caught(() =>
    net.loadStateDict({
      gain: ones([2]).mul(8),
      extra: ones([1]),
      'inner.weight': ones([1, 1]),
      'inner.count': tensor(1.5),
      'inner.scale': ones([1]),
    }),
  );
  is(
    error.message,
    `loadStateDict: the state does not match Net, got 1 missing, 2 unexpected, 2 that do not fit; expected its names, shapes and dtypes
  missing: inner.running_mean
  unexpected: extra
  unexpected: inner.scale
  shape: inner.weight: got float32[1, 1], expected float32[1, 3]
  dtype: inner.count: got float32[], expected int64[]
hint: { strict: false } ignores missing and unexpected names`,
  );
  equal(error.values['missingKeys'], ['inner.running_mean']);
  equal(error.values['unexpectedKeys'], ['extra', 'inner.scale']);
  equal(bits(net), before);
  equal(net.parameters().map((p) => p.storage.version), versions);
});

test('without strict, names may differ but shapes may not', () => {
  const net = new Net();
  equal(net.loadStateDict({ gain: tensor([5, 6]), other: ones([1]) }, { strict: false }), {
    missingKeys: ['inner.weight', 'inner.running_mean', 'inner.count'],
    unexpectedKeys: ['other'],
  });
  equal(net.gain.array(), [5, 6]);
  const error = caught(() => net.loadStateDict({ gain: ones([3]), other: ones([1]) }, { strict: false }));
  is(error.message, 'loadStateDict: the state does not match Net, got 1 that does not fit; expected its names, shapes and dtypes\n  shape: gain: got float32[3], expected float32[2]');
  equal(net.gain.array(), [5, 6]);
});

test('values that are no tensors, and things that are no states', () => {
  const net = new Net();
  const error = caught(() => net.loadStateDict({ ...net.stateDict(), gain: [1, 2] }));
  ok(error.message.includes('not a tensor: gain: got [1, 2], expected float32[2]'));
  for (const bad of [null, undefined, 3, [], new Map(), ones([1])]) {
    throwsError(() => Reflect.apply(net.loadStateDict, net, [bad]), ArgumentError, /not a state dictionary/);
  }
  throwsError(() => Reflect.apply(net.loadStateDict, net, [net.stateDict(), { strikt: false }]), ArgumentError, /did you mean 'strict'/);
});

test('keys of the prototype chain do not count', () => {
  class Odd extends Module {
    toFixed = new Parameter(ones([1]));
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const state: Record<string, Tensor> = Object.create({ to_fixed: ones([1]) });
  equal(new Odd().loadStateDict(state, { strict: false }), { missingKeys: ['to_fixed'], unexpectedKeys: [] });
});

test('a state that shares memory with the module in another order loads right', () => {
  class Pair extends Module {
    a = new Parameter(tensor([1, 2]));
    b = new Parameter(tensor([3, 4]));
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const pair = new Pair();
  const { a, b } = pair.stateDict();
  pair.loadStateDict({ a: b, b: a });
  equal([pair.a.array(), pair.b.array()], [[3, 4], [1, 2]]);
  const version = pair.a.storage.version;
  pair.loadStateDict(pair.stateDict());
  is(pair.a.storage.version, version);
  const { a: c, b: d } = pair.stateDict({ keepVars: true });
  pair.loadStateDict({ a: d, b: c }, { assign: true });
  equal([pair.a.array(), pair.b.array()], [[1, 2], [3, 4]]);
});

test('assign takes over memory and dtype, and keeps the tensor objects', () => {
  const net = new Net();
  const given = tensor([7, 8], { dtype: 'float64' });
  const { gain } = net;
  net.loadStateDict({ ...net.stateDict(), gain: given }, { assign: true });
  is(net.gain, gain);
  is(net.gain.storage, given.storage);
  is(net.gain.dtype, 'float64');
  is(net.gain.requiresGrad, true);
  const error = caught(() => net.loadStateDict({ ...net.stateDict(), gain: tensor([1n, 2n]) }, { assign: true }));
  ok(error.message.includes('dtype: gain: got int64[2], expected float64[2]'));
});

test('a buffer of shared cells is refused before anything is written', () => {
  class Wide extends Module {
    weight = new Parameter(ones([1]));
    wide = new Buffer(ones([1]).expand([3]));
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const wide = new Wide();
  const error = caught(() => wide.loadStateDict({ weight: zeros([1]), wide: zeros([3]) }));
  ok(error.message.includes('memory: wide: several elements share one cell'));
  equal(wide.weight.array(), [1]);
});

test('modules adapt states to themselves, wherever they are', () => {
  class Renamed extends Inner {
    override prepareStateDict(state: Record<string, unknown>): Record<string, unknown> {
      if ('old_weight' in state) {
        state['weight'] = state['old_weight'];
        delete state['old_weight'];
      }
      state['count'] ??= tensor(0, { dtype: 'int64' });
      return state;
    }
  }
  class Outer extends Module {
    part = new Renamed();
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const given = { old_weight: ones([1, 3]), running_mean: ones([2]) };
  const alone = new Renamed();
  alone.loadStateDict(given);
  equal(alone.weight.array(), [[1, 1, 1]]);
  is(alone.count.item(), 0);
  equal(Object.keys(given), ['old_weight', 'running_mean']);
  const outer = new Outer();
  outer.loadStateDict({ 'part.old_weight': ones([1, 3]), 'part.running_mean': ones([2]) });
  equal(outer.part.weight.array(), [[1, 1, 1]]);
  const error = caught(() => outer.loadStateDict({ 'part.old_weight': ones([1, 3]) }));
  ok(error.message.includes('missing: part.running_mean'));
});

test.run();

import { test } from 'uvu';
import { Watch } from '../../ema/watch.ts';
import { BatchNorm1d, Linear, Module, ModuleDict, ModuleList, Parameter, ParameterDict, ParameterList, Sequential, type Tensor, ones, zeros } from '../../index.ts';
import { is } from '../assert.ts';

const p = (): Parameter => new Parameter(zeros([1]));

class Holder extends Module {
  a: Parameter | null = p();
  b: Parameter = p();
  list: unknown[] = [new Linear(1, 1), 3, 'text'];
  map: Map<string, unknown> = new Map<string, unknown>([['x', p()], ['n', 1]]);
  object: Record<string, unknown> = { deep: { deeper: [1, 2, { deepest: p() }] } };
  empty: unknown[] = [];
  data: Record<string, unknown> = { numbers: [1, 2, 3] };
  last: Tensor | null = null;
  cache: Set<number> = new Set([1]);
  count = 1;
  forward(): void {}
}

type Change = (m: Holder) => void;

const changes: Readonly<Record<string, Change>> = {
  'a new Parameter': (m) => void (m.b = p()),
  'a Parameter that goes': (m) => void (m.a = null),
  'a field that is deleted': (m) => void Reflect.deleteProperty(m, 'a'),
  'a new field': (m) => void Reflect.set(m, 'c', p()),
  'two that change places': (m) => void ([m.a, m.b] = [m.b, m.a ?? m.b]),
  'one under two names': (m) => void (m.a = m.b),
  'fields in another order': (m) => {
    const { a } = m;
    Reflect.deleteProperty(m, 'a');
    m.a = a;
  },
  'a module in a list': (m) => void m.list.push(new Linear(1, 1)),
  'a module put before': (m) => void m.list.unshift(0),
  'another module in a list': (m) => void (m.list[0] = new Linear(1, 1)),
  'another list': (m) => void (m.list = [...m.list]),
  'a Parameter in an empty list': (m) => void m.empty.push(p()),
  'a member among data': (m) => void (m.data.numbers = [1, p()]),
  'a member deep in data': (m) => void (m.data.numbers as unknown[]).push({ x: [p()] }),
  'an entry of a Map': (m) => void m.map.set('y', p()),
  'an entry that goes': (m) => void m.map.delete('x'),
  'another name in a Map': (m) => {
    const x = m.map.get('x');
    m.map.delete('x');
    m.map.set('z', x);
  },
  'something in an object': (m) => void (m.object.more = p()),
  'something deep in an object': (m) => void Reflect.set(((m.object.deep as { deeper: unknown[] }).deeper[2]) as object, 'deepest', p()),
  'a parameter of a module below': (m) => void ((m.list[0] as Linear).weight = p()),
  'a field of a module below': (m) => void Reflect.set(m.list[0] as object, 'extra', new Linear(1, 1)),
};

for (const [name, change] of Object.entries(changes)) {
  test(`${name} is noticed`, () => {
    const m = new Holder();
    const watch = new Watch(m);
    is(watch.isSame(), true);
    is(watch.isSame(), true);
    change(m);
    is(watch.isSame(), false);
    is(new Watch(m).isSame(), true);
  });
}

test('what cannot hold a tensor of the module may change', () => {
  const m = new Holder();
  const watch = new Watch(m);
  m.eval();
  m.count = 2.5;
  m.last = ones([3]);
  m.cache = new Set([2]);
  m.list[1] = 4;
  m.list.push('more');
  m.map.set('n', 2);
  m.map.set('o', 3);
  m.data.note = 'x';
  (m.data.numbers as number[]).push(4);
  Reflect.set(m, 'other', () => 1);
  is(watch.isSame(), true);
});

test('containers of the library are looked into', () => {
  const modules = new ModuleList([new Linear(1, 1)]);
  const named = new ModuleDict({ a: new Linear(1, 1) });
  const [list, dict] = [new ParameterList([zeros([1])]), new ParameterDict({ a: zeros([1]) })];
  const layers = new Sequential(new Linear(1, 1), new BatchNorm1d(1));
  const cases: [Module, () => unknown][] = [
    [modules, () => modules.append(new Linear(1, 1))],
    [modules, () => modules.set(0, new Linear(1, 1))],
    [named, () => named.set('b', new Linear(1, 1))],
    [named, () => named.delete('a')],
    [list, () => list.append(zeros([1]))],
    [dict, () => dict.set('a', zeros([1]))],
    [layers, () => layers._modules.set('1', new BatchNorm1d(1))],
    [layers, () => void ((layers.at(0) as Linear).bias = null)],
  ];
  for (const [module, change] of cases) {
    const watch = new Watch(module);
    is(watch.isSame(), true);
    change();
    is(watch.isSame(), false);
  }
});

test('a module that lists its members itself is asked', () => {
  class Secret extends Module {
    #weight = p();
    renew(): void {
      this.#weight = p();
    }
    override memberEntries(): Iterable<readonly [string, unknown]> {
      return [...super.memberEntries(), ['weight', this.#weight]];
    }
    forward(): void {}
  }
  const inner = new Secret();
  const watch = new Watch(new ModuleList([inner]));
  is(watch.isSame(), true);
  inner.renew();
  is(watch.isSame(), false);
});

test('references back to a module that contains it', () => {
  const m = new Holder();
  m.object.parent = m;
  const watch = new Watch(m);
  is(watch.isSame(), true);
  m.b = p();
  is(watch.isSame(), false);
});

test.run();

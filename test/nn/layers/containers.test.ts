import { test } from 'uvu';
import { equal, is, ok, throwsError } from '../../assert.ts';
import { ArgumentError, StateError, type Tensor, ones, tensor } from '../../../index.ts';
import { Identity, Linear, Module, ModuleDict, ModuleList, Parameter, ParameterDict, ParameterList, ReLU, Sequential, deepCopy } from '../../../nn/index.ts';

class Add extends Module {
  readonly n: number;
  constructor(n: number) {
    super();
    this.n = n;
  }
  forward(x: Tensor): Tensor {
    return x.mul(2).add(this.n);
  }
}

const x = tensor([1, 2]);

test('Sequential runs its layers in order', () => {
  equal(new Sequential(new Add(1), new Add(10)).forward(x).array(), [16, 20]);
  equal(new Sequential([new Add(10), new Add(1)]).forward(x).array(), [25, 29]);
  is(new Sequential().forward(x), x);
});

test('Sequential names layers by position or as they are given', () => {
  equal(Object.keys(new Sequential(new Linear(1, 2), new ReLU(), new Linear(2, 1)).stateDict()), ['0.weight', '0.bias', '2.weight', '2.bias']);
  const named = new Sequential(new Map<string, Linear | ReLU>([['fcOne', new Linear(1, 2)], ['act', new ReLU()]]));
  equal(Object.keys(named.stateDict()), ['fcOne.weight', 'fcOne.bias']);
  equal(Object.keys(new Sequential({ fc: new Linear(1, 2) }).stateDict()), ['fc.weight', 'fc.bias']);
  is(named.get('act')?.constructor, ReLU);
  is(named.get('nothing'), undefined);
});

test('Sequential is a list', () => {
  const [a, b, c] = [new Add(1), new Add(2), new Add(3)];
  const seq = new Sequential(a, b);
  is(seq.append(c), seq);
  is(seq.length, 3);
  equal([...seq], [a, b, c]);
  is(seq.at(0), a);
  is(seq.at(-1), c);
  const rest = seq.slice(1);
  equal([...rest], [b, c]);
  equal(seq.slice(1).namedChildren().map(([name]) => name), ['1', '2']);
  equal([...new Sequential(a).extend([b, c])], [a, b, c]);
  throwsError(() => seq.at(3), ArgumentError, /Sequential: position outside the list, got 3; expected -3 to 2/);
  throwsError(() => seq.at(0.5), ArgumentError, /position/);
});

test('a subclass of Sequential may have members of its own', () => {
  class Scaled extends Sequential {
    gain = new Parameter(ones([1]));
  }
  equal(Object.keys(new Scaled(new Linear(1, 1)).stateDict()), ['gain', '0.weight', '0.bias']);
});

test('Sequential refuses what is no Module', () => {
  throwsError(() => Reflect.construct(Sequential, [new Add(1), 3]), ArgumentError, /Sequential: '1' is not a Module, got 3/);
  throwsError(() => Reflect.construct(Sequential, [() => 1]), ArgumentError, /not a Module/);
  throwsError(() => new Sequential({ 'a.b': new Add(1) }), ArgumentError, /without dots/);
});

test('containers survive a deep copy', () => {
  const layer = new Linear(1, 1);
  const copy = deepCopy(new Sequential(layer, layer));
  is(copy.at(0), copy.at(1));
  ok(copy.at(0) !== layer);
  equal(Object.keys(copy.stateDict()).length, 4);
  equal(copy.parameters().length, 2);
});

test('ModuleList', () => {
  const [a, b, c] = [new Linear(1, 1), new Linear(1, 2), new Linear(1, 3)];
  const list = new ModuleList([a]);
  list.append(c).insert(1, b);
  equal([...list], [a, b, c]);
  is(list.at(-1), c);
  is(list.length, 3);
  list.set(0, c);
  is(list.at(0), c);
  equal(Object.keys(list.stateDict()), ['0.weight', '0.bias', '1.weight', '1.bias', '2.weight', '2.bias']);
  equal(list.parameters().length, 4);
  const rest = list.slice(1);
  equal([...rest], [b, c]);
  throwsError(() => list.at(5), ArgumentError, /ModuleList: position outside/);
  throwsError(() => Reflect.apply(list.append, list, [1]), ArgumentError, /ModuleList: not a Module, got 1/);
  throwsError(() => list.extend([a, Reflect.get({}, 'x')]), ArgumentError, /not a Module/);
  is(list.length, 3);
  throwsError(() => list.forward(), StateError, /ModuleList: a container computes nothing/);
});

test('ModuleDict', () => {
  const dict = new ModuleDict<Module>({ classA: new Linear(1, 1), act: new ReLU() });
  equal(Object.keys(dict.stateDict()), ['classA.weight', 'classA.bias']);
  equal([...dict.keys()], ['classA', 'act']);
  is(dict.size, 2);
  is(dict.has('act'), true);
  is(dict.get('act').constructor, ReLU);
  dict.set('id', new Identity());
  equal([...dict].map(([name]) => name), ['classA', 'act', 'id']);
  is(dict.delete('act'), true);
  is([...dict.values()].length, 2);
  throwsError(() => dict.get('act'), ArgumentError, /no such name, got 'act'; expected one of classA, id/);
  throwsError(() => dict.set('a.b', new ReLU()), ArgumentError, /without dots/);
  dict.clear();
  is(dict.size, 0);
  is(new ModuleDict(new Map([['a', new ReLU()]])).size, 1);
});

test('ParameterList and ParameterDict make Parameters of tensors', () => {
  const p = new Parameter(ones([1]));
  const list = new ParameterList([p, ones([2])]);
  is(list.at(0), p);
  ok(list.at(1) instanceof Parameter);
  equal(Object.keys(list.stateDict()), ['0', '1']);
  const dict = new ParameterDict({ left: p, right: ones([3]) });
  is(dict.get('left'), p);
  equal(dict.namedParameters().map(([name]) => name), ['left', 'right']);
  throwsError(() => Reflect.apply(list.append, list, [[1]]), ArgumentError, /ParameterList: not a tensor/);
});

test('entries are taken out, put in between and replaced', () => {
  const [a, b, c, d] = [new Linear(1, 2), new ReLU(), new Linear(2, 3), new ReLU()];
  const net = new Sequential(a, c);
  equal([...net.insert(1, b)], [a, b, c]);
  net.insert(3, d);
  equal(Object.keys(net.stateDict()), ['0.weight', '0.bias', '2.weight', '2.bias']);
  is(net.pop(-1), d);
  is(net.pop(1), b);
  equal(Object.keys(net.stateDict()), ['0.weight', '0.bias', '1.weight', '1.bias']);
  net.set(1, d);
  equal([...net], [a, d]);
  throwsError(() => net.insert(5, b), ArgumentError, /position outside/);
  throwsError(() => net.set(0, 1 as never), ArgumentError, /not a Module/);
  throwsError(() => net.insert(0, null as never), ArgumentError, /not a Module/);
  equal([...net], [a, d]);
  const list = new ModuleList([a, b, c]);
  equal([list.pop(), list.pop(0), list.length], [c, a, 1]);
  throwsError(() => list.pop(1), ArgumentError, /ModuleList: position outside/);
  const dict = new ModuleDict({ a, b });
  is(dict.pop('a'), a);
  throwsError(() => dict.pop('a'), ArgumentError, /no such name, got 'a'/);
});

test.run();

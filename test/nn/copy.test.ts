import { test } from 'uvu';
import { equal, is, ok, throwsError } from '../assert.ts';
import { StateError, type Tensor, getDevice, noGrad, ones, tensor, zeros } from '../../index.ts';
import { type Copier, cloneHook, deepCopy } from '../../nn/copy.ts';
import { Module } from '../../nn/module.ts';
import { Buffer, Parameter } from '../../nn/parameter.ts';

class Scale extends Module {
  weight = new Parameter(tensor([1, 2]));
  mask = new Buffer(ones([2]), { persistent: false });
  forward(x: Tensor): Tensor {
    return x.mul(this.weight);
  }
}

test('a copied module is of its class and shares nothing', () => {
  const m = new Scale().eval();
  m.forward(ones([2])).sum().backward();
  const copy = deepCopy(m);
  ok(copy instanceof Scale);
  ok(copy.weight instanceof Parameter);
  is(copy.weight.requiresGrad, true);
  is(copy.weight.grad, null);
  is(copy.training, false);
  ok(copy.mask instanceof Buffer);
  is(copy.mask.persistent, false);
  noGrad(() => copy.weight.fill_(9));
  equal(m.weight.array(), [1, 2]);
  copy.forward(ones([2])).sum().backward();
  equal(copy.weight.grad?.array(), [1, 1]);
  equal(m.weight.grad?.array(), [1, 1]);
});

test('ties stay ties, of tensors, submodules and memory', () => {
  class Tied extends Module {
    a = new Scale();
    b = new Scale();
    c = this.a;
    layers = [this.a, this.b];
    byName = new Map([['a', this.a]]);
    view = this.b.mask.detach().narrow(0, 1, 1);
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const m = new Tied();
  m.b.weight = m.a.weight;
  const copy = deepCopy(m);
  is(copy.b.weight, copy.a.weight);
  is(copy.c, copy.a);
  is(copy.layers[0], copy.a);
  is(copy.byName.get('a'), copy.a);
  ok(copy.a !== m.a);
  is(copy.view.storage, copy.b.mask.storage);
  ok(copy.view.storage !== m.view.storage);
  copy.view.fill_(5);
  equal(copy.b.mask.array(), [1, 5]);
  equal(m.b.mask.array(), [1, 1]);
});

test('layout, dtype and frozen parameters are kept', () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]], { dtype: 'float64' });
  const t = deepCopy(x.t());
  equal(t.strides, [1, 3]);
  equal(t.array(), [[1, 4], [2, 5], [3, 6]]);
  is(t.dtype, 'float64');
  const part = deepCopy(x.narrow(1, 1, 2));
  is(part.offset, 1);
  equal(part.array(), [[2, 3], [5, 6]]);
  is(deepCopy(new Parameter(ones([1]), { requiresGrad: false })).requiresGrad, false);
  equal(deepCopy(zeros([0, 3])).shape, [0, 3]);
  equal(deepCopy(tensor([true, false])).array(), [true, false]);
});

test('a tensor with history is refused', () => {
  const y = ones([2], { requiresGrad: true }).mul(2);
  throwsError(() => deepCopy({ cache: y }), StateError, /recorded history, got float32\[2\] made by mul; expected a leaf\nhint: detach/);
  equal(deepCopy(y.detach()).array(), [2, 2]);
});

test('cycles close inside the copy', () => {
  interface Ring {
    self?: Ring;
    list: unknown[];
    map: Map<unknown, unknown>;
    set: Set<unknown>;
  }
  const ring: Ring = { list: [], map: new Map(), set: new Set() };
  ring.self = ring;
  ring.list.push(ring, ring.list);
  ring.map.set(ring, ring.map);
  ring.set.add(ring);
  const copy = deepCopy(ring);
  ok(copy !== ring);
  is(copy.self, copy);
  is(copy.list[0], copy);
  is(copy.list[1], copy.list);
  is(copy.map.get(copy), copy.map);
  is(copy.set.has(copy), true);
  is(copy.set.has(ring), false);
});

test('a module that refers to its parent', () => {
  class Child extends Scale {
    parent: Module | null = null;
  }
  class Parent extends Module {
    child = new Child();
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const m = new Parent();
  m.child.parent = m;
  const copy = deepCopy(m);
  is(copy.child.parent, copy);
});

test('ordinary values', () => {
  const fn = (): number => 1;
  const value = {
    n: 1, s: 'x', u: undefined, nothing: null, big: 3n, nan: NaN, fn, date: new Date(5), pattern: /a+/gi,
    sparse: Object.assign(new Array<number>(3), { 1: 7, label: 'l' }), device: getDevice('cpu'), key: Symbol.for('k'),
  };
  const copy = deepCopy(value);
  is(copy.fn, fn);
  is(copy.device, value.device);
  is(copy.key, value.key);
  ok(copy.date !== value.date);
  is(copy.date.getTime(), 5);
  is(String(copy.pattern), '/a+/gi');
  is(copy.sparse.length, 3);
  is(0 in copy.sparse, false);
  is(copy.sparse.label, 'l');
  is(copy.sparse[1], 7);
  is(Number.isNaN(copy.nan), true);
  is('u' in copy, true);
  is(deepCopy(3), 3);
  is(deepCopy(null), null);
});

test('typed arrays share a buffer in the copy where they did before', () => {
  const buffer = new ArrayBuffer(16);
  const floats = new Float32Array(buffer, 4, 2);
  const bytes = new Uint8Array(buffer);
  const copy = deepCopy({ floats, bytes, view: new DataView(buffer, 2, 3), big: new BigInt64Array([5n]), node: globalThis.Buffer.from('ab') });
  is(copy.floats.buffer, copy.bytes.buffer);
  is(copy.view.buffer, copy.bytes.buffer);
  ok(copy.floats.buffer !== buffer);
  copy.floats[0] = 1;
  is(copy.bytes[7], 63);
  is(bytes[7], 0);
  equal([copy.floats.byteOffset, copy.floats.length, copy.view.byteOffset, copy.view.byteLength], [4, 2, 2, 3]);
  is(copy.big[0], 5n);
  is(copy.node.toString(), 'ab');
});

test('class instances keep prototype, descriptors, symbols and locks', () => {
  const mark = Symbol('mark');
  class Point {
    x = [1];
    readonly [mark] = { deep: [2] };
    get sum(): number {
      return this.x[0] + 1;
    }
  }
  class Tagged extends Map<string, number[]> {
    tag = ['t'];
  }
  class Numbers extends Array<number> {
    total(): number {
      return this.reduce((a, b) => a + b, 0);
    }
  }
  const point = new Point();
  Object.defineProperty(point, 'hidden', { value: [3], enumerable: false });
  Object.defineProperty(point, 'twice', { get: () => 2, configurable: true });
  const copy = deepCopy(point);
  ok(copy instanceof Point);
  is(copy.sum, 2);
  ok(copy.x !== point.x);
  equal(copy[mark], { deep: [2] });
  ok(copy[mark].deep !== point[mark].deep);
  equal(Object.getOwnPropertyDescriptor(copy, 'hidden'), { value: [3], enumerable: false, writable: false, configurable: false });
  is(typeof Object.getOwnPropertyDescriptor(copy, 'twice')?.get, 'function');
  const tagged = deepCopy(new Tagged([['a', [1]]]));
  ok(tagged instanceof Tagged);
  equal([tagged.get('a'), tagged.tag], [[1], ['t']]);
  is(deepCopy(Numbers.from([1, 2, 3]) as Numbers).total(), 6);
  const frozen = deepCopy(Object.freeze({ list: Object.freeze([1, 2]) }));
  is(Object.isFrozen(frozen), true);
  is(Object.isFrozen(frozen.list), true);
  equal(frozen.list, [1, 2]);
  is(Object.isSealed(deepCopy(Object.seal({ a: 1 }))), true);
});

test('objects with private state copy themselves, cycles included', () => {
  class Counter {
    #count: number;
    #owner: unknown;
    constructor(count: number) {
      this.#count = count;
    }
    own(owner: unknown): void {
      this.#owner = owner;
    }
    get state(): readonly [number, unknown] {
      return [this.#count, this.#owner];
    }
    [cloneHook](copier: Copier): Counter {
      const copied = new Counter(this.#count);
      copier.remember(this, copied);
      copied.own(copier.copy(this.#owner));
      return copied;
    }
  }
  const counter = new Counter(4);
  const holder = { counter, list: [counter], weight: ones([2]) };
  counter.own(holder);
  const copy = deepCopy(holder);
  ok(copy.counter !== counter);
  is(copy.list[0], copy.counter);
  is(copy.counter.state[0], 4);
  is(copy.counter.state[1], copy);
  class Reader {
    readonly #list: readonly number[];
    readonly first: number;
    constructor(list: readonly number[]) {
      this.#list = list;
      this.first = list[0];
    }
    [cloneHook](copier: Copier): Reader {
      return new Reader(copier.copy(this.#list));
    }
  }
  is(deepCopy([new Reader([7, 8])])[0].first, 7);
  throwsError(() => deepCopy({ [cloneHook]: () => 3 }), Error, /gave no object, got 3/);
});

test('what cannot be copied is refused by name', () => {
  for (const value of [new WeakMap(), new WeakSet(), Promise.resolve(1), [1].values(), (function* () {})()]) {
    throwsError(() => deepCopy({ value }), StateError, /deepCopy: a value cannot be copied/);
  }
});

test('long chains do not overflow the stack', () => {
  interface Link {
    next: Link | null;
  }
  let chain: Link = { next: null };
  for (let i = 0; i < 100_000; i++) chain = { next: chain };
  let length = 0;
  for (let link: Link | null = deepCopy(chain); link !== null; link = link.next) length++;
  is(length, 100_001);
});

test.run();

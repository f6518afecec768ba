import { test } from 'uvu';
import { equal, is, ok, throwsError } from '../assert.ts';
import { ArgumentError, DTypeError, DeviceError, StateError, type Tensor, arange, ones, tensor, zeros } from '../../index.ts';
import { Module } from '../../nn/module.ts';
import { Buffer, Parameter } from '../../nn/parameter.ts';

class Scale extends Module {
  weight: Parameter;
  bias: Parameter | null;
  constructor(size = 2, bias = true) {
    super();
    this.weight = new Parameter(ones([size]));
    this.bias = bias ? new Parameter(zeros([size])) : null;
  }
  forward(x: Tensor): Tensor {
    const y = x.mul(this.weight);
    return this.bias === null ? y : y.add(this.bias);
  }
}

class Norm extends Module {
  runningMean = new Buffer(zeros([2]));
  weight = new Parameter(ones([2]));
  numBatchesTracked = new Buffer(tensor(0, { dtype: 'int64' }));
  cache = new Buffer(zeros([1]), { persistent: false });
  forward(x: Tensor): Tensor {
    return x.sub(this.runningMean).mul(this.weight);
  }
}

class Net extends Module {
  firstLayer = new Scale();
  batchNorm = new Norm();
  ownGain = new Parameter(ones([1]));
  step = new Buffer(zeros([]));
  readonly note = 'text';
  forward(x: Tensor): Tensor {
    return this.batchNorm.forward(this.firstLayer.forward(x)).mul(this.ownGain);
  }
}

const names = (named: readonly (readonly [string, unknown])[]): string[] => named.map(([name]) => name);

test('names and order are those of PyTorch: own tensors first, then children', () => {
  const net = new Net();
  equal(names(net.namedParameters()), ['own_gain', 'first_layer.weight', 'first_layer.bias', 'batch_norm.weight']);
  equal(names(net.namedBuffers()), ['step', 'batch_norm.running_mean', 'batch_norm.num_batches_tracked', 'batch_norm.cache']);
  equal(names(net.namedModules()), ['', 'first_layer', 'batch_norm']);
  equal(names(net.namedChildren()), ['first_layer', 'batch_norm']);
  equal(Object.keys(net.stateDict()), [
    'own_gain', 'step', 'first_layer.weight', 'first_layer.bias', 'batch_norm.weight', 'batch_norm.running_mean', 'batch_norm.num_batches_tracked',
  ]);
  equal(net.parameters(), net.namedParameters().map(([, p]) => p));
  equal(net.modules().length, 3);
});

test('a null parameter is no entry', () => {
  equal(names(new Scale(2, false).namedParameters()), ['weight']);
});

test('prefix and recurse', () => {
  const net = new Net();
  equal(names(net.namedParameters({ prefix: 'm', recurse: false })), ['m.own_gain']);
  equal(names(net.namedModules({ prefix: 'm' })), ['m', 'm.first_layer', 'm.batch_norm']);
  equal(net.parameters({ recurse: false }), [net.ownGain]);
  equal(net.buffers({ recurse: false }), [net.step]);
  is(Object.keys(net.stateDict({ prefix: 'm.' }))[0], 'm.own_gain');
  throwsError(() => Reflect.apply(net.parameters, net, [{ recursive: true }]), ArgumentError, /unknown option/);
});

test('arrays, Maps and plain objects count as anonymous children', () => {
  class Mixed extends Module {
    layers = [new Scale(), [new Scale(2, false)], null, new Parameter(ones([1]))];
    byName = new Map<string | number, Module>([['camelKey', new Scale(2, false)], [7, new Scale(2, false)]]);
    parts = { innerPart: new Scale(2, false), stats: new Buffer(zeros([1])), depth: 3 };
    last = new Parameter(ones([1]));
    sizes = [1, 2, 3];
    config = { a: { b: [1, 2] }, 'dotted.name': 1 };
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const mixed = new Mixed();
  equal(names(mixed.namedParameters()), [
    'last', 'layers.3', 'layers.0.weight', 'layers.0.bias', 'layers.1.0.weight', 'by_name.camelKey.weight', 'by_name.7.weight', 'parts.inner_part.weight',
  ]);
  equal(names(mixed.namedBuffers()), ['parts.stats']);
  equal(names(mixed.namedChildren()), ['layers.0', 'layers.1.0', 'by_name.camelKey', 'by_name.7', 'parts.inner_part']);
  equal(names(mixed.namedModules()), ['', 'layers.0', 'layers.1.0', 'by_name.camelKey', 'by_name.7', 'parts.inner_part']);
  is(mixed.getSubmodule('layers.1.0'), mixed.children()[1]);
});

test('#private fields, Sets, plain tensors and foreign classes are not members', () => {
  class Box {
    inner = new Scale();
  }
  class Hidden extends Module {
    #secret = new Parameter(ones([1]));
    many = new Set([new Scale()]);
    plain = ones([1]);
    box = new Box();
    forward(): Tensor {
      return this.#secret;
    }
  }
  const hidden = new Hidden();
  equal(hidden.parameters(), []);
  equal(hidden.namedChildren(), []);
  is(hidden.forward().requiresGrad, true);
});

test('tied tensors are listed once, but saved under each name', () => {
  const net = new Net();
  net.batchNorm.weight = net.firstLayer.weight;
  equal(names(net.namedParameters()), ['own_gain', 'first_layer.weight', 'first_layer.bias']);
  equal(names(net.namedParameters({ removeDuplicate: false })), ['own_gain', 'first_layer.weight', 'first_layer.bias', 'batch_norm.weight']);
  const state = net.stateDict();
  is(state['batch_norm.weight'].storage, state['first_layer.weight'].storage);
});

test('a shared submodule is listed once, but saved under each path', () => {
  class Shared extends Module {
    a = new Scale(2, false);
    b = this.a;
    forward(x: Tensor): Tensor {
      return this.b.forward(this.a.forward(x));
    }
  }
  const shared = new Shared();
  equal(names(shared.namedModules()), ['', 'a']);
  equal(names(shared.namedModules({ removeDuplicate: false })), ['', 'a', 'b']);
  equal(names(shared.namedChildren()), ['a']);
  equal(names(shared.namedParameters()), ['a.weight']);
  equal(Object.keys(shared.stateDict()), ['a.weight', 'b.weight']);
});

test('a reference back to a parent is not followed', () => {
  class Child extends Scale {
    parent: Module | null = null;
    links: unknown = null;
  }
  class Parent extends Module {
    child = new Child();
    forward(x: Tensor): Tensor {
      return this.child.forward(x);
    }
  }
  const root = new Parent();
  root.child.parent = root;
  const ring: unknown[] = [root];
  ring.push(ring);
  root.child.links = ring;
  equal(Object.keys(root.stateDict()), ['child.weight', 'child.bias']);
  equal(names(root.namedParameters({ removeDuplicate: false })), ['child.weight', 'child.bias']);
  is(root.modules().length, 2);
  is(root.eval().child.training, false);
  is(root.train().child.training, true);
  const seen: Module[] = [];
  root.apply((m) => seen.push(m));
  equal(seen.length, 2);
  ok(root.toString().includes('(child): Child('));
});

test('names that clash are refused', () => {
  class Clash extends Module {
    aB = new Parameter(ones([1]));
    a_b = new Parameter(ones([1]));
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  throwsError(() => new Clash().stateDict(), StateError, /one state-dictionary name, got 'a_b' twice.*\n.*snake_case/);
  class Dotted extends Module {
    byName = new Map([['x.y', new Scale()]]);
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  throwsError(() => new Dotted().parameters(), StateError, /got 'x\.y' in 'by_name'; expected a name without dots/);
  class Keyed extends Module {
    byObject = new Map([[{}, new Scale()]]);
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  throwsError(() => new Keyed().parameters(), StateError, /a member in a Map has no name/);
});

test('registering sets a field', () => {
  const net = new Net();
  const p = new Parameter(ones([1]));
  net.registerParameter('extraWeight', p);
  is(Reflect.get(net, 'extraWeight'), p);
  is(net.getParameter('extra_weight'), p);
  net.registerParameter('absent', null);
  const x = ones([2]);
  net.registerBuffer('maskOne', x, { persistent: false });
  is(net.getBuffer('maskOne').storage, x.storage);
  is('mask_one' in net.stateDict(), false);
  net.registerModule('tail', new Scale());
  is(net.getSubmodule('tail').constructor, Scale);
  net.registerModule('tail', null);
  throwsError(() => net.getSubmodule('tail'), ArgumentError, /no such path, got 'tail'; expected one of '', 'first_layer'/);
});

test('registering refuses bad names and values', () => {
  const net = new Net();
  const p = new Parameter(ones([1]));
  throwsError(() => net.registerParameter('a.b', p), ArgumentError, /invalid name, got 'a\.b'/);
  throwsError(() => net.registerParameter('', p), ArgumentError, /invalid name/);
  throwsError(() => net.registerParameter('forward', p), ArgumentError, /the name is taken, got 'forward'/);
  throwsError(() => net.registerParameter('note', p), ArgumentError, /taken/);
  throwsError(() => Reflect.apply(net.registerParameter, net, ['w', ones([1])]), ArgumentError, /not a Parameter, got float32\[1\]/);
  throwsError(() => Reflect.apply(net.registerBuffer, net, ['b', 1]), ArgumentError, /not a tensor/);
  throwsError(() => Reflect.apply(net.registerModule, net, ['m', {}]), ArgumentError, /not a Module/);
});

test('looking up by path takes both spellings', () => {
  const net = new Net();
  is(net.getParameter('first_layer.weight'), net.firstLayer.weight);
  is(net.getParameter('firstLayer.weight'), net.firstLayer.weight);
  is(net.getBuffer('batchNorm.runningMean'), net.batchNorm.runningMean);
  is(net.getSubmodule(''), net);
  throwsError(() => net.getParameter('first_layer'), ArgumentError, /getParameter: no such path/);
  throwsError(() => net.getBuffer('first_layer.weight'), ArgumentError, /getBuffer: no such path/);
});

test('training mode reaches everything below and respects overrides', () => {
  class Frozen extends Norm {
    override train(): this {
      return super.train(false);
    }
  }
  class Outer extends Module {
    inner = [new Net()];
    frozen = new Frozen();
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const outer = new Outer();
  is(outer.eval(), outer);
  equal(outer.modules().map((m) => m.training), [false, false, false, false, false]);
  outer.train();
  is(outer.inner[0].batchNorm.training, true);
  is(outer.frozen.training, false);
  throwsError(() => Reflect.apply(outer.train, outer, [1]), ArgumentError, /mode is not a boolean/);
});

test('apply goes from the leaves to the root, and may call anything', () => {
  const net = new Net();
  const order: string[] = [];
  is(net.apply((m) => order.push(m.eval().constructor.name)), net);
  equal(order, ['Scale', 'Norm', 'Net']);
  equal(net.modules().map((m) => m.training), [false, false, false]);
});

test('requiresGrad_ and zeroGrad', () => {
  const net = new Net();
  net.forward(ones([2])).sum().backward();
  const { grad } = net.ownGain;
  ok(grad !== null);
  net.zeroGrad({ setToNone: false });
  equal(net.ownGain.grad?.array(), [0]);
  net.zeroGrad();
  is(net.ownGain.grad, null);
  net.requiresGrad_(false);
  equal(net.parameters().map((p) => p.requiresGrad), [false, false, false, false]);
  is(net.requiresGrad_().ownGain.requiresGrad, true);
});

test('to changes floats in place and keeps objects, ties, integers and requiresGrad', () => {
  const net = new Net();
  net.batchNorm.weight = net.firstLayer.weight;
  net.ownGain.requiresGrad = false;
  const before = net.namedParameters({ removeDuplicate: false });
  net.forward(ones([2])).sum().backward();
  const grad = net.firstLayer.weight.grad?.array();
  is(net.double(), net);
  equal(net.namedParameters({ removeDuplicate: false }).map(([n, p]) => [n, p === before.find(([m]) => m === n)?.[1]]), before.map(([n]) => [n, true]));
  equal(net.parameters().map((p) => p.dtype), ['float64', 'float64', 'float64']);
  is(net.batchNorm.weight, net.firstLayer.weight);
  is(net.batchNorm.numBatchesTracked.dtype, 'int64');
  is(net.batchNorm.runningMean.dtype, 'float64');
  is(net.batchNorm.cache.dtype, 'float64');
  is(net.ownGain.requiresGrad, false);
  is(net.firstLayer.weight.requiresGrad, true);
  is(net.firstLayer.weight.grad?.dtype, 'float64');
  equal(net.firstLayer.weight.grad?.array(), grad);
  is(net.forward(ones([2], { dtype: 'float64' })).dtype, 'float64');
  net.to(ones([1]));
  is(net.firstLayer.weight.dtype, 'float32');
  net.to('cpu', { dtype: 'float64' }).float();
  is(net.batchNorm.runningMean.dtype, 'float32');
});

test('tensors that share memory go on sharing it after to', () => {
  class Halves extends Module {
    whole = arange(4, { dtype: 'float32' });
    left = new Parameter(this.whole.narrow(0, 0, 2));
    right = new Parameter(this.whole.narrow(0, 1, 3));
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const halves = new Halves().double();
  is(halves.left.storage, halves.right.storage);
  equal(halves.right.array(), [1, 2, 3]);
  is(halves.right.dtype, 'float64');
});

test('to refuses what it cannot do, and changes nothing then', () => {
  const net = new Net();
  throwsError(() => net.to('int64'), DTypeError, /parameters are floats, got int64/);
  throwsError(() => net.to('nowhere'), DeviceError, /unknown device/);
  throwsError(() => Reflect.apply(net.to, net, [3]), ArgumentError, /neither dtype nor device, got 3/);
  net.registerBuffer('late', zeros([1]));
  const late = net.getBuffer('late');
  late.add_(ones([1], { requiresGrad: true }));
  throwsError(() => net.double(), StateError, /a tensor has history/);
  equal(net.parameters().map((p) => p.dtype), ['float32', 'float32', 'float32', 'float32']);
});

test('the print form is that of PyTorch', () => {
  class Layer extends Scale {
    override extraRepr(): string {
      return `size=${this.weight.numel()}`;
    }
  }
  class Printed extends Module {
    firstLayer = new Layer();
    layers = [new Layer(3), new Norm()];
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  is(new Norm().toString(), 'Norm()');
  is(
    `${new Printed()}`,
    `Printed(
  (first_layer): Layer(size=2)
  (layers.0): Layer(size=3)
  (layers.1): Norm()
)`,
  );
});

test.run();

import { test } from 'uvu';
import { checkNumber, checkOptions, show } from '../../core/errors.ts';
import { ArgumentError, DTypeError, DeviceError, PolyakError, ShapeError, StateError, ones, tensor } from '../../index.ts';
import { equal, is, ok, throwsError } from '../assert.ts';

test('all classes are PolyakErrors and Errors, with a name', () => {
  for (const Kind of [ArgumentError, DTypeError, DeviceError, ShapeError, StateError]) {
    const error = new Kind('op: fact, got 1; expected 2');
    ok(error instanceof PolyakError && error instanceof Error);
    is(error.name, Kind.name);
    is(error.message, 'op: fact, got 1; expected 2');
    is(error.hint, '');
    equal(error.values, {});
  }
});

test('hint and values', () => {
  const error = new ShapeError('op: fact, got 1; expected 2', { hint: 'try 3', values: { size: 1 } });
  is(error.message, 'op: fact, got 1; expected 2\nhint: try 3');
  is(error.hint, 'try 3');
  equal(error.values, { size: 1 });
});

test('show prints values shortly', () => {
  is(show(ones([2, 3])), 'float32[2, 3]');
  is(show(tensor(1)), 'float32[]');
  is(show('a'), "'a'");
  is(show(1n), '1n');
  is(show(null), 'null');
  is(show(undefined), 'undefined');
  is(show([1, 'b', [2]]), "[1, 'b', [2]]");
  is(show(Array.from({ length: 10 }, (_, i) => i)), '[0, 1, 2, 3, 4, 5, 6, 7, … 10 in all]');
  is(show({ a: 1, b: { c: 2 } }), '{ a: 1, b: { c: 2 } }');
  is(show(new Map()), 'a Map');
  is(show(show), 'function show');
  is(show(Object.create(null)), '{  }');
});

test('checkOptions refuses what it does not know, and suggests', () => {
  checkOptions('op', undefined, ['a']);
  checkOptions('op', {}, []);
  checkOptions('op', { keepdim: true }, ['keepdim']);
  throwsError(() => checkOptions('op', { keepDim: true }, ['keepdim']), ArgumentError, /^op: unknown option, got 'keepDim'; expected one of keepdim\nhint: did you mean 'keepdim'\?$/);
  throwsError(() => checkOptions('op', { weight_decay: 1 }, ['weightDecay', 'lr']), ArgumentError, /did you mean 'weightDecay'/);
  throwsError(() => checkOptions('op', { zebra: 1 }, ['lr']), ArgumentError, /^op: unknown option, got 'zebra'; expected one of lr$/);
  throwsError(() => checkOptions('op', { x: 1 }, []), ArgumentError, /expected no options/);
  throwsError(() => checkOptions('op', [1], ['a']), ArgumentError, /options are not an object/);
  throwsError(() => Reflect.apply(checkOptions, undefined, ['op', true, ['a']]), ArgumentError, /options are not an object, got true/);
  throwsError(() => Reflect.apply(checkOptions, undefined, ['op', null, ['a']]), ArgumentError, /options are not an object, got null/);
});

test('checkNumber refuses other types and values outside', () => {
  checkNumber('op', 'lr', 0.1, 'a number > 0', (v) => v > 0);
  throwsError(() => checkNumber('op', 'lr', -1, 'a number > 0', (v) => v > 0), ArgumentError, /^op: invalid lr, got -1; expected a number > 0$/);
  throwsError(() => checkNumber('op', 'lr', NaN, 'a number > 0', (v) => v > 0), ArgumentError, /got NaN/);
  throwsError(() => checkNumber('op', 'lr', '1', 'a number > 0', (v) => v > 0), ArgumentError, /got '1'/);
});

test.run();

import { test } from 'uvu';
import { StateError } from '../../../core/errors.ts';
import { Recorder, record } from '../../../core/trace/record.ts';
import type { Trace } from '../../../core/trace/graph.ts';
import { type Tensor, arange, ones, tensor, vmap, zeros } from '../../../index.ts';
import { equal, is, throwsError } from '../../assert.ts';

const traced = (fn: (x: Tensor) => Tensor, x = arange(6).to('float32').reshape([2, 3]), named: [string, Tensor][] = []): Trace => record(new Recorder(named), [x], () => fn(x), (y) => [y]).trace;
const ops = ({ steps }: Trace): string[] => steps.map(({ op, inputs }) => `${op}(${inputs.map((x) => (typeof x === 'number' ? x : `%${x.id}`)).join(', ')})`);

test('steps name the values they read; numbers stand for themselves', () => {
  const trace = traced((x) => x.mul(2).add(x));
  equal(ops(trace), ['mul(%0, 2)', 'add(%1, %0)']);
  equal([trace.inputs[0].id, trace.outputs[0].id], [0, 2]);
});

test('views are steps, and an alias is no step', () => {
  equal(ops(traced((x) => x.detach().reshape([2, 3]).t().unsqueeze(0))), ['view.permute(%0)', 'view.unsqueeze(%1)']);
  equal(ops(traced((x) => x.narrow(1, 1, 2).select(0, 1))), ['view.slice(%0)', 'view.select(%1)']);
});

test('a write in place gives the tensor, its base and its other views new values', () => {
  const trace = traced((x) => {
    const y = x.clone();
    const row = y.select(0, 0);
    const column = y.select(1, 0);
    y.add_(1);
    row.mul_(2);
    return column.add(y.select(1, 1));
  });
  equal(ops(trace), ['clone(%0)', 'view.select(%1)', 'view.select(%1)', 'add(%1, 1)', 'view.select(%4)', 'mul(%5, 2)', 'put(%4, %6)', 'view.select(%7)', 'view.select(%7)', 'add(%9, %8)']);
});

test('parameters keep their names whatever views of them come first, other tensors are constants', () => {
  const w = ones([3, 3]);
  const trace = traced((x) => x.matmul(w.t()).add(tensor([1, 2, 3])), undefined, [['layer.weight', w], ['tied', w]]);
  equal(trace.values.filter((v) => v.name !== null).map((v) => [v.name, v.shape]), [['layer.weight', [3, 3]]]);
  const constant = trace.values.find((v) => v.step === null && v.data !== null && v.name === null);
  equal(Array.from(constant?.data ?? []), [1, 2, 3]);
});

test('what is made of constants has its elements at hand', () => {
  const trace = traced((x) => x.add(ones([3]).mul(2).cumsum(0)));
  const sum = trace.steps.find(({ op }) => op === 'cumsum');
  equal(Array.from(sum?.outputs[0].data ?? []), [2, 4, 6]);
  is(trace.outputs[0].data, null);
});

test('reads of what depends on the arguments are refused, other reads are not', () => {
  throwsError(() => traced((x) => x.add(x.sum().item())), StateError, /trace: values were read in forward, got a read of float32\[\] that depends on the arguments/);
  equal(ops(traced((x) => x.add(zeros([2]).sum().item()))).at(-1), 'add(%0, 0)');
});

test('a function under vmap is traced as what it runs on all examples', () => {
  const trace = traced((x) => vmap((row: Tensor) => row.mul(2).sum())(x));
  equal(trace.outputs[0].shape, [2]);
  is(trace.steps.every(({ op }) => op !== 'batched'), true);
  equal(trace.steps.map(({ op }) => op).filter((op) => !op.startsWith('view.')), ['mul', 'sum']);
});

test.run();

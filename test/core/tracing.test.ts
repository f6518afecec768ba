import { test } from 'uvu';
import { StateError } from '../../core/errors.ts';
import { type TraceListener, tracing, untraced, withTracing } from '../../core/tracing.ts';
import { type Tensor, noGrad, tensor } from '../../index.ts';
import { equal, is, throwsError } from '../assert.ts';

class Log implements TraceListener {
  readonly lines: string[] = [];

  ran({ name }: { readonly name: string }, inputs: readonly (Tensor | number)[], outputs: readonly Tensor[]): void {
    this.lines.push(`${name} ${inputs.length} ${outputs[0] === inputs[0] ? 'in place' : outputs[0].shape.join()}`);
  }

  writing(x: Tensor): void {
    this.lines.push(`writing ${x.shape.join()}`);
  }

  viewed(name: string, _: Tensor, views: readonly Tensor[]): void {
    this.lines.push(`${name} ${views.map((v) => v.shape.join()).join(' ')}`);
  }

  reading(x: Tensor): void {
    this.lines.push(`reading ${x.shape.join()}`);
  }
}

const log = (fn: () => void): string[] => {
  const listener = new Log();
  withTracing(listener, fn);
  return listener.lines;
};

test('a listener is told of primitives, views, writes and reads, in order', () => {
  const x = tensor([[1, 2], [3, 4]]);
  equal(log(() => {
    const y = x.t().add(1);
    y.select(0, 1).mul_(2);
    y.sum().item();
    x.split(1);
    x.max(1);
  }), ['permute 2,2', 'add 2 2,2', 'select 2', 'writing 2', 'mul 2 in place', 'sum 1 ', 'reading ', 'split 1,2 1,2', 'maxDim 1 2']);
});

test('the same is told with and without gradients', () => {
  const run = (): void => {
    const w = tensor([[1, 2], [3, 4]], { requiresGrad: true });
    w.matmul(w).relu().sum();
  };
  equal(log(run), log(() => noGrad(run)));
});

test('there is no listener outside, inside untraced, and after an error; none stands in another', () => {
  is(tracing, null);
  equal(log(() => untraced(() => tensor([1]).neg())), []);
  throwsError(() => withTracing(new Log(), () => { throw new RangeError('x'); }), RangeError, /x/);
  is(tracing, null);
  throwsError(() => withTracing(new Log(), () => withTracing(new Log(), () => 0)), StateError, /trace: a trace inside another one/);
});

test.run();

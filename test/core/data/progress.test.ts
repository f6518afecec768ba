import { test } from 'uvu';
import { ArgumentError, DataLoader, type ProgressStream, TensorDataset, progress, zeros } from '../../../index.ts';
import { textWidth } from '../../../core/data/text.ts';
import { equal, is, ok, throwsError } from '../../assert.ts';

class Screen implements ProgressStream {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number;
  constructor(columns = 80, isTTY = true) {
    this.columns = columns;
    this.isTTY = isTTY;
  }
  write(text: string): void {
    this.text += text;
  }
  /** What was drawn, one after the other. */
  get drawings(): string[] {
    return this.text.split('\r').slice(1).map((line) => line.replace('\x1b[K', '').replace('\n', ''));
  }
}

const all = <T>(items: Iterable<T>): T[] => [...items];

test('yields the items and shows count, share and rate', () => {
  const stream = new Screen();
  equal(all(progress([1, 2, 3, 4], { stream, every: 0, label: 'train' })), [1, 2, 3, 4]);
  const { drawings } = stream;
  is(drawings.length, 6);
  ok(drawings[0].startsWith('train   0% |'), drawings[0]);
  ok(/^train {2}50% \|█+[▏▎▍▌▋▊▉]? +\| 2\/4 \[0:00 < 0:00, \d+ it\/s\]$/.test(drawings[2]), drawings[2]);
  ok(/^train 100% \|█+\| 4\/4 \[0:00, \S+ it\/s\]$/.test(drawings[5]), drawings[5]);
  ok(stream.text.endsWith('\x1b[K\n'));
});

test('draws at most every so often', () => {
  const stream = new Screen();
  all(progress(Array.from({ length: 1000 }, (_, i) => i), { stream, every: 1e6 }));
  is(stream.drawings.length, 2);
});

test('shows values that were set', () => {
  const stream = new Screen();
  const bar = progress([1, 2], { stream, every: 0 });
  for (const i of bar) bar.set({ loss: 1 / (3 * i), phase: 'warm\nup' });
  ok(stream.drawings[1].endsWith('] loss 0.3333, phase warm up'), stream.drawings[1]);
  ok(stream.drawings[2].endsWith('] loss 0.1667, phase warm up'), stream.drawings[2]);
  throwsError(() => bar.set({ loss: {} as never }), ArgumentError, /value 'loss' cannot be shown/);
});

test('never as wide as the terminal', () => {
  for (const columns of [1, 2, 10, 30, 45, 80, 200]) {
    const stream = new Screen(columns);
    const bar = progress([1, 2], { stream, every: 0, label: '学習 🚀' });
    for (const _ of bar) bar.set({ loss: 0.123, accuracy: 0.98 });
    for (const line of stream.drawings) ok(textWidth(line) < columns, `${columns}: ${line}`);
  }
});

test('without a total', () => {
  const stream = new Screen();
  all(progress(new Set([1, 2]).values(), { stream, every: 0 }));
  ok(stream.drawings[2].startsWith('2 [0:00, '), stream.drawings[2]);
  const sized = new Screen();
  all(progress(new Set([1, 2]), { stream: sized, every: 0 }));
  ok(sized.drawings[1].startsWith(' 50%'));
  const batches = new Screen();
  all(progress(new DataLoader(new TensorDataset(zeros([4])), { batchSize: 2 }), { stream: batches, every: 0 }));
  ok(batches.drawings[1].startsWith(' 50%'));
});

test('ends the line after an early break and after an error', () => {
  const stream = new Screen();
  for (const i of progress([1, 2, 3, 4], { stream, every: 0 })) if (i === 3) break;
  ok(/ 50% .* 2\/4 .*\n$/s.test(stream.text), stream.text);
  const failed = new Screen();
  throwsError(() => {
    for (const i of progress([1, 2], { stream: failed })) throw new RangeError(`stop ${i}`);
  }, RangeError, /stop 1/);
  ok(failed.text.endsWith('\n'));
});

test('takes its line away where it is not to be left', () => {
  const stream = new Screen();
  equal(all(progress([1, 2], { stream, every: 0, leave: false })), [1, 2]);
  ok(stream.text.endsWith('\r\x1b[K') && !stream.text.includes('\n'), JSON.stringify(stream.text));
  for (const _ of progress([1, 2], { stream, leave: false })) break;
  ok(stream.text.endsWith('\r\x1b[K') && !stream.text.includes('\n'), JSON.stringify(stream.text));
});

test('quiet where there is no terminal', () => {
  const stream = new Screen(80, false);
  all(progress([1, 2], { stream, every: 0 }));
  is(stream.text, '');
  all(progress([1, 2], { stream, every: 0, label: 'train', summary: true }).set({ loss: 0.5 }));
  ok(/^train 100% 2\/2 \[0:00, \S+ it\/s\] loss 0\.5\n$/.test(stream.text), JSON.stringify(stream.text));
  equal(all(progress([1], { stream: null })), [1]);
});

test('more items than the total, and none', () => {
  const stream = new Screen();
  all(progress([1, 2, 3], { stream, every: 0, total: 2 }));
  ok(stream.drawings[3].startsWith('100%'));
  const none = new Screen();
  all(progress([], { stream: none }));
  ok(none.drawings[1].startsWith('100%'));
});

test('refuses bad options', () => {
  throwsError(() => progress(3 as never), ArgumentError, /not an iterable, got 3/);
  throwsError(() => progress([], { total: -1 }), ArgumentError, /invalid total, got -1/);
  throwsError(() => progress([], { every: NaN }), ArgumentError, /invalid every, got NaN/);
  throwsError(() => progress([], { label: 1 as never }), ArgumentError, /the label is not a text/);
  throwsError(() => progress([], { stream: {} as never }), ArgumentError, /not a stream/);
  throwsError(() => progress([], { desc: 'x' } as never), ArgumentError, /unknown option, got 'desc'/);
});

test.run();

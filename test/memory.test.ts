import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import { F, Linear, MemoryError, type Tensor, manualSeed, noGrad, rand, tensor, zeros } from '../index.ts';
import { moveAllOut } from '../core/cpu/memory/residence.ts';
import { liveBytes } from '../core/cpu/memory/heap.ts';
import { equal, is, ok, throwsError } from './assert.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Report {
  readonly grownMB: number;
  readonly kept: number;
  readonly wrong: number;
}

/** Runs a loop of so many steps in a process of its own. */
function loop(mode: string, steps: number): Promise<Report> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', 'test/fixtures/memoryLoop.ts', mode, String(steps)], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (part: Buffer) => {
      text += part.toString();
    });
    child.on('close', (code) => (code === 0 ? resolve(JSON.parse(text) as Report) : reject(new Error(`${mode}: exit code ${code}`))));
  });
}

test('a loop of training steps without await has flat memory', async () => {
  const { grownMB } = await loop('train', 20_000);
  ok(grownMB < 24, `${grownMB} MB`);
});

test('so has one whose batches come from JavaScript, each a new one', async () => {
  const { grownMB } = await loop('batches', 50_000);
  ok(grownMB < 24, `${grownMB} MB`);
});

test('so has a loop of inference', async () => {
  const { grownMB } = await loop('inference', 20_000);
  ok(grownMB < 24, `${grownMB} MB`);
});

test('a loop that keeps every loss grows by the losses only, and they stay right', async () => {
  const { grownMB, kept, wrong } = await loop('losses', 20_000);
  equal([kept, wrong], [20_000, 0]);
  ok(grownMB < 24 + 0.8 * kept * 2.5 / 1024, `${grownMB} MB`);
});

test('one that keeps every tenth activation grows by a chunk of 8 KB for each', async () => {
  const { grownMB, kept, wrong } = await loop('activations', 20_000);
  equal([kept, wrong], [2_000, 0]);
  ok(grownMB < 24 + 0.8 * kept * 10 / 1024, `${grownMB} MB`);
});

test('moving everything out and in again changes nothing', () => {
  manualSeed(1);
  const layer = new Linear(8, 4);
  const x = rand([16, 8]);
  const before = F.tanh(layer.forward(x));
  const values = before.data();
  moveAllOut();
  is(liveBytes(), 0);
  equal(before.data(), values);
  equal(F.tanh(layer.forward(x)).data(), values);
  noGrad(() => before.add_(1));
  moveAllOut();
  equal(before.data(), values.map((v) => v + 1));
});

test('a request that does not fit says so, and the next smaller one works', () => {
  const one = tensor([1]);
  const wide = one.expand([30_000, 30_000]);
  throwsError(() => wide.add(1), MemoryError, /no room, got a request of 3600000000 bytes with \d+ bytes in use; expected at most/);
  throwsError(() => zeros([2 ** 20, 2 ** 20]), MemoryError, /no room for an array, got 1099511627776 elements of float32/);
  equal(one.expand([100, 100]).add(1).sum().item(), 20_000);
});

test('views share memory wherever it lies', () => {
  const base = zeros([4, 4]);
  const row = base.at(1);
  moveAllOut();
  row.add_(1);
  equal(base.sum().item(), 4);
  moveAllOut();
  base.mul_(2);
  equal(row.array(), [2, 2, 2, 2]);
});

test('a backward pass gives back what it took', () => {
  const layer = new Linear(64, 64);
  const x = rand([32, 64]);
  const step = (): void => {
    layer.zeroGrad();
    F.tanh(layer.forward(x)).square().mean().backward();
  };
  for (let i = 0; i < 5; i++) step();
  moveAllOut();
  step();
  layer.zeroGrad();
  const live = liveBytes();
  noGrad(() => layer.weight.sum()); // so that the comparison below sees no first use
  for (let i = 0; i < 3; i++) {
    layer.zeroGrad();
    layer.forward(x).sum().backward();
    layer.zeroGrad();
  }
  // Forward results stay until the nursery is emptied: 3 of them, a sum each, and a view's worth of slack.
  ok(liveBytes() - live < 3 * (32 * 64 * 4) * 1.3 + 32_768, `${liveBytes() - live} bytes`);
});

test('the end of a backward pass empties the nursery, but for what another pass needs', () => {
  const x = rand([16, 16], { requiresGrad: true });
  moveAllOut();
  const outs = Array.from({ length: 300 }, () => x.mul(2));
  const graph = x.square().exp();
  const live = liveBytes();
  graph.sum().backward({ retainGraph: true });
  // 300 results have left; the gradient has come, and the saved results are there still.
  ok(liveBytes() < live - 290 * 1024, `${live - liveBytes()} bytes`);
  ok(liveBytes() > 2 * 1024, `${liveBytes()} bytes`);
  const first = x.grad?.clone();
  graph.sum().backward();
  equal(x.grad?.array(), first?.mul(2).array());
  const doubled = x.mul(2).array();
  for (const y of outs) equal(y.array(), doubled);
});

test('a forward pass with more results than the nursery keeps its saved values, and so does one that never goes back', () => {
  const x = rand([16, 16], { requiresGrad: true });
  let y: Tensor = x;
  for (let i = 0; i < 20_000; i++) y = y.sin().mul(1.01);
  y = x;
  for (let i = 0; i < 3000; i++) y = y.mul(1);
  y.mul(y).sum().backward();
  equal(x.grad?.array(), x.mul(2).array());
});

test('a gradient that was looked at stays what it was', () => {
  const w = tensor([1, 2, 3], { requiresGrad: true });
  w.mul(w).sum().backward();
  const seen: Tensor | null = w.grad;
  w.grad = null;
  w.mul(3).sum().backward();
  equal(String(seen), 'tensor([2., 4., 6.])');
  equal(String(w.grad), 'tensor([3., 3., 3.])');
});

test('a gradient that a hook saw, or that the caller asked for, stays what it was', () => {
  const w = tensor([1, 2, 3], { requiresGrad: true });
  const seen: Tensor[] = [];
  const y = w.mul(2);
  y.registerHook((g) => void seen.push(g));
  w.registerHook((g) => void seen.push(g));
  y.mul(y).sum().backward();
  w.grad = null;
  for (let i = 0; i < 50; i++) {
    w.mul(i).square().sum().backward();
    w.grad = null;
  }
  equal(seen.slice(0, 2).map((g) => g.array()), [[4, 8, 12], [8, 16, 24]]);
});

test.run();

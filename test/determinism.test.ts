import { test } from 'uvu';
import { setFast } from '../core/cpu/engine.ts';
import { kernelOptions } from '../core/cpu/wasm/kernel.ts';
import { hasFusedMultiplyAdd } from '../core/cpu/wasm/support.ts';
import { ArgumentError, DeviceError, cpuInfo, manualSeed, rand, setFusedMultiplyAdd, setNumThreads } from '../index.ts';
import { allClose, equal, is, ok, throwsError } from './assert.ts';
import { expected, hashes, trainMlp } from './fixtures/trainingHash.ts';

test('the same seed gives the same bits as ever', () => {
  equal(hashes(1), expected);
});

test('on two threads too', () => {
  equal(hashes(2), expected);
});

test('workers that are up change no bit of large results', async () => {
  manualSeed(2);
  const [a, b] = [rand([300, 700]), rand([700, 500])];
  const run = (): (readonly number[])[] => [a.matmul(b), a.exp(), a.softmax(-1), a.sum(0), a.t().contiguous(), a.mul(2).sum(), a.square().mean(1)].map((x) => [...x.data()]);
  const one = run();
  setNumThreads(2);
  try {
    for (let i = 0; i < 40; i++) {
      equal(run(), one, `round ${i}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    setNumThreads(1);
  }
});

test('cpuInfo says what runs', () => {
  equal(cpuInfo(), { kernels: 'wasm', threads: 1, fusedMultiplyAdd: false });
  setFast(false);
  try {
    is(cpuInfo().kernels, 'javascript');
  } finally {
    setFast(true);
  }
});

test('fused multiply-add is an option where the machine has it, and changes little', () => {
  throwsError(() => setFusedMultiplyAdd(1 as never), ArgumentError, /not a boolean, got 1/);
  setFusedMultiplyAdd(false);
  if (!hasFusedMultiplyAdd()) {
    throwsError(() => setFusedMultiplyAdd(true), DeviceError, /no relaxed SIMD[\s\S]*Node 22/);
    is(kernelOptions().fma, false);
    return;
  }
  const [a, b] = [rand([64, 64]), rand([64, 64])];
  const before = a.matmul(b);
  setFusedMultiplyAdd(true);
  try {
    ok(cpuInfo().fusedMultiplyAdd);
    allClose(a.matmul(b), before, { rtol: 1e-5, atol: 1e-5 });
    ok(trainMlp() !== expected.mlp);
  } finally {
    setFusedMultiplyAdd(false);
  }
  equal(a.matmul(b).data(), before.data());
});

test.run();

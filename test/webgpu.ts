// npm run test:webgpu: the device on WebGPU in Node, through the package webgpu, on whatever adapter there is; a driver that computes on the CPU will do. Prints a
// line per check. Without an adapter everything is skipped, and it says so.
import { existsSync } from 'node:fs';
import { F, type Tensor, manualSeed, randn } from '../index.ts';
import { type Checks, expect, liveChecks, runChecks } from './gpu/live.ts';

/** The driver that Debian's Chromium brings. */
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (process.env['VK_ICD_FILENAMES'] === undefined && existsSync(SWIFTSHADER) && !existsSync('/dev/dri')) process.env['VK_ICD_FILENAMES'] = SWIFTSHADER;

const farthest = (a: ArrayLike<number>, b: ArrayLike<number>): number => Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0);

const own: Checks = {
  async 'products by groups of threads'() {
    manualSeed(0);
    let most = 0;
    for (const [m, k, n] of [[64, 16, 64], [33, 70, 100], [130, 17, 65], [32, 1, 32], [128, 256, 96]]) {
      const [a, b, c] = [randn([m, k]), randn([k, n]), randn([n])];
      const pairs: [Tensor, Tensor][] = [
        [a.matmul(b), a.to('gpu').matmul(b.to('gpu'))],
        [F.linear(a, b.t(), c), F.linear(a.to('gpu'), b.to('gpu').t(), c.to('gpu'))],
        [c.addmm(a, b, { alpha: 0.5, beta: 2 }), c.to('gpu').addmm(a.to('gpu'), b.to('gpu'), { alpha: 0.5, beta: 2 })],
      ];
      for (const [expected, got] of pairs) most = Math.max(most, farthest((await got.cpu()).data(), expected.data()));
    }
    const [a, b] = [randn([3, 40, 20]), randn([3, 20, 50])];
    most = Math.max(most, farthest((await a.to('gpu').bmm(b.to('gpu')).cpu()).data(), a.bmm(b).data()));
    expect(most < 1e-4, `off by ${most}`);
    return `within ${most.toExponential(1)}`;
  },
};

// Dawn keeps Node alive.
process.exit((await runChecks('test:webgpu', 'webgpu', { ...own, ...liveChecks('webgpu') })) ? 0 : 1);

import { test } from 'uvu';
import { KernelBackend } from '../../../gpu/backends/kernels.ts';
import type { GpuJs } from '../../../gpu/gpujs.ts';
import { sourceOf } from '../../../gpu/source.ts';
import { DeviceError, MemoryError } from '../../../index.ts';
import { equal, is, ok, rejectsError, throwsError } from '../../assert.ts';

// What the backend makes of gpu.js and a WebGL context, told by ones that do nothing; scripts and browsers run kernels on real ones.

const RENDERER = 1;
const VENDOR = 2;
const VERSION = 3;
const SIZE = 4;

/** A context whose driver has a name, and gpu.js around it, whose kernels give textures of zeros. */
function fake({ renderer = 'A Card', hides = false, unmasked = true, size = 4096 }: { renderer?: string; hides?: boolean; unmasked?: boolean; size?: number } = {}) {
  const state = { lost: false, error: 0, deleted: 0, mode: 'gpu', run: (): void => {} };
  const names: Readonly<Record<number, unknown>> = { [RENDERER]: hides ? 'ANGLE' : renderer, [VENDOR]: 'A Maker', [VERSION]: 'WebGL', [SIZE]: size };
  const context = {
    RENDERER, VENDOR, VERSION, MAX_TEXTURE_SIZE: SIZE,
    getExtension: () => null,
    getParameter: (key: number) => names[key],
    ...(unmasked && { _getParameterDirect: (key: number) => (key === RENDERER ? renderer : names[key]) }),
    isContextLost: () => state.lost,
    getError: () => state.error,
  };
  class GPU {
    static readonly isWebGL2Supported = true;
    readonly context = context;
    createKernel() {
      let length = 0;
      const run = (): object => {
        state.run();
        const n = length;
        return { toArray: () => new Float32Array(n), delete: () => void state.deleted++ };
      };
      return Object.assign(run, { setOutput: ([n]: readonly number[]) => void (length = n), kernel: { constructor: { mode: state.mode }, fallbackReason: 'a reason' } });
    }
    destroy(): void {}
  }
  const api = { GPU, input: (x: Float32Array) => x } as object as GpuJs;
  return { api, state };
}

const twice = sourceOf('test twice', () => ({ arrays: ['a'], integers: [], floats: [], body: 'return a[this.thread.x] * 2;' }));

test('headless-gl is asked for what the driver itself says, and is taken for one on the CPU where it does not tell', () => {
  const named = (options: Parameters<typeof fake>[0]): readonly [string, boolean] => {
    const { adapter, software } = new KernelBackend(fake(options).api, 'headlessgl');
    return [adapter.device, software];
  };
  equal(named({ renderer: 'ANGLE (NVIDIA, RTX)', hides: true }), ['ANGLE (NVIDIA, RTX)', false]);
  equal(named({ renderer: 'ANGLE (Mesa, llvmpipe)', hides: true }), ['ANGLE (Mesa, llvmpipe)', true]);
  equal(named({ hides: true, unmasked: false }), ['ANGLE', true]);
});

test('elements of WebGL 1 take four floats, and what is freed is given back once', () => {
  const sizes = (['webgl2', 'headlessgl'] as const).map((mode) => {
    const { api, state } = fake();
    const backend = new KernelBackend(api, mode);
    const before = state.deleted;
    const block = backend.upload(new Float32Array(1000));
    const { live } = backend.memory();
    backend.free(block);
    backend.free(block);
    is(state.deleted, before + 1);
    is(backend.memory().live, 0);
    return live;
  });
  is(sizes[1] - sizes[0], 12_000);
});

test('what does not fit into a texture is refused at once', () => {
  const backend = new KernelBackend(fake({ size: 64 }).api, 'webgl2');
  is(backend.maxLength, 4096);
  throwsError(() => backend.upload(new Float32Array(4097)), MemoryError, /no room for a result, got 16388 bytes; expected at most 16384/);
  throwsError(() => backend.run(twice, [backend.upload(new Float32Array(1))], [], [], 5000), MemoryError, /got 20000 bytes/);
  is(backend.run(twice, [backend.upload(new Float32Array(1))], [], [], 5).length, 5);
});

test('memory that runs out shows at the next read, once', async () => {
  const { api, state } = fake();
  const backend = new KernelBackend(api, 'webgl2');
  const block = backend.upload(new Float32Array(4));
  state.error = 0x0505;
  await rejectsError(() => backend.read(block), MemoryError, /no room on the device/);
  state.error = 0;
  is((await backend.read(block)).length, 4);
});

test('a context that is taken away refuses calls and reads', async () => {
  const { api, state } = fake();
  const backend = new KernelBackend(api, 'webgl2');
  const block = backend.upload(new Float32Array(4));
  state.lost = true;
  throwsError(() => backend.run(twice, [block], [], [], 4), DeviceError, /the device was lost, got 'the browser took the context away'/);
  await rejectsError(() => backend.read(block), DeviceError, /the device was lost/);
  ok(backend.lost !== null);
});

test('a kernel that fails is an error that names it, and a loss that shows there is told as one', () => {
  const { api, state } = fake();
  const backend = new KernelBackend(api, 'webgl2');
  const block = backend.upload(new Float32Array(4));
  state.run = () => {
    throw new Error('Error compiling fragment shader');
  };
  throwsError(() => backend.run(twice, [block], [], [], 4), DeviceError, /the device refused work, got kernel 'test twice': Error compiling fragment shader/);
  state.run = () => {};
  is(backend.run(twice, [block], [], [], 4).length, 4);
  state.run = () => {
    state.lost = true;
    throw new Error('Error compiling fragment shader');
  };
  throwsError(() => backend.run(twice, [block], [], [], 4), DeviceError, /the device was lost/);
});

test('a kernel that gpu.js runs elsewhere than asked is an error, with its reason', () => {
  const { api, state } = fake();
  const backend = new KernelBackend(api, 'webgl2');
  const block = backend.upload(new Float32Array(4));
  state.mode = 'cpu';
  throwsError(() => backend.run(twice, [block], [], [], 4), DeviceError, /gpu\.js changed the mode of kernel 'test twice', got cpu; expected gpu[\s\S]*a reason/);
});

test.run();

import { test } from 'uvu';
import { WebGPUBackend } from '../../../gpu/backends/webgpu.ts';
import { loadGpuJs } from '../../../gpu/gpujs.ts';
import { type Source, sourceOf } from '../../../gpu/source.ts';
import { DeviceError, MemoryError } from '../../../index.ts';
import { equal, is, ok, rejectsError, throwsError } from '../../assert.ts';

// What the backend asks of a device, told by one that does nothing; test/webgpu.ts runs kernels on a real one.

/** Counts calls, and says that memory is short or that it is lost when told to. */
function fakeDevice() {
  const calls: string[] = [];
  const state = { shortOfMemory: false, invalid: false };
  let lose: (info: { readonly message: string; readonly reason: string }) => void = () => {};
  const scopes: string[] = [];
  const buffer = (size: number) => ({ size, destroy: () => void calls.push('destroy'), mapAsync: () => Promise.resolve(), getMappedRange: (_: number, bytes: number) => new ArrayBuffer(bytes), unmap: () => {} });
  const pass = { setPipeline: () => {}, setBindGroup: () => {}, dispatchWorkgroups: (...groups: number[]) => void calls.push(`dispatch ${groups.join()}`), end: () => {} };
  const device = {
    limits: { maxStorageBufferBindingSize: 2 ** 20, maxBufferSize: 2 ** 20, maxComputeWorkgroupsPerDimension: 4 },
    lost: new Promise((resolve) => {
      lose = resolve;
    }),
    queue: { writeBuffer: () => void calls.push('write'), submit: () => void calls.push('submit') },
    createBuffer: ({ size }: { readonly size: number }) => {
      calls.push(`buffer ${size}`);
      return buffer(size);
    },
    createBindGroupLayout: () => ({}), createPipelineLayout: () => ({}), createShaderModule: () => ({}), createComputePipeline: () => ({}), createBindGroup: () => ({}),
    createCommandEncoder: () => ({ beginComputePass: () => pass, copyBufferToBuffer: () => void calls.push('copy'), finish: () => ({}) }),
    pushErrorScope: (kind: string) => void scopes.push(kind),
    popErrorScope: () => {
      const kind = scopes.pop();
      const wrong = kind === 'out-of-memory' ? state.shortOfMemory : state.invalid;
      return Promise.resolve(wrong ? { message: `it says ${kind}` } : null);
    },
    destroy: () => void calls.push('end'),
  };
  return { device, calls, state, lose: (message: string) => lose({ message, reason: 'unknown' }) };
}

async function open() {
  const fake = fakeDevice();
  const adapter = { info: { vendor: 'nobody', architecture: '', device: 'none', description: 'SwiftShader', isFallbackAdapter: false } };
  const backend = new WebGPUBackend(await loadGpuJs(), adapter as Partial<GPUAdapter> as GPUAdapter, fake.device as object as GPUDevice);
  fake.calls.length = 0;
  return { ...fake, backend };
}

const twice: Source = sourceOf('test twice', () => ({ arrays: ['a'], integers: [], floats: [], body: 'return a[this.thread.x] * 2;' }));

test('kernels are recorded, and submitted together when something is read', async () => {
  const { backend, calls } = await open();
  ok(backend.software, 'a driver that computes on the CPU is known by its name');
  const a = backend.upload(new Float32Array(10));
  const b = backend.run(twice, [a], [], [], 10);
  backend.free(backend.run(twice, [b], [], [], 10));
  is(calls.includes('submit'), false);
  await backend.read(b);
  equal(calls.filter((call) => ['dispatch 1,1,1', 'copy', 'write', 'submit'].includes(call)), ['write', 'dispatch 1,1,1', 'dispatch 1,1,1', 'copy', 'write', 'submit']);
  is(backend.built.kernels, 1);
});

test('long lines of threads are folded', async () => {
  const { backend, calls } = await open();
  const a = backend.upload(new Float32Array(1000));
  backend.run(twice, [a], [], [], 1000);
  is(calls.at(-1), 'dispatch 4,4,1');
});

test('many kernels are submitted before anything is read', async () => {
  const { backend, calls } = await open();
  let block = backend.upload(new Float32Array(4));
  for (let i = 0; i < 1100; i++) {
    const next = backend.run(twice, [block], [], [], 4);
    backend.free(block);
    block = next;
  }
  is(calls.filter((call) => call === 'submit').length, 1);
  // Two results and the upload share two buffers.
  is(calls.filter((call) => call === 'buffer 256').length, 2);
});

test('what does not fit is refused at once', async () => {
  const { backend } = await open();
  is(backend.maxLength, 2 ** 18);
  throwsError(() => backend.upload(new Float32Array(2 ** 18 + 1)), MemoryError, /no room for a result, got 1048580 bytes; expected at most 1048576/);
  backend.free(backend.upload(new Float32Array(4)));
});

test('memory that runs out shows at the next read, once', async () => {
  const { backend, state } = await open();
  const a = backend.upload(new Float32Array(4));
  state.shortOfMemory = true;
  const b = backend.run(twice, [a], [], [], 4);
  state.shortOfMemory = false;
  await rejectsError(() => backend.read(b), MemoryError, /no room on the device, got a request of 256 bytes with \d+ bytes in use/);
  is((await backend.read(a)).length, 4);
});

test('a kernel that the device refuses shows at the next read', async () => {
  const { backend, state } = await open();
  const a = backend.upload(new Float32Array(4));
  state.invalid = true;
  const b = backend.run(twice, [a], [], [], 4);
  await rejectsError(() => backend.read(b), DeviceError, /the device refused work, got 'kernel 'test twice': it says validation'/);
});

test('a device that is lost refuses calls and reads', async () => {
  const { backend, lose } = await open();
  const a = backend.upload(new Float32Array(4));
  lose('the driver was reset');
  await Promise.resolve();
  throwsError(() => backend.run(twice, [a], [], [], 4), DeviceError, /the device was lost, got 'the driver was reset'/);
  await rejectsError(() => backend.read(a), DeviceError, /lost/);
  ok(backend.lost !== null);
});

test.run();

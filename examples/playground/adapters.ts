// Not called gpu.ts: the server would take it for the package gpu.js.
import type { GpuInfo } from '../../gpu/index.ts';

/** A graphics processor that was found, or a driver that stands in for one. */
export interface Gpu {
  /** How it is reached. */
  readonly backend: string;
  /** What it is. */
  readonly adapter: string;
  /** True where the CPU computes after all. */
  readonly software: boolean;
}

const names: Readonly<Record<string, string>> = { webgpu: 'WebGPU', webgl2: 'WebGL 2' };

/** What to call an adapter; ANGLE puts its own name and its driver's around the one of the processor. */
function adapterName({ adapter: { vendor, architecture, device, description }, backend }: GpuInfo): string {
  if (backend === 'webgpu') return description || device || `${vendor} ${architecture}`.trim() || 'an adapter without a name';
  return /^ANGLE \([^,]*, (.*), [^,]*\)$/.exec(device)?.[1] ?? device;
}

const described = (info: GpuInfo): Gpu => ({ backend: names[info.backend] ?? info.backend, adapter: adapterName(info), software: info.software });

/** Whether it is worth loading what a GPU needs: where neither WebGPU nor WebGL 2 is there, nothing is loaded. */
export async function mayHaveGpu(): Promise<boolean> {
  const adapter = 'gpu' in navigator && navigator.gpu !== undefined ? await navigator.gpu.requestAdapter().catch(() => null) : null;
  return adapter !== null || new OffscreenCanvas(1, 1).getContext('webgl2') !== null;
}

/** Starts the device 'gpu': a graphics processor, through WebGPU or else WebGL 2, or what stands in for one. @throws DeviceError where there is nothing */
export async function startGpu(): Promise<Gpu> {
  const { useGpu } = await import('../../gpu/index.ts');
  const reasons: string[] = [];
  let soft: 'webgpu' | 'webgl2' | null = null;
  for (const backend of ['webgpu', 'webgl2'] as const) {
    try {
      const info = await useGpu({ backend });
      if (!info.software) return described(info);
      soft ??= backend;
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  if (soft === null) throw new Error(reasons.join('; '));
  return described(await useGpu({ backend: soft }));
}

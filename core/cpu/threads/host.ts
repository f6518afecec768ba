import { type WorkerData, workerSource } from './worker.ts';

/** A worker thread of Node or of a browser. */
export interface WorkerHandle {
  /** Ends it, wherever it is. */
  end(): void;
}

/** Whether threads can share memory here: Node can, browsers on pages that are isolated from others. */
export function canShareMemory(): boolean {
  return typeof SharedArrayBuffer === 'function' && globalThis.crossOriginIsolated !== false;
}

/**
 * Starts a worker.
 *
 * @param onEnd - told why, when it ends on its own or cannot start; maybe twice
 */
export function startWorker(data: WorkerData, onEnd: (reason: string) => void): WorkerHandle {
  // Right here, so that a program which never returns to the event loop has its threads too.
  if (typeof process === 'object' && typeof process.getBuiltinModule === 'function') return startInNode(process.getBuiltinModule('node:worker_threads'), data, onEnd);
  if (typeof Worker === 'function') return startInBrowser(data, onEnd);
  return startInOldNode(data, onEnd);
}

/** Node before 20.16. Bundlers for browsers accept the import only right inside `try`. */
async function workerThreads() {
  try {
    return await import('node:worker_threads');
  } catch {
    return null;
  }
}

type WorkerThreads = Pick<NonNullable<Awaited<ReturnType<typeof workerThreads>>>, 'Worker'>;

function startInNode(threads: WorkerThreads, data: WorkerData, onEnd: (reason: string) => void): WorkerHandle {
  // The options of the process, such as `--import`, are for its own program.
  const worker = new threads.Worker(workerSource, { eval: true, name: 'polyak', workerData: data, execArgv: [], env: {} });
  worker.unref();
  worker.on('error', (error) => onEnd(String(error)));
  worker.on('exit', (code) => onEnd(`exit code ${code}`));
  return { end: () => void worker.terminate() };
}

function startInOldNode(data: WorkerData, onEnd: (reason: string) => void): WorkerHandle {
  let ended = false;
  let handle: WorkerHandle | null = null;
  const start = async (): Promise<void> => {
    const threads = await workerThreads();
    if (ended) return;
    if (threads === null) onEnd('no workers here');
    else handle = startInNode(threads, data, onEnd);
  };
  start().catch((error: unknown) => onEnd(String(error)));
  return {
    end: () => {
      ended = true;
      handle?.end();
    },
  };
}

let url: string | null = null;

function startInBrowser(data: WorkerData, onEnd: (reason: string) => void): WorkerHandle {
  url ??= URL.createObjectURL(new Blob([workerSource], { type: 'text/javascript' }));
  const worker = new Worker(url, { name: 'polyak' });
  worker.addEventListener('error', ({ message }) => onEnd(message ?? 'an error'));
  worker.postMessage(data);
  return { end: () => worker.terminate() };
}

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
 * @param onEnd - told why, when it ends on its own; maybe twice
 * @throws Error where there are no workers
 */
export function startWorker(data: WorkerData, onEnd: (reason: string) => void): WorkerHandle {
  if (typeof process === 'object' && typeof process.getBuiltinModule === 'function') return startInNode(data, onEnd);
  if (typeof Worker === 'function') return startInBrowser(data, onEnd);
  throw new Error('no workers');
}

function startInNode(data: WorkerData, onEnd: (reason: string) => void): WorkerHandle {
  // Not by an import: bundlers for browsers would look for it, and a program that never returns to the event loop would never get it.
  const threads = process.getBuiltinModule('worker_threads');
  // The options of the process, such as `--import`, are for its own program.
  const worker = new threads.Worker(workerSource, { eval: true, name: 'polyak', workerData: data, execArgv: [], env: {} });
  worker.unref();
  worker.on('error', (error) => onEnd(String(error)));
  worker.on('exit', (code) => onEnd(`exit code ${code}`));
  return { end: () => void worker.terminate() };
}

let url: string | null = null;

function startInBrowser(data: WorkerData, onEnd: (reason: string) => void): WorkerHandle {
  url ??= URL.createObjectURL(new Blob([workerSource], { type: 'text/javascript' }));
  const worker = new Worker(url, { name: 'polyak' });
  worker.addEventListener('error', ({ message }) => onEnd(message ?? 'an error'));
  worker.postMessage(data);
  return { end: () => worker.terminate() };
}

import type { Backend } from './backend.ts';

// Blocks of tensors that nobody holds come back through finalizers. These run when the collector has been by, which does not see the memory of a device, and
// after the program has yielded to the event loop, which awaiting a promise need not do.

/** Bytes by which what is in use may grow before it is looked through. */
const GROWTH = 2 ** 26;
/** A block that the collector counts, and that nobody touches: an engine that sees it asked for soon collects. */
const BALLAST = 2 ** 28;
/** How often to ask in a row. */
const TRIES = 4;

const floors = new WeakMap<Backend, number>();

/** A turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** Has the collector look for tensors that nobody holds, where much more is in use than after the last time. */
export async function reclaim(backend: Backend): Promise<void> {
  const floor = floors.get(backend) ?? 0;
  const growth = Math.max(GROWTH, floor / 2);
  if (backend.memory().live <= floor + growth) return;
  for (let i = 0; i < TRIES && backend.memory().live > floor + growth / 2; i++) {
    try {
      void new ArrayBuffer(BALLAST);
    } catch {
      // No room even for that: the collector has just been asked.
    }
    await turn();
  }
  floors.set(backend, backend.memory().live);
}

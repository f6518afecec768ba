import './watch.ts';
import { tasks, tell } from './tasks.ts';

// main.js?task=train&threads=2&worker: does it here, or in a worker that runs the same file.

const address = new URL(import.meta.url);
const wanted = address.searchParams;

async function run(): Promise<void> {
  try {
    await tasks[wanted.get('task') ?? ''](Number(wanted.get('threads') ?? 1));
  } catch (error) {
    await tell({ error: error instanceof Error ? (error.stack ?? String(error)) : String(error) });
  }
}

if (typeof document === 'object' && wanted.has('worker')) new Worker(address, { type: 'module' });
else void run();

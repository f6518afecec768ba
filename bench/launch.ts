import { spawn } from 'node:child_process';
import type { Answer, Order } from './child.ts';

/** What became of a child process. */
export type Outcome = Answer | { readonly kind: 'failed'; readonly reason: string };

/** The last lines of a text that say something. */
const tail = (text: string): string => text.trim().split('\n').filter((l) => /error|Error|killed|abort/.test(l)).at(-1)?.trim() ?? text.trim().split('\n').at(-1) ?? '';

/** What the libraries below PyTorch read. */
function threadsOf({ options: { threads } }: Order): Record<string, string> {
  return Object.fromEntries(['OMP', 'OPENBLAS', 'MKL'].map((name) => [`${name}_NUM_THREADS`, String(threads)]));
}

/** Runs a command with an order and reads the answer: the last line that it prints. */
export function launch(command: string, args: readonly string[], order: Order, limit: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(command, [...args, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...threadsOf(order) } });
    let [out, err, late] = ['', '', false];
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, limit * 1e3);
    child.stdout.on('data', (part: Buffer) => (out += String(part)));
    child.stderr.on('data', (part: Buffer) => (err += String(part)));
    const end = (outcome: Outcome): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    child.on('error', (error) => end({ kind: 'failed', reason: error.message }));
    child.on('close', (code, signal) => {
      if (late) return end({ kind: 'failed', reason: `took longer than ${limit} s` });
      if (code !== 0) return end({ kind: 'failed', reason: tail(err) || `ended with ${code ?? signal}` });
      try {
        end(JSON.parse(out.trim().split('\n').at(-1) ?? '') as Answer);
      } catch {
        end({ kind: 'failed', reason: 'gave no answer' });
      }
    });
  });
}

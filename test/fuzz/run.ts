import { Generator, PolyakError } from '../../index.ts';
import type { Format } from './formats.ts';
import { mutate } from './mutate.ts';

/** What became of the changed files of a format. */
export interface Outcome {
  readonly name: string;
  /** Files that were read all the same. */
  readonly read: number;
  /** Files that were refused with an error of ours. */
  readonly refused: number;
  /** What should not be, with the file that brought it about. */
  readonly faults: readonly string[];
  readonly slowestMs: number;
}

const LIMIT_MS = 5000;

/** Changes files and reads them, so many times. */
export async function fuzz(format: Format, times: number, seed: number): Promise<Outcome> {
  const random = new Generator(seed);
  const faults: string[] = [];
  let [read, refused, slowestMs] = [0, 0, 0];
  for (let i = 0; i < times && faults.length < 5; i++) {
    const changed = mutate(format.files, random);
    const bytes = format.mend === undefined ? changed : await format.mend(changed);
    const fault = (what: string): void => void faults.push(`${format.name}, file ${i} of seed ${seed}: ${what}; ${Buffer.from(bytes).toString('base64').slice(0, 2000)}`);
    const start = performance.now();
    try {
      const size = await format.read(bytes);
      read++;
      if (size > format.ratio * (bytes.length + 1000)) fault(`${size} bytes came out of ${bytes.length}`);
    } catch (error) {
      refused++;
      if (!(error instanceof PolyakError)) fault(error instanceof Error ? (error.stack ?? error.message) : String(error));
      else if (!/^[\w .'[\]-]+.*: .*got .*; expected /s.test(error.message)) fault(`another form of message: ${error.message}`);
      else if (error.message.length > 3000) fault(`a message of ${error.message.length} characters`);
    }
    const ms = performance.now() - start;
    slowestMs = Math.max(slowestMs, ms);
    if (ms > LIMIT_MS) fault(`took ${Math.round(ms)} ms`);
  }
  return { name: format.name, read, refused, faults, slowestMs };
}

/** Megabytes that the process had at most. */
export const mostMegabytes = (): number => Math.round(process.resourceUsage().maxRSS / 1024);

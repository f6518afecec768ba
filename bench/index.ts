// npm run bench            every workload, each in a fresh process
// npm run bench -- W1 W8   those whose name contains a word
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Benchmark from 'benchmark';
import { workloads } from './workloads.ts';

interface Result {
  readonly name: string;
  readonly unit: string;
  readonly perSecond: number;
  /** Half width of the 95 % interval of the mean, in percent. */
  readonly margin: number;
  readonly rate: string;
  readonly peakMB: number;
}

/** Times one workload in this process. */
function measure(index: number): Result {
  const workload = workloads[index];
  const step = workload.prepare();
  for (let i = 0; i < 3; i++) if (!Number.isFinite(step())) throw new Error(`${workload.name}: the result is not finite`);
  const bench = new Benchmark(workload.name, () => void step(), { maxTime: 2, minSamples: 10 }).run();
  const perSecond = 1 / bench.stats.mean;
  const { work } = workload;
  return {
    name: workload.name,
    unit: workload.unit,
    perSecond,
    margin: bench.stats.rme,
    rate: work === undefined ? '' : `${(work.amount * perSecond).toFixed(2)} ${work.unit}`,
    peakMB: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

function main(words: readonly string[]): void {
  const results: Result[] = [];
  workloads.forEach((workload, i) => {
    if (words.length > 0 && !words.some((w) => workload.name.includes(w))) return;
    const text = execFileSync(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), '--one', String(i)], { encoding: 'utf8' });
    const result = JSON.parse(text) as Result;
    results.push(result);
    const speed = result.perSecond >= 100 ? result.perSecond.toFixed(0) : result.perSecond.toPrecision(3);
    console.log(`${result.name.padEnd(56)} ${speed.padStart(9)} ${`${result.unit}s/s`.padEnd(12)} ±${result.margin.toFixed(1)} %  ${result.rate.padStart(16)}  ${result.peakMB} MB`);
  });
  mkdirSync('runs', { recursive: true });
  writeFileSync('runs/bench.json', `${JSON.stringify({ node: process.version, results }, null, 2)}\n`);
}

const args = process.argv.slice(2);
if (args[0] === '--one') process.stdout.write(JSON.stringify(measure(Number(args[1]))));
else main(args);

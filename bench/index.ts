// npm run bench                          every workload against every peer that is installed (takes long)
// npm run bench -- --quick               shows that everything runs
// npm run bench -- W1 W4 --only polyak,pytorch --rounds 7
// npm run bench -- --help                all options
//
// Peers in JavaScript: npm install --prefix bench/peers. PyTorch: whichever of python3 and /usr/bin/python3 can import torch.
//
// Every sample comes from a fresh process; in each round the sides take turns, so that a change of the machine's speed meets all
// of them. Compare only what stands in one table: 'polyak is 2x' is the median, over the rounds, of the ratio within a round. The
// interval is the 10th to the 90th percentile of all samples. All sides start from the same weights and inputs
// (`data.ts`) and report the losses of their first steps: a row whose losses differ by more than 0.1 % says 'different maths',
// and the run ends with status 1. Peak memory is that of the whole process, with node or Python in it.
// Results also go to runs/bench.json.
//
// workloads.ts   what is timed, as data          sides/      how each library does it
// contestants.ts who takes part                  child.ts    one side at one workload, in its own process
// measure.ts     warming up and sampling         report.ts   medians, ratios, tables
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from './compile.ts';
import { type Contestant, type Field, findField } from './contestants.ts';
import { type Outcome, launch } from './launch.ts';
import { type Options, help, readOptions } from './options.ts';
import { type Row, TOLERANCE, render, summarize } from './report.ts';
import { type Workload, chooseWorkloads } from './workloads.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'runs/bench');

function runOne(contestant: Contestant, workload: Workload, field: Field, { threads, times, limit }: Options): Promise<Outcome> {
  const { side, mode, flags = [] } = contestant;
  const order = { side, workload, times, options: { mode, threads, peers: join(root, 'bench/peers') } };
  if (side === 'torch') return launch(field.python ?? 'python3', [join(root, 'bench/sides/torch.py')], order, limit);
  return launch(process.execPath, [...flags, join(out, 'bench/child.js')], order, limit);
}

/** All rounds of one workload, the sides in turns. One that failed or cannot do it is not asked again. */
async function compare(workload: Workload, field: Field, options: Options): Promise<Row[]> {
  const all = field.contestants.filter(({ only }) => only === undefined || only.test(workload.id)).map((contestant) => ({ contestant, outcomes: new Array<Outcome>() }));
  for (let round = 0; round < options.rounds; round++) {
    for (const { contestant, outcomes } of all) {
      const last = outcomes.at(-1);
      outcomes.push(last !== undefined && last.kind !== 'measured' ? last : await runOne(contestant, workload, field, options));
      if (process.stderr.isTTY) process.stderr.write(`\r${workload.id} round ${round + 1} of ${options.rounds}: ${contestant.name}\u001b[K\r`);
    }
  }
  return summarize(workload, all);
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return console.log(help);
  const workloads = chooseWorkloads(options.workloads);
  const field = findField(root, options.only);
  const { rounds, threads, times } = options;
  const [processor] = os.cpus();
  const machine = { processor: processor.model.trim(), cores: os.cpus().length, memoryGB: Math.round(os.totalmem() / 2 ** 30), system: `${os.type()} ${os.release()} ${os.arch()}`, load: os.loadavg()[0] };
  console.log(`${machine.processor}, ${machine.cores} cores, load ${machine.load.toFixed(1)}; node ${process.version}; ${threads} thread${threads === 1 ? '' : 's'}; ${rounds} rounds in turns`);
  console.log(Object.entries(field.versions).map(([name, version]) => `${name} ${version}`).join(', '));
  for (const line of field.remarks) console.log(line);
  console.log("value: median of the rounds' medians; 10 – 90 %: of all samples; polyak is: its speed relative to the row's, median of the ratios of each round\n");
  await compile(root, out);
  const results: { workload: string; title: string; unit: string; rows: readonly Row[] }[] = [];
  for (const workload of workloads) {
    const rows = await compare(workload, field, options);
    console.log(render(workload, rows, threads));
    results.push({ workload: workload.id, title: workload.title, unit: workload.unit, rows });
    const report = { date: new Date().toISOString(), machine, node: process.version, threads, rounds, times, versions: field.versions, tolerance: TOLERANCE, results };
    mkdirSync(join(root, 'runs'), { recursive: true });
    writeFileSync(join(root, 'runs/bench.json'), `${JSON.stringify(report, null, 2)}\n`);
  }
  const failed = results.filter(({ rows }) => rows.some((r) => r.side === 'polyak' && r.value === undefined)).map(({ workload }) => workload);
  if (failed.length > 0) console.log(`polyak failed: ${failed.join(', ')}`);
  const different = results.flatMap(({ workload, rows }) => rows.filter((r) => r.agrees === false).map((r) => `${workload} ${r.side}`));
  if (different.length > 0) console.log(`different maths: ${different.join(', ')}`);
  if (failed.length + different.length > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof RangeError || error instanceof TypeError ? error.message : error);
  process.exitCode = 2;
}

import { basename, extname, join } from 'node:path';
import { jsonOf } from '../monitor/jsonlLogger.ts';
import { type Sweep, loadSweep } from './definition.ts';
import { UsageError, countFlag, readFlags } from '../cli/flags.ts';
import { type Result, ResultFile, checkResults, readResults } from './results.ts';
import { Runner } from './runner.ts';
import { requests } from './service.ts';
import { configurationTable, resultLine, trialTable } from './table.ts';
import { type Trial, trialsOf } from './trials.ts';

/** What `polyak sweep --help` prints. */
export const sweepHelp = `polyak sweep FILE [flags]: runs a script once per set of parameters, as processes.

FILE is JSON, or a module that exports 'sweep':
  { "script": "train.js", "parameters": { "lr": { "logUniform": [1e-4, 0.1] }, "hidden": [16, 32] },
    "trials": 20, "metric": "loss", "goal": "min" }

  --parallel N      trials at a time (default: what the file says, or 1)
  --out FOLDER      results and logs (default sweeps/NAME); a sweep goes on from what is there
  --retry-failed    run trials again that failed or took too long
  --trial K         run trial K alone, for arrays of jobs; ends with its exit code
  --stdin           run the trials that come as lines of JSON, answer with lines of JSON
  --list            print the trials as lines of JSON, run nothing
  --report          print the table of what there is, run nothing
  --top N           rows of the table (default 20)
  --help            this text

Exit codes: 0 all trials went well, 1 some did not, 2 wrong use, 130 or 143 stopped by a signal.`;

const OPTIONS = {
  parallel: { type: 'string' },
  out: { type: 'string' },
  'retry-failed': { type: 'boolean' },
  trial: { type: 'string' },
  stdin: { type: 'boolean' },
  list: { type: 'boolean' },
  report: { type: 'boolean' },
  top: { type: 'string' },
  help: { type: 'boolean' },
} as const;

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const TIMEOUT_CODE = 124;

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const note = (text: string): void => void process.stderr.write(`${text}\n`);

/** What a command works with. */
interface Job {
  readonly sweep: Sweep;
  readonly folder: string;
  readonly top: number;
  readonly retryFailed: boolean;
}

/**
 * The command `polyak sweep`.
 *
 * @param argv - what stands behind the command
 * @returns the exit code
 * @throws UsageError for a wrong use
 */
export async function sweepCommand(argv: readonly string[]): Promise<number> {
  const { values, positionals } = readFlags(argv, OPTIONS, 1);
  if (values.help === true) {
    print(sweepHelp);
    return 0;
  }
  if (positionals.length === 0) throw new UsageError('the file is missing: polyak sweep FILE');
  const [file] = positionals;
  const given = await loadSweep(file).catch((error: unknown) => {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  });
  const parallel = countFlag('parallel', values.parallel, 1);
  const job: Job = {
    sweep: parallel === null ? given : { ...given, parallel },
    folder: values.out ?? join('sweeps', basename(file, extname(file))),
    top: countFlag('top', values.top, 1) ?? 20,
    retryFailed: values['retry-failed'] ?? false,
  };
  const modes = (['trial', 'stdin', 'list', 'report'] as const).filter((name) => values[name] !== undefined);
  if (modes.length > 1) throw new UsageError(`--${modes[0]} and --${modes[1]} do not go together`);
  if (values.stdin === true) return serve(job);
  const trials = trialsOf(job.sweep);
  if (values.list === true) {
    for (const trial of trials) print(JSON.stringify(trial));
    return 0;
  }
  const results = readResults(job.folder, job.sweep.metric);
  checkResults(results, trials, job.folder);
  if (values.report === true) {
    summarize(job, results);
    return 0;
  }
  const single = countFlag('trial', values.trial, 0);
  if (single === null) return runAll(job, trials, results);
  if (single >= trials.length) throw new UsageError(`--trial: got ${single}; expected a number from 0 to ${trials.length - 1}`);
  return runOne(job, trials[single], results.get(single));
}

/** Passes signals on to the trials until `use` is done. */
async function withSignals<T>(runner: Runner, stopped: () => void, use: () => Promise<T>): Promise<T> {
  const handlers = (Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]).map((signal) => {
    const handler = (): void => {
      runner.stop(signal);
      stopped();
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  try {
    return await use();
  } finally {
    for (const remove of handlers) remove();
  }
}

const codeOf = (signal: NodeJS.Signals): number => (signal in SIGNALS ? SIGNALS[signal as keyof typeof SIGNALS] : 1);

async function runAll(job: Job, trials: readonly Trial[], results: Map<number, Result>): Promise<number> {
  const { sweep, folder, retryFailed } = job;
  const open = trials.filter(({ trial }) => {
    const before = results.get(trial);
    return before === undefined || (retryFailed && before.status !== 'ok');
  });
  if (open.length < trials.length) note(`${trials.length - open.length} of ${trials.length} trials are done already`);
  const file = new ResultFile(folder, 'results.jsonl');
  const runner = new Runner(sweep, folder);
  let done = trials.length - open.length;
  const sayStopped = (): void => note('stopping: waiting for running trials; once more to kill them');
  await withSignals(runner, sayStopped, () =>
    runner.runAll(open, (result) => {
      file.add(result);
      results.set(result.trial, result);
      note(resultLine(result, sweep.metric, ++done, trials.length));
    }),
  );
  const own = new Map([...results].filter(([trial]) => trial < trials.length));
  summarize(job, own);
  if (runner.stopped !== null) {
    note(`stopped by ${runner.stopped} with ${trials.length - own.size} trials to go: the same command goes on`);
    return codeOf(runner.stopped);
  }
  return [...own.values()].every(({ status }) => status === 'ok') ? 0 : 1;
}

async function runOne(job: Job, trial: Trial, before: Result | undefined): Promise<number> {
  const { sweep, folder } = job;
  if (before?.status === 'ok') {
    note(`trial ${trial.trial} is done already`);
    return 0;
  }
  const file = new ResultFile(folder, `results-${trial.trial}.jsonl`);
  const runner = new Runner(sweep, folder);
  const result = await withSignals(runner, () => undefined, () => runner.run(trial));
  if (result === null) return codeOf(runner.stopped ?? 'SIGTERM');
  file.add(result);
  note(resultLine(result, sweep.metric, 1, 1));
  if (result.status === 'timeout') return TIMEOUT_CODE;
  return result.exitCode ?? 1;
}

/** Trials come as lines on the standard input, results go out the same way. */
async function serve(job: Job): Promise<number> {
  const { sweep, folder } = job;
  const file = new ResultFile(folder, 'results.jsonl');
  const before = readResults(folder, sweep.metric);
  const runner = new Runner(sweep, folder);
  const enough = new AbortController();
  let [done, failed] = [0, 0];
  const answer = (result: Result): void => {
    print(jsonOf('sweep', result));
    note(resultLine(result, sweep.metric, ++done, null));
    if (result.status !== 'ok') failed++;
  };
  async function* fresh(): AsyncGenerator<Trial, void, undefined> {
    for await (const trial of requests(process.stdin, enough.signal, (error) => print(JSON.stringify({ error })))) {
      const known = before.get(trial.trial);
      if (known?.status === 'ok' && JSON.stringify(known.parameters) === JSON.stringify(trial.parameters)) answer(known);
      else yield trial;
    }
  }
  const hangUp = (): void => {
    enough.abort();
    process.stdin.destroy();
  };
  await withSignals(runner, hangUp, () =>
    runner.runAll(fresh(), (result) => {
      file.add(result);
      answer(result);
    }),
  );
  if (runner.stopped !== null) return codeOf(runner.stopped);
  return failed === 0 ? 0 : 1;
}

function summarize({ sweep, folder, top }: Job, results: ReadonlyMap<number, Result>): void {
  if (results.size === 0) {
    print(`no results in ${folder}`);
    return;
  }
  const groups = configurationTable(results.values(), sweep, top);
  print(`${groups === '' ? '' : `${groups}\n\n`}${trialTable(results.values(), sweep, top)}`);
}

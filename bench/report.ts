import type { Contestant } from './contestants.ts';
import type { Outcome } from './launch.ts';
import { agree, median, quantile } from './statistics.ts';
import type { Workload } from './workloads.ts';

/** Largest relative difference of losses that count as the same. */
export const TOLERANCE = 1e-3;

/** The rounds of one contestant at one workload. */
export interface Rounds {
  readonly contestant: Contestant;
  readonly outcomes: readonly Outcome[];
}

/** One row of a table. */
export interface Row {
  readonly side: string;
  /** In the unit of the workload: the median of the rounds' medians; missing when nothing was measured. */
  readonly value?: number;
  /** 10th and 90th percentile of all samples of all rounds. */
  readonly interval?: readonly [number, number];
  /** Speed of polyak relative to this side: the median of the ratios of each round. */
  readonly ratio?: number;
  readonly peakMB?: number;
  readonly losses?: readonly number[];
  /** Whether the losses agree with polyak's (without polyak: the first side's); missing when there is nothing to compare. */
  readonly agrees?: boolean;
  /** Threads that it used. */
  readonly threads?: number;
  /** Why nothing, or not everything, was measured. */
  readonly note?: string;
}

type Measured = Extract<Outcome, { kind: 'measured' }>;

const isTime = ({ unit }: Workload): boolean => unit === 'ms' || unit === 'ns/op';

/** Sums up the rounds of all contestants at one workload. */
export function summarize(workload: Workload, all: readonly Rounds[]): Row[] {
  const convert = (m: Measured, seconds: number): number => (isTime(workload) ? m.amount * seconds : m.amount / seconds);
  const values = all.map(({ outcomes }) => outcomes.map((o) => (o.kind === 'measured' ? convert(o, median(o.samples)) : undefined)));
  const own = all.findIndex(({ contestant }) => contestant.name === 'polyak');
  const lossesOf = ({ outcomes }: Rounds): readonly number[] => outcomes.find((o): o is Measured => o.kind === 'measured')?.losses ?? [];
  const first = [...(own >= 0 ? [all[own]] : []), ...all].find((rounds) => lossesOf(rounds).length > 0);
  const reference = first === undefined ? [] : lossesOf(first);
  return all.map((rounds, i) => {
    const measured = rounds.outcomes.filter((o): o is Measured => o.kind === 'measured');
    const problem = rounds.outcomes.find((o) => o.kind !== 'measured');
    const note = problem === undefined ? {} : { note: problem.kind === 'failed' ? `failed: ${problem.reason}` : problem.reason };
    const side = rounds.contestant.name;
    if (measured.length === 0) return { side, ...note };
    const samples = measured.flatMap((m) => m.samples.map((s) => convert(m, s)));
    const losses = lossesOf(rounds);
    const ratios = values[i].flatMap((value, round) => {
      const mine = own < 0 ? undefined : values[own][round];
      return value === undefined || mine === undefined ? [] : [isTime(workload) ? value / mine : mine / value];
    });
    return {
      side,
      value: median(values[i].filter((v) => v !== undefined)),
      interval: [quantile(samples, 0.1), quantile(samples, 0.9)],
      ...(i === own || ratios.length === 0 ? {} : { ratio: median(ratios) }),
      peakMB: Math.max(...measured.map((m) => m.peakMB)),
      threads: measured[0].threads,
      losses,
      ...(losses.length === 0 || rounds === first ? {} : { agrees: measured.every((m) => agree(m.losses, reference, TOLERANCE)) }),
      ...note,
    };
  });
}

const digits = (x: number): string => (Math.abs(x) >= 1000 ? Math.round(x).toLocaleString('en') : Math.abs(x) >= 100 ? x.toFixed(0) : x.toPrecision(3));

/** The table of one workload, as text; rows with another number of threads say so. */
export function render(workload: Workload, rows: readonly Row[], threads: number): string {
  const header = ['', workload.unit, '10 – 90 %', 'polyak is', 'peak MB', 'losses', ''];
  const body = rows.map((r) => [
    r.side,
    r.value === undefined ? '–' : digits(r.value),
    r.interval === undefined ? '' : r.interval.map(digits).join(' – '),
    r.ratio === undefined ? '' : `${r.ratio >= 10 ? r.ratio.toFixed(0) : r.ratio.toFixed(2)}x`,
    r.peakMB === undefined ? '' : String(r.peakMB),
    r.agrees === undefined ? '' : r.agrees ? 'agree' : 'different maths',
    r.note ?? (r.threads === undefined || r.threads === threads ? '' : `threads: ${r.threads}`),
  ]);
  const widths = header.map((_, column) => Math.max(...[header, ...body].map((row) => row[column].length)));
  const line = (row: readonly string[]): string => `  ${row.map((cell, c) => (c === 0 || c >= 5 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join('  ')}`.trimEnd();
  return [`${workload.id}  ${workload.title}`, line(header), ...body.map(line), ''].join('\n');
}

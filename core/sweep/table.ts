import type { Sweep } from './definition.ts';
import type { Result } from './results.ts';

/** A number for people: four digits. */
function short(value: unknown): string {
  if (typeof value !== 'number') return value === null || value === undefined ? '-' : typeof value === 'string' ? value : JSON.stringify(value);
  return Number.isInteger(value) && Math.abs(value) < 1e7 ? String(value) : String(Number(value.toPrecision(4)));
}

/** Columns that line up, numbers to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
  const isNumeric = rows[0].map((_, c) => rows.slice(1).every((row) => row[c] === '-' || row[c] === '' || !Number.isNaN(Number(row[c]))));
  return rows.map((row) => row.map((cell, c) => (isNumeric[c] ? cell.padStart(widths[c]) : cell.padEnd(widths[c]))).join('  ').trimEnd()).join('\n');
}

/** Best first: trials that went well before others, numbers before none. */
function compare(goal: Sweep['goal']): (a: Result, b: Result) => number {
  const rank = ({ status, value }: Result): number => (status !== 'ok' ? 2 : value === null || Number.isNaN(value) ? 1 : 0);
  return (a, b) => {
    if (rank(a) !== rank(b)) return rank(a) - rank(b);
    if (rank(a) === 0 && a.value !== b.value) return (Number(a.value) < Number(b.value) ? -1 : 1) * (goal === 'min' ? 1 : -1);
    return a.trial - b.trial;
  };
}

/** How a trial ended, in a word or two. */
export function outcome({ status, exitCode, signal, error }: Result): string {
  if (status !== 'failed') return status;
  return error !== null ? 'not started' : (signal ?? `exit ${exitCode}`);
}

/** Trials by what came of them. */
export function trialTable(results: Iterable<Result>, { metric, goal, parameters, seeds }: Sweep, top: number): string {
  const sorted = [...results].sort(compare(goal));
  const names = [...parameters.keys(), ...(seeds === null ? [] : ['seed'])];
  const others = [...new Set(sorted.flatMap(({ parameters }) => Object.keys(parameters)))].filter((name) => !names.includes(name));
  const columns = [...names, ...others];
  const rows = sorted.slice(0, top).map((r) => [String(r.trial), short(r.value), outcome(r), r.seconds.toFixed(1), ...columns.map((name) => short(r.parameters[name]))]);
  const more = sorted.length > top ? `\n… ${sorted.length - top} more` : '';
  return table([['trial', metric, 'status', 'seconds', ...columns], ...rows]) + more;
}

/** Configurations by the mean over their seeds; empty when there are no seeds. */
export function configurationTable(results: Iterable<Result>, { metric, goal, parameters, seeds }: Sweep, top: number): string {
  if (seeds === null || seeds.length < 2) return '';
  const groups = new Map<number, Result[]>();
  for (const result of results) {
    if (result.status !== 'ok' || result.value === null) continue;
    const group = groups.get(result.configuration);
    if (group === undefined) groups.set(result.configuration, [result]);
    else group.push(result);
  }
  const stats = [...groups].map(([configuration, list]) => {
    const values = list.map(({ value }) => Number(value));
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const deviation = values.length < 2 ? null : Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1));
    return { configuration, mean, deviation, n: values.length, parameters: list[0].parameters };
  });
  stats.sort((a, b) => (a.mean - b.mean) * (goal === 'min' ? 1 : -1) || a.configuration - b.configuration);
  const names = [...parameters.keys()];
  const rows = stats.slice(0, top).map((s) => [String(s.configuration), short(s.mean), short(s.deviation), String(s.n), ...names.map((name) => short(s.parameters[name]))]);
  return table([['configuration', `mean ${metric}`, 'std', 'n', ...names], ...rows]);
}

/** One line about a result. */
export function resultLine(result: Result, metric: string, done: number, total: number | null): string {
  const { trial, value, seconds, attempts, parameters } = result;
  const settings = Object.entries(parameters).map(([name, v]) => `${name}=${short(v)}`).join(' ');
  const tries = attempts > 1 ? `, ${attempts} attempts` : '';
  return `[${done}${total === null ? '' : `/${total}`}] trial ${trial}: ${outcome(result)}${value === null ? '' : `, ${metric} ${short(value)}`}, ${seconds.toFixed(1)} s${tries}  ${settings}`;
}

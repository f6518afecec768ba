import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as polyak from '../../index.ts';
import { type DType, Module, PolyakError, Tensor, grad, linspace } from '../../index.ts';
import { arranged, find, optionsOf, spelled } from './calls.ts';
import { type Known, known, skipped } from './known.ts';
import { type Recorded, decode, difference, differenceOfGrad, parts, show } from './values.ts';

// npm run test:torch [-- name …]: has PyTorch run the samples that its own tests are made of (record.py), and compares what polyak gives: about 17,000 calls with their gradients, second
// derivatives, refusals, and modules. PyTorch is found in python3 or /usr/bin/python3 (Debian: python3-torch, version 1.13, which known.ts is about); without it this says so.

type Options = Readonly<Record<string, Recorded>>;
interface CallRecord {
  readonly kind: 'call' | 'second' | 'error';
  readonly name: string;
  readonly dtype: DType;
  readonly args: readonly Recorded[];
  readonly options: Options;
  readonly out: Recorded;
  readonly grads?: readonly Recorded[];
}
interface ModuleRecord {
  readonly kind: 'module';
  readonly name: string;
  readonly training: boolean;
  readonly parameters: readonly string[];
  readonly args: readonly Recorded[];
  readonly options: Options;
  readonly state: Options;
  readonly inputs: readonly Recorded[];
  readonly extra: Options;
  readonly out: Recorded;
  readonly grads?: readonly Recorded[];
}
type Line = CallRecord | ModuleRecord;

const here = fileURLToPath(new URL('.', import.meta.url));

/** What PyTorch recorded, or null where there is none. */
function recorded(): string[] | null {
  const folder = mkdtempSync(join(tmpdir(), 'polyak-torch-'));
  try {
    for (const python of ['python3', '/usr/bin/python3']) {
      const file = join(folder, 'lines');
      const { status } = spawnSync(python, [join(here, 'record.py'), file], { timeout: 600_000 });
      if (status === 0) return readFileSync(file, 'utf8').trim().split('\n');
    }
    return null;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A number that depends on all elements of those outputs that have gradients, as in record.py. */
function weighed(outputs: readonly unknown[], low: number, high: number): Tensor | null {
  let total: Tensor | null = null;
  for (const x of outputs) {
    if (!(x instanceof Tensor) || !x.requiresGrad) continue;
    const weights = linspace(low, high, Math.max(x.numel(), 1), { dtype: x.dtype }).narrow(0, 0, x.numel()).reshape(x.shape);
    const sum = x.mul(weights).sum();
    total = total === null ? sum : total.add(sum);
  }
  return total;
}

function gradFault(total: Tensor | null, leaves: readonly Tensor[], wanted: readonly Recorded[], tolerance: number, what: string): string | null {
  const grads = total === null ? leaves.map(() => null) : grad(total, leaves, { allowUnused: true });
  for (const [i, want] of wanted.entries()) {
    const fault = differenceOfGrad(grads[i] ?? null, want, tolerance);
    if (fault !== null) return `${what} ${i} ${fault}`;
  }
  return null;
}

function run(call: (...args: readonly unknown[]) => unknown, { name, args, options }: CallRecord, leaves: Tensor[], wanted: DType | null): unknown {
  const given = args.map((v) => decode(v, leaves, wanted));
  return call(...arranged(name, given, optionsOf(options, (v) => decode(v, leaves, wanted))));
}

/** What is wrong with a call, or null. */
function callFault(call: (...args: readonly unknown[]) => unknown, line: CallRecord): string | null {
  const leaves: Tensor[] = [];
  if (line.kind === 'error') {
    try {
      run(call, line, leaves, null);
      return 'was not refused';
    } catch (error) {
      return error instanceof PolyakError ? null : `threw ${String(error)}`;
    }
  }
  const result = run(call, line, leaves, line.grads === undefined ? null : line.dtype);
  const double = line.dtype === 'float64';
  const fault = difference(result, line.out, double ? 1e-8 : 2e-4);
  if (fault !== null || line.grads === undefined) return fault;
  const total = weighed(parts(result), 0.5, 1.5);
  if (line.kind === 'call') return gradFault(total, leaves, line.grads, double ? 1e-6 : 1e-3, 'gradient');
  const firsts = total === null ? [] : grad(total, leaves, { allowUnused: true, createGraph: true });
  return gradFault(weighed(firsts, -1, 0.7), leaves, line.grads, 1e-6, 'second derivative');
}

/** A module from arguments by position, of which the last may have to be options. */
function made(make: new (...args: readonly unknown[]) => unknown, line: ModuleRecord): Module {
  const given = line.args.map((v) => decode(v));
  const options = optionsOf(line.options, decode);
  let refused: unknown;
  for (let n = given.length; n >= 0; n--) {
    const all = { ...Object.fromEntries(given.slice(n).map((v, i) => [spelled(line.parameters[n + i]), v]).filter(([, v]) => v !== null)), ...options };
    try {
      const module = new make(...given.slice(0, n), ...(Object.keys(all).length === 0 ? [] : [all]));
      if (module instanceof Module) return module;
    } catch (error) {
      refused ??= error;
    }
  }
  throw refused;
}

/** What is wrong with a module, or null. */
function moduleFault(make: new (...args: readonly unknown[]) => unknown, line: ModuleRecord): string | null {
  const module = made(make, line).train(line.training);
  module.loadStateDict(Object.fromEntries(Object.entries(line.state).map(([key, v]) => [key, decode(v) as Tensor])));
  const leaves: Tensor[] = [];
  const inputs = line.inputs.map((v) => decode(v, leaves, line.grads === undefined ? null : 'float32'));
  const { input = [], ...extra } = optionsOf(line.extra, decode);
  const forward = module.forward.bind(module) as (...args: readonly unknown[]) => unknown;
  const result = forward(...inputs, ...[input].flat(), ...(Object.keys(extra).length === 0 ? [] : [extra]));
  const fault = difference(result, line.out, 2e-4);
  if (fault !== null || line.grads === undefined) return fault;
  return gradFault(weighed(parts(result), 0.5, 1.5), [...leaves, ...module.parameters()], line.grads, 1e-3, 'gradient');
}

/** What is wrong with a line; undefined where polyak has nothing of that name. */
function faultOf(line: Line): string | null | undefined {
  try {
    if (line.kind === 'module') {
      const make: unknown = Reflect.get(polyak, line.name);
      return typeof make === 'function' ? moduleFault(make as new (...args: readonly unknown[]) => unknown, line) : undefined;
    }
    const call = find(line.name);
    return call === null ? undefined : callFault(call, line);
  } catch (error) {
    return String(error).split('\n')[0];
  }
}

function describe(line: Line): string {
  const options = Object.entries(line.options).map(([name, v]) => `${name}=${show(v)}`);
  const rest = line.kind === 'module' ? ` on ${[...line.inputs.map(show), ...Object.entries(line.extra).map(([name, v]) => `${name}=${show(v)}`)].join(', ')}` : '';
  return `${line.kind} ${line.name}(${[...line.args.map(show), ...options].join(', ').slice(0, 200)})${rest.slice(0, 200)}`;
}

/** Compares everything and returns whether nothing is wrong. */
function main(lines: readonly string[], words: readonly string[]): boolean {
  const counts = new Map<string, number>();
  const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
  const met = new Set<Known>();
  const unknown = new Set<string>();
  let [passed, failed] = [0, 0];
  for (const text of lines) {
    const line = JSON.parse(text) as Line;
    if (words.length > 0 && !words.includes(line.name)) continue;
    const why = Object.entries(skipped).find(([, names]) => names.includes(line.name))?.[0];
    if (why !== undefined) {
      count(`not compared: ${why}`);
      continue;
    }
    const fault = faultOf(line);
    if (fault === undefined) unknown.add(line.name);
    else if (fault === null) passed++;
    else {
      const difference = known.find(({ names, fault: about }) => names.includes(line.name) && (about === undefined || about.test(fault)));
      if (difference !== undefined) {
        met.add(difference);
        count(`known: ${difference.why}`);
        continue;
      }
      failed++;
      console.log(`${describe(line)}\n    ${fault}`);
    }
  }
  if (unknown.size > 0) console.log(`no counterpart, see docs/torch.md: ${[...unknown].join(', ')}`);
  for (const [what, n] of counts) console.log(`${n} ${what}`);
  if (words.length === 0) {
    for (const difference of known) {
      if (met.has(difference)) continue;
      failed++;
      console.log(`not there any more: ${difference.why}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

const [version, ...lines] = recorded() ?? [];
if (version === undefined) console.log('test:torch: skipped, neither python3 nor /usr/bin/python3 has PyTorch with its test data');
else {
  const good = main(lines, process.argv.slice(2));
  if (version.startsWith('1.13.')) process.exitCode = good ? 0 : 1;
  else console.log(`The known differences are those from PyTorch 1.13, this is ${version}: what failed may be more of them.`);
}

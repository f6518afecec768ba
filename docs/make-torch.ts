import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as polyak from '../index.ts';
import { toCamelCase } from '../core/names.ts';
import { absent, aliases, deprecated, differs } from './torch-names.ts';

// npm run docs:torch: writes docs/torch.md, where every public name of PyTorch in scope finds its counterpart.

interface Names {
  readonly torch: string;
  readonly names: Readonly<Record<string, readonly string[]>>;
}

/** What polyak has for a name, and how to write it. */
export interface Entry {
  /** Below `torch.`. */
  readonly name: string;
  readonly status: 'yes' | 'differs' | 'no';
  readonly polyak: string;
  /** How it differs or why it is missing; empty only for a name that is there. */
  readonly note: string;
}

const root = polyak as Readonly<Record<string, unknown>>;

/** Where names of a namespace of PyTorch are looked for: what stands before them. */
const places: Readonly<Record<string, readonly string[]>> = {
  torch: ['', 'x.', 'F.'],
  Tensor: ['x.'],
  nn: [''],
  'nn.Module': ['module.'],
  'optim.Optimizer': ['optimizer.'],
  Generator: ['defaultGenerator.'],
  'nn.functional': ['F.'],
  'nn.init': ['init.'],
  linalg: ['linalg.'],
  special: ['special.'],
  func: ['func.'],
};

/** What stands for any tensor, module and optimizer. */
const examples: Readonly<Record<string, object>> = { x: polyak.zeros([1]), module: new polyak.Identity(), optimizer: polyak.Optimizer.prototype };

/** Whether polyak has what is written like this: `matmul`, `F.conv2d`, `x.sum`. */
export function exists(written: string): boolean {
  const [first, second] = written.split('.');
  if (Object.hasOwn(examples, first)) return second !== undefined && second in examples[first];
  const found = root[first];
  return second === undefined ? found !== undefined : typeof found === 'object' && found !== null && Reflect.has(found, second);
}

/** The camelCase form: `masked_fill_` is `maskedFill_`, `atleast_1d` is `atleast1d`. */
const camelCase = (name: string): string => `${toCamelCase(name.replace(/_+$/, '').replace(/_(?=\d)/g, ''))}${/_*$/.exec(name)?.[0] ?? ''}`;

function counterpart(namespace: string, name: string): string | undefined {
  const written = (places[namespace] ?? ['']).flatMap((place) => [...new Set([camelCase(name), name])].map((form) => place + form));
  return written.find(exists);
}

/** The name that a second name stands for, in place or not. */
function meant(name: string): string | undefined {
  const plain = name.replace(/_$/, '');
  return Object.hasOwn(aliases, plain) ? aliases[plain] + name.slice(plain.length) : undefined;
}

function entry(namespace: string, name: string): Entry {
  const full = `${namespace}.${name}`;
  if (Object.hasOwn(differs, full)) return { name: full, status: 'differs', polyak: differs[full].polyak, note: differs[full].how };
  const own = counterpart(namespace, name);
  if (own !== undefined) return { name: full, status: 'yes', polyak: own, note: '' };
  const first = meant(name);
  const named = first === undefined ? undefined : counterpart(namespace, first);
  if (named !== undefined) return { name: full, status: 'differs', polyak: named, note: `another name of \`${first}\`` };
  if (Object.hasOwn(deprecated, full)) return { name: full, status: 'no', polyak: '', note: `deprecated: \`${deprecated[full]}\`` };
  const note = absent.find(([, names]) => names.test(full))?.[0] ?? '';
  return { name: full, status: 'no', polyak: '', note };
}

/** Every name with what polyak has for it. */
export function entries(): Entry[] {
  const { names } = JSON.parse(readFileSync(new URL('../test/fixtures/torch_names.json', import.meta.url), 'utf8')) as Names;
  return Object.entries(names).flatMap(([namespace, list]) => list.map((name) => entry(namespace, name)));
}

const spaceOf = (name: string): string => name.slice(0, name.lastIndexOf('.'));
const lastOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

function table(namespace: string, rows: readonly Entry[]): string {
  const present = rows.filter(({ status }) => status !== 'no');
  const missing = new Map<string, string[]>();
  for (const { name, status, note } of rows) {
    if (status !== 'no') continue;
    const [why, instead] = note.startsWith('deprecated: ') ? ['deprecated', ` (${note.slice('deprecated: '.length)})`] : [note, ''];
    missing.set(why, [...(missing.get(why) ?? []), `\`${lastOf(name)}\`${instead}`]);
  }
  const lines = present.map(({ name, status, polyak: own, note }) => `| \`${lastOf(name)}\` | \`${own}\` | ${status}${note === '' ? '' : `: ${note}`} |`);
  const absences = [...missing].map(([why, names]) => `- no (${why}): ${names.join(', ')}`);
  const title = namespace === 'torch' ? 'torch' : `torch.${namespace}`;
  const head = [`## ${title}`, '', `${present.length} of ${rows.length} names.`, ''];
  const shown = lines.length === 0 ? [] : ['| PyTorch | polyak | |', '|---|---|---|', ...lines, ''];
  return [...head, ...shown, ...absences].join('\n').trimEnd();
}

/** The page. */
export function renderTorch(): string {
  const all = entries();
  const spaces = [...new Set(all.map(({ name }) => spaceOf(name)))];
  const head = `# From PyTorch to polyak, name by name

Written by \`npm run docs:torch\` from PyTorch's public names (\`test/fixtures/torch_names.json\`) and polyak's exports: ${all.filter(({ status }) => status !== 'no').length} of ${all.length} names
have a counterpart, and every other one has a reason. Functions and classes come from \`polyak\`; \`x.…\`, \`module.…\` and \`optimizer.…\` are methods and properties
of \`Tensor\`, \`Module\` and \`Optimizer\`; \`F\`, \`init\`, \`linalg\`, \`special\` and \`func\` are exported under these names. How arguments are spelled: [README](../README.md).

Packages that polyak has nothing of: \`torch.fft\`, \`torch.sparse\`, \`torch.nested\`, \`torch.masked\`, \`torch.distributions\`, \`torch.distributed\`, \`torch.multiprocessing\`, \`torch.cuda\`,
\`torch.jit\`, \`torch.fx\`, \`torch.export\`, \`torch.profiler\` and \`torch.ao\`.`;
  return `${[head, ...spaces.map((s) => table(s, all.filter(({ name }) => spaceOf(name) === s)))].join('\n\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('torch.md', import.meta.url), renderTorch());
  const all = entries();
  const unexplained = all.filter(({ status, note }) => status === 'no' && note === '');
  const count = (status: Entry['status']): number => all.filter((e) => e.status === status).length;
  console.log(`${all.length} names: ${count('yes')} yes, ${count('differs')} differ, ${count('no')} no; ${unexplained.length} without a reason ${unexplained.map(({ name }) => name).join(' ')}`);
}

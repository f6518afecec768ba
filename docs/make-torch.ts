import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as polyak from '../index.ts';
import { toCamelCase } from '../core/names.ts';
import { allOps } from '../core/ops/define.ts';
import { absent, differs } from './torch-names.ts';

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
  /** How it differs or why it is missing. */
  readonly note: string;
}

const space = (value: unknown): Readonly<Record<string, unknown>> => value as Readonly<Record<string, unknown>>;
const root = space(polyak);

/** Where names of a namespace of PyTorch are looked for, as prefixes of what a user writes. */
const places: Readonly<Record<string, readonly string[]>> = {
  torch: [''],
  nn: [''],
  'nn.functional': ['F'],
  'nn.init': ['init'],
  linalg: ['linalg'],
  special: ['special'],
  func: ['func'],
};

/** The camelCase form; a trailing underscore stays: `masked_fill_` is `maskedFill_`. */
const camelCase = (name: string): string => `${toCamelCase(name.replace(/_+$/, ''))}${/_*$/.exec(name)?.[0] ?? ''}`;

const example = new polyak.Tensor(polyak.zeros([1]).storage, [1]);

function counterpart(namespace: string, name: string): string | null {
  const camel = camelCase(name);
  if (namespace === 'Tensor') return camel in example ? `x.${camel}` : null;
  for (const place of places[namespace] ?? ['']) {
    const names = place === '' ? root : space(root[place] ?? {});
    for (const form of [name, camel]) if (names[form] !== undefined) return place === '' ? form : `${place}.${form}`;
  }
  const registered = [...allOps().values()].find((op) => op.torch === (namespace === 'torch' ? name : `${namespace}.${name}`));
  if (registered !== undefined) return registered.opName;
  if (namespace === 'torch' && camel in example) return `x.${camel}`;
  return null;
}

function entry(namespace: string, name: string): Entry {
  const full = `${namespace}.${name}`;
  if (Object.hasOwn(differs, full)) return { name: full, status: 'differs', polyak: differs[full].polyak, note: differs[full].how };
  const found = counterpart(namespace, name);
  if (found !== null) return { name: full, status: 'yes', polyak: found, note: '' };
  const rule = absent.find(([, names]) => names.test(full));
  return { name: full, status: 'no', polyak: '', note: rule === undefined ? '' : rule[0] };
}

/** Every name with what polyak has for it. */
export function entries(): Entry[] {
  const { names } = JSON.parse(readFileSync(new URL('../test/fixtures/torch_names.json', import.meta.url), 'utf8')) as Names;
  return Object.entries(names).flatMap(([namespace, list]) => list.map((name) => entry(namespace, name)));
}

function table(namespace: string, rows: readonly Entry[]): string {
  const present = rows.filter(({ status }) => status !== 'no');
  const missing = new Map<string, string[]>();
  for (const { name, status, note } of rows) if (status === 'no') missing.set(note, [...(missing.get(note) ?? []), name.slice(namespace.length + 1)]);
  const lines = present.map(({ name, status, polyak: own, note }) => `| \`${name.slice(namespace.length + 1)}\` | \`${own}\` | ${status}${note === '' ? '' : `: ${note}`} |`);
  const absences = [...missing].map(([why, names]) => `- no, ${why}: ${names.map((n) => `\`${n}\``).join(', ')}`);
  const title = namespace === 'torch' ? 'torch' : `torch.${namespace}`;
  return [`## ${title}`, '', `${present.length} of ${rows.length} names.`, '', '| PyTorch | polyak | |', '|---|---|---|', ...lines, '', ...absences].join('\n').trimEnd();
}

/** The page. */
export function renderTorch(): string {
  const all = entries();
  const spaces = [...new Set(all.map(({ name }) => name.slice(0, name.lastIndexOf('.'))))];
  const head = `# From PyTorch to polyak, name by name

Written by \`npm run docs:torch\` from PyTorch's public names (\`test/fixtures/torch_names.json\`) and polyak's exports. Functions come from \`polyak\`, \`x.…\` are methods and
properties of \`Tensor\`; \`F\`, \`init\`, \`linalg\`, \`special\` and \`func\` are exported under these names. How arguments are spelled: [README](../README.md).`;
  return `${[head, ...spaces.map((s) => table(s, all.filter(({ name }) => name.slice(0, name.lastIndexOf('.')) === s)))].join('\n\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('torch.md', import.meta.url), renderTorch());
  const all = entries();
  const open = all.filter(({ status, note }) => status === 'no' && note === '');
  console.log(`${all.length} names, ${all.filter(({ status }) => status === 'no').length} missing, ${open.length} of them without a reason: ${open.map(({ name }) => name).join(' ')}`);
}

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import '../index.ts';
import { type OpInfo, allOps } from '../core/ops/define.ts';

// npm run docs:ops: writes docs/ops.md from the registry of operations and their doc comments.

const sources = new URL('../core/ops/', import.meta.url);

interface Doc {
  readonly text: string;
  readonly link: string | undefined;
}

/** Doc comments of exported constants, by the name of the operation: that of the constant, else the `name` it is given (`variance`: 'var'). */
function docComments(): Map<string, Doc> {
  const found = new Map<string, Doc>();
  const renamed = new Map<string, Doc>();
  for (const file of readdirSync(sources, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const source = readFileSync(new URL(file, sources), 'utf8');
    for (const [, comment, constant, body] of source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export const (\w+)((?:(?!\/\*\*)[\s\S])*)/g)) {
      const lines = comment.split('\n').map((line) => line.replace(/^\s*\*? ?/, '').trim());
      const doc = { text: lines.join(' ').split(/\s@\w+/)[0].trim(), link: comment.match(/@see (https:\S+)/)?.[1] };
      found.set(constant, doc);
      const given = body.match(/\(\s*\{\s*name: '([\w.]+)'/)?.[1];
      if (given !== undefined) renamed.set(given, doc);
    }
  }
  return new Map([...renamed, ...found]);
}

/** The first sentence: up to a full stop before a capital letter or the end. */
function firstSentence(text: string): string {
  return (text.match(/^[\s\S]*?[.!?](?=\s+[A-Z`]|$)/)?.[0] ?? text).trim();
}

function row(op: OpInfo, doc: Doc | undefined): string {
  if (doc === undefined || doc.text === '') throw new Error(`docs: '${op.opName}' has no doc comment`);
  const torch = op.torch === null ? '' : doc.link === undefined ? `\`${op.torch}\`` : `[\`${op.torch}\`](${doc.link})`;
  const cells = [`\`${op.opName}\``, torch, op.isMethod ? 'yes' : '', op.inPlace === null ? '' : `\`${op.opName}_\``, op.differentiable ? 'yes' : '', firstSentence(doc.text)];
  return `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** The page, as it should be. */
export function renderOps(): string {
  const docs = docComments();
  const families = new Map<string, OpInfo[]>();
  for (const op of allOps().values()) families.set(op.family, [...(families.get(op.family) ?? []), op]);
  const engine = families.get('engine') ?? [];
  families.delete('engine');
  const table = (ops: readonly OpInfo[]): string[] => [
    '| Name | PyTorch | Method | In place | Gradient | |',
    '|---|---|---|---|---|---|',
    ...ops.toSorted((a, b) => (a.opName < b.opName ? -1 : 1)).map((op) => row(op, docs.get(op.opName))),
    '',
  ];
  const lines = [
    '# Operations',
    '',
    'Written by `npm run docs:ops` from the registry of operations. PyTorch names are below `torch.`; functions come from `polyak`,',
    'methods are methods of `Tensor`. Each operation is tried on samples against PyTorch and finite differences (`test/ops.test.ts`).',
    '',
  ];
  for (const [family, ops] of [...families].toSorted(([a], [b]) => (a < b ? -1 : 1))) lines.push(`## ${family[0].toUpperCase()}${family.slice(1)}`, '', ...table(ops));
  lines.push('## For gradient formulas', '', 'Methods the engine itself uses; handy in custom operations.', '', ...table(engine));
  return `${lines.join('\n').trimEnd()}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(new URL('ops.md', import.meta.url), renderOps());

import type { OutputFile } from 'esbuild';
import { parseAst } from 'vite';
import { type Edit, edited } from './methodCalls.ts';

/** A node of the syntax tree, as far as this file looks at it. */
interface Syntax {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const isSyntax = (value: unknown): value is Syntax => typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';

/** The nodes right below a node. */
function childrenOf(node: Syntax): Syntax[] {
  return Object.values(node).flatMap((value: unknown) => (Array.isArray(value) ? value.filter(isSyntax) : isSyntax(value) ? [value] : []));
}

const nameOf = (node: unknown): string => (isSyntax(node) ? String(node.name ?? node.value) : '');
/** The statements of a file. */
function bodyOf(text: string): Syntax[] {
  const program: unknown = parseAst(text);
  if (!isSyntax(program) || !Array.isArray(program.body)) throw new Error('lean: the parser gave no program');
  return program.body.filter(isSyntax);
}


/** Text without what a bundler needs no second time. */
interface File {
  readonly path: string;
  readonly text: string;
}

/**
 * Makes a bundle one that others can take parts of: placeholders become the names that operations have in the file that holds all of them, and what is computed when that
 * is loaded is marked as free of effects.
 *
 * @param prefix - of placeholders, and of the names under which the entry exports what they stand for
 */
export function shakable(outputs: readonly OutputFile[], prefix: string): File[] {
  const files = outputs.map(({ path, text }) => ({ path, text: withOwnNames(text) }));
  const entry = files.find(({ text }) => text.includes(` as ${prefix}`));
  const whole = files.toSorted((a, b) => b.text.length - a.text.length)[0];
  if (entry === undefined) throw new Error('lean: expected an entry that exports operations under placeholders');
  const { names, text: exported } = withoutPlaceholders(entry.text, prefix, exportsOf(whole.text));
  return files.map((file) => ({ path: file.path, text: marked(named(file === entry ? exported : file.text, prefix, names)) }));
}

/** esbuild turns a class that mentions itself into `var X = class _X`: the names that users see in prints and errors come back. */
export function withOwnNames(text: string): string {
  let code = text;
  for (const [, inner] of text.matchAll(/^var \w+ = class (_\w+)\b/gm)) code = code.replace(new RegExp(`\\b${inner}\\b`, 'g'), inner.slice(1));
  return code;
}

/** What a file exports: local names by exported name. */
function exportsOf(text: string): Map<string, string> {
  const specifiers = bodyOf(text).filter((s) => s.type === 'ExportNamedDeclaration').flatMap((s) => s.specifiers as Syntax[]);
  return new Map(specifiers.map((s) => [nameOf(s.exported), nameOf(s.local)]));
}

/** The entry without the exports for placeholders, and what these are called where they come from: in the entry or in the file whose exports are given. */
function withoutPlaceholders(text: string, prefix: string, origin: ReadonlyMap<string, string>): { text: string; names: Map<string, string> } {
  const edits: Edit[] = [];
  const imported = new Map<string, string>();
  const names = new Map<string, string>();
  for (const statement of bodyOf(text)) {
    const specifiers = (statement.specifiers ?? []) as Syntax[];
    if (statement.type === 'ImportDeclaration') for (const s of specifiers) imported.set(nameOf(s.local), nameOf(s.imported));
    if (statement.type !== 'ExportNamedDeclaration') continue;
    for (const s of specifiers) {
      if (!nameOf(s.exported).startsWith(prefix)) continue;
      const from = imported.get(nameOf(s.local));
      names.set(nameOf(s.exported), from === undefined ? nameOf(s.local) : (origin.get(from) ?? ''));
      const comma = /^\s*,/.exec(text.slice(s.end))?.[0].length ?? 0;
      edits.push({ start: s.start, end: s.end + comma, text: '' });
    }
  }
  return { text: edited(text, edits), names };
}

/** Placeholders replaced by the names that they stand for. */
function named(text: string, prefix: string, names: ReadonlyMap<string, string>): string {
  return text.replace(new RegExp(`${prefix.replaceAll('$', '\\$')}\\w+`, 'g'), (placeholder) => {
    const name = names.get(placeholder);
    if (name === undefined || name === '') throw new Error(`lean: nothing is known as ${placeholder}`);
    return name;
  });
}

/** Marks what is computed when the file is loaded as free of effects. */
function marked(text: string): string {
  // Namespaces, which esbuild fills with a call.
  const code = text
    .replace(/^var (\w+) = \{\};\n__export\(\1, /gm, 'var $1 = __export({}, ')
    .replace(/^(var __export = \((\w+), \w+\) => \{\n[\s\S]*?\n)\};/m, '$1  return $2;\n};');
  const edits: Edit[] = [];
  for (const statement of bodyOf(code)) {
    const declared = statement.type === 'ExportNamedDeclaration' && isSyntax(statement.declaration) ? statement.declaration : statement;
    if (declared.type === 'VariableDeclaration') for (const d of declared.declarations as Syntax[]) markDeclaration(d, code, edits);
    else if (declared.type === 'ClassDeclaration') mark(declared, edits);
  }
  return edited(code, edits);
}

/** Marks what a variable is given; where a mark on calls says too little, as for a read of a property, on a function around it. */
function markDeclaration(declaration: Syntax, code: string, edits: Edit[]): void {
  const { id, init } = declaration;
  if (!isSyntax(init) || !isSyntax(id)) return;
  if (id.type !== 'Identifier') throw new Error(`lean: what is taken apart cannot be marked, got ${code.slice(declaration.start, declaration.end).slice(0, 80)}`);
  if (!mayAct(init)) {
    mark(init, edits);
    return;
  }
  // A class takes its name from the variable only where it stands right behind it.
  if (init.type === 'ClassExpression' && init.id === null) edits.push({ start: init.start, end: init.start + 'class'.length, text: `/* @__PURE__ */ (() => class ${nameOf(id)}` });
  else edits.push({ start: init.start, end: init.start, text: '/* @__PURE__ */ (() => (' });
  edits.push({ start: init.end, end: init.end, text: init.type === 'ClassExpression' && init.id === null ? ')()' : '))()' });
}

const isFunction = ({ type }: Syntax): boolean => type === 'ArrowFunctionExpression' || type === 'FunctionExpression' || type === 'FunctionDeclaration' || type === 'MethodDefinition';

/** What bundlers do not take for free of effects, beside computed names: a getter, an iterator or `valueOf` could do something. */
const acting = ['MemberExpression', 'SpreadElement', 'TaggedTemplateExpression', 'AssignmentExpression', 'BinaryExpression', 'UnaryExpression', 'StaticBlock'];

/** Whether there is such a thing in what is computed here. */
function mayAct(node: Syntax): boolean {
  if (node.computed === true) return true;
  if (isFunction(node) || (node.type === 'PropertyDefinition' && node.static !== true)) return false;
  if (acting.includes(node.type) || (node.type === 'TemplateLiteral' && (node.expressions as Syntax[]).length > 0)) return true;
  return childrenOf(node).some(mayAct);
}

/** Marks the calls that are made when this is computed. */
function mark(node: Syntax, edits: Edit[]): void {
  if (isFunction(node) || (node.type === 'PropertyDefinition' && node.static !== true)) return;
  if (node.type === 'CallExpression' || node.type === 'NewExpression') edits.push({ start: node.start, end: node.start, text: '/* @__PURE__ */ ' });
  for (const child of childrenOf(node)) mark(child, edits);
}

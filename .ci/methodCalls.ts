import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type CallExpression, type Node, type PropertyAccessExpression, type SourceFile, SyntaxKind } from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';
import { API, type Checker, type Type } from 'typescript/unstable/sync';

/** A stretch of a text and what stands there instead. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A text with stretches replaced. Insertions at one place stay in their order. */
export function edited(text: string, edits: readonly Edit[]): string {
  let out = '';
  let at = 0;
  for (const { start, end, text: replacement } of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (start < at) throw new Error(`edits overlap at ${start}: ${text.slice(start, start + 60)}`);
    out += text.slice(at, start) + replacement;
    at = end;
  }
  return out + text.slice(at);
}

/** The name of a file below a folder, with slashes everywhere. */
export const below = (folder: string, file: string): string => relative(folder, file).replaceAll('\\', '/');

const isLibrary = (file: string): boolean => /^(?:core|nn|optim|ema)\/.*\.ts$/.test(file);

/**
 * Edits that turn method calls on tensors into calls of functions, `x.add(y)` into `add(x, y)`, and leave out samples, by source file.
 *
 * @param functionOf - what is called instead of a method, if it is one that tensors are given; null where there is no such function
 * @throws Error for a call that cannot be turned into one of a function
 */
export function methodCalls(root: string, functionOf: (method: string) => string | null | undefined): Map<string, Edit[]> {
  const api = new API({ cwd: root });
  try {
    const [project] = api.updateSnapshot({ openProject: join(root, 'tsconfig.json') }).getProjects();
    const { program, checker } = project;
    const tensors = tensorType(program.getSourceFile(join(root, 'core/tensor.ts')), checker);
    const found = new Map<string, Edit[]>();
    for (const name of program.getSourceFileNames()) {
      const file = below(root, name);
      const source = isLibrary(file) ? program.getSourceFile(name) : undefined;
      if (source !== undefined) found.set(file, editsOf(source, readFileSync(name, 'utf8'), checker, tensors, functionOf));
    }
    return found;
  } finally {
    api.close();
  }
}

function tensorType(source: SourceFile | undefined, checker: Checker): Type {
  const declared = source?.statements.find((s) => is.isClassDeclaration(s) && s.name?.text === 'Tensor');
  const symbol = declared !== undefined && is.isClassDeclaration(declared) && declared.name !== undefined ? checker.getSymbolAtLocation(declared.name) : undefined;
  if (symbol === undefined) throw new Error('core/tensor.ts declares no class Tensor');
  return checker.getDeclaredTypeOfSymbol(symbol);
}

function editsOf(source: SourceFile, text: string, checker: Checker, tensors: Type, functionOf: (method: string) => string | null | undefined): Edit[] {
  const edits: Edit[] = [];
  const startOf = (node: Node): number => node.getStart(source);
  const visit = (node: Node): void => {
    if (source.fileName.includes('/core/ops/') && (is.isPropertyAssignment(node) || is.isShorthandPropertyAssignment(node)) && is.isIdentifier(node.name) && node.name.text === 'samples') {
      const comma = /^\s*,/.exec(text.slice(node.end))?.[0].length ?? 0;
      // Lines keep their numbers.
      const end = node.end + comma;
      edits.push({ start: startOf(node), end, text: text.slice(startOf(node), end).replace(/[^\n]/g, '') });
      return;
    }
    if (is.isCallExpression(node) && is.isPropertyAccessExpression(node.expression)) {
      const { expression: receiver, name } = node.expression;
      const fn = functionOf(name.text);
      if (fn !== undefined && receiver.kind !== SyntaxKind.SuperKeyword && isTensor(checker.getTypeAtLocation(receiver), checker, tensors)) edits.push(...asFunction(node, node.expression, fn, source, text));
    }
    if (is.isCallExpression(node) && is.isElementAccessExpression(node.expression) && isTensor(checker.getTypeAtLocation(node.expression.expression), checker, tensors)) {
      throw new Error(`${source.fileName}: a method whose name is computed cannot be turned into a function, got ${text.slice(startOf(node), node.end)}`);
    }
    node.forEachChild(visit);
  };
  visit(source);
  return edits;
}

/** The edits that make one of a function of a call of a method. Those of outer calls come first where several begin at one place. */
function asFunction(call: CallExpression, { expression: receiver, name, questionDotToken }: PropertyAccessExpression, fn: string | null, source: SourceFile, text: string): Edit[] {
  const start = receiver.getStart(source);
  const bracket = text.indexOf('(', name.end);
  const known = text.slice(start, receiver.end);
  const maybe = questionDotToken !== undefined;
  if (fn === null || text.slice(name.end, bracket).trim() !== '' || (maybe && (text[call.end] === '.' || !/^[\w.]+$/.test(known)))) {
    throw new Error(`${source.fileName}: a call that cannot be turned into one of a function, got ${text.slice(start, bracket + 1)}`);
  }
  const edits = [
    { start, end: start, text: maybe ? `(${known} == null ? undefined : ${fn}(` : `${fn}(` },
    { start: receiver.end, end: bracket + 1, text: call.arguments.length > 0 ? ', ' : '' },
  ];
  return maybe ? [...edits, { start: call.end, end: call.end, text: ')' }] : edits;
}

function isTensor(type: Type | undefined, checker: Checker, tensors: Type): boolean {
  if (type === undefined) return false;
  const text = checker.typeToString(type);
  const present = checker.getNonNullableType(type) ?? type;
  return text !== 'any' && text !== 'never' && checker.isTypeAssignableTo(present, tensors);
}

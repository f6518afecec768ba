import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast';
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

const isLibrary = (file: string): boolean => /^(?:core|nn|optim|ema)\/.*\.ts$/.test(file);

/**
 * Edits that turn method calls on tensors into calls of functions, `x.add(y)` into `add(x, y)`, and leave out samples, by source file.
 *
 * @param functionOf - what is called instead of a method, if it is an operation
 */
export function methodCalls(root: string, functionOf: (method: string) => string | undefined): Map<string, Edit[]> {
  const api = new API({ cwd: root });
  try {
    const [project] = api.updateSnapshot({ openProject: join(root, 'tsconfig.json') }).getProjects();
    const { program, checker } = project;
    const tensors = tensorType(program.getSourceFile(join(root, 'core/tensor.ts')), checker);
    const found = new Map<string, Edit[]>();
    for (const name of program.getSourceFileNames()) {
      const file = relative(root, name);
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

function editsOf(source: SourceFile, text: string, checker: Checker, tensors: Type, functionOf: (method: string) => string | undefined): Edit[] {
  const edits: Edit[] = [];
  const startOf = (node: Node): number => node.getStart(source);
  const visit = (node: Node): void => {
    if (source.fileName.includes('/core/ops/') && (is.isPropertyAssignment(node) || is.isShorthandPropertyAssignment(node)) && is.isIdentifier(node.name) && node.name.text === 'samples') {
      const comma = /^\s*,/.exec(text.slice(node.end))?.[0].length ?? 0;
      edits.push({ start: startOf(node), end: node.end + comma, text: '' });
      return;
    }
    if (is.isCallExpression(node) && is.isPropertyAccessExpression(node.expression)) {
      const { expression: receiver, name } = node.expression;
      const fn = functionOf(name.text);
      const type = fn === undefined || receiver.kind === SyntaxKind.SuperKeyword ? undefined : checker.getTypeAtLocation(receiver);
      if (fn !== undefined && type !== undefined && isTensor(type, checker, tensors)) {
        const bracket = text.indexOf('(', name.end);
        if (node.expression.questionDotToken !== undefined || text.slice(name.end, bracket).trim() !== '') {
          throw new Error(`${source.fileName}: a call that cannot be turned into one of a function, got ${text.slice(startOf(node), bracket + 1)}`);
        }
        // Outer calls come first where several begin at one place.
        edits.push({ start: startOf(receiver), end: startOf(receiver), text: `${fn}(` });
        edits.push({ start: receiver.end, end: bracket + 1, text: node.arguments.length > 0 ? ', ' : '' });
      }
    }
    node.forEachChild(visit);
  };
  visit(source);
  return edits;
}

function isTensor(type: Type, checker: Checker, tensors: Type): boolean {
  const text = checker.typeToString(type);
  return text !== 'any' && text !== 'never' && checker.isTypeAssignableTo(type, tensors);
}

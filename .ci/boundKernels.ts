import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { type Edit, below } from './methodCalls.ts';

const kernelsFile = 'core/cpu/fast/index.ts';
const functionsFile = 'core/cpu/wasm/longFunctions.ts';

/** The path by which one source imports another. */
function pathTo(target: string, file: string): string {
  const path = posix.relative(dirname(file), target);
  return JSON.stringify(path.startsWith('.') ? path : `./${path}`);
}

/**
 * Edits that have operations name what they need of the Wasm kernels, so that a bundler takes along that of the operations which a program uses, by source file:
 * `accelerated(() => fastMatmul, …)` in place of `accelerated(({ fastMatmul }) => fastMatmul, …)`, and the function `sin` of four floats beside `e.sin`.
 *
 * @throws Error for a use of the kernels that is not of this form
 */
export function boundKernels(root: string): Map<string, Edit[]> {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8');
  const table = /= \{ ([\w, ]+) \};/.exec(read(functionsFile));
  if (table === null) throw new Error(`${functionsFile}: no table of functions`);
  const found = new Map<string, Edit[]>([[functionsFile, emptied(read(functionsFile), table)]]);
  const long = new RegExp(`\\be\\.(${table[1].replaceAll(', ', '|')})\\b`, 'g');
  for (const folder of ['core/ops', 'core/cpu']) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      const file = below(root, join(root, folder, name));
      if (!file.endsWith('.ts') || file === 'core/cpu/engine.ts') continue;
      const text = read(file);
      const edits = [...boundUses(text, file), ...boundFunctions(text, file, long)];
      if (edits.length > 0) found.set(file, edits);
    }
  }
  return found;
}

/** The table of functions without entries: formulas that name one put it there. */
function emptied(text: string, { 0: whole, 1: names, index }: RegExpExecArray): Edit[] {
  const after = `\nexport { ${names} };\nexport function bring(fn, emit, build) {\n  longFunctions[fn] = emit;\n  return build;\n}\n`;
  return [{ start: index, end: index + whole.length, text: '= {};' }, { start: text.length, end: text.length, text: after }];
}

/** Imports stand at the end: lines keep their numbers. */
const importing = (text: string, what: string, target: string, file: string): Edit => ({ start: text.length, end: text.length, text: `import ${what} from ${pathTo(target, file)};\n` });

function boundUses(text: string, file: string): Edit[] {
  const uses = [...text.matchAll(/\b(?:accelerated|whenFast)(?:<\w+>)?\(/g)];
  if (uses.length === 0) return [];
  const bound = [...text.matchAll(/\b(?:accelerated|whenFast)(?:<\w+>)?\(\(\{ ([\w, ]+) \}\) =>/g)];
  if (bound.length !== uses.length) throw new Error(`${file}: a use of the Wasm kernels that cannot be bound; expected accelerated(({ fastX }) => …) or whenFast(({ fastX }) => …)`);
  const names = new Set(bound.flatMap(([, list]) => list.split(', ')));
  const edits = bound.map(({ 0: use, 1: list, index }): Edit => {
    const start = index + use.indexOf('{');
    return { start, end: start + '{  }'.length + list.length, text: '' };
  });
  return [...edits, importing(text, `{ ${[...names].join(', ')} }`, kernelsFile, file)];
}

function boundFunctions(text: string, file: string, long: RegExp): Edit[] {
  const edits = [...text.matchAll(long)].map(({ 0: use, 1: fn, index }): Edit => ({ start: index, end: index + use.length, text: `$long.bring('${fn}', $long.${fn}, ${use})` }));
  return edits.length === 0 ? [] : [...edits, importing(text, '* as $long', functionsFile, file)];
}

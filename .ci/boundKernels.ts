import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { type Edit, below } from './methodCalls.ts';

const index = 'core/cpu/fast/index.ts';

/**
 * Edits that have operations name their kernels in Wasm, `accelerated(() => fastMatmul, …)` in place of `accelerated(({ fastMatmul }) => fastMatmul, …)`, so that a bundler
 * takes along those of the operations that a program uses, by source file.
 *
 * @throws Error for a use of the kernels that is not of this form
 */
export function boundKernels(root: string): Map<string, Edit[]> {
  const found = new Map<string, Edit[]>();
  for (const name of readdirSync(join(root, 'core'), { recursive: true, encoding: 'utf8' })) {
    const file = below(root, join(root, 'core', name));
    if (!file.endsWith('.ts') || file === 'core/cpu/engine.ts') continue;
    const text = readFileSync(join(root, file), 'utf8');
    const uses = [...text.matchAll(/\b(?:accelerated|whenFast)(?:<\w+>)?\(/g)];
    const edits = [...text.matchAll(/\b(?:accelerated|whenFast)(?:<\w+>)?\(\(\{ ([\w, ]+) \}\) =>/g)].map(({ 0: use, 1: names, index: at }) => {
      const start = at + use.indexOf('{');
      return { names, edit: { start, end: start + names.length + 4, text: '' } };
    });
    if (edits.length !== uses.length) throw new Error(`${file}: ${uses.length - edits.length} uses of the kernels in Wasm cannot be bound; expected accelerated(({ fastX }) => …) or whenFast(({ fastX }) => …)`);
    if (edits.length === 0) continue;
    const names = [...new Set(edits.flatMap((e) => e.names.split(', ')))];
    const path = posix.relative(dirname(file), index);
    // At the end: lines keep their numbers.
    const end = { start: text.length, end: text.length, text: `import { ${names.join(', ')} } from ${JSON.stringify(path.startsWith('.') ? path : `./${path}`)};\n` };
    found.set(file, [...edits.map(({ edit }) => edit), end]);
  }
  return found;
}

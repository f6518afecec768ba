import { type Expr, arg } from '../../core/expr.ts';
import type { UpdateKernel, UpdateRule } from '../../core/ops/update.ts';
import { print } from '../expression.ts';
import { blockOf, fill, prefix, runOn, storageOf } from '../launch.ts';
import { address, coordinates, namesOf, numbersOf, walkOf } from '../layout.ts';
import { type Source, sourceOf } from '../source.ts';

interface Written {
  readonly source: Source;
  readonly constants: readonly number[];
}

/** The columns that the formula of column `c` reads. */
function readsOf(rule: UpdateRule, c: number): number[] {
  const read = new Set<number>();
  const visit = (x: Expr): void => {
    if (x.fn === 'arg' && x.value < rule.columns.length) read.add(x.value);
    x.args.forEach(visit);
  };
  visit(rule.body[c] ?? arg(c));
  return [...read].sort((a, b) => a - b);
}

/** The new value of column `c`. */
function write(rule: UpdateRule, c: number, reads: readonly number[], rank: number): Written {
  const columns = rule.columns.length;
  const { body, results, constants } = print(rule.name, [rule.body[c] ?? arg(c)], (i) => (i < columns ? `v${i}` : `w${i - columns}`));
  const arrays = reads.map((i) => `a${i}`);
  const loads = reads.map((i) => `const v${i} = a${i}[${address(rank, `a${i}`)}];`).join(' ');
  const source = sourceOf(`${prefix(rank)}update ${rule.name} ${c} ${rank}`, () => ({
    arrays,
    integers: namesOf(rank, arrays),
    floats: [...rule.scalars.map((_, i) => `w${i}`), ...constants.map((_, k) => `k${k}`)],
    body: `${coordinates(rank)} ${loads} ${body} return ${results[0]};`,
  }));
  return { source, constants };
}

const kernels = new WeakMap<UpdateRule, UpdateKernel>();

/** The kernel of an update rule: for each target one kernel per column that changes, all from the values before. */
export function updateKernel(rule: UpdateRule): UpdateKernel {
  const known = kernels.get(rule);
  if (known !== undefined) return known;
  const written = new Map<string, Written>();
  const changing = rule.columns.map((_, c) => c).filter((c) => rule.body[c] !== null).map((c) => ({ c, reads: readsOf(rule, c) }));
  const kernel: UpdateKernel = (targets, scalars) => {
    for (let k = 0; k < targets[0].length; k++) {
      const first = targets[0][k];
      if (first.numel() === 0) continue;
      const { backend } = storageOf(first);
      const results = changing.map(({ c, reads }) => {
        const columns = reads.map((i) => targets[i][k]);
        const walk = walkOf(first.shape, columns);
        const id = `${c} ${walk.sizes.length}`;
        let step = written.get(id);
        if (step === undefined) written.set(id, (step = write(rule, c, reads, walk.sizes.length)));
        return runOn(backend, step.source, first.numel(), { arrays: columns.map(blockOf), integers: numbersOf(walk), floats: [...scalars, ...step.constants] });
      });
      changing.forEach(({ c }, i) => fill(targets[c][k], results[i]));
    }
  };
  kernels.set(rule, kernel);
  return kernel;
}

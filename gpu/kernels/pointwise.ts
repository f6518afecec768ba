import type { DType } from '../../core/dtype.ts';
import type { Expr } from '../../core/expr.ts';
import type { Formula, Kernel } from '../../core/op.ts';
import type { Operand } from '../../core/tape.ts';
import { Tensor } from '../../core/tensor.ts';
import { print, stored } from '../expression.ts';
import { blockOf, launch, prefix } from '../launch.ts';
import { address, coordinates, namesOf, numbersOf, walkOf } from '../layout.ts';
import { type Source, sourceOf } from '../source.ts';

const names = ['x', 'y', 'z'];

interface Written {
  readonly source: Source;
  readonly constants: readonly number[];
}

/** The kernel of a pointwise formula: broadcasting, any strides, any mix of dtypes. */
export function pointwiseKernel<A>(name: string, formula: Formula<A> & { readonly kind: 'pointwise' }): Kernel<A> {
  const written = new Map<string, Written>();
  return ([out], inputs, attrs) => {
    const tensors = inputs.filter((x): x is Tensor => x instanceof Tensor);
    const walk = walkOf(out.shape, tensors);
    const rank = walk.sizes.length;
    const key = `${formula.key(attrs)} ${out.dtype} ${rank} ${inputs.map((x) => (typeof x === 'number' ? 'n' : 't')).join('')}`;
    let kernel = written.get(key);
    if (kernel === undefined) written.set(key, (kernel = write(`${prefix(rank)}${name} ${key}`, name, formula.expr(attrs), inputs, out.dtype, rank, formula.scalar !== undefined)));
    const numbers = inputs.filter((x): x is number => typeof x === 'number');
    const scalar = formula.scalar === undefined ? [] : [formula.scalar(attrs)];
    launch(kernel.source, out, { arrays: tensors.map(blockOf), integers: numbersOf(walk), floats: [...numbers, ...scalar, ...kernel.constants] });
  };
}

function write(key: string, op: string, expr: Expr, inputs: readonly Operand[], dtype: DType, rank: number, hasScalar: boolean): Written {
  const isNumber = inputs.map((x) => typeof x === 'number');
  const { body, results, constants } = print(op, [expr], (i) => (i === names.length ? 'w' : isNumber[i] ? names[i] : `${names[i]}v`));
  const arrays = names.filter((_, i) => i < inputs.length && !isNumber[i]);
  const loads = arrays.map((v) => `const ${v}v = ${v}[${address(rank, v)}];`).join(' ');
  const source = sourceOf(key, () => ({
    arrays,
    integers: namesOf(rank, arrays),
    floats: [...names.filter((_, i) => i < inputs.length && isNumber[i]), ...(hasScalar ? ['w'] : []), ...constants.map((_, k) => `k${k}`)],
    body: `${coordinates(rank)} ${loads} ${body} return ${stored(dtype, results[0])};`,
  }));
  return { source, constants };
}

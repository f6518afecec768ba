import type { Formula, Kernel } from '../../core/op.ts';
import type { Tensor } from '../../core/tensor.ts';
import { print } from '../expression.ts';
import { launch, rowMajor } from '../launch.ts';
import { sourceOf } from '../source.ts';

/** The kernel of a formula over the rows of matrices that are cut into parts: one kernel per result, in which a thread takes the formula of its part. */
export function rowsKernel<A>(name: string, { inputs: cuts, outputs: outCuts, body }: Formula<A> & { readonly kind: 'rows' }): Kernel<A> {
  // Argument i is part `part` of operand `operand`.
  const places = cuts.flatMap((cut, operand) => Array.from({ length: cut }, (_, part) => ({ operand, part, cut })));
  return (outputs, inputs) => {
    const operands = (inputs as readonly Tensor[]).map(rowMajor);
    const width = outputs[0].shape[1] / outCuts[0];
    let first = 0;
    outputs.forEach((out, o) => {
      const cut = outCuts[o];
      const formulas = body.slice(first, first + cut);
      first += cut;
      const source = sourceOf(`rows ${name} ${o}`, () => {
        const { body: text, results, constants } = print(name, formulas, (i) => `v${i}`);
        if (constants.length > 0) throw new RangeError(`${name}: a formula has infinite constants, got ${constants.join(', ')}; expected finite ones`);
        const arrays = operands.map((_, k) => `a${k}`);
        const loads = places.map(({ operand, part, cut: n }, i) => `const v${i} = a${operand}[o${operand} + (row * ${n} + ${part}) * width + j];`);
        const choices = results.slice(1).map((result, p) => `if (part === ${p + 1}) { chosen = ${result}; }`);
        return {
          arrays,
          integers: ['width', ...operands.map((_, k) => `o${k}`)],
          floats: [],
          body: `const lines = idiv(this.thread.x, width); const j = this.thread.x - lines * width; const row = idiv(lines, ${cut}); const part = lines - row * ${cut}; ${loads.join(' ')} ${text} let chosen = ${results[0]}; ${choices.join(' ')} return chosen;`,
        };
      });
      launch(source, out, { arrays: operands.map(({ block }) => block), integers: [width, ...operands.map(({ offset }) => offset)] });
    });
    for (const operand of operands) operand.done();
  };
}

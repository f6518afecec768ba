import { ArgumentError, DTypeError, ShapeError, show } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { diagonal } from './arrange.ts';
import { type Free, checkTensor, free } from './define.ts';
import { bmm } from './matmul.ts';
import { expand, permute, reshape } from './view.ts';

const name = 'einsum';

/** A tensor whose dimensions have labels: letters, and numbers for those under an ellipsis, counted from the right. */
interface Labelled {
  readonly x: Tensor;
  readonly labels: readonly string[];
}

const fail = (fact: string, got: string, rule: string): ArgumentError => new ArgumentError(`${name}: ${fact}, got ${got}; expected ${rule}`);

/** The labels of one term; `under` dimensions stand under its ellipsis. */
function labelsOf(term: string, under: number, equation: string): string[] {
  const parts = term.split('...');
  if (parts.length > 2) throw fail('two ellipses in one term', `'${term}' in '${equation}'`, 'at most one');
  for (const part of parts) if (!/^[A-Za-z]*$/.test(part)) throw fail('not a subscript', `'${term}' in '${equation}'`, "letters and '...'");
  const ellipsis = parts.length === 2 ? Array.from({ length: under }, (_, i) => String(under - 1 - i)) : [];
  return [...parts[0].split(''), ...ellipsis, ...(parts[1] ?? '').split('')];
}

/** The operand with its labels, each once: a repeated one takes the diagonal. */
function labelled(x: Tensor, term: string, i: number, equation: string): Labelled {
  const letters = term.replace('...', '').length;
  const under = x.ndim - letters;
  if (under < 0 || (under > 0 && !term.includes('...'))) {
    throw new ShapeError(`${name}: subscripts do not fit the dimensions, got '${term}' for ${show(x)} at operand ${i}; expected ${x.ndim} labels`);
  }
  let current = x;
  const labels = labelsOf(term, under, equation);
  for (let d = 0; d < labels.length; d++) {
    for (let again = labels.indexOf(labels[d], d + 1); again > 0; again = labels.indexOf(labels[d], d + 1)) {
      if (current.shape[d] !== current.shape[again]) {
        throw new ShapeError(`${name}: a repeated subscript has two sizes, got '${labels[d]}' of ${current.shape[d]} and ${current.shape[again]} in ${show(x)}; expected one`);
      }
      // The diagonal comes last; it goes to the first of the two places.
      const drawn = diagonal(current, 0, d, again);
      const last = drawn.ndim - 1;
      current = permute(drawn, [...Array.from({ length: d }, (_, k) => k), last, ...Array.from({ length: last - d }, (_, k) => d + k)]);
      labels.splice(again, 1);
    }
  }
  return { x: current, labels };
}

/** Labels of the result: the ones given, or the ellipsis and then every letter that occurs once, in alphabetical order. */
function resultLabels(right: string | undefined, terms: readonly string[], operands: readonly Labelled[], equation: string): string[] {
  const ellipsis = [...new Set(operands.flatMap(({ labels }) => labels.filter((l) => /^\d/.test(l))))].sort((a, b) => Number(b) - Number(a));
  if (right === undefined) {
    const letters = terms.join('').replaceAll('.', '');
    return [...ellipsis, ...[...new Set(letters)].filter((l) => letters.indexOf(l) === letters.lastIndexOf(l)).sort()];
  }
  const labels = labelsOf(right, ellipsis.length, equation);
  labels.forEach((l, i) => {
    if (labels.indexOf(l) !== i) throw fail('an output subscript occurs twice', `'${l}' in '${equation}'`, 'each once');
    if (!operands.some((o) => o.labels.includes(l))) throw fail('an output subscript occurs in no operand', `'${l}' in '${equation}'`, 'one of the inputs');
  });
  return labels;
}

/** The size of each label: equal in all operands, or 1. */
function sizesOf(operands: readonly Labelled[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { x, labels } of operands) {
    labels.forEach((l, d) => {
      const [before, size] = [sizes.get(l) ?? 1, x.shape[d]];
      if (before !== 1 && size !== 1 && before !== size) throw new ShapeError(`${name}: a subscript has two sizes, got '${l}' of ${before} and ${size}; expected equal sizes or 1`);
      sizes.set(l, before === 1 ? size : before);
    });
  }
  return sizes;
}

/** Sums over labels that nothing else needs. */
function summed({ x, labels }: Labelled, keep: ReadonlySet<string>): Labelled {
  const dims = labels.map((_, d) => d).filter((d) => !keep.has(labels[d]));
  return dims.length === 0 ? { x, labels } : { x: x.sum(dims), labels: labels.filter((l) => keep.has(l)) };
}

/** Dimensions in the order of the labels, with size 1 for a label that is missing. */
function arranged({ x, labels }: Labelled, order: readonly string[]): Tensor {
  const present = order.filter((l) => labels.includes(l));
  const turned = permute(x, present.map((l) => labels.indexOf(l)));
  return present.length === order.length ? turned : reshape(turned, order.map((l) => (labels.includes(l) ? x.shape[labels.indexOf(l)] : 1)));
}

/** The product of two operands, summed over the labels that nothing else needs. */
function contracted(a: Labelled, b: Labelled, keep: ReadonlySet<string>, sizes: ReadonlyMap<string, number>): Labelled {
  const both = a.labels.filter((l) => b.labels.includes(l));
  const sum = both.filter((l) => !keep.has(l));
  const [left, right] = [summed(a, new Set([...keep, ...both])), summed(b, new Set([...keep, ...both]))];
  const batch = both.filter((l) => keep.has(l));
  const rows = left.labels.filter((l) => !both.includes(l));
  const columns = right.labels.filter((l) => !both.includes(l));
  const labels = [...batch, ...rows, ...columns];
  if (sum.length === 0) return { x: arranged(left, labels).mul(arranged(right, labels)), labels };
  const size = (l: string): number => sizes.get(l) ?? 1;
  const count = (list: readonly string[]): number => list.reduce((n, l) => n * size(l), 1);
  const whole = (operand: Labelled, order: readonly string[], shape: readonly number[]): Tensor => reshape(expand(arranged(operand, order), order.map(size)), shape);
  const product = bmm(
    whole(left, [...batch, ...rows, ...sum], [count(batch), count(rows), count(sum)]),
    whole(right, [...batch, ...sum, ...columns], [count(batch), count(sum), count(columns)]),
  );
  return { x: reshape(product, labels.map(size)), labels };
}

/**
 * Einstein's sum: products of the operands' elements, summed over the subscripts that the result does not have. `einsum('bij,bjk->bik', a, b)` are products of
 * matrices, `'ii'` a trace, `'ij->ji'` a transpose. A subscript repeated in one operand takes its diagonal; '...' stands for dimensions that broadcast; without '->'
 * the result has the ellipsis and the letters that occur once, in alphabetical order. Operands are contracted from left to right by matrix products.
 *
 * @param equation - a letter per dimension, operands separated by commas
 * @throws ArgumentError for a malformed equation; ShapeError for sizes that do not fit; DTypeError for dtypes that differ
 * @see https://pytorch.org/docs/stable/generated/torch.einsum.html
 */
export const einsum: Free<(equation: string, ...operands: readonly (Tensor | readonly Tensor[])[]) => Tensor> = free(
  {
    name,
    family: 'matrix',
    samples: (s) => [
      ['ij,jk->ik', s.float([2, 3]), s.float([3, 4])],
      ['bij,bjk', s.float([2, 2, 3]), s.float([2, 3, 2])],
      ['ii', s.float([3, 3])],
      ['ii->i', s.float([3, 3])],
      ['ij->ji', s.float([2, 3])],
      ['ij->', s.float([2, 3])],
      ['i,j->ij', s.float([2]), s.float([3])],
      ['...ij,...jk->...ik', s.float([2, 1, 2, 3]), s.float([4, 3, 2])],
      ['bn,anm,bm->ba', s.float([2, 3]), s.float([4, 3, 2]), s.float([2, 2])],
      ['iij,jk->ki', s.float([2, 2, 3]), s.float([3, 2])],
      ['ab,ab->ab', s.float([1, 3]), s.float([2, 3])],
      ['i...->...', s.float([2, 3])],
      [',i->i', s.float([]), s.float([3])],
      ['ij,jk->ik', s.float([2, 0]), s.float([0, 3])],
      ['ik,kj', s.int([2, 2]), s.int([2, 2])],
    ],
  },
  (equation: string, ...given: readonly (Tensor | readonly Tensor[])[]): Tensor => {
    if (typeof equation !== 'string') throw fail('the equation is not a string', show(equation), "subscripts such as 'ij,jk->ik'");
    const tensors = given.length === 1 && Array.isArray(given[0]) ? (given[0] as readonly Tensor[]) : (given as readonly Tensor[]);
    tensors.forEach((x, i) => checkTensor(name, x, `operand ${i}`));
    const [left, right, ...more] = equation.replaceAll(' ', '').split('->');
    const terms = left.split(',');
    if (more.length > 0) throw fail("more than one '->'", `'${equation}'`, 'at most one');
    if (terms.length !== tensors.length || tensors.length === 0) throw fail('subscripts and operands differ in number', `${terms.length} terms and ${tensors.length} operands`, 'a term per operand');
    const odd = tensors.find((x) => x.dtype !== tensors[0].dtype);
    if (odd !== undefined) throw new DTypeError(`${name}: dtypes differ, got ${show(tensors[0])} and ${show(odd)}; expected one dtype`);
    const operands = tensors.map((x, i) => labelled(x, terms[i], i, equation));
    const labels = resultLabels(right, terms, operands, equation);
    const sizes = sizesOf(operands);
    let result = operands[0];
    for (let i = 1; i < operands.length; i++) {
      const keep = new Set([...labels, ...operands.slice(i + 1).flatMap((o) => o.labels)]);
      result = contracted(result, operands[i], keep, sizes);
    }
    const last = summed(result, new Set(labels));
    return permute(last.x, labels.map((l) => last.labels.indexOf(l)));
  },
);

import type { GatherAttrs, IndexAttrs } from '../../../../cpu/gather.ts';
import type { ScatterReduceAttrs } from '../../../../cpu/scatterReduce.ts';
import type { Rule, Rules, StepWriter } from '../step.ts';

// Entries that index tensors name.

function transposed(s: StepWriter, x: string, perm: readonly number[]): string {
  return perm.every((d, i) => d === i) ? x : s.node('Transpose', [x], { perm });
}

const inverse = (perm: readonly number[]): number[] => perm.map((_, i) => perm.indexOf(i));

/** Index tensors beside each other along a new last dimension. */
function stacked(s: StepWriter, from: number): string {
  const parts = s.step.inputs.slice(from).map((_, i) => s.node('Unsqueeze', [s.as(from + i, 'int64'), s.b.ints([-1])]));
  return parts.length === 1 ? parts[0] : s.node('Concat', parts, { axis: -1 });
}

/** The indexed dimensions first, and how the dimensions of the index then get to their place. */
function orders(rank: number, { dims, at }: IndexAttrs, indexRank: number): { readonly first: number[]; readonly back: number[] } {
  const rest = Array.from({ length: rank }, (_, d) => d).filter((d) => !dims.includes(d));
  const back = [
    ...Array.from({ length: at }, (_, i) => indexRank + i),
    ...Array.from({ length: indexRank }, (_, i) => i),
    ...Array.from({ length: rest.length - at }, (_, i) => indexRank + at + i),
  ];
  return { first: [...dims, ...rest], back };
}

const index: Rule = (s) => {
  const attrs = s.attrs<IndexAttrs>();
  const [dim] = attrs.dims;
  if (attrs.dims.length === 1 && attrs.at === dim) return s.node('Gather', [s.in(0), s.in(1)], { axis: dim });
  const { first, back } = orders(s.shape(0).length, attrs, s.shape(1).length);
  return transposed(s, s.node('GatherND', [transposed(s, s.in(0), first), stacked(s, 1)]), back);
};

const indexPut: Rule = (s) => {
  const attrs = s.attrs<IndexAttrs & { readonly accumulate: boolean }>();
  const { first, back } = orders(s.shape(0).length, attrs, s.shape(2).length);
  const values = transposed(s, s.as(1, s.out.dtype), inverse(back));
  const made = s.node('ScatterND', [transposed(s, s.in(0), first), stacked(s, 2), values], attrs.accumulate ? { reduction: 'add' } : {});
  return transposed(s, made, inverse(first));
};

const reductions: Readonly<Record<string, string>> = { sum: 'add', prod: 'mul', amax: 'max', amin: 'min' };

/** Rules of indexing. */
export const indexingRules: Rules = {
  index,
  indexPut,
  gather: (s) => s.node('GatherElements', [s.in(0), s.in(1)], { axis: s.attrs<GatherAttrs>().dim }),
  scatter: (s) => {
    const { dim, accumulate } = s.attrs<GatherAttrs & { readonly accumulate: boolean }>();
    return s.node('ScatterElements', [s.in(0), s.in(1), s.as(2, s.out.dtype)], { axis: dim, ...(accumulate && { reduction: 'add' }) });
  },
  scatterReduce: (s) => {
    const { dim, reduce, includeSelf } = s.attrs<ScatterReduceAttrs>();
    const reduction = reductions[reduce];
    const late = reduction === 'max' || reduction === 'min';
    if (!includeSelf || reduction === undefined || (late && s.b.opset < 18)) throw s.refuse(`reduces by ${reduce}, got includeSelf ${includeSelf} and opset ${s.b.opset}`, 'sum or prod, or amax and amin from opset 18 on, with includeSelf');
    return s.node('ScatterElements', [s.in(0), s.in(1), s.as(2, s.out.dtype)], { axis: dim, reduction });
  },
  oneHot: (s) => s.node('OneHot', [s.as(0, 'int64'), s.b.scalar(s.attrs<{ readonly classes: number }>().classes, 'int64'), s.b.vector([0, 1], 'int64')], { axis: -1 }),
};

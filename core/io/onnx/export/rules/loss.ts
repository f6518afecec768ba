import type { CrossEntropyAttrs } from '../../../../cpu/crossEntropy.ts';
import type { Rules } from '../step.ts';

/** Rules of losses that are primitives; the others are made of operations. */
export const lossRules: Rules = {
  crossEntropy: (s) => {
    const { classDim, ignoreIndex, smoothing, reduction } = s.attrs<CrossEntropyAttrs>();
    if (classDim !== 1 || smoothing !== 0) throw s.refuse(`got ${smoothing !== 0 ? `label smoothing ${smoothing}` : 'no batch'}`, 'a batch without label smoothing');
    const weight = s.has(2) ? [s.in(2)] : [];
    return [s.node('SoftmaxCrossEntropyLoss', [s.in(0), s.as(1, 'int64'), ...weight], { ignore_index: ignoreIndex, reduction })];
  },
};

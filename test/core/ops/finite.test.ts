import fc from 'fast-check';
import { test } from 'uvu';
import { setFast } from '../../../core/cpu/engine.ts';
import { areFinite } from '../../../core/ops/finite.ts';
import { type Tensor, arange, tensor, zeros } from '../../../index.ts';
import { is, ok, not } from '../../assert.ts';

const bad = [NaN, Infinity, -Infinity];

function both(check: () => void): void {
  for (const fast of [true, false]) {
    const before = setFast(fast);
    try {
      check();
    } finally {
      setFast(before);
    }
  }
}

test('a number that is not finite is found wherever it is, in lists of any lengths', () => {
  both(() =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 70 }), { minLength: 1, maxLength: 5 }), fc.nat(), fc.nat(), fc.constantFrom(...bad), fc.constantFrom('float32' as const, 'float64' as const), (lengths, which, where, value, dtype) => {
        const values = lengths.map((n) => Array.from({ length: n }, (_, i): number => (i % 2 === 0 ? 3.4e38 : -1e-45)));
        ok(areFinite(values.map((v) => tensor(v, { dtype }))));
        const row = values[which % values.length];
        if (row.length === 0) return;
        row[where % row.length] = value;
        not(areFinite(values.map((v) => tensor(v, { dtype }))));
      }),
      { numRuns: 200 },
    ),
  );
});

test('long tensors, every place', () => {
  for (const n of [4095, 4096, 4097, 4127, 8200]) {
    const values = new Float32Array(n).fill(1);
    const x = tensor(values);
    ok(areFinite([x]));
    const step = n > 5000 ? 13 : 1;
    for (let i = 0; i < n; i += step) {
      const cells = x.storage.cells;
      cells[i] = bad[i % 3];
      if (areFinite([zeros([3]), x])) is(i, -1, `missed at ${i} of ${n}`);
      cells[i] = 1;
    }
  }
});

test('other layouts, neighbours, integers, nothing', () => {
  both(() => {
    const x = tensor([[1, NaN], [2, 3]]);
    not(areFinite([x.t()]));
    ok(areFinite([x.select(1, 0)]));
    ok(areFinite([x.reshape([4]).narrow(0, 2, 2)]));
    not(areFinite([x.reshape([4]).narrow(0, 1, 1)]));
    ok(areFinite([arange(5), zeros([0]), zeros([]), tensor([1, 2], { dtype: 'int64' })]));
    ok(areFinite([]));
    const wide: Tensor = tensor(NaN).expand([3, 2]);
    not(areFinite([wide]));
  });
});

test.run();

import * as fc from 'fast-check';
import { test } from 'uvu';
import { cellsOf, placesIn, viewStep } from '../../../core/trace/views.ts';
import { type Tensor, arange } from '../../../index.ts';
import { equal, is, ok } from '../../assert.ts';

const cube = (): Tensor => arange(24).reshape([2, 3, 4]).clone();

test('what a view does is told from its layouts', () => {
  const x = cube();
  const told = (name: string, y: Tensor, from = x): unknown => viewStep(name, from, y);
  equal(told('permute', x.permute([2, 0, 1])), { kind: 'permute', attrs: { dims: [2, 0, 1] } });
  equal(told('slice', x.narrow(1, 1, 2)), { kind: 'slice', attrs: { dim: 1, start: 1, step: 1, length: 2, size: 3 } });
  equal(told('select', x.select(2, 3)), { kind: 'select', attrs: { dim: 2, index: 3, size: 4 } });
  equal(told('unsqueeze', x.unsqueeze(1)), { kind: 'unsqueeze', attrs: { dims: [1] } });
  equal(told('squeeze', x.unsqueeze(1).squeeze(1), x.unsqueeze(1)), { kind: 'squeeze', attrs: { dims: [1] } });
  equal(told('expand', x.unsqueeze(0).expand([5, 2, 3, 4]), x.unsqueeze(0)), { kind: 'expand', attrs: { shape: [5, 2, 3, 4] } });
  equal(told('alias', x.transpose(0, 2)), { kind: 'permute', attrs: { dims: [2, 1, 0] } });
  equal(told('detach', x.detach()), { kind: 'same' });
});

test('any view is found again by the places of its elements', () => {
  const dims = fc.constantFrom(0, 1, 2);
  const change = fc.oneof(
    fc.tuple(dims, dims).map(([a, b]) => (x: Tensor): Tensor => x.transpose(a, b)),
    fc.tuple(dims, fc.integer({ min: 0, max: 1 })).map(([d, start]) => (x: Tensor): Tensor => (x.shape[d] > start ? x.narrow(d, start, x.shape[d] - start) : x)),
    fc.constant((x: Tensor): Tensor => (x.shape[0] === x.shape[1] ? x.diagonal(0, 0, 1).unsqueeze(0) : x)),
  );
  fc.assert(fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
    const x = cube();
    const y = changes.reduce((z, f) => (z.ndim === 3 ? f(z) : z), x);
    const places = placesIn(x, y);
    ok(places !== null);
    const lead = y.shape.slice(0, places.kept).reduce((a, b) => a * b, 1);
    const flat = x.reshape([lead, -1]).data();
    const width = 24 / lead;
    const found = Array.from({ length: lead }, (_, i) => Array.from(places.index, (place) => flat[i * width + place])).flat();
    equal(found, Array.from(y.data()));
  }));
});

test('a layout outside of the tensor has no places', () => {
  is(placesIn(cube().narrow(0, 0, 1), cube()), null);
  equal(Array.from(cellsOf({ shape: [2, 2], strides: [1, 4], offset: 3 })), [3, 7, 4, 8]);
});

test.run();

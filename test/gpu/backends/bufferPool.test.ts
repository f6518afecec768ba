import { test } from 'uvu';
import { BufferPool } from '../../../gpu/backends/bufferPool.ts';
import { equal, is, ok } from '../../assert.ts';

/** A buffer that knows whether it was destroyed. */
class Fake {
  destroyed = false;
  readonly size: number;
  constructor(size: number) {
    this.size = size;
  }
  destroy(): void {
    this.destroyed = true;
  }
}

function pool(): { readonly pool: BufferPool; readonly made: Fake[] } {
  const made: Fake[] = [];
  const make = (size: number): GPUBuffer => {
    made.push(new Fake(size));
    return made[made.length - 1] as Partial<GPUBuffer> as GPUBuffer;
  };
  return { pool: new BufferPool(make), made };
}

test('buffers are made in steps of 256 bytes and used again by size', () => {
  const { pool: p, made } = pool();
  const a = p.take(4);
  is(a.size, 256);
  const b = p.take(257);
  is(b.size, 512);
  equal([p.live, p.pooled], [768, 0]);
  p.give(a);
  equal([p.live, p.pooled], [512, 256]);
  is(p.take(100), a);
  is(p.take(100).size, 256);
  is(made.length, 3);
});

test('a step that needs the same sizes again makes nothing new', () => {
  const { pool: p, made } = pool();
  for (let step = 0; step < 100; step++) {
    const taken = [1000, 2000, 2000, 40_000].map((bytes) => p.take(bytes));
    for (const buffer of taken) p.give(buffer);
    p.trim();
  }
  is(made.length, 4);
});

test('no more wait than are in use, but for a floor', () => {
  const { pool: p, made } = pool();
  const large = Array.from({ length: 8 }, () => p.take(2 ** 25));
  for (const buffer of large) p.give(buffer);
  is(p.pooled, 2 ** 28);
  p.trim();
  is(p.pooled, 2 ** 26);
  is(made.filter((buffer) => buffer.destroyed).length, 6);
  ok(!made.some((buffer, i) => buffer.destroyed && made.indexOf(buffer) !== i));
});

test('buffers for reading are kept in small numbers', () => {
  const { pool: p, made } = pool();
  const three = [p.staging(10), p.staging(10), p.staging(10)];
  for (const buffer of three) p.giveStaging(buffer);
  equal(made.map((buffer) => buffer.destroyed), [false, false, true]);
  is(p.staging(1), three[1]);
  equal([p.live, p.pooled], [0, 0]);
  p.destroy();
  ok(made[0].destroyed);
});

test.run();

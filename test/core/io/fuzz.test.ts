import { test } from 'uvu';
import { formats } from '../../fuzz/formats.ts';
import { fuzz, mostMegabytes } from '../../fuzz/run.ts';
import { equal, ok } from '../../assert.ts';

// The same with 10,000 files of each format: npm run fuzz.

for (const format of formats) {
  test(`500 changed files: ${format.name}`, async () => {
    for (const file of format.files) await format.read(format.mend === undefined ? file : await format.mend(file));
    const { read, refused, faults } = await fuzz(format, 500, 7);
    equal(faults, []);
    ok(read + refused === 500 && refused > 0, `${read} read, ${refused} refused`);
  });
}

test('all that with little memory', () => {
  ok(mostMegabytes() < 1500, `${mostMegabytes()} MB`);
});

test.run();

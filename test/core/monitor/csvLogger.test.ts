import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import { ArgumentError, CSVLogger, StateError, tensor } from '../../../index.ts';
import { csvLine, csvRows } from '../../../core/monitor/csvText.ts';
import { equal, is, throwsError } from '../../assert.ts';

const root = mkdtempSync(join(tmpdir(), 'polyak-csv-'));
let files = 0;
const fresh = (): string => join(root, `folder${files++}`, 'log.csv');
const read = (path: string): string => readFileSync(path, 'utf8');
test.after(() => rmSync(root, { recursive: true, force: true }));

test('rows are on disk at once, with the columns of the first', () => {
  const path = fresh();
  const log = new CSVLogger(path);
  log.log({ epoch: 0, loss: tensor([[0.5]]), note: 'a, "b"\nc' });
  is(read(path), 'epoch,loss,note\n0,0.5,"a, ""b""\nc"\n');
  log.log({ loss: NaN, epoch: 1e21, note: null });
  log.log({ loss: -Infinity, epoch: 0.1 + 0.2, note: true });
  is(read(path), 'epoch,loss,note\n0,0.5,"a, ""b""\nc"\n1e+21,NaN,\n0.30000000000000004,-Infinity,true\n');
  log.close();
});

test('columns grow, and earlier rows are filled up', () => {
  const path = fresh();
  const log = new CSVLogger(path, { columns: ['epoch'] });
  is(read(path), 'epoch\n');
  log.log({ epoch: 0 });
  log.log({ epoch: 1, loss: 2 });
  log.log({ epoch: 2 });
  is(read(path), 'epoch,loss\n0,\n1,2\n2,\n');
  equal(log.columns, ['epoch', 'loss']);
  log.close();
});

test('a file is gone on with: cut rows are dropped, later rows purged, columns kept and added', () => {
  const path = fresh();
  const first = new CSVLogger(path);
  for (let epoch = 0; epoch < 4; epoch++) first.log({ epoch, loss: 1 / (epoch + 1) });
  first.close();
  appendFileSync(path, '4,0.'); // the process ended here
  const second = new CSVLogger(path, { append: true, purge: { epoch: 2 }, columns: ['ema'] });
  equal(second.columns, ['epoch', 'loss', 'ema']);
  is(read(path), 'epoch,loss,ema\n0,1,\n1,0.5,\n');
  second.log({ epoch: 2, ema: 7 });
  second.close();
  is(read(path), 'epoch,loss,ema\n0,1,\n1,0.5,\n2,,7\n');
  new CSVLogger(path).close();
  is(read(path), '');
  const third = new CSVLogger(fresh(), { append: true }); // there need not be a file
  third.log({ a: 1 });
  third.close();
});

test('rows can be held back', () => {
  const path = fresh();
  const log = new CSVLogger(path, { columns: ['a'], maxQueue: 2 });
  log.log({ a: 1 });
  is(read(path), 'a\n');
  log.log({ a: 2 });
  is(read(path), 'a\n1\n2\n');
  log.log({ a: 3 });
  log.log({ b: 4 }); // what was held back is not lost when columns grow
  log.close();
  is(read(path), 'a,b\n1,\n2,\n3,\n,4\n');
});

test('bad values and files are refused, and the file stays as it was', () => {
  const path = fresh();
  const log = new CSVLogger(path);
  log.log({ a: 1 });
  throwsError(() => log.log({ a: tensor([1, 2]) }), ArgumentError, /'a' is not one number/);
  throwsError(() => log.log({ a: 1, b: {} as never }), ArgumentError, /'b' cannot be written/);
  throwsError(() => log.log({ '': 1 }), ArgumentError, /a column is not a name/);
  is(read(path), 'a\n1\n');
  log.close();
  throwsError(() => log.log({ a: 1 }), StateError, /the file was closed/);
  throwsError(() => log.log({ other: 1 }), StateError, /the file was closed/);
  throwsError(() => new CSVLogger(path, { purge: { a: 1 } }), ArgumentError, /purge without append/);
  throwsError(() => new CSVLogger(path, { colums: [] } as never), ArgumentError, /did you mean 'columns'/);
  throwsError(() => new CSVLogger(path, { columns: ['a', 'a'] }), ArgumentError, /two columns have one name/);
  writeFileSync(path, 'a,b\n1,2,3\n');
  throwsError(() => new CSVLogger(path, { append: true }), StateError, /got 3 fields in row 1/);
  is(read(path), 'a,b\n1,2,3\n');
  throwsError(() => new CSVLogger(root), StateError, /cannot write the file/);
});

test('any texts come back from the lines', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.string({ unit: 'grapheme' }).map((s) => s.replaceAll('\r', '')), { minLength: 1, maxLength: 4 }), { maxLength: 5 }), (rows) => {
      equal(csvRows(rows.map(csvLine).join('')), rows);
    }),
    { numRuns: 300 },
  );
});

test.run();

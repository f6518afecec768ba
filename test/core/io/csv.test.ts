import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { test } from 'uvu';
import {
  ArgumentError, type Column, type CsvRow, type CsvTable, DataLoader, ShapeError, StateError, Tensor, loadCsv, mapDataset, readCsv, saveCsv, shuffleBuffer, streamCsv, tensor, writeCsv, zeros,
} from '../../../index.ts';
import { all } from '../../all.ts';
import { inFolder } from '../../inFolder.ts';
import { equal, is, ok, rejectsError, throwsError } from '../../assert.ts';

const plain = (column: Column): unknown => (column instanceof Tensor ? [column.dtype, ...column.data()] : column);
const columnsOf = (table: CsvTable): unknown => Object.fromEntries(table.names.map((name) => [name, plain(table.columns[name])]));

test('columns get the type that fits', async () => {
  const text = 'id,x,big,flag,name,gap,none,half\n1,0.5,3000000000,true,"a, ""b""",1,,true\n-2, 1e3 ,1,FALSE,c,NA,,\n3,-inf,2,true,"two\nlines",3,,false\n';
  const table = await readCsv(text);
  equal([[...table.names], table.length], [['id', 'x', 'big', 'flag', 'name', 'gap', 'none', 'half'], 3]);
  equal({ ...(columnsOf(table) as Record<string, unknown>), gap: 0, none: 0 }, {
    id: ['int64', 1, -2, 3], x: ['float32', 0.5, 1000, -Infinity], big: ['float64', 3000000000, 1, 2], flag: ['bool', 1, 0, 1], name: ['a, "b"', 'c', 'two\nlines'], gap: 0, none: 0, half: ['true', null, 'false'],
  });
  const gap = table.columns.gap as Tensor;
  equal([gap.dtype, ...gap.data()].map(String), ['float32', '1', 'NaN', '3']);
  equal([...(table.columns.none as Tensor).data()].map(String), ['NaN', 'NaN', 'NaN']);
});

test('columns of given types, with values for missing ones', async () => {
  const text = 'a,b,c,d\n1,x,0,2\n,y,1,\n3,x,,7\n';
  const table = await readCsv(text, { types: { a: 'float64', b: 'category', c: 'bool', d: 'uint8' }, fill: { c: false, d: 255 } });
  equal((columnsOf(table) as Record<string, unknown>).b, ['int64', 0, 1, 0]);
  equal([plain(table.columns.c), plain(table.columns.d)], [['bool', 0, 1, 0], ['uint8', 2, 255, 7]]);
  equal({ ...table.categories }, { b: ['x', 'y'] });
  equal(columnsOf(await readCsv('a\nx\n\ny\n', { types: 'category' })), { a: ['int64', 0, -1, 1] });
  equal(columnsOf(await readCsv('a,b\n1,-\n2,3', { types: 'string', missing: ['-'] })), { a: ['1', '2'], b: [null, '3'] });
  equal(columnsOf(await readCsv('a,b\n1,-\n2,3', { missing: ['-'], columns: ['b'], fill: { b: 0 } })), { b: ['int64', 0, 3] });
});

test('tables with and without names, with other signs', async () => {
  equal(columnsOf(await readCsv('1,2\n3,4', { header: false })), { 0: ['int64', 1, 3], 1: ['int64', 2, 4] });
  equal(columnsOf(await readCsv('1;2\r\n# no\r\n3;4\r\n', { header: ['a', 'b'], delimiter: ';', comments: '#' })), { a: ['int64', 1, 3], b: ['int64', 2, 4] });
  equal(columnsOf(await readCsv('\ufeffa\tb\r1\t2\r\r3\t4\r', { delimiter: '\t' })), { a: ['int64', 1, 3], b: ['int64', 2, 4] });
  equal(columnsOf(await readCsv('a,b\n1,2\n3,4\n5,6', { maxRows: 2, columns: ['b', 'a'] })), { b: ['int64', 2, 4], a: ['int64', 1, 3] });
  equal((await readCsv('a,b\n', { maxRows: 0 })).length, 0);
  equal((await readCsv('', { header: ['a'] })).length, 0);
  const odd = await readCsv('__proto__,,constructor\n1,2,3\n');
  equal([...odd.names].map((name) => plain(odd.columns[name])), [['int64', 1], ['int64', 2], ['int64', 3]]);
  is(Object.getPrototypeOf(odd.columns), null);
});

test('columns side by side', async () => {
  const table = await readCsv('a,b,c,flag\n1,0.5,x,true\n2,1.5,y,false\n', { types: { b: 'float64' } });
  const x = table.tensor(['b', 'a', 'flag']);
  equal([x.dtype, x.array()], ['float64', [[0.5, 1, 1], [1.5, 2, 0]]]);
  is(table.tensor(['a']).dtype, 'float32');
  equal(plain(table.column('a')), ['int64', 1, 2]);
  throwsError(() => table.tensor(), ArgumentError, /a column of texts, got 'c'; expected a column of numbers\nhint: read it as 'category'/);
  throwsError(() => table.tensor(['z']), ArgumentError, /no such column, got 'z'; expected one of a, b, c, flag/);
  throwsError(() => table.tensor([]), ArgumentError, /no columns/);
});

test('errors name the row and the column', async () => {
  const refuse = async (text: string, message: RegExp, options = {}): Promise<void> => rejectsError(() => readCsv(text, options), StateError, message);
  await refuse('a,age\n1,2\n3,old\n', /readCsv: not a value of int64, got 'old' in row 2, column 'age'; expected int64/, { types: { age: 'int64' } });
  await refuse('a,b\n1,\n', /a value is missing, got nothing in row 1, column 'b'; expected int32\nhint: the option fill/, { types: { b: 'int32' } });
  await refuse('a\n1.5\n', /got '1.5' in row 1, column 'a'; expected int64/, { types: 'int64' });
  await refuse('a\n256\n', /got '256' in row 1, column 'a'; expected uint8/, { types: 'uint8' });
  await refuse('a\n3000000000\n', /expected int64/, { types: 'int64' });
  await refuse('a\n0x10\n', /got '0x10'/, { types: 'float32' });
  await refuse('a\nyes\n', /got 'yes' in row 1, column 'a'; expected bool/, { types: 'bool' });
  await refuse('a\n1\n', /got 'x' in row 1/, { types: 'float32', missing: ['1'], fill: { a: 'x' } });
  await refuse('a,b\n1,2\n\n3\n', /a row has another number of fields, got 1 in row 2 \(line 4 of the table\); expected 2/);
  await refuse('a,b\n1,2,3\n', /got 3 in row 1 \(line 2 of the table\); expected 2/);
  await refuse('a,b,a\n', /two columns have one name, got 'a'; expected distinct names\nhint: pass/);
  await refuse('a\n"x', /a quote does not close, got line 2 of the table/);
  await refuse('a\n"x"y\n', /a quote stands inside a field, got line 2/);
  await refuse('', /the table is empty/);
  await refuse('a,b\n', /no such column, got 'c'; expected one of a, b/, { columns: ['c'] });
  await refuse('a,b\n', /no such column, got 'c'/, { types: { c: 'bool' } });
  await refuse('1,2\n', /got 2 in row 1/, { header: ['a'] });
  const bad = async (options: object, message: RegExp): Promise<void> => rejectsError(() => readCsv('a\n', options), ArgumentError, message);
  await bad({ types: { a: 'number' } }, /unknown type, got 'number'; expected one of float32/);
  await bad({ delimiter: '\n' }, /invalid delimiter/);
  await bad({ delimiter: '#', comments: '#' }, /comments begin like fields/);
  await bad({ header: ['a', 'a'] }, /invalid header/);
  await bad({ missing: 'x' }, /invalid missing/);
  await bad({ fill: 3 }, /invalid fill/);
  await bad({ maxRows: -1 }, /invalid maxRows/);
  await bad({ encoding: 'no such' }, /unknown encoding/);
  await bad({ delimeter: ';' }, /unknown option, got 'delimeter'.*\nhint: did you mean 'delimiter'/);
  await rejectsError(() => readCsv(3 as never), ArgumentError, /not a text, got 3/);
});

test('files, packed ones, other encodings', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'x.csv');
    await writeFile(path, 'a,é\n1,ü\n');
    equal(columnsOf(await loadCsv(path)), { a: ['int64', 1], é: ['ü'] });
    await writeFile(path, gzipSync('a\n1\n'));
    equal(columnsOf(await loadCsv(path)), { a: ['int64', 1] });
    await writeFile(path, gzipSync('a\n1\n').subarray(0, 12));
    await rejectsError(() => loadCsv(path), StateError, /the gzip file is damaged/);
    await writeFile(path, Buffer.from('a\nü\n', 'latin1'));
    await rejectsError(() => loadCsv(path), StateError, /bytes that are not utf-8.*\nhint: the option encoding/);
    equal(columnsOf(await loadCsv(path, { encoding: 'latin1' })), { a: ['ü'] });
    equal(columnsOf(await loadCsv(new Blob(['a\n2\n']))), { a: ['int64', 2] });
    await rejectsError(() => loadCsv(join(folder, 'none')), StateError, /cannot read the file/);
  }));

test('rows in pieces, wherever the pieces end', async () => {
  const text = 'a,"b ""1""",c\r\n1,"x,\r\ny",3\r\n"4","""",\r\n,"",6\r\n';
  const whole = await all(streamCsv([text]));
  equal(whole.map((row) => ({ ...row })), [{ a: '1', 'b "1"': 'x,\r\ny', c: '3' }, { a: '4', 'b "1"': '"', c: null }, { a: null, 'b "1"': null, c: '6' }]);
  for (let size = 1; size < 12; size++) {
    const pieces: Uint8Array[] = [];
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
    equal(await all(streamCsv(pieces)), whole);
  }
  const long = `a,b\n${Array.from({ length: 50_000 }, (_, i) => `${i},"row ${i}\n"`).join('\n')}\n`;
  const rows = await all(streamCsv(new Blob([long]), { types: { a: 'int32' } }));
  is(rows.length, 50_000);
  rows.forEach((row, i) => ok(row.a === i && row.b === `row ${i}\n`, String(i)));
  await rejectsError(() => all(streamCsv(['a\nx\n1\n'], { types: 'int32' })), StateError, /streamCsv: not a value of int32, got 'x' in row 1/);
  throwsError(() => streamCsv([''], { types: 'category' }), ArgumentError, /categories are known only at the end/);
  await rejectsError(() => all(streamCsv([3 as never])), ArgumentError, /not text, got 3 in the stream/);
});

test('a row without end takes time in proportion', async () => {
  const start = performance.now();
  await rejectsError(() => readCsv(`a\n"${'x,y\n'.repeat(2_000_000)}`), StateError, /a quote does not close/);
  await rejectsError(() => readCsv(`a\n"${'x"y'.repeat(1_000_000)}`), StateError, /a quote/);
  ok(performance.now() - start < 20_000);
});

test('a loader goes through a table that is larger than memory', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'x.csv');
    await writeFile(path, `x,y,label\n${Array.from({ length: 100 }, (_, i) => `${i},${i / 2},${i % 2 === 0}`).join('\n')}\n`);
    const rows = mapDataset(streamCsv(path, { types: { x: 'float32', y: 'float32', label: 'bool' } }), ({ x, y, label }: CsvRow) => ({ input: tensor([Number(x), Number(y)]), label: Boolean(label) }));
    const loader = new DataLoader(shuffleBuffer(rows, 20), { batchSize: 32 });
    for (let epoch = 0; epoch < 2; epoch++) {
      const batches = await all(loader);
      equal(batches.map(({ input, label }) => [...input.shape, ...label.shape]), [[32, 2, 32], [32, 2, 32], [32, 2, 32], [4, 2, 4]]);
      is(batches.reduce((sum, { input }) => sum + Number(input.select(1, 0).sum().item()), 0), 4950);
    }
  }));

const text = fc.string({ unit: fc.constantFrom('a', 'Z', '"', ',', '\n', '\r', ' ', ';', 'é', '😀', '#', '\t') }).filter((x) => !['', 'NA', 'N/A', 'NaN', 'nan', 'null', 'None'].includes(x));
const column = (n: number): fc.Arbitrary<Column> =>
  fc.oneof(
    fc.array(fc.option(text), { minLength: n, maxLength: n }),
    fc.array(fc.float(), { minLength: n, maxLength: n }).map((x) => tensor(x, { dtype: 'float32' })),
    fc.array(fc.double(), { minLength: n, maxLength: n }).map((x) => tensor(x, { dtype: 'float64' })),
    fc.array(fc.integer(), { minLength: n, maxLength: n }).map((x) => tensor(x, { dtype: 'int64' })),
    fc.array(fc.integer({ min: 0, max: 255 }), { minLength: n, maxLength: n }).map((x) => tensor(x, { dtype: 'uint8' })),
    fc.array(fc.boolean(), { minLength: n, maxLength: n }).map((x) => tensor(x, { dtype: 'bool' })),
  );

test('any table survives', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }).chain((n) => fc.dictionary(fc.oneof(text, fc.constant('__proto__')), column(n), { minKeys: 1, maxKeys: 5 })),
      fc.constantFrom(',', ';', '\t'),
      async (columns, delimiter) => {
        const names = Object.keys(columns);
        const types = Object.fromEntries(names.map((name) => [name, columns[name] instanceof Tensor ? columns[name].dtype : ('string' as const)]));
        const back = await readCsv(await writeCsv(columns, { delimiter }), { delimiter, types });
        equal([...back.names], names);
        const exact = (x: Column): unknown => (x instanceof Tensor ? [x.dtype, ...Array.from(x.data(), (v) => (Number.isNaN(v) ? 'nan' : Object.is(v, -0) ? '-0' : v))] : [...x]);
        for (const name of names) equal(exact(back.columns[name]), exact(columns[name]));
      },
    ),
    { numRuns: 300 },
  ));

test('what is written', () =>
  inFolder(async (folder) => {
    const columns = { x: tensor([0.1, NaN, Infinity]), n: [1, null, 2.5], 'a,b': ['x"y', '', null], ok: tensor([true, false, true]) };
    const expected = 'x,n,"a,b",ok\n0.1,1,"x""y",true\n,,,false\ninf,2.5,,true\n';
    is(await writeCsv(columns), expected);
    is(await writeCsv({ a: [1] }, { header: false }), '1\n');
    await saveCsv(join(folder, 'x.csv'), columns);
    is(await readFile(join(folder, 'x.csv'), 'utf8'), expected);
    await rejectsError(() => writeCsv({ a: [1], b: [1, 2] }), ShapeError, /columns have other lengths, got 1, 2/);
    await rejectsError(() => writeCsv({ a: zeros([2, 2]) }), ArgumentError, /'a' is no column, got float32\[2, 2\]/);
    await rejectsError(() => writeCsv({}), ArgumentError, /no columns/);
    await rejectsError(() => writeCsv([] as never), ArgumentError, /not columns by name/);
    await rejectsError(() => writeCsv({ a: [{}] as never }), ArgumentError, /cannot be written, got { {2}} in row 1, column 'a'/);
    await rejectsError(() => saveCsv(join(folder, 'none/x'), { a: [1] }), StateError, /cannot write the file/);
  }));

test.run();

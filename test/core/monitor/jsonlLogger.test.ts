import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { ArgumentError, JSONLLogger, StateError, readJSONL, tensor } from '../../../index.ts';
import { equal, is, throwsError } from '../../assert.ts';

const root = mkdtempSync(join(tmpdir(), 'polyak-jsonl-'));
test.after(() => rmSync(root, { recursive: true, force: true }));

test('one object a line, with numbers for tensors and texts for what JSON lacks', () => {
  const path = join(root, 'a', 'log.jsonl');
  const log = new JSONLLogger(path);
  log.log({ step: 1, loss: tensor(0.5), nested: { x: [NaN, tensor([2])] }, note: 'ü\n' });
  log.log({ worst: -Infinity });
  is(readFileSync(path, 'utf8'), '{"step":1,"loss":0.5,"nested":{"x":["NaN",2]},"note":"ü\\n"}\n{"worst":"-Infinity"}\n');
  equal(readJSONL(path), [{ step: 1, loss: 0.5, nested: { x: ['NaN', 2] }, note: 'ü\n' }, { worst: '-Infinity' }]);
  throwsError(() => log.log([1] as never), ArgumentError, /not an object/);
  throwsError(() => log.log({ x: tensor([1, 2]) }), ArgumentError, /'x' is not one number/);
  log.close();
  throwsError(() => log.log({}), StateError, /the file was closed/);
  is(readJSONL(path).length, 2);
});

test('a line that was cut short is dropped when the file is read and gone on with', () => {
  const path = join(root, 'cut.jsonl');
  writeFileSync(path, '{"a":1}\n{"a":2');
  equal(readJSONL(path), [{ a: 1 }]);
  const log = new JSONLLogger(path, { append: true });
  log.log({ a: 3 });
  log.close();
  equal(readJSONL(path), [{ a: 1 }, { a: 3 }]);
  appendFileSync(path, 'x\n');
  throwsError(() => readJSONL(path), StateError, /got 'x' in line 3/);
  new JSONLLogger(path).close();
  is(readFileSync(path, 'utf8'), '');
  throwsError(() => readJSONL(join(root, 'nowhere')), StateError, /readJSONL/);
});

test.run();

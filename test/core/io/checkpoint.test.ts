import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import {
  ArgumentError, PolyakError, StateError, Tensor, load, loadCheckpoint, loadSafetensors, packCheckpoint, readSafetensors, save, saveCheckpoint, saveSafetensors, tensor,
  unpackCheckpoint, writeSafetensors,
} from '../../../index.ts';
import { crc32 } from '../../../core/io/crc32.ts';
import { equal, is, ok, rejectsError, throwsError } from '../../assert.ts';
import { anyTensor, files } from './arbitrary.ts';

/** A tree with tensors as dtype, shape and bytes, so that trees compare exactly. */
function plain(x: unknown): unknown {
  if (x instanceof Tensor) return { dtype: x.dtype, shape: [...x.shape], bytes: [...new Uint8Array(x.data().buffer)] };
  if (Array.isArray(x)) return x.map(plain);
  if (typeof x === 'number') return Object.is(x, -0) ? 'minus zero' : Number.isNaN(x) ? 'nan' : x;
  if (typeof x !== 'object' || x === null) return x;
  return [Object.getPrototypeOf(x) === null, ...Object.entries(x).map(([k, v]) => [k, plain(v)])];
}

/** A part that holds any tree and can refuse one. */
class Box {
  tree: unknown;
  writes = 0;
  private readonly refuses: (tree: unknown) => boolean;
  constructor(tree: unknown, refuses: (tree: unknown) => boolean = () => false) {
    this.tree = tree;
    this.refuses = refuses;
  }
  stateDict(): unknown {
    return this.tree;
  }
  loadStateDict(tree: unknown): void {
    this.writes++;
    const half = this.tree;
    this.tree = 'half written';
    if (this.refuses(tree)) throw new StateError('Box: cannot take it, got a tree; expected another');
    this.tree = half;
    this.tree = tree;
  }
}

class Dice {
  private at = 7;
  getState(): { at: number } {
    return { at: this.at };
  }
  setState({ at }: { at: number }): void {
    this.at = at;
  }
  roll(): number {
    return this.at++;
  }
}

const folderFor = async (use: (folder: string) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'polyak-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
};

const tree: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  leaf: fc.oneof(
    anyTensor, fc.double(), fc.integer(), fc.string({ unit: 'binary' }), fc.boolean(), fc.constantFrom(null, undefined, -0, NaN, Infinity, -Infinity, 2n ** 70n, -3n),
  ),
  key: fc.oneof(fc.string(), fc.constantFrom('__proto__', '', 'a.b', '$tensor', '$$', '__metadata__', 'constructor', '0')),
  tree: fc.oneof({ maxDepth: 4 }, tie('leaf'), fc.array(tie('tree'), { maxLength: 4 }), fc.dictionary(tie('key') as fc.Arbitrary<string>, tie('tree'), { maxKeys: 4 })),
})).tree;

test('any state comes back exactly, objects with their kind of prototype', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('model', '__proto__', '', '$x', '__metadata__', 'a.b', 'a'), tree, { maxKeys: 4 }), (states) => {
      const parts = Object.fromEntries(Object.entries(states).map(([name, state]) => [name, new Box(state)]));
      const into = Object.fromEntries(Object.keys(states).map((name) => [name, new Box(null)]));
      const rest = unpackCheckpoint(packCheckpoint(parts), into);
      equal(Object.keys(rest), []);
      for (const name of Object.keys(states)) equal(plain(into[name].tree), plain(states[name]));
    }),
    { numRuns: 150 },
  );
});

test('tensors lie under the names of parts and paths', () => {
  const optimizer = new Box({ state: { 0: { expAvg: tensor([1]), step: 3 } }, paramGroups: [{ lr: 0.1, params: [0] }] });
  const bytes = packCheckpoint({ model: new Box({ 'conv.weight': tensor([1, 2]) }), optimizer });
  const { tensors, metadata } = readSafetensors(bytes);
  equal(Object.keys(tensors), ['model.conv.weight', 'optimizer.state.0.expAvg']);
  equal([metadata.polyak, metadata.version, metadata.format], ['checkpoint', '1', 'pt']);
});

test('paths that fall together get names of their own', () => {
  const state = { 'a.b': tensor([1]), a: { b: tensor([2]) }, 'a.b#2': tensor([3]) };
  const into = new Box(null);
  unpackCheckpoint(packCheckpoint({ m: new Box(state) }), { m: into });
  equal(plain(into.tree), plain(state));
});

test('models, generators, lists of averages and plain values', () => {
  const parts = () => ({ model: new Box({ w: tensor([1]) }), dice: new Dice(), averages: [new Box(1), new Box(2)], byName: { a: new Box('a') }, epoch: 3, best: { loss: NaN } });
  const saved = parts();
  saved.model.tree = { w: tensor([5]) };
  saved.averages[1].tree = 'second';
  saved.dice.roll();
  const bytes = packCheckpoint(saved);
  const into = parts();
  const rest = unpackCheckpoint(bytes, into);
  equal(plain(rest), plain(Object.assign(Object.create(null), { epoch: 3, best: { loss: NaN } })));
  equal(plain(into.model.tree), plain({ w: tensor([5]) }));
  equal([into.averages[0].tree, into.averages[1].tree, into.byName.a.tree, into.dice.roll()], [1, 'second', 'a', 8]);
  equal(Object.keys(unpackCheckpoint(bytes)), ['model', 'dice', 'averages.0', 'averages.1', 'byName.a', 'epoch', 'best']);
});

test('the parts of the file and of the call must be the same', () => {
  const bytes = packCheckpoint({ model: new Box(1), old: new Box(2), epoch: 3, lr: 0.1 });
  const model = new Box(null);
  throwsError(() => unpackCheckpoint(bytes, { model, ema: new Box(null), step: 0 }), StateError, /got model, old, epoch, lr in the file; expected model, ema, step\n {2}missing in the file: ema\n {2}missing in the file: step\n {2}unexpected in the file: old/);
  throwsError(() => unpackCheckpoint(bytes, { model, old: 3 }), StateError, /the state of an object in the file, a plain value here: old/);
  throwsError(() => unpackCheckpoint(bytes, { model, old: new Box(2), epoch: new Box(3) }), StateError, /a plain value in the file, an object here: epoch/);
  is(model.writes, 0);
  equal({ ...unpackCheckpoint(bytes, { model, ema: new Box(null) }, { strict: false }) }, { old: 2, epoch: 3, lr: 0.1 });
  equal([model.tree, model.writes], [1, 1]);
  throwsError(() => unpackCheckpoint(bytes, { model }, { strikt: false } as never), ArgumentError, /unknown option, got 'strikt'/);
});

test('when a part refuses its state, all are put back', () => {
  const bytes = packCheckpoint({ a: new Box({ w: tensor([9]) }), b: new Box('bad'), c: new Box(3) });
  const w = tensor([1]);
  const a = new Box({ w });
  const b = new Box('before', (state) => state === 'bad');
  const c = new Box(0);
  throwsError(() => unpackCheckpoint(bytes, { a, b, c }), StateError, /part 'b' refused its state \(all parts are as they were\), got the error\n {2}Box: cannot take it/);
  equal(plain(a.tree), plain({ w: tensor([1]) }));
  equal([b.tree, c.tree, c.writes], ['before', 0, 0]);
});

test('what was put back is what was there, also when loading wrote into its tensors', () => {
  const w = tensor([1, 2]);
  const inPlace = { stateDict: () => ({ w }), loadStateDict: (s: { w: Tensor }) => void w.copy_(s.w) };
  const bytes = packCheckpoint({ inPlace: new Box({ w: tensor([8, 9]) }), b: new Box('bad') });
  const b = new Box(0, (state) => state === 'bad');
  throwsError(() => unpackCheckpoint(bytes, { inPlace, b }), StateError, /part 'b'/);
  equal(w.array(), [1, 2]);
});

test('a part that cannot be put back is named', () => {
  const bytes = packCheckpoint({ a: new Box(1) });
  throwsError(() => unpackCheckpoint(bytes, { a: new Box(0, () => true) }), StateError, /these could not be put back: a/);
});

test('refuses what cannot be saved', () => {
  throwsError(() => packCheckpoint({ model: new Map() }), ArgumentError, /part 'model' has no state, got a Map/);
  throwsError(() => packCheckpoint({ model: { deep: new Map() } }), ArgumentError, /cannot be saved, got a Map at 'model.deep'/);
  throwsError(() => packCheckpoint({ f: () => 1 }), ArgumentError, /cannot be saved, got function f at 'f'/);
  throwsError(() => packCheckpoint({ list: [new Box(1), 2] }), ArgumentError, /mixed, got 'list.1'/);
  throwsError(() => packCheckpoint({ list: [new Box(1)], 'list.0': new Box(2) }), ArgumentError, /two parts have one name, got 'list.0'/);
  throwsError(() => packCheckpoint([] as never), ArgumentError, /not parts by name/);
  const loop: unknown[] = [];
  loop.push(loop);
  throwsError(() => packCheckpoint({ loop }), ArgumentError, /too deeply nested/);
});

test('every flipped bit is found, and nothing is written', () => {
  const bytes = packCheckpoint({ a: new Box({ w: tensor([1, 2]) }), n: 1 });
  const a = new Box('untouched');
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const bad = bytes.slice();
    bad[bit >> 3] ^= 1 << (bit & 7);
    throwsError(() => unpackCheckpoint(bad, { a, n: 0 }), StateError, /unpackCheckpoint: .*; expected /);
  }
  for (let n = 0; n < bytes.length; n++) throwsError(() => unpackCheckpoint(bytes.slice(0, n), { a, n: 0 }), StateError, /ends too early/);
  throwsError(() => unpackCheckpoint(new Uint8Array([...bytes, 0]), { a, n: 0 }), StateError, /damaged, got checksum/);
  is(a.writes, 0);
});

test('mutated files are never loaded', () => {
  const good = packCheckpoint({ a: new Box({ w: tensor([1, 2]), deep: [{ x: 1 }] }), n: 1 });
  fc.assert(
    fc.property(files(() => good), (bytes) => {
      if (Buffer.compare(bytes, good) === 0) return;
      let error: unknown;
      try {
        unpackCheckpoint(bytes);
      } catch (e) {
        error = e;
      }
      ok(error instanceof PolyakError, String(error));
    }),
    { numRuns: 500 },
  );
});

/** A checkpoint with other metadata and a checksum that is right. */
function forged(change: (metadata: Record<string, string>) => void, tensors: Record<string, Tensor> = {}): Uint8Array {
  const { metadata } = readSafetensors(packCheckpoint({}));
  change(metadata);
  metadata.checksum = '00000000';
  const bytes = writeSafetensors(tensors, { metadata });
  const at = 8 + '{"__metadata__":{"checksum":"'.length;
  bytes.set(new TextEncoder().encode(crc32(bytes).toString(16).padStart(8, '0')), at);
  return bytes;
}

test('refuses hostile files whose checksum is right', () => {
  const refuse = (structure: unknown, message: RegExp, tensors?: Record<string, Tensor>): void =>
    throwsError(() => unpackCheckpoint(forged((m) => (m.structure = typeof structure === 'string' ? structure : JSON.stringify(structure)), tensors)), StateError, message);
  equal(Object.keys(unpackCheckpoint(forged(() => undefined))), []);
  refuse('{', /got no JSON/);
  refuse([], /expected the parts of a checkpoint/);
  refuse({ kinds: [['a', 'state']], content: {} }, /expected the parts/);
  refuse({ kinds: [], content: { a: 1 } }, /expected the parts/);
  refuse({ kinds: [['a', 'other']], content: { a: 1 } }, /expected the parts/);
  refuse({ kinds: [['a', 'value'], ['a', 'value']], content: { a: 1 } }, /expected the parts/);
  const value = (a: unknown): unknown => ({ kinds: [['a', 'value']], content: { a } });
  refuse(value({ $tensor: 'none' }), /got 'none'; expected the name of a tensor/);
  refuse(value([{ $tensor: 't' }, { $tensor: 't' }]), /used once/, { t: tensor([1]) });
  refuse(value(1), /got \['t'\]; expected no tensors beside/, { t: tensor([1]) });
  refuse(value({ $number: '12' }), /expected a number/);
  refuse(value({ $bigint: 'x' }), /expected a whole number/);
  refuse(value({ $bare: 1 }), /expected an object/);
  refuse(value({ $other: 1 }), /got '\$other'/);
  refuse(`{"kinds":[["a","value"]],"content":{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`, /levels/);
  throwsError(() => unpackCheckpoint(forged((m) => (m.version = '2'))), StateError, /another version of the format, got '2'; expected '1'\nhint: a newer release/);
  throwsError(() => unpackCheckpoint(forged((m) => (m.polyak = 'state'))), StateError, /another kind of file, got 'state'; expected 'checkpoint'\nhint: load reads it/);
});

test('files: own errors for each kind of wrong file, nothing changed', () =>
  folderFor(async (folder) => {
    const path = join(folder, 'run.ckpt');
    const model = new Box({ w: tensor([1]) });
    await saveCheckpoint(path, { model, epoch: 1 });
    model.tree = { w: tensor([2]) };
    await saveCheckpoint(path, { model, epoch: 2 });
    equal(await readdir(folder), ['run.ckpt']);
    model.tree = null;
    equal({ ...(await loadCheckpoint(path, { model })) }, { epoch: 2 });
    equal(plain(model.tree), plain({ w: tensor([2]) }));

    model.writes = 0;
    const whole = await readFile(path);
    const bad = join(folder, 'bad');
    const refuse = async (bytes: Uint8Array | string, message: RegExp): Promise<void> => {
      await writeFile(bad, bytes);
      await rejectsError(() => loadCheckpoint(bad, { model, epoch: 0 }), StateError, message);
    };
    await refuse('', /ends too early, got 0 bytes/);
    await refuse('just some text of another kind', /not a safetensors file, got a header length/);
    await refuse(writeSafetensors({ w: tensor([1]) }), /not a checkpoint file, got a safetensors file without polyak's mark.*\nhint: loadSafetensors/);
    await refuse(whole.subarray(0, whole.length - 1), /ends too early/);
    await refuse(whole.map((b, i) => (i === whole.length - 1 ? b ^ 1 : b)), /damaged, got checksum/);
    await rejectsError(() => loadCheckpoint(join(folder, 'none'), { model }), StateError, /cannot read the file, got ENOENT/);
    await rejectsError(() => loadCheckpoint(folder, { model }), StateError, /not a file/);
    await save(bad, { w: tensor([1]) });
    await rejectsError(() => loadCheckpoint(bad, { model }), StateError, /another kind of file, got 'state'/);
    is(model.writes, 0);

    await rejectsError(() => saveCheckpoint(path, { model: new Map() }), ArgumentError, /has no state/);
    await rejectsError(() => saveCheckpoint(folder, { model }), StateError, /not a file/);
    equal(await readFile(path), whole);
    equal((await readdir(folder)).sort(), ['bad', 'run.ckpt']);
  }));

test('a checkpoint holds the state at the time of the call', () =>
  folderFor(async (folder) => {
    const w = tensor([1]);
    const path = join(folder, 'x');
    const saving = saveCheckpoint(path, { model: new Box({ w }) });
    w.fill_(2);
    await saving;
    equal((await loadSafetensors(path)).tensors['model.w'].array(), [1]);
  }));

test('save and load: a state dictionary as a file others can read, nested states, files of others', () =>
  folderFor(async (folder) => {
    const path = join(folder, 'x.safetensors');
    const state = { 'conv.weight': tensor([[1, 2]]), 'conv.bias': tensor([3]) };
    await save(path, state);
    equal(plain(await load(path)), plain(state));
    equal(Object.keys((await loadSafetensors(path)).tensors), ['conv.weight', 'conv.bias']);
    const nested = [{ step: NaN, m: tensor([1n, -1n]) }, tensor(2), null];
    await save(path, nested);
    equal(plain(await load(path)), plain(nested));
    await save(path, tensor([true]));
    equal(plain(await load(path)), plain(tensor([true])));
    await saveSafetensors(path, state);
    equal(plain(await load(path)), plain(Object.assign(Object.create(null), state)));
    await saveCheckpoint(path, { epoch: 1 });
    await rejectsError(() => load(path), StateError, /another kind of file, got 'checkpoint'; expected 'state'\nhint: loadCheckpoint/);
    await rejectsError(() => save(path, { f: new Map() }), ArgumentError, /got a Map at 'f'/);
  }));

test.run();

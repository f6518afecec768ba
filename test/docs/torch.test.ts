import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { type Entry, entries, exists, renderTorch } from '../../docs/make-torch.ts';
import { absent, aliases, deprecated, differs } from '../../docs/torch-names.ts';
import { allOps } from '../../core/ops/define.ts';
import { equal, is, ok } from '../assert.ts';

const all = entries();
const byName = new Map(all.map((e) => [e.name, e]));
const exported = readFileSync(new URL('../../index.ts', import.meta.url), 'utf8');
const names = (list: readonly Entry[]): string[] => list.map(({ name }) => name);

test('docs/torch.md is up to date', () => {
  is(readFileSync(new URL('../../docs/torch.md', import.meta.url), 'utf8') === renderTorch(), true, "run 'npm run docs:torch'");
});

test('every name has a status, and every one that polyak has not has a reason', () => {
  ok(all.length > 1500);
  is(byName.size, all.length, 'no name twice');
  equal(names(all.filter(({ status, polyak }) => (status === 'no') !== (polyak === ''))), []);
  equal(names(all.filter(({ status, note }) => status !== 'yes' && note === '')), [], 'say why in docs/torch-names.ts');
});

test('every yes, and every other name of something, exists', () => {
  const claimed = all.filter(({ status, note }) => status === 'yes' || note.startsWith('another name of'));
  equal(names(claimed.filter(({ polyak }) => !exists(polyak))), []);
  for (const missing of ['noSuchThing', 'F.noSuchThing', 'x.noSuchThing', 'matmul.noSuchThing']) is(exists(missing), false);
});

test('what is said to differ begins with something that exists', () => {
  const unknown = Object.entries(differs).filter(([, { polyak }]) => {
    const first = polyak.match(/^(?:x\.)?[A-Za-z]\w*(?:\.\w+)?/)?.[0];
    if (first !== undefined && new RegExp(`\\btype ${first}\\b`).test(exported)) return false;
    if (first === undefined || /^(?:x\.(?:device|constructor|storage)|generator)\b/.test(first)) return false;
    return !exists(first);
  });
  equal(unknown.map(([name]) => name), []);
});

test('what stands in for deprecated names exists', () => {
  equal(Object.values(deprecated).filter((instead) => !exists(instead)), []);
});

test('the lists hold nothing that is there, gone, or never used', () => {
  equal(Object.keys(deprecated).filter((name) => byName.get(name)?.status !== 'no'), []);
  equal(Object.keys(differs).filter((name) => !byName.has(name)), []);
  const second = all.map(({ note }) => note.match(/^another name of `(\w+?)_?`$/)?.[1]);
  equal(Object.values(aliases).filter((first) => !second.includes(first)), []);
  const reasons = new Set(all.map(({ note }) => note));
  equal(absent.map(([why]) => why).filter((why) => !reasons.has(why)), []);
});

test('operations know their PyTorch names as the table does', () => {
  const wrong = [...allOps().values()].filter(({ torch }) => {
    if (torch === null) return false;
    const found = byName.get(/^(?:Tensor|linalg|special|nn)\./.test(torch) ? torch : `torch.${torch}`);
    return found === undefined || found.status === 'no';
  });
  equal(wrong.map(({ opName, torch }) => `${opName}: ${torch}`), []);
});

test.run();

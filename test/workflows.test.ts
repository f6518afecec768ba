import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import { equal, ok } from './assert.ts';

// What runs on a server cannot be tried here; that its commands exist can.

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = `${root}/.github/workflows`;
const workflows = readdirSync(folder).map((name) => ({ name, text: readFileSync(`${folder}/${name}`, 'utf8') }));
const { scripts, engines } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { scripts: Record<string, string>; engines: { node: string } };

test('every script that a workflow runs exists, and so does the file behind it', () => {
  for (const { name, text } of workflows) {
    const used = [...text.matchAll(/npm (?:run ([\w:]+)|(test|start))\b/g)].map(([, script, own]) => script ?? own);
    ok(used.length > 0, name);
    equal(used.filter((script) => scripts[script] === undefined), [], name);
    const files = used.flatMap((script) => [...scripts[script].matchAll(/tsx (\S+\.ts)/g)].map(([, file]) => file));
    equal(files.filter((file) => !existsSync(`${root}/${file}`)), [], name);
  }
});

test('the tests run on the oldest Node that the package allows, and on the two even ones after it', () => {
  const oldest = Number(/>=(\d+)/.exec(engines.node)?.[1]);
  ok(workflows.some(({ text }) => text.includes(`node: [${oldest}, ${oldest + 2}, ${oldest + 4}]`)));
});

test('actions are named with a version, and lines are indented with spaces', () => {
  for (const { name, text } of workflows) {
    equal([...text.matchAll(/uses: (\S+)/g)].map(([, action]) => action).filter((action) => !/@v\d+$/.test(action)), [], name);
    ok(!text.includes('\t'), name);
  }
});

test.run();

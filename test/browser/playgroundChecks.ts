import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { accuracyOf, coloursOf, drawOnPad, framesOf, keepGpu, loseGpu, must, reach, says, setHidden, stepOf, textOf, visit } from './pageTools.ts';

/** Does something with the page at an address; returns what is worth saying. */
export interface Use {
  readonly name: string;
  readonly run: (page: Page, at: { readonly url: string; readonly folder: string; readonly picture: (name: string) => Promise<void> }) => Promise<string>;
}

const steps = (n: number): string => n.toLocaleString('en');
const bothOf = async (page: Page): Promise<[raw: number, average: number]> => [await accuracyOf(page, 'raw'), await accuracyOf(page, 'average')];
/** Everything that the page has asked for, by file name. */
const asked = (page: Page): Promise<string[]> => page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name.split('/').at(-1) ?? ''));

/** On the CPU. */
export const uses: readonly Use[] = [
  {
    name: 'points: both nets learn',
    run: async (page, { url }) => {
      await visit(page, url);
      const before = await accuracyOf(page, 'average');
      await page.focus('#run');
      await page.keyboard.press('Enter');
      await reach(page, 1000);
      const frames = await framesOf(page);
      await page.keyboard.press('Enter');
      await says(page, 'spoken', /^Step/);
      const [raw, average] = await bothOf(page);
      must(before < 75 && raw > 80 && average > 85, `accuracy ${before} % before, ${raw} % and ${average} % after`);
      return `${before} % before, then raw ${raw} %, average ${average} %; ${frames.toFixed(0)} frames a second while training`;
    },
  },
  {
    name: 'pictures and charts are not blank',
    run: async (page, { picture }) => {
      const colours = [await coloursOf(page, 'raw'), await coloursOf(page, 'average')];
      const shapes = await page.locator('.charts svg path, .charts svg rect').count();
      must(Math.min(...colours) > 50 && shapes > 20, `${colours.join(' and ')} colours, ${shapes} shapes`);
      await picture('points');
      return `${colours.join(' and ')} colours, ${shapes} shapes`;
    },
  },
  {
    name: 'what changes can be heard, and is not said all the time',
    run: async (page) => {
      const [labels, status] = [await page.evaluate(() => ['raw', 'average', 'loss', 'accuracy', 'profile'].map((id) => document.getElementById(id)?.ariaLabel)), await page.getAttribute('#status', 'role')];
      must(labels.every((label) => /\d/.test(label ?? '')) && status === null, `${labels.join(' | ')}, role ${status}`);
      const silent = await page.evaluate(() =>
        [...document.querySelectorAll('button, input:not([hidden]), select')].filter((x) => (x.ariaLabel ?? '') === '' && (x.closest('label') ?? x).textContent?.trim() === '').map((x) => x.id),
      );
      must(silent.length === 0, `without a name: ${silent.join(', ')}`);
      return labels[0] ?? '';
    },
  },
  {
    name: 'one step at a time, paused, and reset',
    run: async (page) => {
      const before = await stepOf(page);
      await page.waitForTimeout(300);
      must((await stepOf(page)) === before, 'it goes on although it is paused');
      await page.click('#step');
      await reach(page, before + 1);
      must((await stepOf(page)) === before + 1, `step ${await stepOf(page)} after ${before}`);
      await page.click('#reset');
      await says(page, 'status', /^Step 0;/);
      return `${before}, ${before + 1}, 0`;
    },
  },
  {
    name: 'a page that nobody sees rests',
    run: async (page) => {
      await page.click('#run');
      await reach(page, 20);
      await setHidden(page, true);
      await page.waitForTimeout(300);
      const before = await stepOf(page);
      await page.waitForTimeout(400);
      must((await stepOf(page)) === before, 'it goes on');
      await setHidden(page, false);
      await reach(page, before + 20);
      await page.click('#run');
      return `from step ${before} on when it is seen again`;
    },
  },
  {
    name: 'a setting is in the address, and an address is a setting',
    run: async (page, { url }) => {
      await page.selectOption('#setting-rule', 'swa');
      must(page.url().endsWith('#rule=swa'), page.url());
      must(await page.isHidden('#setting-momentum'), 'a mean of all steps has no momentum');
      await visit(page, `${url}#data=digits&net=large&lr=0.01&batch=16&momentum=0.01&speed=fast`);
      must((await page.inputValue('#setting-data')) === 'digits', 'other data');
      return page.url().split('#')[1];
    },
  },
  {
    name: 'digits: both nets learn, and read a drawing',
    run: async (page, { picture }) => {
      await page.waitForSelector('#sketch:not([hidden])');
      await page.click('#run');
      await reach(page, 500);
      await page.click('#run');
      await says(page, 'spoken', /^Step/);
      const [raw, average] = await bothOf(page);
      must(raw > 85 && average > 85, `raw ${raw} %, average ${average} %`);
      await drawOnPad(page, [[0.3, 0.2], [0.7, 0.2], [0.45, 0.45], [0.7, 0.6], [0.6, 0.8], [0.3, 0.8]]);
      const guesses = [await says(page, 'raw-guess', /^\d/), await says(page, 'average-guess', /^\d/)];
      must(guesses.every((g) => g.startsWith('3')), guesses.join(' and '));
      await picture('digits');
      return `raw ${raw} %, average ${average} %; a drawn 3 is ${guesses.join(' and ')}`;
    },
  },
  {
    name: 'a phone in the dark: nothing is wider than the screen',
    run: async (page, { picture }) => {
      await page.emulateMedia({ colorScheme: 'dark' });
      const wide: string[] = [];
      for (const width of [320, 390]) {
        await page.setViewportSize({ width, height: 844 });
        await page.waitForTimeout(200);
        wide.push(...(await page.evaluate(() => [...document.querySelectorAll('body *')].filter((x) => x.getBoundingClientRect().right > innerWidth + 1).map((x) => x.tagName + x.id))));
      }
      must(wide.length === 0, wide.join(', '));
      await picture('phone');
      await page.emulateMedia({ colorScheme: 'light' });
      await page.setViewportSize({ width: 1280, height: 900 });
      return 'fits';
    },
  },
  {
    name: 'a digit is drawn with the keyboard, and cleared',
    run: async (page) => {
      await page.focus('#pad');
      await page.keyboard.press('Delete');
      await says(page, 'average-guess', /^–$/);
      for (let i = 0; i < 18; i++) await page.keyboard.press('Shift+ArrowDown');
      return `a line down is ${await says(page, 'average-guess', /^\d/)}`;
    },
  },
  {
    name: 'a checkpoint saves and loads; other files leave the run as it is',
    run: async (page, { folder }) => {
      const step = await stepOf(page);
      const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
      const file = await download.path();
      const damaged = Uint8Array.from(readFileSync(file));
      damaged[damaged.length - 9] ^= 1;
      const copy = join(folder, 'damaged.safetensors');
      writeFileSync(copy, damaged);
      await page.setInputFiles('#file', copy);
      const said = await says(page, 'notice', /cannot be loaded.*damaged/);
      must((await stepOf(page)) === step, `the run is at step ${await stepOf(page)}; expected ${step}`);
      await page.selectOption('#setting-data', 'moons');
      await says(page, 'status', /^Step 0;/);
      await page.setInputFiles('#file', file);
      await says(page, 'status', new RegExp(`^Step ${steps(step)};`));
      must((await page.inputValue('#setting-data')) === 'digits' && page.url().includes('data=digits'), 'the settings are not those of the file');
      return `step ${step}; '${said.slice(0, 60)}…'`;
    },
  },
  {
    name: 'a link that does not fit says so',
    run: async (page, { url }) => {
      await visit(page, `${url}#data=__proto__&lr=-1&rule=swa`);
      const said = await says(page, 'notice', /data=__proto__, lr=-1/);
      must(page.url().endsWith('#rule=swa'), page.url());
      return said;
    },
  },
  {
    name: 'a learning rate that is far too high stops the run and says why',
    run: async (page, { url }) => {
      await visit(page, `${url}#net=large&optimizer=momentum&lr=10&speed=fast`);
      await page.click('#run');
      const said = await says(page, 'notice', /NaN/);
      must((await textOf(page, 'run')) === 'Start', 'it goes on');
      await page.focus('#setting-lr');
      await page.keyboard.press('Home');
      await says(page, 'status', /^Step 0;/);
      await page.click('#run');
      await reach(page, 50);
      must((await textOf(page, 'notice')) === '', 'the notice stays');
      return said.slice(0, 60);
    },
  },
  {
    name: 'those who want little motion see little of it',
    run: async (page, { url }) => {
      await page.emulateMedia({ reducedMotion: 'reduce' });
      await visit(page, url);
      await page.evaluate(() => {
        const status = document.getElementById('status');
        if (status === null) return;
        new MutationObserver(() => (status.title = String(Number(status.title) + 1))).observe(status, { childList: true });
      });
      await page.click('#run');
      await page.waitForTimeout(1500);
      const drawn = Number(await page.getAttribute('#status', 'title'));
      await page.emulateMedia({ reducedMotion: 'no-preference' });
      must(drawn > 0 && drawn < 6, `${drawn} drawings`);
      return `${drawn} drawings in 1.5 seconds`;
    },
  },
];

/** With a GPU, or what stands in for one. */
const gpuUses = (backend: 'WebGPU' | 'WebGL 2'): readonly Use[] => [
  {
    name: `${backend}: offered when the page stands`,
    run: async (page, { url }) => {
      keepGpu(page, backend);
      await visit(page, url);
      const before = await asked(page);
      must(!before.some((name) => name.includes('gpu')), `fetched before the first frame: ${before.join(', ')}`);
      await page.waitForSelector('#setting-device', { state: 'visible' });
      const words = await page.locator('#setting-device option[value=gpu]').textContent();
      must(words === `${backend} (software)`, `offered as ${words}`);
      must((await textOf(page, 'status')).includes('CPU: '), 'the CPU is not what trains first');
      return words ?? '';
    },
  },
  {
    name: `${backend}: both nets learn`,
    run: async (page) => {
      await page.selectOption('#setting-device', 'gpu');
      const status = await says(page, 'status', new RegExp(`^Step 0;.*GPU: ${backend},.*software`));
      must(page.url().endsWith('#device=gpu'), page.url());
      const before = await accuracyOf(page, 'average');
      await page.click('#run');
      await reach(page, 100);
      const frames = await framesOf(page);
      await reach(page, 400);
      await page.click('#run');
      await says(page, 'spoken', /^Step/);
      const [raw, average] = await bothOf(page);
      must(before < 75 && raw > 80 && average > 85, `accuracy ${before} % before, ${raw} % and ${average} % after`);
      return `${before} % before, then raw ${raw} %, average ${average} %; ${frames.toFixed(0)} frames a second while training; ${status.split('; ')[2]}`;
    },
  },
  {
    name: `${backend}: a link to a run on the GPU, its file, and its end`,
    run: async (page, { url }) => {
      await visit(page, `${url}#data=moons&net=small&device=gpu&lr=0.02`);
      await says(page, 'status', new RegExp(`GPU: ${backend}`));
      await page.click('#run');
      await reach(page, 50);
      const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
      await page.setInputFiles('#file', await download.path());
      const [, step] = /step ([\d,]+) of the file/.exec(await says(page, 'notice', /goes on from step/)) ?? [];
      must(/GPU: /.test(await textOf(page, 'status')), 'it goes on elsewhere');
      await page.click('#run');
      await reach(page, Number(step) + 20);
      await loseGpu(page);
      const said = await says(page, 'notice', /GPU failed.*CPU/);
      must(!page.url().includes('device=gpu') && (await page.inputValue('#setting-device')) === 'cpu', page.url());
      await says(page, 'status', /CPU: /);
      await reach(page, 50);
      return `saved at step ${step}; when lost '${said.slice(0, 68)}…'`;
    },
  },
];

/** By WebGL 2 alone, and by WebGPU. */
export const webgl2Uses: readonly Use[] = gpuUses('WebGL 2');
export const webgpuUses: readonly Use[] = gpuUses('WebGPU');

/** Where there is neither. */
export const lackUses: readonly Use[] = [
  {
    name: 'without a GPU, a link to one is told that there is none',
    run: async (page, { url }) => {
      keepGpu(page, 'none');
      await visit(page, `${url}#device=gpu`);
      await says(page, 'notice', /no GPU.*CPU trains/);
      must(!page.url().includes('gpu') && (await page.isHidden('#setting-device')), page.url());
      await visit(page, url);
      await page.waitForTimeout(1000);
      const fetched = (await asked(page)).filter((name) => name.includes('gpu'));
      must(fetched.length === 0 && (await page.isHidden('#setting-device')), `fetched for nothing: ${fetched.join(', ')}`);
      return says(page, 'status', /CPU: /);
    },
  },
];

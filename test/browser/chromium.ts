import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

const commands = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'microsoft-edge', 'chrome.exe', 'msedge.exe'];

const elsewhere = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

/** Playwright's own browser, if it knows one for this system. */
function playwrights(): string | undefined {
  try {
    return chromium.executablePath();
  } catch {
    return undefined;
  }
}

/** A Chromium on this machine: what `CHROME_PATH` names, a command on the path, an application in its usual place, Playwright's own; null where there is none. */
export function findChromium(): string | null {
  const named = process.env.CHROME_PATH;
  // A path that was asked for and is wrong is an error of the caller's, not a reason to take another browser.
  if (named !== undefined && named !== '') {
    if (!existsSync(named)) throw new Error(`CHROME_PATH: no such file, got ${named}`);
    return named;
  }
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = [...commands.flatMap((command) => folders.map((folder) => join(folder, command))), ...elsewhere, playwrights()];
  return candidates.find((file) => file !== undefined && existsSync(file)) ?? null;
}

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// npm run release -- 0.2.0: checks everything, puts the version and today's date into package.json and the changelog, commits and tags. It publishes nothing.

const root = fileURLToPath(new URL('..', import.meta.url));

function stop(reason: string): never {
  console.error(`release: ${reason}`);
  process.exit(1);
}

function run(command: string, ...args: string[]): string {
  const { status, stdout } = spawnSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['inherit', 'pipe', 'inherit'] });
  if (status !== 0) stop(`'${[command, ...args].join(' ')}' failed`);
  return stdout.trim();
}

/** The changelog with what was unreleased under a version and a date. */
export function released(changelog: string, version: string, date: string): string {
  const heading = /^## (\d+\.\d+\.\d+) \(unreleased\)$/m;
  const found = heading.exec(changelog);
  if (found === null) stop('the changelog has no unreleased section; expected a heading such as ## 0.2.0 (unreleased)');
  if (!/^- /m.test(changelog.slice(found.index).split(/^## /m)[1] ?? '')) stop('nothing is listed as unreleased');
  return changelog.replace(heading, `## ${version} (${date})`);
}

function main(version: string | undefined): void {
  if (version === undefined || !/^\d+\.\d+\.\d+$/.test(version)) stop(`a version is needed, got '${version ?? ''}'; expected three numbers such as 0.2.0`);
  if (run('git', 'status', '--porcelain') !== '') stop('there are uncommitted changes');
  if (run('git', 'tag', '--list', `v${version}`) !== '') stop(`v${version} exists`);
  const log = new URL('../CHANGELOG.md', import.meta.url);
  const text = released(readFileSync(log, 'utf8'), version, new Date().toISOString().slice(0, 10));
  run('npm', 'run', '--silent', 'check');
  run('npm', 'version', version, '--no-git-tag-version', '--allow-same-version');
  writeFileSync(log, text);
  run('git', 'commit', '--all', '--message', `Release ${version}`);
  run('git', 'tag', '--annotate', `v${version}`, '--message', `polyak ${version}`);
  console.log(`v${version} is committed and tagged. Look at it, then: git push --follow-tags && npm publish`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv[2]);

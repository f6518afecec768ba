import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// npm run release -- 0.2.0 [--dry-run]: checks everything, puts the version and today's date into package.json and the changelog, builds, commits and tags. It publishes
// nothing. A dry run checks and builds, shows what would be released, and changes nothing.

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

/** What stands under a heading of the changelog. */
export function notesOf(changelog: string, version: string): string {
  const parts = changelog.split(/^## /m);
  return (parts.find((part) => part.startsWith(`${version} `)) ?? '').split('\n').slice(1).join('\n').trim();
}

function main(argv: readonly string[]): void {
  const dry = argv.includes('--dry-run');
  const [version, ...more] = argv.filter((word) => word !== '--dry-run');
  if (version === undefined || more.length > 0 || !/^\d+\.\d+\.\d+$/.test(version)) stop(`a version is needed, got '${argv.join(' ')}'; expected three numbers such as 0.2.0, and --dry-run or nothing`);
  if (!dry && run('git', 'status', '--porcelain') !== '') stop('there are uncommitted changes');
  if (run('git', 'tag', '--list', `v${version}`) !== '') stop(`v${version} exists`);
  const log = new URL('../CHANGELOG.md', import.meta.url);
  const text = released(readFileSync(log, 'utf8'), version, new Date().toISOString().slice(0, 10));
  run('npm', 'run', '--silent', 'check');
  if (!dry) run('npm', 'version', version, '--no-git-tag-version', '--allow-same-version');
  run('npm', 'run', '--silent', 'build');
  if (dry) {
    const [{ files, size }] = JSON.parse(run('npm', 'pack', '--dry-run', '--json')) as [{ files: readonly unknown[]; size: number }];
    console.log(`${notesOf(text, version)}\n\nv${version} would be ${files.length} files, ${Math.round(size / 1024)} KB packed. Nothing was changed.`);
    return;
  }
  writeFileSync(log, text);
  run('git', 'commit', '--all', '--message', `Release ${version}`);
  run('git', 'tag', '--annotate', '--cleanup=whitespace', `v${version}`, '--message', `polyak ${version}\n\n${notesOf(text, version)}`);
  console.log(`v${version} is built, committed and tagged. Look at it, then: git push --follow-tags && npm publish`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));

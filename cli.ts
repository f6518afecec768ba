#!/usr/bin/env node
// The program `polyak`: what stands behind `npx polyak`.
import { readFileSync } from 'node:fs';
import { UsageError } from './core/cli/flags.ts';
import { nearest } from './core/errors.ts';

const help = `polyak COMMAND [flags]

  demo          train on handwritten digits, with a moving average of the weights beside
  info          what runs here: engine, SIMD, threads, GPU, versions
  sweep FILE    run a script once per set of parameters

  --help        this text; polyak COMMAND --help tells more
  --version     the version`;

/** The version of the package, which lies one folder above the built program and beside the source. */
function version(): string {
  for (const place of ['./package.json', '../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as Record<string, unknown>;
      if (name === 'polyak') return String(version);
    } catch {
      // Not there.
    }
  }
  return 'unknown';
}

type Command = (argv: readonly string[]) => Promise<number>;

const commands: Readonly<Record<string, Command>> = {
  demo: async (argv) => (await import('./examples/demo.ts')).demoCommand(argv, new URL('./examples/data/', import.meta.url)),
  info: async (argv) => (await import('./core/cli/info.ts')).infoCommand(argv, version()),
  sweep: async (argv) => (await import('./core/sweep/command.ts')).sweepCommand(argv),
};

const asksForHelp = (word: string): boolean => word === '--help' || word === '-h' || word === 'help';

/** Finds the command. */
async function main([first, ...rest]: readonly string[]): Promise<number> {
  if (first === undefined || asksForHelp(first)) {
    const about = rest.find((word) => !asksForHelp(word));
    if (about !== undefined) return main([about, '--help']);
    process.stdout.write(`${help}\n`);
    return 0;
  }
  if (first === '--version' || first === '-v') {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  if (Object.hasOwn(commands, first)) return commands[first](rest);
  const names = [...Object.keys(commands), '--help', '--version'];
  const near = nearest(first, names);
  throw new UsageError(`unknown ${first.startsWith('-') ? 'flag' : 'command'} ${first}${near === undefined ? '' : `; did you mean ${near}?`}`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const command = process.argv.slice(2).find((word) => !asksForHelp(word));
  const name = command !== undefined && Object.hasOwn(commands, command) ? `polyak ${command}` : 'polyak';
  if (error instanceof UsageError) {
    process.stderr.write(`${name}: ${error.message} (${name} --help lists the flags)\n`);
    process.exitCode = 2;
  } else if (error instanceof Error && ('hint' in error || 'syscall' in error)) {
    process.stderr.write(`${name}: ${error.message}\n`);
    process.exitCode = 1;
  } else throw error;
}

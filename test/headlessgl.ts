// npm run test:headlessgl: the device on headless-gl in Node, through the package gl, which must have been built: npm rebuild gl --ignore-scripts=false. On Linux it
// wants a display: without one a virtual one is started, by Xvfb. Prints a line per check. Where something is missing everything is skipped, and it says so.
import { type ChildProcess, spawn } from 'node:child_process';
import { liveChecks, runChecks } from './gpu/live.ts';

/** A display of its own, whose number Xvfb tells; null where there is no Xvfb. */
function openDisplay(): Promise<{ readonly server: ChildProcess; readonly name: string } | null> {
  return new Promise((resolve) => {
    const server = spawn('Xvfb', ['-displayfd', '1', '-screen', '0', '640x480x24', '-nolisten', 'tcp', '-terminate'], { stdio: ['ignore', 'pipe', 'ignore'] });
    server.on('error', () => resolve(null));
    server.on('exit', () => resolve(null));
    let told = '';
    server.stdout.on('data', (part: Buffer) => {
      told += part.toString();
      if (told.endsWith('\n')) resolve({ server, name: `:${told.trim()}` });
    });
  });
}

const display = process.platform === 'linux' && process.env['DISPLAY'] === undefined ? await openDisplay() : null;
if (display !== null) process.env['DISPLAY'] = display.name;
const good = await runChecks('test:headlessgl', 'headlessgl', liveChecks('headlessgl'));
display?.server.kill();
process.exit(good ? 0 : 1);

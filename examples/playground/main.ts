import { makeControls } from './controls.ts';
import type { Gpu } from './adapters.ts';
import { button, count, element, percent } from './page.ts';
import type { Frame, Order, Ready, Report } from './protocol.ts';
import { type Field, fromHash, toHash, unfitIn } from './settings.ts';
import { Sketch } from './sketch.ts';
import { Stage } from './stage.ts';
import { followTheme } from './theme.ts';
import type { Both } from './trainer.ts';

/** Milliseconds between two drawings of the charts, and between two of anything for those who want little motion. */
const [CHARTS, CALM] = [250, 500];

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
const order = (what: Order): void => worker.postMessage(what);

const status = element('status', HTMLElement);
const notice = element('notice', HTMLElement);
const spoken = element('spoken', HTMLElement);
const guesses = { raw: element('raw-guess', HTMLElement), average: element('average-guess', HTMLElement) } as const;
const stage = new Stage();
const calm = matchMedia('(prefers-reduced-motion: reduce)');

let ready: Ready | null = null;
let running = false;
/** Number of the newest run; reports of older ones come too late. */
let runs = 0;

const tell = (text: string): void => void (notice.textContent = text);
/** What is in the address. What does not fit there is told, not kept. */
function settingsHere(): ReturnType<typeof fromHash> {
  const unfit = unfitIn(location.hash);
  tell(unfit.length === 0 ? '' : `The link has settings that do not exist here: ${unfit.join(', ').slice(0, 120)}. Defaults stand in for them.`);
  return fromHash(location.hash);
}

const controls = makeControls(element('controls', HTMLFormElement), settingsHere(), changed);
const sketch = new Sketch(element('pad', HTMLCanvasElement), (image) => {
  if (image !== null) order({ do: 'classify', pixels: image });
  else for (const net of ['raw', 'average'] as const) guesses[net].textContent = '–';
});
followTheme(() => sketch.paint());

/** Puts the settings into the address, so that it can be shared at any time. */
function address(): void {
  const hash = toHash(controls.value());
  history.replaceState(null, '', hash === '' ? location.pathname + location.search : `#${hash}`);
}

function changed(name: Field): void {
  address();
  if (name === 'speed') return order({ do: 'speed', speed: controls.value().speed });
  tell('');
  restart();
}

function setRunning(on: boolean): void {
  running = on;
  run.textContent = on ? 'Pause' : 'Start';
}

/** A new run; one that was running goes on running. */
function restart(): void {
  order({ do: 'reset', run: ++runs, settings: controls.value() });
  if (running) order({ do: 'run' });
}

const run = button('run', () => {
  setRunning(!running);
  order({ do: running ? 'run' : 'pause' });
  if (!running) return;
  tell('');
  spoken.textContent = 'Training';
});
button('step', () => {
  if (running) order({ do: 'pause' });
  setRunning(false);
  tell('');
  order({ do: 'step' });
});
button('reset', () => {
  tell('');
  restart();
});
button('save', () => order({ do: 'save' }));
button('clear', () => sketch.clear());
button('share', () => {
  const link = location.href;
  const shown = (): void => tell(`The link to these settings is ${link}`);
  // Pages without HTTPS have no clipboard.
  if ((navigator.clipboard as Clipboard | undefined) === undefined) shown();
  else navigator.clipboard.writeText(link).then(() => tell('The link to these settings has been copied.'), shown);
});
const file = element('file', HTMLInputElement);
button('load', () => file.click());
file.addEventListener('change', () => {
  void file.files?.[0]?.arrayBuffer().then((buffer) => {
    setRunning(false);
    order({ do: 'load', run: ++runs, bytes: new Uint8Array(buffer) });
  });
  file.value = '';
});

addEventListener('hashchange', () => {
  controls.set(settingsHere());
  restart();
});
// A page that nobody sees does not keep the machine busy.
document.addEventListener('visibilitychange', () => {
  if (running) order({ do: document.hidden ? 'pause' : 'run' });
});

function download(file: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = 'playground.safetensors';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  tell('The run has been saved as playground.safetensors.');
}

let isFirst = true;

function begin(next: Ready): void {
  ready = next.run === runs ? next : null;
  if (ready === null) return;
  controls.set(next.settings);
  address();
  stage.begin(next);
  const digits = next.settings.data === 'digits';
  element('sketch', HTMLElement).hidden = !digits;
  if (digits) sketch.repeat();
  if (!isFirst) return;
  isFirst = false;
  // What a GPU needs is loaded when the page stands.
  setTimeout(() => order({ do: 'find gpu' }), 500);
}

let fresh = false;
let lastCharts = 0;

/** Draws the latest frame once, when the screen is ready for it. */
function paint(now: number): void {
  if (!fresh || ready === null || latest === null) return;
  fresh = false;
  stage.draw();
  status.textContent = `Step ${count(latest.step)}; ${count(ready.size)} weights; ${ready.engine}`;
  if (!running || now - lastCharts > CHARTS) {
    lastCharts = now;
    stage.drawCharts();
    if (ready.settings.data === 'digits') sketch.repeat();
  }
  const { raw, average } = latest.score;
  if (!running) spoken.textContent = `Step ${count(latest.step)}: raw weights ${percent(raw.accuracy)}, averaged weights ${percent(average.accuracy)}`;
  if (calm.matches && running) setTimeout(() => order({ do: 'drawn' }), CALM);
  else order({ do: 'drawn' });
}

let latest: Frame | null = null;

function take(frame: Frame): void {
  if (ready === null) return order({ do: 'drawn' });
  latest = frame;
  fresh = true;
  stage.add(frame);
  requestAnimationFrame(paint);
}

function guess({ raw, average }: Both<Float32Array>): void {
  const best = (p: Float32Array): string => {
    const digit = p.indexOf(Math.max(...p));
    return digit < 0 ? 'no number' : `${digit} (${percent(p[digit])})`;
  };
  guesses.raw.textContent = best(raw);
  guesses.average.textContent = best(average);
  if (!running) spoken.textContent = `Raw weights read ${best(raw)}, averaged weights ${best(average)}`;
}

const offer = ({ backend, software }: Gpu): void => controls.offerGpu(`${backend}${software ? ' (software)' : ''}`);

worker.onmessage = ({ data }: MessageEvent<Report>) => {
  switch (data.is) {
    case 'ready': return begin(data);
    case 'frame': return take(data);
    case 'classified': return guess(data.guess);
    case 'saved': return download(data.file);
    case 'gpu': return offer(data.gpu);
    case 'notice': return tell(data.text);
    case 'stopped':
      setRunning(false);
      spoken.textContent = '';
      tell(data.text);
  }
};
worker.onerror = ({ message }) => tell(`The trainer did not start: ${message}`);

restart();

import { Curves, meanAge, profileChart } from './charts.ts';
import { makeControls } from './controls.ts';
import { drawDigits, drawPoints } from './pictures.ts';
import type { Frame, Order, Ready, Report } from './protocol.ts';
import { type Field, fromHash, toHash } from './settings.ts';
import { Sketch } from './sketch.ts';
import type { Both, Score } from './trainer.ts';

function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}

const button = (id: string, pressed: () => void): HTMLButtonElement => {
  const found = element(id, HTMLButtonElement);
  found.addEventListener('click', pressed);
  return found;
};

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
const order = (what: Order): void => worker.postMessage(what);

const status = element('status', HTMLElement);
const canvases = { raw: element('raw', HTMLCanvasElement), average: element('average', HTMLCanvasElement) } as const;
const scores = { raw: element('raw-score', HTMLElement), average: element('average-score', HTMLElement) } as const;
const guesses = { raw: element('raw-guess', HTMLOutputElement), average: element('average-guess', HTMLOutputElement) } as const;
const nets = ['raw', 'average'] as const;
const curves = new Curves();

let ready: Ready | null = null;
let running = false;

const controls = makeControls(element('controls', HTMLFormElement), fromHash(location.hash), changed);
const sketch = new Sketch(element('pad', HTMLCanvasElement), (image) => {
  if (image !== null) order({ do: 'classify', pixels: image });
  else for (const net of nets) guesses[net].textContent = '–';
});

function changed(name: Field): void {
  const settings = controls.value();
  history.replaceState(null, '', `#${toHash(settings)}`);
  if (name === 'speed') order({ do: 'speed', speed: settings.speed });
  else restart();
}

function setRunning(on: boolean): void {
  running = on;
  run.textContent = on ? 'Pause' : 'Start';
}

/** A new run; one that was running goes on running. */
function restart(): void {
  order({ do: 'reset', settings: controls.value() });
  if (running) order({ do: 'run' });
}

const run = button('run', () => {
  setRunning(!running);
  order({ do: running ? 'run' : 'pause' });
});
button('step', () => {
  if (running) order({ do: 'pause' });
  setRunning(false);
  order({ do: 'step' });
});
button('reset', restart);
button('save', () => order({ do: 'save' }));
button('clear', () => sketch.clear());
button('share', () => {
  const link = location.href;
  navigator.clipboard.writeText(link).then(() => (status.textContent = `Copied ${link}`), () => (status.textContent = `The link is ${link}`));
});
const file = element('file', HTMLInputElement);
button('load', () => file.click());
file.addEventListener('change', () => {
  void file.files?.[0]?.arrayBuffer().then((buffer) => {
    setRunning(false);
    order({ do: 'load', bytes: new Uint8Array(buffer) });
  });
  file.value = '';
});
button('theme', () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === 'dark' || (document.documentElement.dataset.theme === undefined && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'light' : 'dark';
  localStorage.setItem('theme', dark ? 'light' : 'dark');
  sketch.paint();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => sketch.paint());
const theme = localStorage.getItem('theme');
if (theme !== null) document.documentElement.dataset.theme = theme;

addEventListener('hashchange', () => {
  controls.set(fromHash(location.hash));
  restart();
});

function download(bytes: Uint8Array): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes.slice()], { type: 'application/octet-stream' }));
  link.download = 'playground.safetensors';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function begin(next: Ready): void {
  ready = next;
  controls.set(next.settings);
  curves.clear();
  const digits = next.settings.data === 'digits';
  element('sketch', HTMLElement).hidden = !digits;
  status.textContent = `${next.size.toLocaleString('en')} weights; ${next.engine}`;
  if (digits) sketch.repeat();
}

const percent = (v: number): string => `${(100 * v).toFixed(1)} %`;
const words = ({ loss, accuracy }: Score): string => `${percent(accuracy)}, loss ${loss.toPrecision(3)}`;

let latest: Frame | null = null;
let [lastCharts, profile]: [number, Float32Array] = [0, new Float32Array(0)];

/** Draws the latest frame once, when the screen is ready for it. */
function paint(now: number): void {
  if (latest === null || ready === null) return;
  const frame = latest;
  latest = null;
  const draw = ready.settings.data === 'digits' ? drawDigits : drawPoints;
  for (const net of nets) {
    draw(canvases[net], frame.picture[net], ready);
    scores[net].textContent = words(frame.score[net]);
  }
  status.textContent = `Step ${frame.step.toLocaleString('en')}; ${ready.size.toLocaleString('en')} weights; ${ready.engine}`;
  // Charts take longer to draw than pictures.
  if (!running || now - lastCharts > 250) {
    lastCharts = now;
    element('loss', HTMLElement).replaceChildren(curves.chart('loss'));
    element('accuracy', HTMLElement).replaceChildren(curves.chart('accuracy'));
    element('profile', HTMLElement).replaceChildren(profileChart(profile, frame.step));
    element('window', HTMLElement).textContent = frame.step === 0 ? '' : `(mean age ${meanAge(profile, frame.step).toFixed(0)} steps)`;
    if (ready.settings.data === 'digits') sketch.repeat();
  }
  order({ do: 'drawn' });
}

function take(frame: Frame): void {
  latest = frame;
  curves.add(frame);
  if (frame.profile !== null) profile = frame.profile;
  requestAnimationFrame(paint);
}

function guess({ raw, average }: Both<Float32Array>): void {
  const best = (p: Float32Array): string => {
    const digit = p.indexOf(Math.max(...p));
    return `${digit} (${percent(p[digit])})`;
  };
  guesses.raw.textContent = best(raw);
  guesses.average.textContent = best(average);
}

worker.onmessage = ({ data }: MessageEvent<Report>) => {
  switch (data.is) {
    case 'ready': return begin(data);
    case 'frame': return take(data);
    case 'classified': return guess(data.guess);
    case 'saved': return download(data.bytes);
    case 'failed':
      setRunning(false);
      status.textContent = `Stopped: ${data.message}`;
  }
};
worker.onerror = ({ message }) => (status.textContent = `The trainer did not start: ${message}`);

restart();

import { ArgumentError, StateError, checkNumber, checkOptions, show } from '../core/errors.ts';

/** Options of `profileSvg`. */
export interface ProfileSvgOptions {
  /** Width in pixels; default 720. */
  readonly width?: number;
  /** Height in pixels; default 360. */
  readonly height?: number;
  /** Label of the axis of models; default 'model, the oldest first'. */
  readonly x?: string;
  /** Label of the axis of weights; default 'weight in the average'. */
  readonly y?: string;
  /** Largest weight that is shown; default: the largest there is. Higher ones are drawn at the edge. */
  readonly top?: number;
  /** The document that makes the elements; default the page's, or in Node.js one of the package linkedom. */
  readonly document?: PlotDocument;
  /** The module `@observablehq/plot`, where it cannot be imported by that name; default: it is imported. */
  readonly plot?: PlotModule;
}

/** What makes elements: a page's `document`, or one of linkedom or jsdom. */
export interface PlotDocument {
  readonly documentElement: object;
  createElementNS(namespace: string, name: string): object;
}

/** The parts of `@observablehq/plot` that are used. */
export interface PlotModule {
  plot(options: object): { readonly outerHTML: string; setAttributeNS(namespace: string, name: string, value: string): void };
  line(data: readonly object[], options: object): object;
  text(data: readonly object[], options: object): object;
  ruleY(data: readonly number[], options?: object): object;
}

const optionKeys = ['width', 'height', 'x', 'y', 'top', 'document', 'plot'];
const colours = ['#1b6ca8', '#d1495b', '#3a7d44', '#e08e1a', '#6a4c93', '#00798c', '#8d5a3b', '#c2549f', '#5c677d', '#9a8f00'];
const POINTS = 240;

/**
 * Draws averaging profiles as an SVG: the weight of every past model, one curve for each average. The text stands alone: write it into a file, or into a page.
 *
 * @param profiles - weights by name, the oldest model first, as from `effectiveWeights`; shorter ones end earlier
 * @returns the SVG's text; equal input gives equal text
 * @throws ArgumentError unless there is a profile of finite numbers; StateError when `@observablehq/plot`, or in Node.js `linkedom`, is not installed
 * @see https://observablehq.com/plot/
 */
export async function profileSvg(profiles: Readonly<Record<string, ArrayLike<number>>>, options?: ProfileSvgOptions): Promise<string> {
  const op = 'profileSvg';
  checkOptions(op, options, optionKeys);
  const { width = 720, height = 360, x = 'model, the oldest first', y = 'weight in the average', top } = options ?? {};
  const positive = (v: number): boolean => v > 0 && Number.isFinite(v);
  checkNumber(op, 'width', width, 'a number of pixels > 0', positive);
  checkNumber(op, 'height', height, 'a number of pixels > 0', positive);
  if (top !== undefined) checkNumber(op, 'top', top, 'a weight > 0', positive);
  const names = checkProfiles(op, profiles);
  const plot = options?.plot ?? (await importPlot(op));
  const document = options?.document ?? (await findDocument(op));
  const colour = (i: number): string => colours[i % colours.length];
  const longest = Math.max(...names.map((name) => profiles[name].length));
  const marks = names.flatMap((name, i) => [
    plot.line(pointsOf(profiles[name], top ?? Infinity), { x: 'model', y: 'weight', stroke: colour(i), strokeWidth: 1.75 }),
    plot.text([{}], { text: () => name, frameAnchor: 'top-left', dx: 24, dy: 6 + 16 * i, fill: colour(i), fontWeight: 600 }),
  ]);
  const svg = plot.plot({
    document,
    width,
    height,
    marginLeft: 56,
    marginTop: 28,
    marginBottom: 40,
    style: { background: '#fff', color: '#333', fontFamily: 'system-ui, sans-serif', fontSize: '12px' },
    x: { label: x, domain: [1, Math.max(2, longest)] },
    y: { label: y, nice: true, grid: true, ...(top !== undefined && { domain: [Math.min(0, lowest(names.map((name) => profiles[name]))), top] }) },
    marks: [plot.ruleY([0], { stroke: '#999' }), ...marks],
  });
  svg.setAttributeNS('http://www.w3.org/2000/xmlns/', 'xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}

/** Points of a curve: all of a short one, and of a long one the highest of each stretch, so that a single heavy model is seen. */
function pointsOf(weights: ArrayLike<number>, top: number): { readonly model: number; readonly weight: number }[] {
  const n = weights.length;
  const stretch = Math.max(1, Math.ceil(n / POINTS));
  const points: { readonly model: number; readonly weight: number }[] = [];
  for (let from = 0; from < n; from += stretch) {
    let best = from;
    for (let i = from + 1; i < Math.min(n, from + stretch); i++) if (Math.abs(weights[i]) > Math.abs(weights[best])) best = i;
    points.push({ model: best + 1, weight: Math.min(top, weights[best]) });
  }
  if (points.at(-1)?.model !== n) points.push({ model: n, weight: Math.min(top, weights[n - 1]) });
  return points;
}

function lowest(all: readonly ArrayLike<number>[]): number {
  return Math.min(...all.map((weights) => Array.from(weights).reduce((a, b) => Math.min(a, b), Infinity)));
}

function checkProfiles(op: string, profiles: unknown): string[] {
  const names = typeof profiles === 'object' && profiles !== null && !Array.isArray(profiles) && !ArrayBuffer.isView(profiles) ? Object.entries(profiles) : [];
  if (names.length === 0) throw new ArgumentError(`${op}: no profiles, got ${show(profiles)}; expected weights by name, such as { EMA: effectiveWeights(ema) }`);
  for (const [name, weights] of names as [string, unknown][]) {
    const list = Array.isArray(weights) || ArrayBuffer.isView(weights) ? (weights as ArrayLike<unknown> & object) : [];
    if (list.length === undefined || list.length === 0 || !Array.from(list).every(Number.isFinite)) {
      throw new ArgumentError(`${op}: '${name}' holds no weights, got ${show(weights)}; expected an array of finite numbers`);
    }
  }
  return names.map(([name]) => name);
}

/** The plotting package, where it is installed. Bundlers accept that it may be missing only right inside `try`. */
async function importPlot(op: string): Promise<PlotModule> {
  try {
    return await import('@observablehq/plot');
  } catch (error) {
    throw missing(op, '@observablehq/plot', error);
  }
}

/** The page's document, or one for Node.js. */
async function findDocument(op: string): Promise<PlotDocument> {
  if (typeof document !== 'undefined') return document;
  try {
    return (await import('linkedom')).parseHTML('<!doctype html><html><body></body></html>').document;
  } catch (error) {
    throw missing(op, 'linkedom', error);
  }
}

function missing(op: string, name: string, error: unknown): StateError {
  const wrapped = new StateError(`${op}: a package is missing, got no '${name}'; expected it to be installed beside polyak`, { hint: 'npm install @observablehq/plot linkedom' });
  wrapped.cause = error;
  return wrapped;
}

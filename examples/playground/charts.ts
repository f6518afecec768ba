import * as Plot from '@observablehq/plot';
import { count, element } from './page.ts';
import type { Frame } from './protocol.ts';
import type { Both, Score } from './trainer.ts';

/** Most points of a curve: beyond, every other one is dropped. */
const MOST = 300;

interface Point {
  readonly step: number;
  readonly score: Both<Score>;
}

const colors = { raw: 'var(--raw)', average: 'var(--average)' } as const;

/** The curves of a run. */
export class Curves {
  private points: Point[] = [];

  clear(): void {
    this.points = [];
  }

  add({ step, score }: Frame): void {
    if (this.points.at(-1)?.step === step) this.points.pop();
    this.points.push({ step, score });
    if (this.points.length > MOST) this.points = this.points.filter((_, i) => i % 2 === 0);
  }

  /** A chart of one of the numbers. */
  chart(what: keyof Score, width: number): SVGSVGElement | HTMLElement {
    const seen = this.points.filter(({ score }) => Number.isFinite(score.raw[what]) || Number.isFinite(score.average[what]));
    const line = (which: keyof Both<Score>): Plot.Markish =>
      Plot.line(seen.filter(({ score }) => Number.isFinite(score[which][what])), { x: 'step', y: (p: Point) => p.score[which][what], stroke: colors[which], strokeWidth: which === 'raw' ? 1.2 : 2.2, marker: seen.length === 1 ? 'dot' : 'none' });
    return plot(width, this.points.at(-1)?.step ?? 0, {
      y: what === 'loss' ? { type: 'log', label: null, ticks: 4, tickFormat: '.2~g', ...domainOf(seen) } : { label: null, percent: true, domain: [lowest(seen), 100], ticks: 5 },
      marks: [line('raw'), line('average')],
    });
  }
}

/** The lowest accuracy, rounded down to tens of percent. */
function lowest(points: readonly Point[]): number {
  return Math.floor(10 * Math.min(0.9, ...points.flatMap(({ score }) => [score.raw.accuracy, score.average.accuracy]))) * 10;
}

/** The range of the losses: a single one has none that could be drawn. */
function domainOf(points: readonly Point[]): { readonly domain: readonly [number, number] } {
  const losses = points.flatMap(({ score }) => [score.raw.loss, score.average.loss]).filter((v) => Number.isFinite(v) && v > 0);
  if (losses.length === 0) return { domain: [0.1, 1] };
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  return { domain: high > 1.2 * low ? [low, high] : [low / 1.5, high * 1.5] };
}

/** The weights of past steps as columns, of which the area is 1. */
export function profileChart({ step, weights: { weights, width } }: Frame, wide: number): SVGSVGElement | HTMLElement {
  const columns = Array.from(weights, (w, i) => {
    const [from, to] = [i * width, Math.min((i + 1) * width, step)];
    return { from, to, w: w / (to - from) };
  });
  const age = columns.reduce((sum, { from, to, w }) => sum + w * (to - from) * (step - (from + to) / 2), 0);
  const text = step === 0 ? '' : `mean age ${count(Math.round(age))} steps`;
  element('age', HTMLElement).textContent = text;
  element('profile', HTMLElement).ariaLabel = `Of ${step} steps; ${text}`;
  return plot(wide, step, {
    y: { label: null, ticks: 4, tickFormat: '.2~g', ...(step === 0 ? { domain: [0, 1] } : { zero: true }) },
    marks: [Plot.rectY(columns, { x1: 'from', x2: 'to', y: 'w', fill: colors.average, shapeRendering: 'crispEdges' }), Plot.ruleY([0])],
  });
}

const plot = (width: number, steps: number, options: Plot.PlotOptions): SVGSVGElement | HTMLElement =>
  Plot.plot({
    width: Math.max(200, width), height: 160, marginLeft: 52, marginRight: 12, marginTop: 12, marginBottom: 34, style: { background: 'none', fontSize: '12px' },
    x: { label: 'step', ticks: Math.max(2, Math.min(6, Math.floor(width / 70))), tickFormat: (n: number) => (n < 10_000 ? count(n) : `${count(n / 1000)}k`), domain: [0, Math.max(10, steps)] },
    ...options,
  });

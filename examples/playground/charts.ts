import * as Plot from '@observablehq/plot';
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
  chart(what: keyof Score): SVGSVGElement | HTMLElement {
    const line = (which: keyof Both<Score>): Plot.Markish =>
      Plot.line(this.points.filter(({ score }) => Number.isFinite(score[which][what])), { x: 'step', y: (p: Point) => p.score[which][what], stroke: colors[which], strokeWidth: which === 'raw' ? 1.2 : 2.2 });
    return plot({
      x: { label: 'step', ticks: 5 },
      y: what === 'loss' ? { type: 'log', label: null, ticks: 4, tickFormat: '.2~g' } : { label: null, percent: true, ticks: 5 },
      marks: [line('raw'), line('average')],
    });
  }
}

/** The weights of past steps as columns; the sum of all is 1. */
export function profileChart(weights: Float32Array, step: number): SVGSVGElement | HTMLElement {
  const wide = step / Math.max(1, weights.length);
  const columns = Array.from(weights, (w, i) => ({ from: i * wide, to: (i + 1) * wide, w: w / wide }));
  return plot({
    x: { label: 'step', ticks: 5 },
    y: { label: null, ticks: 4, tickFormat: '.2~g', zero: true },
    marks: [Plot.rectY(columns, { x1: 'from', x2: 'to', y: 'w', fill: colors.average }), Plot.ruleY([0])],
  });
}

/** How many steps old the weights in the average are, on average. */
export function meanAge(weights: Float32Array, step: number): number {
  const wide = step / Math.max(1, weights.length);
  return weights.reduce((sum, w, i) => sum + w * (step - (i + 0.5) * wide), 0);
}

const plot = (options: Plot.PlotOptions): SVGSVGElement | HTMLElement => Plot.plot({ width: 380, height: 190, marginLeft: 44, marginBottom: 34, style: { background: 'none', fontSize: '12px' }, ...options });

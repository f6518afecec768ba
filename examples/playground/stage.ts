import { Curves, profileChart } from './charts.ts';
import { element, percent } from './page.ts';
import { drawDigits, drawPoints, misread } from './pictures.ts';
import type { Frame, Ready } from './protocol.ts';
import type { Both, Score } from './trainer.ts';

const nets = ['raw', 'average'] as const;
const words = ({ loss, accuracy }: Score): string => `${percent(accuracy)}, loss ${loss.toPrecision(3)}`;

/** What a run shows: both pictures, both scores, three charts. */
export class Stage {
  private readonly canvases = { raw: element('raw', HTMLCanvasElement), average: element('average', HTMLCanvasElement) } as const;
  private readonly scores = { raw: element('raw-score', HTMLElement), average: element('average-score', HTMLElement) } as const;
  private readonly charts = { loss: element('loss', HTMLElement), accuracy: element('accuracy', HTMLElement), profile: element('profile', HTMLElement) } as const;
  private readonly curves = new Curves();
  private ready: Ready | null = null;
  private frame: Frame | null = null;

  constructor() {
    const resized = new ResizeObserver(() => this.fit());
    resized.observe(this.canvases.raw);
    resized.observe(this.charts.loss);
  }

  /** A new run. */
  begin(ready: Ready): void {
    this.ready = ready;
    this.frame = null;
    this.curves.clear();
  }

  /** Takes in a frame, which need not be drawn. */
  add(frame: Frame): void {
    this.frame = frame;
    this.curves.add(frame);
  }

  /** Draws the pictures and scores of the latest frame. */
  draw(): void {
    const { frame, ready } = this;
    if (frame === null || ready === null) return;
    const draw = ready.settings.data === 'digits' ? drawDigits : drawPoints;
    for (const net of nets) {
      draw(this.canvases[net], frame.picture[net], ready);
      this.scores[net].textContent = words(frame.score[net]);
    }
  }

  /** Draws the charts, which takes longer, and says in words what the pictures show. */
  drawCharts(): void {
    const { frame, ready, charts } = this;
    if (frame === null || ready === null) return;
    const width = charts.loss.clientWidth;
    charts.loss.replaceChildren(this.curves.chart('loss', width));
    charts.accuracy.replaceChildren(this.curves.chart('accuracy', width));
    charts.profile.replaceChildren(profileChart(frame, width));
    const over = (score: keyof Score, text: (v: number) => string): string => `Over ${frame.step} steps; now raw ${text(frame.score.raw[score])}, average ${text(frame.score.average[score])}`;
    charts.loss.ariaLabel = over('loss', (v) => v.toPrecision(3));
    charts.accuracy.ariaLabel = over('accuracy', percent);
    for (const net of nets) this.canvases[net].ariaLabel = this.described(net, frame, ready);
  }

  private described(net: keyof Both<Score>, { score, picture }: Frame, { settings, labels }: Ready): string {
    const whose = net === 'raw' ? 'raw' : 'averaged';
    if (settings.data === 'digits') return `${labels.length} digits, of which the ${whose} weights misread ${misread(picture[net], labels)}`;
    return `The plane as the ${whose} weights divide it between two classes; ${percent(score[net].accuracy)} of unseen points are right`;
  }

  /** As many dots as the screen has, where the page has got another size. */
  private fit(): void {
    for (const net of nets) {
      const canvas = this.canvases[net];
      const side = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
      if (canvas.width !== side) canvas.width = canvas.height = side;
    }
    this.draw();
    this.drawCharts();
  }
}

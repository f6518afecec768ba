import { SIDE, dab, stroke, toImage } from './bitmap.ts';

/** A pad to draw a digit on, with the pointer or with the arrow keys. */
export class Sketch {
  private readonly bits = new Uint8Array(SIDE * SIDE);
  private readonly canvas: HTMLCanvasElement;
  private readonly drawn: (image: Float32Array | null) => void;
  private pen: [x: number, y: number] = [SIDE / 2, SIDE / 4];

  /** @param drawn - called with 64 values from 0 to 1 when the drawing has changed, or null when it is empty */
  constructor(canvas: HTMLCanvasElement, drawn: (image: Float32Array | null) => void) {
    this.canvas = canvas;
    this.drawn = drawn;
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.pen = this.at(event);
      dab(this.bits, ...this.pen);
      this.changed();
    });
    canvas.addEventListener('pointermove', (event) => {
      if (event.buttons === 0) return;
      // What lies between two events belongs to the line as well.
      for (const part of event.getCoalescedEvents?.() ?? [event]) this.moveTo(this.at(part), true);
    });
    canvas.addEventListener('keydown', (event) => {
      if (event.key === 'Delete' || event.key === 'Backspace') {
        event.preventDefault();
        return this.clear();
      }
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const inside = (v: number): number => Math.min(SIDE - 1, Math.max(0, v));
      this.moveTo([inside(this.pen[0] + step[0]), inside(this.pen[1] + step[1])], event.shiftKey);
    });
    canvas.addEventListener('focus', () => this.paint());
    canvas.addEventListener('blur', () => this.paint());
    this.paint();
  }

  clear(): void {
    this.bits.fill(0);
    this.changed();
  }

  /** Tells again what is drawn: the nets may have changed. */
  repeat(): void {
    const image = toImage(this.bits);
    if (image !== null) this.drawn(image);
  }

  private at(event: PointerEvent): [number, number] {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  }

  private moveTo(to: [number, number], draws: boolean): void {
    if (draws) stroke(this.bits, this.pen, to);
    this.pen = to;
    if (draws) this.changed();
    else this.paint();
  }

  private changed(): void {
    this.paint();
    this.drawn(toImage(this.bits));
  }

  /** Draws the pad again, in the colours that hold now. */
  paint(): void {
    const to = this.canvas.getContext('2d');
    if (to === null) return;
    const dot = this.canvas.width / SIDE;
    to.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const style = getComputedStyle(this.canvas);
    to.fillStyle = style.color;
    this.bits.forEach((bit, i) => {
      if (bit !== 0) to.fillRect((i % SIDE) * dot, Math.floor(i / SIDE) * dot, dot, dot);
    });
    if (document.activeElement !== this.canvas) return;
    to.strokeStyle = style.getPropertyValue('--average');
    to.strokeRect((this.pen[0] - 1) * dot, (this.pen[1] - 1) * dot, 2 * dot, 2 * dot);
  }
}

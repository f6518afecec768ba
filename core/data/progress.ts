import { ArgumentError, checkNumber, checkOptions, show } from '../errors.ts';
import { fit, textWidth } from './text.ts';

/** Where a bar is drawn: what `process.stderr` offers. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** Options of `progress`. */
export interface ProgressOptions {
  /** Number of items; default the `length` or `size` of the iterable, if it has one. */
  readonly total?: number;
  /** Stands before the bar; default nothing. */
  readonly label?: string;
  /** Where to draw; default `process.stderr`, and nowhere in browsers. */
  readonly stream?: ProgressStream | null;
  /** Milliseconds between two drawings at least; default 100. */
  readonly every?: number;
  /** Write one line at the end where the stream is no terminal; default false. */
  readonly summary?: boolean;
  /** Leave the last drawing in the terminal, on a line of its own; default true. With false the line is taken away at the end. */
  readonly leave?: boolean;
}

/** What a bar shows behind the rate: numbers with four digits, or texts. */
export type ProgressValues = Readonly<Record<string, number | string>>;

const WIDEST = 40;
const NARROWEST = 4;

/** Items of an iterable, with a bar in the terminal that shows how far they are. Made by `progress`. */
export class Progress<T> implements Iterable<T> {
  private readonly items: Iterable<T>;
  private readonly total: number | null;
  private readonly label: string;
  private readonly stream: ProgressStream | null;
  private readonly every: number;
  private readonly summary: boolean;
  private readonly leave: boolean;
  private values: Record<string, number | string> = {};
  private done = 0;
  private started = 0;
  private drawn = 0;

  constructor(items: Iterable<T>, options: ProgressOptions = {}) {
    checkOptions('progress', options, ['total', 'label', 'stream', 'every', 'summary', 'leave']);
    if (typeof items !== 'object' || items === null || typeof items[Symbol.iterator] !== 'function') {
      throw new ArgumentError(`progress: not an iterable, got ${show(items)}; expected an array, a DataLoader or another iterable`);
    }
    const { total = sizeOf(items), label = '', every = 100, stream = standardError(), summary = false, leave = true } = options;
    if (total !== null) checkNumber('progress', 'total', total, 'a number ≥ 0', (n) => n >= 0 && n < Infinity);
    checkNumber('progress', 'every', every, 'milliseconds ≥ 0', (n) => n >= 0);
    if (typeof label !== 'string') throw new ArgumentError(`progress: the label is not a text, got ${show(label)}; expected a string`);
    if (stream !== null && typeof stream?.write !== 'function') throw new ArgumentError(`progress: not a stream, got ${show(stream)}; expected an object with write()`);
    this.items = items;
    this.total = total;
    this.label = label;
    this.every = every;
    this.stream = stream;
    this.summary = summary;
    this.leave = leave;
  }

  /** Sets values to show (`{ loss: 0.25 }`); others stay. They appear when the bar is drawn next. */
  set(values: ProgressValues): this {
    for (const [name, value] of Object.entries(values)) {
      if (typeof value !== 'number' && typeof value !== 'string') {
        throw new ArgumentError(`progress: value '${name}' cannot be shown, got ${show(value)}; expected a number or a text`, { hint: 'item() reads a tensor of one element' });
      }
      this.values[name] = value;
    }
    return this;
  }

  /** The items, one by one; the bar ends with a new line, or is taken away, however the loop ends. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    const { stream } = this;
    const live = stream?.isTTY === true;
    this.done = 0;
    this.started = this.drawn = performance.now();
    try {
      if (live) this.draw(stream);
      for (const item of this.items) {
        yield item;
        this.done++;
        if (live && performance.now() - this.drawn >= this.every) this.draw(stream);
      }
    } finally {
      if (live && !this.leave) stream.write('\r\x1b[K');
      else if (live) {
        this.draw(stream);
        stream.write('\n');
      } else if (stream !== null && this.summary) stream.write(`${this.line(Infinity)}\n`);
    }
  }

  private draw(stream: ProgressStream): void {
    this.drawn = performance.now();
    const { columns = 0 } = stream;
    stream.write(`\r${this.line(columns > 0 ? columns : 80)}\x1b[K`); // some terminals do not know their width and say 0
  }

  /** The line, at most one column shorter than the terminal, so that it does not wrap. */
  private line(columns: number): string {
    const { total, done } = this;
    const seconds = (performance.now() - this.started) / 1000;
    const rate = seconds > 0 ? done / seconds : 0;
    const share = total === null ? null : total === 0 ? 1 : Math.min(1, done / total);
    const left = total === null || rate === 0 || done >= total ? '' : ` < ${clock((total - done) / rate)}`;
    const before = `${this.label === '' ? '' : `${this.label} `}${share === null ? '' : `${String(Math.floor(share * 100)).padStart(3)}%`}`;
    const count = total === null ? `${done}` : `${done}/${total}`;
    const values = Object.entries(this.values).map(([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(4)) : value}`);
    const after = `${count} [${clock(seconds)}${left}, ${speed(rate)}]${values.length === 0 ? '' : ` ${values.join(', ')}`}`;
    const room = Math.min(WIDEST, columns - 1 - textWidth(before) - textWidth(after) - 4);
    const bar = share === null || room < NARROWEST || columns === Infinity ? '' : `|${blocks(share, room)}|`;
    return fit([before, bar, after].filter((part) => part !== '').join(' '), columns - 1);
  }
}

/**
 * Yields the items of an iterable and draws a line in the terminal meanwhile: how much is done, the rate, the time left, and
 * values set with `bar.set({ loss })`. Draws nothing where the stream is no terminal.
 *
 * @param items - what to go through; also several times
 * @throws ArgumentError for anything but an iterable, and for bad options
 */
export function progress<T>(items: Iterable<T>, options?: ProgressOptions): Progress<T> {
  return new Progress(items, options);
}

function standardError(): ProgressStream | null {
  return typeof process === 'object' && typeof process.stderr === 'object' ? process.stderr : null;
}

function sizeOf(items: object): number | null {
  if ('length' in items && typeof items.length === 'number') return items.length;
  if ('size' in items && typeof items.size === 'number') return items.size;
  return null;
}

/** A bar of `width` columns, filled in eighths of a column. */
function blocks(share: number, width: number): string {
  const eighths = Math.floor(share * width * 8);
  const whole = '█'.repeat(eighths >> 3);
  const part = eighths % 8 === 0 ? '' : ' ▏▎▍▌▋▊▉'[eighths % 8];
  return (whole + part).padEnd(width);
}

/** `65.2` → `1:05`, with hours from 3600 on. */
function clock(seconds: number): string {
  const s = Math.floor(seconds);
  const two = (n: number): string => String(n).padStart(2, '0');
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

function speed(rate: number): string {
  if (rate === 0) return '? it/s';
  return rate >= 1 ? `${digits(rate)} it/s` : `${digits(1 / rate)} s/it`;
}

function digits(x: number): string {
  return x >= 100 ? x.toFixed(0) : x.toPrecision(3);
}

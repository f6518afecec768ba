import type { Both, Score } from './trainer.ts';
import type { Settings } from './settings.ts';

/** What the page says to the worker. */
export type Order =
  /** Starts anew, paused. */
  | { readonly do: 'reset'; readonly settings: Settings }
  /** Goes on from a checkpoint, paused. */
  | { readonly do: 'load'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly do: 'run' | 'pause' | 'step' | 'save' }
  | { readonly do: 'speed'; readonly speed: Settings['speed'] }
  | { readonly do: 'classify'; readonly pixels: Float32Array }
  /** The last frame is on the screen: the next one may come. */
  | { readonly do: 'drawn' };

/** A new run. */
export interface Ready {
  readonly is: 'ready';
  readonly settings: Settings;
  readonly step: number;
  /** Number of weights. */
  readonly size: number;
  /** What does the arithmetic. */
  readonly engine: string;
  /** Points to learn, x and y in turns, or the digits that are shown, 64 values each. */
  readonly inputs: Float32Array;
  readonly labels: Float32Array;
}

/** How things stand. */
export interface Frame {
  readonly is: 'frame';
  readonly step: number;
  readonly score: Both<Score>;
  readonly picture: Both<Float32Array>;
  /** Weight of past steps in the average; null when it is that of the frame before. */
  readonly profile: Float32Array | null;
}

/** What the worker says to the page. */
export type Report =
  | Ready
  | Frame
  | { readonly is: 'classified'; readonly guess: Both<Float32Array> }
  | { readonly is: 'saved'; readonly bytes: Uint8Array }
  | { readonly is: 'failed'; readonly message: string };

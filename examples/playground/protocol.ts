import type { Gpu } from './adapters.ts';
import type { Columns } from './profile.ts';
import type { Settings } from './settings.ts';
import type { Both, Look } from './trainer.ts';

/** What the page says to the worker. */
export type Order = Task | Aside;

/** What is done in the order in which it was said. */
export type Task =
  /** Starts a run anew, paused; the number is the page's. */
  | { readonly do: 'reset'; readonly run: number; readonly settings: Settings }
  /** Goes on from a checkpoint, paused. */
  | { readonly do: 'load'; readonly run: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly do: 'run' | 'pause' | 'step' | 'save' }
  | { readonly do: 'classify'; readonly pixels: Float32Array };

/** What need not wait for others. */
export type Aside =
  | { readonly do: 'speed'; readonly speed: Settings['speed'] }
  /** The last frame is on the screen: the next one may come. */
  | { readonly do: 'drawn' }
  /** Looks for a GPU, and says so if there is one. */
  | { readonly do: 'find gpu' };

/** A new run. */
export interface Ready {
  readonly is: 'ready';
  readonly run: number;
  readonly settings: Settings;
  /** Number of weights. */
  readonly size: number;
  /** What does the arithmetic. */
  readonly engine: string;
  /** Points to learn, x and y in turns, or the digits that are shown, 64 values each. */
  readonly inputs: Float32Array;
  readonly labels: Float32Array;
}

/** How things stand. */
export interface Frame extends Look {
  readonly is: 'frame';
  readonly step: number;
  readonly weights: Columns;
}

/** What the worker says to the page. */
export type Report =
  | Ready
  | Frame
  | { readonly is: 'classified'; readonly guess: Both<Float32Array> }
  | { readonly is: 'saved'; readonly file: Blob }
  /** There is a GPU to train on. */
  | { readonly is: 'gpu'; readonly gpu: Gpu }
  /** Something that takes a while or has happened; '' when it is over. */
  | { readonly is: 'notice'; readonly text: string }
  /** The run has stopped by itself. */
  | { readonly is: 'stopped'; readonly text: string };

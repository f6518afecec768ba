// What can be chosen, in one table: the page makes its controls from it, an address its parameters, the trainer its nets.

/** A choice among words. */
export interface Choice {
  readonly kind: 'choice';
  readonly label: string;
  readonly help: string;
  readonly options: Readonly<Record<string, string>>;
  readonly default: string;
}

/** A number between two bounds, on a slider that is logarithmic where `log` says so. */
export interface Range {
  readonly kind: 'range';
  readonly label: string;
  readonly help: string;
  readonly min: number;
  readonly max: number;
  readonly log: boolean;
  readonly whole: boolean;
  readonly default: number;
}

export const fields = {
  data: {
    kind: 'choice', label: 'Data', help: 'Points of two classes, or handwritten digits', default: 'checkers',
    options: { moons: 'two moons', circles: 'two circles', checkers: 'checkers', spirals: 'two spirals', digits: 'digits' },
  },
  net: {
    kind: 'choice', label: 'Net', help: 'Hidden layers; for digits the large one is convolutional', default: 'medium',
    options: { small: 'small', medium: 'medium', large: 'large' },
  },
  activation: { kind: 'choice', label: 'Activation', help: 'Between the layers', default: 'relu', options: { relu: 'ReLU', tanh: 'tanh', gelu: 'GELU' } },
  optimizer: {
    kind: 'choice', label: 'Optimizer', help: 'How gradients become steps', default: 'adam',
    options: { sgd: 'SGD', momentum: 'SGD, momentum 0.9', adam: 'Adam', adamw: 'AdamW', rmsprop: 'RMSprop' },
  },
  lr: { kind: 'range', label: 'Learning rate', help: 'Large rates make the raw weights jump about: what averages are for', min: 1e-4, max: 10, log: true, whole: false, default: 0.05 },
  batch: { kind: 'range', label: 'Batch size', help: 'Examples a step', min: 2, max: 128, log: true, whole: true, default: 4 },
  rule: {
    kind: 'choice', label: 'Average', help: 'How the weights of all steps become one net', default: 'ema',
    options: { ema: 'exponential (EMA)', warmup: 'EMA with warm-up', annealing: 'EMA with annealed momentum', power: 'power function', swa: 'mean of all steps (SWA)', latest: 'mean of the last 50' },
  },
  momentum: { kind: 'range', label: 'Momentum', help: 'Weight of the newest step in an EMA', min: 0.001, max: 0.5, log: true, whole: false, default: 0.005 },
  speed: { kind: 'choice', label: 'Speed', help: 'Steps a second', default: 'medium', options: { slow: '20 steps a second', medium: '200 steps a second', fast: 'as fast as it goes' } },
  noise: { kind: 'range', label: 'Noise', help: 'How far points stray', min: 0, max: 0.5, log: false, whole: false, default: 0.15 },
  seed: { kind: 'range', label: 'Seed', help: 'The same seed, the same run', min: 0, max: 99, log: false, whole: true, default: 0 },
  device: { kind: 'choice', label: 'Device', help: 'What does the arithmetic; nets as small as these are quickest on the CPU', default: 'cpu', options: { cpu: 'CPU', gpu: 'GPU' } },
} as const satisfies Readonly<Record<string, Choice | Range>>;

/** The name of a setting. */
export type Field = keyof typeof fields;

/** A value for each setting. */
export type Settings = { readonly [K in Field]: (typeof fields)[K] extends Choice ? keyof (typeof fields)[K]['options'] : number };

/** All names, in order. */
export const fieldNames = Object.keys(fields) as readonly Field[];

/** What the page starts with. */
export const defaults: Settings = Object.fromEntries(fieldNames.map((name) => [name, fields[name].default])) as Settings;

/** Three figures are enough for a slider, and short in an address. */
const rounded = (v: number): number => Number(v.toPrecision(3));

/** A value that fits a setting, or null: for what came from an address or a file. */
export function fit(name: Field, value: unknown): string | number | null {
  const field: Choice | Range = fields[name];
  if (field.kind === 'choice') return typeof value === 'string' && Object.hasOwn(field.options, value) ? value : null;
  const v = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof v !== 'number' || !(v >= field.min && v <= field.max)) return null;
  return field.whole ? Math.round(v) : rounded(v);
}

/** Settings with the fitting values of a record over their defaults: anything else in it is left alone. */
export function settingsFrom(values: Readonly<Record<string, unknown>>): Settings {
  return Object.fromEntries(fieldNames.map((name) => [name, (Object.hasOwn(values, name) ? fit(name, values[name]) : null) ?? fields[name].default])) as Settings;
}

/** What differs from the defaults, as the part of an address behind `#`. */
export function toHash(settings: Settings): string {
  const parts = new URLSearchParams();
  for (const name of fieldNames) if (settings[name] !== fields[name].default) parts.set(name, String(settings[name]));
  return parts.toString();
}

const partsOf = (hash: string): URLSearchParams => new URLSearchParams(hash.replace(/^#/, ''));

/** The settings in an address. */
export function fromHash(hash: string): Settings {
  return settingsFrom(Object.fromEntries(partsOf(hash)));
}

/** What in an address is no setting, or does not fit one. */
export function unfitIn(hash: string): string[] {
  const isField = (name: string): name is Field => Object.hasOwn(fields, name);
  return [...partsOf(hash)].filter(([name, value]) => !isField(name) || fit(name, value) === null).map(([name, value]) => `${name}=${value}`);
}

/** Whether a setting says anything beside the others. */
export function matters(name: Field, { rule }: Settings): boolean {
  return name !== 'momentum' || rule === 'ema' || rule === 'warmup' || rule === 'annealing';
}

/** Steps of a slider. */
export const TICKS = 200;

/** The place of a value on its slider, 0 to `TICKS`. */
export function tickOf({ min, max, log }: Range, value: number): number {
  const share = log ? Math.log(value / min) / Math.log(max / min) : (value - min) / (max - min);
  return Math.round(share * TICKS);
}

/** The value at a place of a slider. */
export function valueAt({ min, max, log, whole }: Range, tick: number): number {
  const share = tick / TICKS;
  const v = log ? min * (max / min) ** share : min + (max - min) * share;
  return whole ? Math.round(v) : rounded(v);
}

import { isFloat } from '../core/dtype.ts';
import { convertEach, convertInto } from '../core/ops/convertEach.ts';
import { copyEach } from '../core/ops/write.ts';
import type { Storage } from '../core/storage.ts';
import type { Shape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { cloneHook } from '../nn/copy.ts';
import type { Module } from '../nn/module.ts';
import { ExactBuffer } from './exact.ts';
import { type Pair, matchEntries } from './match.ts';
import { type PolicyOption, policiesOf } from './policy.ts';
import { exactCopy, settle, shadowOf } from './shadow.ts';
import type { BufferTree } from './tree.ts';
import { Watch } from './watch.ts';

/**
 * Entries of an average and of its source in two lists, ready for kernels. Entries with a float64 shadow are in the list by their shadow, and get its numbers,
 * rounded, in `show`.
 */
export class EntryLists {
  readonly averaged: readonly Tensor[];
  /** The entries' names. */
  readonly names: readonly string[];
  /** The source's entries as and where the average's are. Good between `open` and `close`. */
  readonly sources: Tensor[];
  /** The source's own entries. */
  private readonly originals: readonly Tensor[];
  /** Which of the sources have another dtype or device, so that each update converts them. */
  private readonly foreign: readonly number[];
  /** Entries with a shadow and their shadows. */
  private readonly visible: readonly Tensor[];
  readonly shadows: readonly Tensor[];
  /** The versions of the visible entries when they were last shown; -1 where they never were. */
  private readonly shown: number[];

  constructor(pairs: readonly Pair[], shadowed?: (pair: Pair) => Tensor | null) {
    const shadows = pairs.map((pair) => shadowed?.(pair) ?? null);
    this.averaged = pairs.map((pair, k) => shadows[k] ?? pair.averaged);
    this.names = pairs.map((pair) => pair.name);
    this.originals = pairs.map((pair) => pair.source);
    this.sources = [...this.originals];
    this.foreign = [...pairs.keys()].filter((k) => {
      const [a, b] = [this.averaged[k], this.originals[k]];
      return a.dtype !== b.dtype || a.device !== b.device;
    });
    this.visible = pairs.flatMap((pair, k) => (shadows[k] === null ? [] : [pair.averaged]));
    this.shadows = shadows.filter((shadow) => shadow !== null);
    this.shown = this.visible.map(() => -1);
    // Sources of shadows are converted at every update: into memory that stays.
    for (const k of this.foreign) if (shadows[k] !== null) this.sources[k] = exactCopy(shadows[k]);
  }

  /** What must be finite: the sources as they are taken in, since numbers may be too large for another dtype. Good between `open` and `close`. */
  get taken(): readonly Tensor[] {
    return this.shadows.length > 0 ? this.originals : this.sources;
  }

  /** Converts the sources that need it. */
  open(): void {
    const { foreign, sources, averaged, originals } = this;
    for (let i = 0; i < foreign.length; i++) {
      const k = foreign[i];
      if (sources[k] === originals[k]) sources[k] = originals[k].detach().to(averaged[k]);
      else convertInto(sources[k], originals[k]);
    }
  }

  /** Lets go of what was converted. */
  close(): void {
    const { foreign, sources, originals } = this;
    for (let i = 0; i < foreign.length; i++) if (!(sources[foreign[i]] instanceof ExactBuffer)) sources[foreign[i]] = originals[foreign[i]];
  }

  /** Takes into the shadows what others have written to the entries. To be called before the rule. */
  settle(): void {
    const { visible, shadows, shown } = this;
    for (let k = 0; k < shadows.length; k++) if (visible[k].storage.version !== shown[k]) settle(visible[k], shadows[k]);
  }

  /** Rounds the entries from their shadows. To be called after the rule. */
  show(): void {
    const { visible, shadows, shown } = this;
    if (shadows.length === 0) return;
    convertEach(visible, shadows);
    for (let k = 0; k < shadows.length; k++) shown[k] = visible[k].storage.version;
  }

  /** Copies the sources, which are open. */
  copyOpen(): void {
    copyEach(this.averaged, this.sources);
    this.show();
  }

  /** Copies the sources. */
  copy(): void {
    if (this.averaged.length === 0) return;
    this.open();
    this.copyOpen();
    this.close();
  }
}

/** The tensors of a match as they lay when it was made. */
class Layouts {
  private readonly tensors: readonly Tensor[];
  private readonly storages: readonly Storage[];
  private readonly shapes: readonly Shape[];

  constructor(tensors: readonly Tensor[]) {
    this.tensors = tensors;
    this.storages = tensors.map((x) => x.storage);
    this.shapes = tensors.map((x) => x.shape);
  }

  isSame(): boolean {
    const { tensors, storages, shapes } = this;
    for (let i = 0; i < tensors.length; i++) if (tensors[i].storage !== storages[i] || tensors[i].shape !== shapes[i]) return false;
    return true;
  }
}

/** What an average says of its entries. */
export interface EntryOptions {
  /** Whether the rule is for buffers too. */
  readonly tracksBuffers: boolean;
  readonly policy: PolicyOption | null;
  /** Float64 shadows of averaged entries, if any. */
  readonly shadow: BufferTree | undefined;
}

/** Entries of an average and of its source matched by name, by what happens to them. */
export class Match {
  /** Floating entries that the rule is for. */
  readonly floats: EntryLists;
  /** Integers beside them, which are copied when the rule is applied. */
  readonly integers: EntryLists;
  /** Entries that are copied at every call. */
  readonly copied: EntryLists;
  private readonly averaged: Module;
  private readonly options: EntryOptions;
  private readonly watches: readonly Watch[];
  private readonly layouts: Layouts;

  constructor(who: string, averaged: Module, source: Module, options: EntryOptions) {
    const { parameters, buffers } = matchEntries(who, averaged, source);
    const { policy, shadow, tracksBuffers } = options;
    const all = [...parameters, ...buffers];
    const policies = policiesOf(who, averaged, policy, tracksBuffers);
    const tracked = all.filter((pair) => policies.get(pair.name) === 'average');
    this.floats = new EntryLists(tracked.filter((pair) => isFloat(pair.averaged.dtype)), shadow === undefined ? undefined : (pair) => shadowOf(shadow, pair));
    this.integers = new EntryLists(tracked.filter((pair) => !isFloat(pair.averaged.dtype)));
    this.copied = new EntryLists(all.filter((pair) => policies.get(pair.name) === 'copy'));
    this.averaged = averaged;
    this.options = options;
    this.watches = [new Watch(averaged), new Watch(source)];
    this.layouts = new Layouts([...all.flatMap((pair) => [pair.averaged, pair.source]), ...this.floats.shadows]);
  }

  /** Whether it would be made like this again. */
  isSame(averaged: Module, options: EntryOptions): boolean {
    if (averaged !== this.averaged || options !== this.options) return false;
    return this.watches[0].isSame() && this.watches[1].isSame() && this.layouts.isSame();
  }
}

/**
 * Matches of an average with its sources. Entries are looked up at every call, as far as anyone can tell: a match is used again only after every field and
 * every tensor that it depends on was found as it was.
 */
export class Pairing {
  /** By source, which it does not keep alive. */
  private readonly matches = new WeakMap<Module, Match>();
  private options: EntryOptions = { tracksBuffers: false, policy: null, shadow: undefined };

  /**
   * The entries, matched by name.
   *
   * @param owner - the average, for messages
   * @param what - its method
   * @param shadow - float64 shadows, to which those that lack are added
   * @throws StateError when names or shapes differ
   */
  of(owner: object, what: string, averaged: Module, source: Module, tracksBuffers: boolean, policy: PolicyOption | null, shadow?: BufferTree): Match {
    const { options } = this;
    if (options.tracksBuffers !== tracksBuffers || options.policy !== policy || options.shadow !== shadow) this.options = { tracksBuffers, policy, shadow };
    const known = this.matches.get(source);
    if (known?.isSame(averaged, this.options) === true) return known;
    const made = new Match(`${owner.constructor.name}.${what}`, averaged, source, this.options);
    this.matches.set(source, made);
    return made;
  }

  /** A copy of the average finds its own entries. */
  [cloneHook](): object {
    return new Pairing();
  }
}

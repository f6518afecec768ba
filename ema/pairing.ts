import { isFloat } from '../core/dtype.ts';
import { copyEach } from '../core/ops/write.ts';
import type { Storage } from '../core/storage.ts';
import type { Shape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { cloneHook } from '../nn/copy.ts';
import type { Module } from '../nn/module.ts';
import { type Pair, matchEntries } from './match.ts';
import { Watch } from './watch.ts';

/** Entries of an average and of its source in two lists, ready for kernels. */
export class EntryLists {
  readonly averaged: readonly Tensor[];
  /** The source's entries as and where the average's are. Good between `open` and `close`. */
  readonly sources: Tensor[];
  private readonly originals: readonly Tensor[];
  /** Which of the sources have another dtype or device, so that each update converts them. */
  private readonly foreign: readonly number[];

  constructor(pairs: readonly Pair[]) {
    this.averaged = pairs.map((pair) => pair.averaged);
    this.originals = pairs.map((pair) => pair.source);
    this.sources = [...this.originals];
    this.foreign = [...pairs.keys()].filter((k) => {
      const [a, b] = [this.averaged[k], this.originals[k]];
      return a.dtype !== b.dtype || a.device !== b.device;
    });
  }

  /** Converts the sources that need it. */
  open(): void {
    const { foreign, sources, averaged, originals } = this;
    for (let i = 0; i < foreign.length; i++) sources[foreign[i]] = originals[foreign[i]].detach().to(averaged[foreign[i]]);
  }

  /** Lets go of what was converted. */
  close(): void {
    const { foreign, sources, originals } = this;
    for (let i = 0; i < foreign.length; i++) sources[foreign[i]] = originals[foreign[i]];
  }

  /** Copies the sources. */
  copy(): void {
    if (this.averaged.length === 0) return;
    this.open();
    copyEach(this.averaged, this.sources);
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

/** Entries of an average and of its source matched by name, by what happens to them. */
export class Match {
  /** Floating entries that the rule is for. */
  readonly floats: EntryLists;
  /** Integers beside them, which are copied when the rule is applied. */
  readonly integers: EntryLists;
  /** Buffers that are copied at every call. */
  readonly copied: EntryLists;
  private readonly averaged: Module;
  private readonly tracksBuffers: boolean;
  private readonly watches: readonly Watch[];
  private readonly layouts: Layouts;

  constructor(who: string, averaged: Module, source: Module, tracksBuffers: boolean) {
    const { parameters, buffers } = matchEntries(who, averaged, source);
    const all = [...parameters, ...buffers];
    const tracked = tracksBuffers ? all : parameters;
    this.floats = new EntryLists(tracked.filter((pair) => isFloat(pair.averaged.dtype)));
    this.integers = new EntryLists(tracked.filter((pair) => !isFloat(pair.averaged.dtype)));
    this.copied = new EntryLists(tracksBuffers ? [] : buffers);
    this.averaged = averaged;
    this.tracksBuffers = tracksBuffers;
    this.watches = [new Watch(averaged), new Watch(source)];
    this.layouts = new Layouts(all.flatMap((pair) => [pair.averaged, pair.source]));
  }

  /** Whether it would be made like this again. */
  isSame(averaged: Module, tracksBuffers: boolean): boolean {
    if (averaged !== this.averaged || tracksBuffers !== this.tracksBuffers) return false;
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

  /**
   * The entries, matched by name.
   *
   * @param owner - the average, for messages
   * @param what - its method
   * @param tracksBuffers - whether the rule is for buffers too
   * @throws StateError when names or shapes differ
   */
  of(owner: object, what: string, averaged: Module, source: Module, tracksBuffers: boolean): Match {
    const known = this.matches.get(source);
    if (known?.isSame(averaged, tracksBuffers) === true) return known;
    const made = new Match(`${owner.constructor.name}.${what}`, averaged, source, tracksBuffers);
    this.matches.set(source, made);
    return made;
  }

  /** A copy of the average finds its own entries. */
  [cloneHook](): object {
    return new Pairing();
  }
}

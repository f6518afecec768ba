import { type Container, type MemberHolder, isContainer, isHolder, isMember, listsFields } from '../nn/traverse.ts';

/** What a module can be looked through: itself, and the arrays, Maps and plain objects it holds. */
type Owner = MemberHolder | Container;

/** Whether a value is a member or can hold one; all others may come and go. */
const matters = (value: object): boolean => isContainer(value) || isMember(value);

/** One object of a tree as it was: the values that matter and their keys, in order. */
class Place {
  readonly values: object[] = [];
  private readonly keys: unknown[] = [];
  private readonly owner: Owner;
  private readonly kind: 'array' | 'map' | 'fields' | 'asked';
  private readonly recording: boolean = true;
  /** How many of the values were met on the way, and whether all that were not do not matter. */
  private met = 0;
  private same = true;

  constructor(owner: Owner) {
    this.owner = owner;
    if (Array.isArray(owner)) this.kind = 'array';
    else if (owner instanceof Map) this.kind = 'map';
    else this.kind = isHolder(owner) && !listsFields(owner) ? 'asked' : 'fields';
    this.walk();
    this.recording = false;
  }

  /** Whether it is as it was. */
  isSame(): boolean {
    this.met = 0;
    return this.walk() && this.met === this.values.length;
  }

  private walk(): boolean {
    const { owner, kind } = this;
    this.same = true;
    if (kind === 'fields') {
      // Inherited fields are looked at too, which does no harm.
      const fields = owner as Readonly<Record<string, unknown>>;
      for (const key in fields) if (!this.meet(key, fields[key])) return false;
    } else if (kind === 'array') {
      const items = owner as readonly unknown[];
      for (let i = 0; i < items.length; i++) if (!this.meet(i, items[i])) return false;
    } else if (kind === 'map') {
      (owner as ReadonlyMap<unknown, unknown>).forEach(this.meetEntry);
    } else {
      for (const [key, value] of (owner as MemberHolder).memberEntries()) if (!this.meet(key, value)) return false;
    }
    return this.same;
  }

  /** A pair made for each entry of a Map would be garbage at every update. */
  private readonly meetEntry = (value: unknown, key: unknown): void => {
    if (!this.meet(key, value)) this.same = false;
  };

  /** Whether the next value is one that was expected, or does not matter. */
  private meet(key: unknown, value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return true;
    const { met, values, keys } = this;
    if (met < values.length && values[met] === value && keys[met] === key) {
      this.met = met + 1;
      return true;
    }
    if (!matters(value)) return true;
    if (!this.recording) return false;
    values.push(value);
    keys.push(key);
    this.met = met + 1;
    return true;
  }
}

/**
 * Remembers which members a module has, there and below, and under which names. Whether they are still the same is told by looking again at every field
 * that can hold one, which takes some nanoseconds per field, makes no strings and allocates nothing.
 */
export class Watch {
  private readonly places: Place[] = [];

  constructor(root: MemberHolder) {
    const owners = new Set<Owner>([root]);
    for (const owner of owners) {
      const place = new Place(owner);
      this.places.push(place);
      for (const value of place.values) if (isContainer(value) || isHolder(value)) owners.add(value);
    }
  }

  /** Whether the same Parameters, Buffers, modules and containers are where they were. What they contain, and plain fields, may be different. */
  isSame(): boolean {
    const { places } = this;
    for (let i = 0; i < places.length; i++) if (!places[i].isSame()) return false;
    return true;
  }
}

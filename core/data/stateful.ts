/** Something whose state can be taken and given back, in a part of it or all. */
export interface MaybeStateful {
  stateDict?(): unknown;
  loadStateDict?(state: never): unknown;
}

/** The state of something that has one; null otherwise. */
export function stateOf(x: unknown): unknown {
  return typeof x === 'object' && x !== null && 'stateDict' in x && typeof x.stateDict === 'function' ? (x as Required<MaybeStateful>).stateDict() : null;
}

/** True when it takes a state back. */
export function takesState(x: unknown): x is Required<Pick<MaybeStateful, 'loadStateDict'>> {
  return typeof x === 'object' && x !== null && 'loadStateDict' in x && typeof x.loadStateDict === 'function';
}

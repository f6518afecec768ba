/** The PyTorch spelling of an option or of state: `weightDecay` → `weight_decay`. */
export function toPython(name: string): string {
  return name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
}

/** The spelling here of a PyTorch name: `weight_decay` → `weightDecay`. */
export function fromPython(key: string): string {
  return key.replace(/(?<=[a-z0-9])_([a-z])/g, (_, c: string) => c.toUpperCase());
}

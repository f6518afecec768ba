/** An object without prototype, in which every key is safe, `__proto__` too. */
export function bareRecord<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

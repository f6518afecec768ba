/**
 * The PyTorch spelling of a camelCase field: every capital becomes `_` and its lower case, `runningMean` → `running_mean`. Names that start
 * with a capital or have an underscore inside (`Q`, `BN1`, `Mixed_5b`) are taken to be PyTorch's already and stay.
 */
export function toSnakeCase(name: string): string {
  return /^_*[a-z][a-zA-Z0-9]*$/.test(name) ? name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`) : name;
}

/**
 * The field of a PyTorch name, `running_mean` → `runningMean`: the inverse of `toSnakeCase`. Names that no camelCase field has (`fc_1`) stay.
 */
export function toCamelCase(key: string): string {
  return /^_*[a-z][a-z0-9]*(_[a-z][a-z0-9]*)+$/.test(key) ? key.replace(/(?<=[a-z0-9])_([a-z])/g, (_, c: string) => c.toUpperCase()) : key;
}

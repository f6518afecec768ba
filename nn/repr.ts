import { show } from '../core/errors.ts';

/** One line of the print form per layer, children indented by two: PyTorch's `repr` of a module. */
export function formatModule(name: string, extra: string, children: readonly (readonly [string, string])[]): string {
  const lines = extra === '' ? [] : extra.split('\n');
  if (children.length === 0) return lines.length <= 1 ? `${name}(${extra})` : `${name}(\n  ${lines.join('\n  ')}\n)`;
  const body = children.map(([key, text]) => `(${key}): ${text.replaceAll('\n', '\n  ')}`);
  return `${name}(\n  ${[...lines, ...body].join('\n  ')}\n)`;
}

/** A value as Python prints it: `True`, `None`, `(3, 3)`, `'mean'`. */
export function python(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'number') return pythonNumber(value);
  if (Array.isArray(value)) return value.length === 1 ? `(${python(value[0])},)` : `(${value.map(python).join(', ')})`;
  return show(value);
}

/** A float as Python prints it: `1.0`, `1e-05`. */
export function pythonFloat(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? `${value}.0` : pythonNumber(value);
}

function pythonNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-4) return value.toExponential().replace(/e-(\d)$/, 'e-0$1');
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

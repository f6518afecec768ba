import { StateError } from '../../../core/errors.ts';
import { ModuleDict, ModuleList, ParameterDict, ParameterList } from '../../layers/containers.ts';
import { Sequential } from '../../layers/sequential.ts';
import type { Module } from '../../module.ts';
import { isContainer, isHolder } from '../../traverse.ts';
import { pythonName, pythonText } from './python.ts';

/** How the members of something are reached in PyTorch: as attributes, by number or by name. */
type Access = 'attribute' | 'number' | 'name';

function accessOf(owner: unknown): Access {
  if (Array.isArray(owner) || owner instanceof ModuleList || owner instanceof ParameterList || owner instanceof Sequential) return 'number';
  return owner instanceof ModuleDict || owner instanceof ParameterDict || isContainer(owner) ? 'name' : 'attribute';
}

/** The member of a module or container under a name of the state dictionary. */
function memberOf(owner: unknown, key: string): unknown {
  if (isHolder(owner)) for (const [name, value] of owner.memberEntries()) if (name === key) return value;
  if (Array.isArray(owner)) return owner[Number(key)];
  if (owner instanceof Map) return owner.get(key) as unknown;
  return isContainer(owner) ? Reflect.get(owner, key) : undefined;
}

/** `self.layers[0].weight` from the path below a module. */
export function expressionAt(root: Module, path: string, self = 'self'): string {
  let owner: unknown = root;
  let text = self;
  for (const key of path === '' ? [] : path.split('.')) {
    const access = accessOf(owner);
    text += access === 'number' && /^\d+$/.test(key) ? `[${key}]` : access === 'name' ? `[${pythonText(key)}]` : `.${pythonName(key)}`;
    owner = memberOf(owner, key);
  }
  return text;
}

/** The rest of a path below another one. */
export function below(path: string, above: string): string | null {
  if (above === '') return path;
  if (path === above) return '';
  return path.startsWith(`${above}.`) ? path.slice(above.length + 1) : null;
}

/** Refuses names that PyTorch does not take for members. */
export function checkKey(key: string): string {
  if (!/^[A-Za-z_]\w*$/.test(key)) throw new StateError(`exportTorch: a member that cannot be an attribute, got '${key}'; expected letters, digits and underscores`);
  return key;
}

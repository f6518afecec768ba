import { ArgumentError, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';

/** A tensor, or arrays and plain objects of such. */
export type TensorTree = Tensor | readonly TensorTree[] | { readonly [key: string]: TensorTree };

/** A tree of the same form with other leaves. */
export type TreeOf<T, L> = T extends Tensor ? L : T extends readonly unknown[] ? { -readonly [K in keyof T]: TreeOf<T[K], L> } : T extends object ? { -readonly [K in keyof T]: TreeOf<T[K], L> } : never;

function isBranch(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The tensors of a tree in order. @throws ArgumentError for anything else in it */
export function leavesOf(name: string, tree: unknown, out: Tensor[] = []): Tensor[] {
  if (tree instanceof Tensor) out.push(tree);
  else if (Array.isArray(tree)) for (const part of tree) leavesOf(name, part, out);
  else if (isBranch(tree)) for (const part of Object.values(tree)) leavesOf(name, part, out);
  else throw new ArgumentError(`${name}: not a tensor, got ${show(tree)}; expected a tensor, or arrays and objects of tensors`);
  return out;
}

/** The same tree with every tensor replaced. What is neither a tensor nor a branch stays as it is. */
export function mapTree(tree: unknown, fn: (x: Tensor) => unknown): unknown {
  if (tree instanceof Tensor) return fn(tree);
  if (Array.isArray(tree)) return tree.map((part: unknown) => mapTree(part, fn));
  if (isBranch(tree)) return Object.fromEntries(Object.entries(tree).map(([key, part]) => [key, mapTree(part, fn)]));
  return tree;
}

import type { Node } from './tape.ts';

let passes = 0;

/**
 * All nodes below the roots in an order in which every node has its whole gradient when its turn comes, the last made first; leaves at
 * the end, so that nothing is written to them when a gradient formula fails.
 */
export function collect(roots: readonly Node[]): Node[] {
  const pass = ++passes;
  const stack: Node[] = [];
  for (const root of roots) if (root.pass !== pass) reach(root, pass, stack);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const { inputs } = node;
    for (let i = 0; i < inputs.length; i++) {
      const { next } = inputs[i];
      if (next === null) continue;
      if (next.pass !== pass) reach(next, pass, stack);
      next.waiting++;
    }
  }
  const order: Node[] = [];
  const leaves: Node[] = [];
  const ready: Node[] = [];
  for (let i = 0; i < roots.length; i++) if (roots[i].waiting === 0 && roots.indexOf(roots[i]) === i) enter(roots[i], ready, leaves);
  for (let node = ready.pop(); node !== undefined; node = ready.pop()) {
    order.push(node);
    const { inputs } = node;
    for (let i = 0; i < inputs.length; i++) {
      const { next } = inputs[i];
      if (next !== null && --next.waiting === 0) enter(next, ready, leaves);
    }
  }
  for (let i = 0; i < leaves.length; i++) order.push(leaves[i]);
  return order;
}

/** Counts a node in when a pass comes to it first. */
function reach(node: Node, pass: number, stack: Node[]): void {
  node.pass = pass;
  node.waiting = 0;
  stack.push(node);
}

/** Adds a node whose gradient is complete: to the leaves, or to those that are ready, which are sorted by number so that the next one is at the end. */
function enter(node: Node, ready: Node[], leaves: Node[]): void {
  if (node.leaf !== null) {
    leaves.push(node);
    return;
  }
  let at = ready.length;
  ready.push(node);
  for (; at > 0 && ready[at - 1].id > node.id; at--) ready[at] = ready[at - 1];
  ready[at] = node;
}

/** The nodes a gradient must pass to reach a target. */
export function onPath(order: readonly Node[], targets: ReadonlyMap<Node, unknown>): Set<Node> {
  const needed = new Set<Node>();
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i];
    if (targets.has(node) || node.inputs.some(({ next }) => next !== null && needed.has(next))) needed.add(node);
  }
  return needed;
}

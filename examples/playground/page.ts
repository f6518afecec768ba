/** An element of the page. @throws where it is not there */
export function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}

/** Listens to a button. */
export function button(id: string, pressed: () => void): HTMLButtonElement {
  const found = element(id, HTMLButtonElement);
  found.addEventListener('click', pressed);
  return found;
}

/** A share in percent. */
export const percent = (v: number): string => `${(100 * v).toFixed(1)} %`;

/** A whole number. */
export const count = (n: number): string => n.toLocaleString('en');

import { button } from './page.ts';

const system = matchMedia('(prefers-color-scheme: dark)');

/** What was chosen on an earlier visit: browsers may refuse to tell. */
function remembered(): string | null {
  try {
    return localStorage.getItem('theme');
  } catch {
    return null;
  }
}

function remember(theme: string): void {
  try {
    localStorage.setItem('theme', theme);
  } catch {
    // Then it holds for this visit.
  }
}

/** Dark or light: as the system has it, until the button says otherwise. @param changed - called after each change */
export function followTheme(changed: () => void): void {
  const root = document.documentElement;
  const isDark = (): boolean => (root.dataset.theme === undefined ? system.matches : root.dataset.theme === 'dark');
  const toggle = button('theme', () => {
    const theme = isDark() ? 'light' : 'dark';
    root.dataset.theme = theme;
    remember(theme);
    show();
  });
  function show(): void {
    toggle.ariaLabel = isDark() ? 'Light colours' : 'Dark colours';
    toggle.title = toggle.ariaLabel;
    changed();
  }
  const theme = remembered();
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  system.addEventListener('change', show);
  show();
}

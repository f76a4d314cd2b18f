const PREFIX = 'ci-workers-';

/** What this browser was told before. Storage may be forbidden; then nothing is remembered. */
export function remembered(name: 'theme' | 'zone'): string | undefined {
  try {
    return localStorage.getItem(`${PREFIX}${name}`) ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(name: 'theme' | 'zone', value: string): void {
  try {
    localStorage.setItem(`${PREFIX}${name}`, value);
  } catch {
    // It holds as long as the page is open.
  }
}

/** The system's colours unless others were chosen. */
export function applyTheme(theme: string | undefined): void {
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

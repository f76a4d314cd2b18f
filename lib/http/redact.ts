/** The text with its URLs shortened to what may be shown: no credentials, no query, no fragment. */
export function redactUrls(text: string): string {
  if (!text.includes('://')) return text;
  // Each address is matched whole, with a query or without, so that nothing is read twice.
  return text
    .replace(/:\/\/[^\s/@"']+@/g, '://')
    .replace(/(:\/\/[^\s?#"']+)([?#][^\s"']*)?/g, (_, address, query) => `${address}${query === undefined ? '' : '?…'}`);
}

/**
 * Text of the other side, made fit for records: one line of at most 200 characters, without tokens, key ids, query strings and long encoded runs.
 */
export function redactLine(text: string): string {
  // Only the beginning can be kept: the rest need not be looked at.
  const line = redactUrls(text.slice(0, 4_000).replace(/[\p{Cc}\s]+/gu, ' '))
    .replace(/\b(gl[a-z]{1,10}-|whsec_)[\w./+=-]+/g, '[token]')
    .replace(/\b(ak|access|sk|token|signature|password)\s*[:=]\s*[^\s,;]+/gi, '$1:…')
    .replace(/[A-Za-z0-9+/=_]{40,}/g, '…')
    .trim();
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}

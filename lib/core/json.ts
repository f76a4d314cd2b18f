/** What a JSON text says; `undefined` for any other text, since no JSON says that. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

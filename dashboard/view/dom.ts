/** The element of the page's own HTML; a page that lacks one is broken. */
export function byId<T extends HTMLElement>(id: string, type: abstract new (...args: never[]) => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}

type Child = Node | string;

/** An element. What comes from outside goes in as text or as an attribute, never as HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => Child;
  /** Of the cells: `number` aligns right, `short` keeps its words on one line, `name` heads the row. */
  readonly kind?: 'number' | 'short' | 'name';
}

/**
 * A table that becomes a list of cards on a phone. The roles are said because a table whose display is changed is none any more to a screen reader.
 */
export function table<T>(label: string, columns: readonly Column<T>[], rows: readonly T[]): HTMLElement {
  const cell = ({ title, cell: content, kind }: Column<T>, row: T) => {
    const attributes = { 'data-label': title, ...(kind && { class: kind }) };
    return kind === 'name'
      ? element('th', { ...attributes, scope: 'row', role: 'rowheader' }, content(row))
      : element('td', { ...attributes, role: 'cell' }, content(row));
  };
  const head = columns.map(({ title, kind }) => element('th', { scope: 'col', role: 'columnheader', ...(kind && { class: kind }) }, title));
  const body = rows.map((row) => element('tr', { role: 'row' }, ...columns.map((column) => cell(column, row))));
  return element(
    'table',
    { role: 'table', 'aria-label': label },
    element('thead', { role: 'rowgroup' }, element('tr', { role: 'row' }, ...head)),
    element('tbody', { role: 'rowgroup' }, ...body),
  );
}

/** A state with its colour; the word is there for those who do not see colours. */
export function chip(phase: string): HTMLElement {
  return element('span', { class: `chip ${/^[a-z]+$/.test(phase) ? phase : 'other'}` }, phase);
}

export function none(words: string): HTMLElement {
  return element('p', { class: 'none' }, words);
}

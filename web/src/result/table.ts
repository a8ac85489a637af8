// When a value is better read as a table: a list of objects that share members.

import { jsonText } from '../text/json';

/** A table: its columns in the order in which they first appear, and the objects as they came. */
export interface Table {
  /** The member of the result that holds the list; null when the result is the list. */
  readonly caption: string | null;
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** More columns than a person can read. */
const COLUMNS = 40;

/** The table that a value is, or holds as its only list of objects. */
export function tableOf(value: unknown): Table | null {
  if (Array.isArray(value)) return tableOfList(value, null);
  if (!isObject(value)) return null;
  const tables = Object.entries(value)
    .map(([name, member]) => (Array.isArray(member) ? tableOfList(member, name) : null))
    .filter((table) => table !== null);
  return tables.length === 1 ? (tables[0] ?? null) : null;
}

function tableOfList(list: readonly unknown[], caption: string | null): Table | null {
  if (list.length === 0 || !list.every(isObject)) return null;
  const columns = new Set<string>();
  let cells = 0;
  for (const row of list) {
    for (const name of Object.keys(row)) {
      columns.add(name);
      cells += 1;
    }
    if (columns.size > COLUMNS) return null;
  }
  // Objects that share nothing make a table of holes.
  if (columns.size === 0 || cells < (columns.size * list.length) / 3) return null;
  return { caption, columns: [...columns], rows: list };
}

/** A cell as text: what is plain as it is, what is nested as JSON. */
export function cellText(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : jsonText(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// A JSON value as the rows of a tree: only what is opened becomes rows, so that a value of any size can
// be shown in a list that draws what is visible.

import { oneLine } from '../text/cut';

/** One row. `path` names it among its siblings' and is what is opened and closed. */
export interface TreeRow {
  readonly path: string;
  readonly depth: number;
  /** The member's name or the item's number; null for the value itself. */
  readonly name: string | null;
  readonly type: 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';
  /** A leaf's text, or empty for an object or a list. */
  readonly text: string;
  /** The whole text of a string that was cut in `text`. */
  readonly whole: string | null;
  /** Members or items; 0 for a leaf. */
  readonly size: number;
  readonly open: boolean;
}

/** A string longer than this is cut within its row. */
const SHOWN = 300;

/** The most rows: what a list can hold in a browser, with room to spare. */
const ROWS = 200_000;

/** Which levels are open at first: enough to see the shape, without a wall of text. */
export function openedAtFirst(value: unknown, budget = 60): ReadonlySet<string> {
  const open = new Set<string>();
  let level: [string, unknown][] = [['', value]];
  let rows = 0;
  while (level.length > 0) {
    const next: [string, unknown][] = [];
    for (const [path, node] of level) {
      const size = sizeOf(node);
      if (size === 0) continue;
      rows += size;
      if (rows > budget && path !== '') return open;
      open.add(path);
      if (rows > budget) return open;
      for (const [name, child] of membersOf(node)) next.push([below(path, name), child]);
    }
    level = next;
  }
  return open;
}

export function rowsOf(value: unknown, open: ReadonlySet<string>): readonly TreeRow[] {
  const rows: TreeRow[] = [];
  // A stack of our own: a value may be nested deeper than the browser's.
  const stack: Iterator<Visit>[] = [[{ path: '', depth: 0, name: null, node: value }][Symbol.iterator]()];
  while (stack.length > 0 && rows.length < ROWS) {
    const step = stack.at(-1)?.next();
    if (step === undefined || step.done === true) {
      stack.pop();
      continue;
    }
    const { path, depth, name, node } = step.value;
    const size = sizeOf(node);
    const opened = size > 0 && open.has(path);
    rows.push({ path, depth, name, size, open: opened, ...shown(node) });
    if (opened) stack.push(visits(node, path, depth + 1));
  }
  return rows;
}

interface Visit {
  readonly path: string;
  readonly depth: number;
  readonly name: string | null;
  readonly node: unknown;
}

function* visits(node: unknown, path: string, depth: number): Generator<Visit> {
  for (const [name, child] of membersOf(node)) yield { path: below(path, name), depth, name, node: child };
}

function* membersOf(node: unknown): Generator<[string, unknown]> {
  if (Array.isArray(node)) {
    for (let index = 0; index < node.length; index += 1) yield [String(index), node[index]];
  } else if (typeof node === 'object' && node !== null) {
    yield* Object.entries(node);
  }
}

/** As a JSON Pointer (RFC 6901), so that no name can look like a path. */
function below(path: string, name: string): string {
  return `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function sizeOf(node: unknown): number {
  if (Array.isArray(node)) return node.length;
  return typeof node === 'object' && node !== null ? Object.keys(node).length : 0;
}

function shown(node: unknown): Pick<TreeRow, 'type' | 'text' | 'whole'> {
  if (node === null || node === undefined) return { type: 'null', text: 'null', whole: null };
  if (Array.isArray(node)) return { type: 'array', text: '', whole: null };
  switch (typeof node) {
    case 'object':
      return { type: 'object', text: '', whole: null };
    case 'string': {
      const text = oneLine(node, SHOWN);
      return { type: 'string', text, whole: text === node ? null : node };
    }
    case 'number':
      return { type: 'number', text: String(node), whole: null };
    default:
      return { type: 'boolean', text: String(node), whole: null };
  }
}

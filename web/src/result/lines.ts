// A long text as rows of equal height: its lines, each broken at a number of columns. Only where each row
// begins is kept, so that five megabytes cost one array of numbers.

/** The rows of a text. */
export interface Lines {
  readonly count: number;
  /** Whether the text has more rows than a browser can scroll through. */
  readonly cut: boolean;
  row(index: number): string;
}

/** Chromium and Firefox stop at about 17 million pixels of height. */
const ROWS = 800_000;

export function linesOf(text: string, columns: number): Lines {
  const starts: number[] = [];
  let start = 0;
  while (start <= text.length && starts.length < ROWS) {
    const feed = text.indexOf('\n', start);
    const end = feed === -1 ? text.length : feed;
    do {
      starts.push(start);
      start = broken(text, start, end, columns);
    } while (start < end && starts.length < ROWS);
    if (start >= end) start = end + 1;
  }
  const cut = start <= text.length;
  return {
    count: starts.length,
    cut,
    row: (index) => rowAt(text, starts, index, start),
  };
}

/** Where the next row begins; not within a surrogate pair. */
function broken(text: string, start: number, end: number, columns: number): number {
  const next = start + columns;
  if (next >= end) return end;
  const code = text.charCodeAt(next);
  return code >= 0xdc00 && code <= 0xdfff ? next + 1 : next;
}

function rowAt(text: string, starts: readonly number[], index: number, end: number): string {
  const from = starts[index];
  if (from === undefined) return '';
  const row = text.slice(from, starts[index + 1] ?? end);
  return row.replace(/\r?\n$/u, '');
}

// The filter of a list: all words must be found, anywhere, in any order, whatever their case.

/** How much of a description is searched: enough for any honest one. */
const SEARCHED = 2000;

/** What a row is found by. Built once a row, so that each key press only looks. */
export function haystack(...parts: readonly (string | undefined)[]): string {
  return parts
    .map((part) => (part ?? '').slice(0, SEARCHED))
    .join('\n')
    .toLowerCase();
}

export function filtered<Row extends { readonly haystack: string }>(
  rows: readonly Row[],
  query: string,
): readonly Row[] {
  const words = query
    .toLowerCase()
    .split(/\s+/u)
    .filter((word) => word !== '');
  if (words.length === 0) return rows;
  return rows.filter((row) => words.every((word) => row.haystack.includes(word)));
}

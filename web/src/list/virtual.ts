// Which rows of a long list are drawn. Rows have one height, so that the sums are exact and a list of
// 2,000 tools costs as much as one of 20.

/** What a list looks like from outside. Lengths are CSS pixels. */
export interface Scrolled {
  readonly count: number;
  readonly rowHeight: number;
  readonly scrollTop: number;
  readonly viewport: number;
  /** Rows drawn above and below what is visible. */
  readonly overscan?: number;
}

/** The rows to draw, `first` to before `end`, and the height of all of them together. */
export interface Window {
  readonly first: number;
  readonly end: number;
  readonly offset: number;
  readonly height: number;
}

export function windowOf({ count, rowHeight, scrollTop, viewport, overscan = 6 }: Scrolled): Window {
  const height = count * rowHeight;
  // A browser reports negative or too large offsets while it bounces, and after the list shrank.
  const top = Math.min(Math.max(scrollTop, 0), Math.max(height - viewport, 0));
  const first = Math.max(Math.floor(top / rowHeight) - overscan, 0);
  const end = Math.min(Math.ceil((top + viewport) / rowHeight) + overscan, count);
  return { first, end, offset: first * rowHeight, height };
}

/** The scroll offset at which a row is fully visible, moving as little as possible. */
export function revealing(row: number, { rowHeight, scrollTop, viewport }: Scrolled): number {
  const top = row * rowHeight;
  if (top < scrollTop) return top;
  const bottom = top + rowHeight;
  return bottom > scrollTop + viewport ? bottom - viewport : scrollTop;
}

/** Where a key moves the selection of a list, or null when it is not one for moving. */
export function moved(key: string, from: number, count: number, page: number): number | null {
  if (count === 0) return null;
  const to = {
    ArrowDown: from + 1,
    ArrowUp: from - 1,
    PageDown: from + page,
    PageUp: from - page,
    Home: 0,
    End: count - 1,
  }[key];
  return to === undefined ? null : Math.min(Math.max(to, 0), count - 1);
}

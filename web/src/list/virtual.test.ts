import { describe, expect, it } from 'vitest';
import { moved, revealing, windowOf } from './virtual';

const list = { count: 2000, rowHeight: 50, scrollTop: 0, viewport: 500, overscan: 5 };

describe('windowOf', () => {
  it.each([
    ['at the top', {}, 0, 15],
    ['in the middle', { scrollTop: 5025 }, 95, 116],
    ['at the end', { scrollTop: 99_500 }, 1985, 2000],
    ['beyond the end', { scrollTop: 1_000_000 }, 1985, 2000],
    ['bounced above the top', { scrollTop: -80 }, 0, 15],
    ['shorter than the viewport', { count: 3, scrollTop: 40 }, 0, 3],
    ['empty', { count: 0 }, 0, 0],
  ])('%s', (_, change, first, end) => {
    expect(windowOf({ ...list, ...change })).toMatchObject({ first, end, offset: first * 50 });
  });

  it('draws a bounded number of rows', () => {
    for (let scrollTop = 0; scrollTop < 100_000; scrollTop += 777) {
      const { first, end } = windowOf({ ...list, scrollTop });
      expect(end - first).toBeLessThanOrEqual(21);
    }
  });
});

describe('revealing', () => {
  it.each([
    ['stays when visible', 3, 0, 0],
    ['scrolls down as little as needed', 10, 0, 50],
    ['scrolls up to the row', 2, 400, 100],
  ])('%s', (_, row, scrollTop, to) => {
    expect(revealing(row, { ...list, scrollTop })).toBe(to);
  });
});

describe('moved', () => {
  it.each([
    ['ArrowDown', 0, 1],
    ['ArrowDown', 9, 9],
    ['ArrowUp', 0, 0],
    ['PageDown', 2, 7],
    ['PageUp', 2, 0],
    ['Home', 5, 0],
    ['End', 5, 9],
    ['Enter', 5, null],
    ['a', 5, null],
  ])('%s from %i', (key, from, to) => {
    expect(moved(key, from, 10, 5)).toBe(to);
  });

  it('does nothing in an empty list', () => {
    expect(moved('ArrowDown', 0, 0, 5)).toBeNull();
  });
});

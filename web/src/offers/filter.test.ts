import { describe, expect, it } from 'vitest';
import { filtered, haystack } from './filter';

const rows = [
  { haystack: haystack('notes_write', 'Write a note', 'Saves text') },
  { haystack: haystack('notes_read', undefined, 'Reads a NOTE') },
  { haystack: haystack('поиск', 'Поиск по заметкам', undefined) },
];

describe('filtered', () => {
  it.each([
    ['', 3],
    ['   ', 3],
    ['note', 2],
    ['NOTE write', 1],
    ['write NOTE', 1],
    ['заметкам', 1],
    ['ПОИСК', 1],
    ['.*', 0],
    ['nothing', 0],
  ])('%j finds %i', (query, count) => {
    expect(filtered(rows, query)).toHaveLength(count);
  });

  it('does not read all of a five megabyte description', () => {
    expect(haystack('a', 'x'.repeat(5_000_000)).length).toBeLessThan(2100);
  });
});

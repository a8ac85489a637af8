import { describe, expect, it } from 'vitest';
import { linesOf } from './lines';

const all = (text: string, columns: number) => {
  const lines = linesOf(text, columns);
  return Array.from({ length: lines.count }, (_, index) => lines.row(index));
};

describe('linesOf', () => {
  it.each<[string, string, number, string[]]>([
    ['lines', 'a\nb\r\nc', 10, ['a', 'b', 'c']],
    ['a long line', 'abcdefg', 3, ['abc', 'def', 'g']],
    ['a line as long as the row', 'abc\ndef', 3, ['abc', 'def']],
    ['empty lines', '\n\na\n', 3, ['', '', 'a', '']],
    ['nothing', '', 3, ['']],
    ['pairs stay whole', 'ab😀c', 3, ['ab😀', 'c']],
  ])('%s', (_, text, columns, rows) => {
    expect(all(text, columns)).toEqual(rows);
  });

  it('holds five megabytes in one line, and in empty lines', () => {
    expect(linesOf('x'.repeat(5_000_000), 100)).toMatchObject({ count: 50_000, cut: false });
    expect(linesOf('\n'.repeat(5_000_000), 100)).toMatchObject({ count: 800_000, cut: true });
  });
});

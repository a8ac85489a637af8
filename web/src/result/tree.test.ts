import { describe, expect, it } from 'vitest';
import { openedAtFirst, rowsOf } from './tree';

const brief = (value: unknown, open: Iterable<string>) =>
  rowsOf(value, new Set(open)).map(
    ({ depth, name, text, size }) => `${' '.repeat(depth)}${name ?? '.'} ${text}${size}`,
  );

describe('rowsOf', () => {
  it('shows only what is open', () => {
    const value = { a: [1, 'x'], b: { c: null }, 'd/e': true };
    expect(brief(value, [])).toEqual(['. 3']);
    expect(brief(value, ['', '/a'])).toEqual(['. 3', ' a 2', '  0 10', '  1 x0', ' b 1', ' d/e true0']);
  });

  it('tells names with a slash from paths', () => {
    const value = { 'a/b': { x: 1 }, a: { b: { x: 1 } } };
    expect(brief(value, ['', '/a', '/a~1b'])).toEqual(['. 2', ' a/b 1', '  x 10', ' a 1', '  b 1']);
  });

  it('bears nesting deeper than the stack', () => {
    let value: unknown = 1;
    const open: string[] = [''];
    for (let depth = 0; depth < 3000; depth += 1) {
      value = [value];
      open.push(`${open.at(-1)}/0`);
    }
    expect(rowsOf(value, new Set(open))).toHaveLength(3001);
  });

  it('cuts a long string and keeps the whole', () => {
    const [row] = rowsOf('y'.repeat(5_000_000), new Set());
    expect(row?.text.length).toBeLessThan(400);
    expect(row?.whole?.length).toBe(5_000_000);
  });
});

describe('openedAtFirst', () => {
  it('opens a small value wholly', () => {
    expect(rowsOf({ a: { b: { c: 1 } } }, openedAtFirst({ a: { b: { c: 1 } } }))).toHaveLength(4);
  });

  it('opens the first level of a large one', () => {
    const large = Array.from({ length: 1000 }, () => ({ a: 1 }));
    expect([...openedAtFirst(large)]).toEqual(['']);
  });
});

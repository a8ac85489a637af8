import { describe, expect, it } from 'vitest';
import { cellText, tableOf } from './table';

describe('tableOf', () => {
  it.each<[string, unknown, string[] | null]>([
    [
      'a list of objects',
      [
        { a: 1, b: 2 },
        { a: 3, c: 4 },
      ],
      ['a', 'b', 'c'],
    ],
    ['the only list in an object', { total: 1, notes: [{ id: 1 }] }, ['id']],
    ['two lists', { a: [{ x: 1 }], b: [{ x: 1 }] }, null],
    ['a list of numbers', [1, 2], null],
    ['a mixed list', [{ a: 1 }, 2], null],
    ['an empty list', [], null],
    ['empty objects', [{}, {}], null],
    ['objects that share nothing', Array.from({ length: 20 }, (_, index) => ({ [`m${index}`]: 1 })), null],
    ['too many columns', [Object.fromEntries(Array.from({ length: 50 }, (_, index) => [index, 1]))], null],
    ['text', 'x', null],
    ['null', null, null],
  ])('%s', (_, value, columns) => {
    expect(tableOf(value)?.columns ?? null).toEqual(columns);
  });

  it('is not confused by a member named __proto__', () => {
    const rows = JSON.parse('[{"__proto__":1,"a":2}]') as unknown;
    expect(tableOf(rows)?.columns).toEqual(['__proto__', 'a']);
  });
});

describe('cellText', () => {
  it.each([
    ['x', 'x'],
    [1, '1'],
    [null, 'null'],
    [undefined, ''],
    [{ a: [1] }, '{"a":[1]}'],
  ])('%j', (value, text) => {
    expect(cellText(value)).toBe(text);
  });
});

import { describe, expect, it } from 'vitest';
import { readJson, writeJson } from './json';

describe('readJson', () => {
  it('reads what is JSON', () => {
    expect(readJson(' {"a": [1]} ')).toEqual({ ok: true, value: { a: [1] } });
  });

  it.each([
    ['{\n  "a": x\n}', 2, 8],
    ['', 1, 1],
    ['{"a":1', 1, 7],
    ['{\n\n"a":1,}', 3, 7],
    ['{"a":1]', 1, 7],
    ['[1, 2,\n]', 2, 1],
    ['{a:1}', 1, 2],
    ["{'a':1}", 1, 2],
    ['{"a" 1}', 1, 6],
    ['{"a":01}', 1, 6],
    ['{"a":"x\ny"}', 1, 6],
    ['{} {}', 1, 4],
    ['{"a":1} x', 1, 9],
    ['[1 2]', 1, 4],
    ['{"a":nul}', 1, 6],
  ])('says where %j stops being JSON', (text, line, column) => {
    expect(readJson(text)).toEqual({ ok: false, line, column });
  });

  it('reads what it wrote', () => {
    expect(readJson(writeJson({ a: null }))).toEqual({ ok: true, value: { a: null } });
  });
});

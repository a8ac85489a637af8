import { describe, expect, it } from 'vitest';
import { readJson, writeJson } from './json';

describe('readJson', () => {
  it('reads what is JSON', () => {
    expect(readJson(' {"a": [1]} ')).toEqual({ ok: true, value: { a: [1] } });
  });

  it.each([
    ['{\n  "a": x\n}', 2],
    ['', 1],
    ['{"a":1', 1],
    ['{\n\n"a":1,}', 3],
  ])('says where %j stops being JSON', (text, line) => {
    expect(readJson(text)).toMatchObject({ ok: false, line });
  });

  it('reads what it wrote', () => {
    expect(readJson(writeJson({ a: null }))).toEqual({ ok: true, value: { a: null } });
  });
});

import { describe, expect, it } from 'vitest';
import { jsonText } from './json';

describe('jsonText', () => {
  it('writes a value', () => {
    expect(jsonText({ a: [1] })).toBe('{"a":[1]}');
    expect(jsonText([1], 2)).toBe('[\n  1\n]');
    expect(jsonText(undefined)).toBe('null');
  });

  it('bears what is nested too deep', () => {
    expect(jsonText(JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)))).toBe('…');
  });
});

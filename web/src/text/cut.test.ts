import { describe, expect, it } from 'vitest';
import { cut, oneLine, revealed } from './cut';

describe('cut', () => {
  it('leaves short text alone', () => {
    expect(cut('abc', 3)).toEqual({ text: 'abc', left: 0 });
  });

  it('never halves a surrogate pair', () => {
    expect(cut('ab😀c', 3)).toEqual({ text: 'ab', left: 3 });
  });

  it('cuts five megabytes at once', () => {
    expect(cut('x'.repeat(5_000_000), 2000)).toMatchObject({ left: 4_998_000 });
  });
});

describe('revealed', () => {
  it.each([
    ['a\u202Eb', 'a⟨U+202E⟩b'],
    ['a\u0000b', 'a⟨U+0000⟩b'],
    ['a\u200Bb', 'a⟨U+200B⟩b'],
    ['line\nline\ttab', 'line\nline\ttab'],
    ['имя <b>', 'имя <b>'],
  ])('shows %j as %j', (text, shown) => {
    expect(revealed(text)).toBe(shown);
  });
});

describe('oneLine', () => {
  it('folds white space and says that it cut', () => {
    expect(oneLine('  a\n\n b ')).toBe('a b');
    expect(oneLine('abcdef', 3)).toBe('abc…');
  });
});

import { describe, expect, it } from 'vitest';
import { harmless } from './pattern';

describe('harmless', () => {
  it.each([
    '^[a-z]+$',
    '^\\d{4}-\\d{2}$',
    '^(a|b)$',
    '^[a-z]+(-[a-z])*$',
    '^(?:x[0-9])?y$',
    '',
    '\\p{L}+',
    '^[^@]+@[^@]+$',
  ])('runs %j', (pattern) => {
    expect(harmless(pattern)).toBe(true);
  });

  it.each([
    '^(a+)+$',
    '(a|a)*',
    '(.*,){11}P',
    '(a*)*b',
    '((ab)c*)+',
    '(a',
    '(?<n>a)\\k<n>',
    '(a)\\1',
    '.*.*.*.*.*=',
    `a${'b'.repeat(300)}`,
  ])('does not run %j', (pattern) => {
    expect(harmless(pattern)).toBe(false);
  });
});

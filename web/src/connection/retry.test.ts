import { expect, test } from 'vitest';
import { backoffSeconds, retryAfterSeconds } from './retry';

const NOW = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT');

test.each([
  [null, null],
  ['', null],
  ['soon', null],
  ['0', 1],
  ['5', 5],
  [' 7 ', 7],
  ['999999999', 3600],
  ['Wed, 21 Oct 2026 07:28:30 GMT', 30],
  ['Wed, 21 Oct 2026 07:00:00 GMT', 1],
])('rfc9110_10_2_3 Retry-After: %s', (field, seconds) => {
  expect(retryAfterSeconds(field, NOW)).toBe(seconds);
});

test('pauses grow, and stay bearable', () => {
  expect([0, 1, 2, 10].map(backoffSeconds)).toEqual([1, 2, 4, 30]);
});

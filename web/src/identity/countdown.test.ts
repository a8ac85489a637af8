import { expect, test } from 'vitest';
import { remaining } from './countdown';

const DAY = 86_400;

test.each([
  [3 * DAY + 4 * 3600 + 59, '3 day 4 hour', 'calm'],
  [DAY, '1 day 0 hour', 'calm'],
  [DAY - 1, '23 hour 59 minute', 'calm'],
  [299, '4 minute 59 second', 'soon'],
  [59.9, '59 second', 'now'],
  [0.5, '', 'now'],
  [0, '', 'now'],
  [-5, '', 'now'],
])('%d seconds are left', (left, words, urgency) => {
  const is = remaining(1_000_000 + left, 1_000_000);
  expect(is.parts.map(({ unit, value }) => `${value} ${unit}`).join(' ')).toBe(words);
  expect(is.urgency).toBe(urgency);
  expect(is.expired).toBe(words === '');
});

import { expect, test } from 'vitest';
import { tokenProblem, urlProblem } from './typed';

test.each([
  ['http://127.0.0.1:8000/mcp', null],
  [' https://example.com/mcp ', null],
  ['example.com', 'scheme'],
  ['javascript:alert(1)', 'scheme'],
  ['data:text/html,x', 'scheme'],
  ['', 'scheme'],
])('URL %s', (typed, problem) => {
  expect(urlProblem(typed)).toBe(problem);
});

test.each([
  ['propusk_abc', null],
  [' propusk_abc\n', null],
  ['', 'missing'],
  ['two words', 'characters'],
  ['a\r\nX-Injected: 1', 'characters'],
  ['токен', 'characters'],
])('token %j', (typed, problem) => {
  expect(tokenProblem(typed)).toBe(problem);
});

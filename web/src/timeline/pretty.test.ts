import { expect, test } from 'vitest';
import { pretty } from './pretty';

test.each([
  ['JSON', '{"a":[1]}', '{\n  "a": [\n    1\n  ]\n}'],
  ['an event', 'event: message\ndata: {"a":1}\n\n', 'event: message\ndata: {\n  "a": 1\n}\n\n'],
  ['a form', 'grant_type=refresh_token&resource=http%3A%2F%2Fa%2Fmcp', 'grant_type=refresh_token\nresource=http://a/mcp'],
  ['text', 'This server has no OAuth', 'This server has no OAuth'],
  ['markup', '<html><script>1</script>', '<html><script>1</script>'],
  ['nothing', '', ''],
])('%s', (_name, body, expected) => {
  expect(pretty(body)).toBe(expected);
});
